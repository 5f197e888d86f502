//! One issuer: its policy, its keys and its revocation state.

use super::agreement::{agreement, Agreement};
use super::reason::Reason;
use crate::keys::{Key, Keys, MAX_KEYS};
use crate::policy::{Audience, IssuerNames, Policy, PolicyDigest, Profile, Subjects};
use crate::revocation::{Bounds, FeedKey, RealmId, Revocations};
use crate::time::UnixSeconds;

/// One issuer: policy, keys, and revocations.
#[derive(Debug)]
pub struct Realm {
    /// A short name for routes and reports.
    pub name: String,
    /// Its requirements for tokens.
    pub policy: Policy,
    /// The source of its keys.
    pub keys_from: KeysFrom,
    /// Its keys.
    pub keys: RealmKeys,
    /// Its revocation state.
    pub revocations: Revocations,
    /// The digest of its policy.
    pub(crate) digest: PolicyDigest,
    /// Number of the key set in use, counted over all key sets of its gate.
    pub(crate) key_set: u32,
}

impl Realm {
    /// Creates a realm without keys and revocation state. `feed_keys` are the pinned keys its feed is signed with.
    #[must_use]
    pub fn new(name: impl Into<String>, policy: Policy, feed_keys: Vec<FeedKey>, bounds: Bounds) -> Self {
        let revocations = Revocations::new(RealmId::of(policy.issuer.id()), feed_keys, bounds);
        let (keys_from, keys) = (KeysFrom::Caller, RealmKeys::Unavailable);
        let digest = policy.digest();
        Self { name: name.into(), policy, keys_from, keys, revocations, digest, key_set: 0 }
    }

    /// A placeholder for a free slot. It matches no token and, without feed keys, accepts no message.
    pub(crate) fn vacant() -> Self {
        let issuer = IssuerNames::new(String::new(), None, Subjects::default());
        let policy = Policy::new(issuer, Audience::AnyOf(Vec::new()), Profile::Generic);
        Self::new("", Policy { max_token_bytes: 0, ..policy }, Vec::new(), Bounds::default())
    }

    /// Whether the realm is a placeholder for a free slot.
    pub(crate) fn is_vacant(&self) -> bool {
        self.policy.issuer.names().next().is_none()
    }

    /// The keys that may be used at `now`.
    ///
    /// # Errors
    /// [`Reason::NoFeed`] if the keys come with the feed and nothing has arrived: then the feed is missing, not the
    /// issuer. Otherwise [`Reason::KeysUnavailable`].
    pub(super) fn keys_at(&self, now: UnixSeconds) -> Result<&Keys, Reason> {
        self.keys.usable_at(now).ok_or_else(|| match (&self.keys, self.keys_from, self.revocations.position()) {
            (RealmKeys::Unavailable, KeysFrom::Feed, None) => Reason::NoFeed,
            (RealmKeys::Unavailable | RealmKeys::Loaded { .. }, KeysFrom::Feed | KeysFrom::Caller, _) => {
                Reason::KeysUnavailable
            }
        })
    }

    /// Compares the realm's policy at its creation with the one stated in the feed.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        agreement(&self.digest, self.revocations.stated_policy())
    }

    /// The options in which the two policies differ; empty unless [`Realm::agreement`] is [`Agreement::Differs`].
    #[must_use]
    pub fn policy_differences(&self) -> Vec<&'static str> {
        match (self.agreement(), self.revocations.stated_policy()) {
            (Agreement::Differs, Some(stated)) => self.policy.differences_from(&stated.fields),
            (Agreement::Same | Agreement::Differs | Agreement::NotStated | Agreement::OtherVersion, _) => Vec::new(),
        }
    }

    /// The number of a key in use. A gate never reuses it for another key.
    pub(super) fn key_number(&self, key: &Key) -> Option<u32> {
        let RealmKeys::Loaded { keys, .. } = &self.keys else { return None };
        let place = u32::try_from(keys.iter().position(|other| other.is_same_as(key))?).ok()?;
        self.key_set.checked_mul(NUMBERS_PER_SET)?.checked_add(place)
    }
}

/// Numbers reserved for the keys of one set; no set has more keys.
const NUMBERS_PER_SET: u32 = 1024;
const _: () = assert!(MAX_KEYS <= NUMBERS_PER_SET as usize);

/// The source of a realm's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// The caller sets them ([`Gate::set_keys`](crate::gate::Gate::set_keys)).
    Caller,
    /// The realm's feed carries them.
    Feed,
}

/// The keys of a realm.
#[derive(Debug)]
pub enum RealmKeys {
    /// Never loaded, or removed.
    Unavailable,
    /// Keys that may be used up to and including `usable_until`, which is [`UnixSeconds::MAX`] for configured keys.
    Loaded {
        /// The keys.
        keys: Keys,
        /// The last second of their use if they cannot be fetched again.
        usable_until: UnixSeconds,
    },
}

impl RealmKeys {
    /// The keys, if they may still be used at `now`.
    pub(super) fn usable_at(&self, now: UnixSeconds) -> Option<&Keys> {
        match self {
            Self::Loaded { keys, usable_until } if now <= *usable_until => Some(keys),
            Self::Loaded { .. } | Self::Unavailable => None,
        }
    }
}
