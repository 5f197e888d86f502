//! The keys of a gate's realms: handed in, or taken from the feed.

use super::Gate;
use crate::keys::{Key, KeyError, KeyRules, KeySource, Keys, ReadKeys, Skipped};
use crate::time::UnixSeconds;
use crate::verdict::{KeysFrom, RealmKeys};

impl Gate {
    /// Replaces a realm's keys. Returns `None` for an unknown realm. [`Gate::skipped_keys`] then lists the keys that
    /// were not used.
    ///
    /// # Errors
    /// The text is no JWK set or has no usable key; the keys before stay in use.
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

    /// The skipped keys of the set that was read last for a realm, from the caller or its feed, also of a refused set.
    #[must_use]
    pub fn skipped_keys(&self, realm: usize) -> &[Skipped] {
        self.adopted.get(realm).map(|adopted| adopted.skipped.as_slice()).unwrap_or_default()
    }

    /// Takes a realm's keys away: its tokens get `keys_unavailable`.
    pub fn clear_keys(&mut self, realm: usize) {
        self.replace_keys(realm, RealmKeys::Unavailable);
    }

    /// Takes over the key set of a new state. No set, or one without a usable key, leaves none: the one before is out
    /// of date.
    pub(super) fn adopt_keys(&mut self, index: usize) {
        let (Some(realm), Some(adopted)) = (self.realms.get(index), self.adopted.get(index)) else { return };
        let jwks = realm.revocations.jwks();
        let is_read = jwks.is_some() && adopted.jwks.as_deref() == jwks;
        if realm.keys_from == KeysFrom::Feed && !is_read {
            let jwks = jwks.map(<[u8]>::to_vec);
            // The feed's own age bounds the use of its keys.
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

    /// Drops the cached tokens of the keys that go. Most sets that are fetched again are the same.
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

    /// Drops the cached tokens of banned keys as well, so that none is left if the ban is corrected.
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

/// The keys that a realm took from its feed, and which keys of the last set it did not take.
#[derive(Debug, Default)]
pub(super) struct AdoptedKeys {
    /// The feed's key set that was read last; most states say the same.
    jwks: Option<Vec<u8>>,
    /// Thumbprints of those keys in the set that are banned.
    banned: Vec<[u8; 32]>,
    /// The skipped keys of the set that was read last, from the feed or the caller.
    skipped: Vec<Skipped>,
}
