//! The keys of a gate's realms: set by the caller or adopted from the feed.

use super::Gate;
use crate::keys::{Key, KeyError, KeyRules, KeySource, Keys, ReadKeys, Skipped};
use crate::time::UnixSeconds;
use crate::verdict::{KeysFrom, RealmKeys};

impl Gate {
    /// Replaces a realm's keys. Returns `None` for an unknown realm. [`Gate::skipped_keys`] then lists the keys that
    /// were not used.
    ///
    /// # Errors
    /// The input is not a valid JWK set or has no usable key; the previous keys stay in use.
    pub fn set_keys(
        &mut self,
        realm: usize,
        jwks: &[u8],
        source: KeySource,
        usable_until: UnixSeconds,
    ) -> Option<Result<(), KeyError>> {
        self.realms.get(realm)?;
        Some(self.read_keys(realm, jwks, source, usable_until))
    }

    /// Returns the keys skipped in the last set read for a realm, from the caller or the feed, including a refused set.
    #[must_use]
    pub fn skipped_keys(&self, realm: usize) -> &[Skipped] {
        self.adopted.get(realm).map(|adopted| adopted.skipped.as_slice()).unwrap_or_default()
    }

    /// Removes a realm's keys: its tokens are refused with `keys_unavailable`.
    pub fn clear_keys(&mut self, realm: usize) {
        self.replace_keys(realm, RealmKeys::Unavailable);
    }

    /// Adopts the key set of a new state. If it has none, or none with a usable key, the realm has no keys: the
    /// previous set is out of date.
    pub(super) fn adopt_keys(&mut self, index: usize) {
        let (Some(realm), Some(adopted)) = (self.realms.get(index), self.adopted.get(index)) else { return };
        let jwks = realm.revocations.jwks();
        let is_read = jwks.is_some() && adopted.jwks.as_deref() == jwks;
        if realm.keys_from == KeysFrom::Feed && !is_read {
            let jwks = jwks.map(<[u8]>::to_vec);
            // The age limit of the feed also limits the use of its keys.
            let read = |jwks: &Vec<u8>| self.read_keys(index, jwks, KeySource::Url, UnixSeconds::MAX).ok();
            if jwks.as_ref().and_then(read).is_none() {
                self.replace_keys(index, RealmKeys::Unavailable);
            }
            if let Some(adopted) = self.adopted.get_mut(index) {
                if jwks.is_none() {
                    adopted.skipped.clear();
                }
                adopted.jwks = jwks;
            }
        }
        self.forget_banned(index);
    }

    fn read_keys(
        &mut self,
        index: usize,
        jwks: &[u8],
        source: KeySource,
        usable_until: UnixSeconds,
    ) -> Result<(), KeyError> {
        let rsa_default = self.realms.get(index).map(|realm| realm.policy.rsa_default).unwrap_or_default();
        let read = Keys::read(jwks, KeyRules { source, rsa_default });
        if let Some(adopted) = self.adopted.get_mut(index) {
            adopted.skipped = match &read {
                Ok(ReadKeys { skipped, .. }) | Err(KeyError::NoneUsable { skipped }) => skipped.clone(),
                Err(KeyError::TooLong { .. } | KeyError::NotJson | KeyError::NotAKeySet | KeyError::TooMany { .. }) => {
                    Vec::new()
                }
            };
        }
        self.replace_keys(index, RealmKeys::Loaded { keys: read?.keys, usable_until });
        Ok(())
    }

    /// Replaces the keys and drops the cached tokens of removed keys. A refetched set is usually the same.
    fn replace_keys(&mut self, index: usize, keys: RealmKeys) {
        let (Some(realm), Some(adopted)) = (self.realms.get_mut(index), self.adopted.get_mut(index)) else { return };
        let is_same = match (&realm.keys, &keys) {
            (RealmKeys::Loaded { keys: old, .. }, RealmKeys::Loaded { keys: new, .. }) => old.is_same_as(new),
            (RealmKeys::Unavailable, RealmKeys::Unavailable) => true,
            (RealmKeys::Loaded { .. }, RealmKeys::Unavailable) | (RealmKeys::Unavailable, RealmKeys::Loaded { .. }) => {
                false
            }
        };
        realm.keys = keys;
        adopted.jwks = None;
        if !is_same {
            self.key_sets += 1;
            realm.key_set = self.key_sets;
            self.cache.drop_unvouched(index, realm);
        }
        self.forget_banned(index);
    }

    /// Drops the cached tokens of banned keys too, so that none is left if the ban is lifted.
    fn forget_banned(&mut self, index: usize) {
        let (Some(realm), Some(adopted)) = (self.realms.get(index), self.adopted.get_mut(index)) else { return };
        let RealmKeys::Loaded { keys, .. } = &realm.keys else { return };
        let banned = keys.iter().map(Key::thumbprint).filter(|thumbprint| realm.revocations.bans(thumbprint));
        let banned: Vec<_> = banned.copied().collect();
        if banned != adopted.banned {
            adopted.banned = banned;
            self.cache.drop_unvouched(index, realm);
        }
    }
}

/// The keys adopted from a realm's feed, and the keys skipped in the last set.
#[derive(Debug, Default)]
pub(super) struct AdoptedKeys {
    /// The last key set read from the feed; most states carry the same one.
    jwks: Option<Vec<u8>>,
    /// Thumbprints of the banned keys in the set.
    banned: Vec<[u8; 32]>,
    /// The keys skipped in the last set read, from the feed or the caller.
    skipped: Vec<Skipped>,
}
