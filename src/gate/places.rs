//! The slots of a gate's realms. A realm's index is its slot, and freed slots are reused.

use super::keys::AdoptedKeys;
use super::Gate;
use crate::verdict::{KeysFrom, Realm, RealmKeys};

/// Maximum number of realms of a gate: a finding has 16 bits for the realm, and 0 means none.
pub const MAX_REALMS: usize = u16::MAX as usize - 1;

impl Gate {
    /// Adds a realm in the first free slot and returns its index, or `None` if all slots are taken. The realm's tokens
    /// are refused until keys and state arrive.
    pub fn add_realm(&mut self, realm: Realm, keys_from: KeysFrom) -> Option<usize> {
        let index = self.realms.iter().position(Realm::is_vacant).unwrap_or(self.realms.len());
        self.put_realm(index, realm, keys_from).then_some(index)
    }

    /// Removes a realm and frees its slot.
    pub fn remove_realm(&mut self, index: usize) {
        if index < self.realms.len() {
            self.put_realm(index, Realm::vacant(), KeysFrom::Caller);
        }
    }

    /// Puts a realm in a slot and creates free slots before it as needed. Everything of the previous realm there is
    /// dropped: keys, state, verified tokens, and tokens whose signature the host is verifying. The new realm may have
    /// the same keys, as tenants of one server do. Returns false if the index is too large.
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
        // Without keys, no cached token of the previous realm stays valid.
        place.keys = RealmKeys::Unavailable;
        self.cache.drop_unvouched(index, place);
        self.awaiting_host.drop_realm(index);
        // Key numbers are never reused.
        self.key_sets += 1;
        *place = Realm { keys_from, key_set: self.key_sets, ..realm };
        *adopted = AdoptedKeys::default();
        true
    }
}
