//! The places of a gate's realms. A realm is named by its place, and a place that is free is taken again.

use super::keys::AdoptedKeys;
use super::Gate;
use crate::verdict::{KeysFrom, Realm};

/// Places of a gate: a finding names one in 16 bits, in which 0 stands for none.
pub const MAX_REALMS: usize = u16::MAX as usize - 1;

impl Gate {
    /// Adds a realm in the first free place and returns its index. Nothing is loaded: its tokens are refused until keys and state
    /// arrive. `None`: there is no free place.
    pub fn add_realm(&mut self, realm: Realm, keys_from: KeysFrom) -> Option<usize> {
        let index = self.realms.iter().position(Realm::is_vacant).unwrap_or(self.realms.len());
        if index >= MAX_REALMS {
            return None;
        }
        // Numbers of keys name no key that the realm before had.
        self.key_sets += 1;
        let realm = Realm { keys_from, key_set: self.key_sets, ..realm };
        match self.realms.get_mut(index) {
            Some(place) => *place = realm,
            None => {
                self.realms.push(realm);
                self.adopted.push(AdoptedKeys::default());
            }
        }
        Some(index)
    }

    /// Removes a realm and frees its place. All that names the place goes with it: keys, state, verified tokens, and tokens whose
    /// signature the host is checking. The next realm there may have the same keys, as tenants of one server do.
    pub fn remove_realm(&mut self, index: usize) {
        let (Some(place), Some(adopted)) = (self.realms.get_mut(index), self.adopted.get_mut(index)) else { return };
        *place = Realm::vacant();
        *adopted = AdoptedKeys::default();
        self.cache.drop_realm(index);
        self.awaiting_host.drop_realm(index);
    }
}
