//! The places of a gate's realms. A realm is named by its place, and a place that is free is taken again.

use super::keys::AdoptedKeys;
use super::Gate;
use crate::verdict::{KeysFrom, Realm, RealmKeys};

/// Places of a gate: a finding names one in 16 bits, in which 0 stands for none.
pub const MAX_REALMS: usize = u16::MAX as usize - 1;

impl Gate {
    /// Adds a realm in the first free place and returns its index. Nothing is loaded: its tokens are refused until keys
    /// and state arrive. `None`: there is no free place.
    pub fn add_realm(&mut self, realm: Realm, keys_from: KeysFrom) -> Option<usize> {
        let index = self.realms.iter().position(Realm::is_vacant).unwrap_or(self.realms.len());
        self.put_realm(index, realm, keys_from).then_some(index)
    }

    /// Removes a realm and frees its place.
    pub fn remove_realm(&mut self, index: usize) {
        if index < self.realms.len() {
            self.put_realm(index, Realm::vacant(), KeysFrom::Caller);
        }
    }

    /// Puts a realm in a place; those before it that are not there yet are free. All that names the place goes with the
    /// realm that was there: keys, state, verified tokens, and tokens whose signature the host is checking. The new
    /// realm may have the same keys, as tenants of one server do. False: there is no such place.
    pub fn put_realm(&mut self, index: usize, realm: Realm, keys_from: KeysFrom) -> bool {
        if index >= MAX_REALMS {
            return false;
        }
        while self.realms.len() <= index {
            self.realms.push(Realm::vacant());
            self.adopted.push(AdoptedKeys::default());
        }
        let (Some(place), Some(adopted)) = (self.realms.get_mut(index), self.adopted.get_mut(index)) else {
            return false;
        };
        // Without keys, nothing vouches for a token of the realm that goes.
        place.keys = RealmKeys::Unavailable;
        self.cache.drop_unvouched(index, place);
        self.awaiting_host.drop_realm(index);
        // No key has a number that named another one.
        self.key_sets += 1;
        *place = Realm { keys_from, key_set: self.key_sets, ..realm };
        *adopted = AdoptedKeys::default();
        true
    }
}
