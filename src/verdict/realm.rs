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
    /// Its demands on a token.
    pub policy: Policy,
    /// Where its keys come from.
    pub keys_from: KeysFrom,
    /// Its keys.
    pub keys: RealmKeys,
    /// Its revocations.
    pub revocations: Revocations,
    /// The digest of its policy.
    pub(crate) digest: PolicyDigest,
    /// Number of the key set in use, among all that its gate has had.
    pub(crate) key_set: u32,
}

impl Realm {
    /// A realm that knows its policy and nothing else: no keys, no revocation state. `feed_keys` are the pinned keys
    /// its feed is signed with.
    #[must_use]
    pub fn new(name: impl Into<String>, policy: Policy, feed_keys: Vec<FeedKey>, bounds: Bounds) -> Self {
        let revocations = Revocations::new(RealmId::of(policy.issuer.id()), feed_keys, bounds);
        let (keys_from, keys) = (KeysFrom::Caller, RealmKeys::Unavailable);
        let digest = policy.digest();
        Self { name: name.into(), policy, keys_from, keys, revocations, digest, key_set: 0 }
    }

    /// A free place: the realm of no token. No feed key is pinned, so it takes no message.
    pub(crate) fn vacant() -> Self {
        let issuer = IssuerNames::new(String::new(), None, Subjects::default());
        let policy = Policy::new(issuer, Audience::AnyOf(Vec::new()), Profile::Generic);
        Self::new("", Policy { max_token_bytes: 0, ..policy }, Vec::new(), Bounds::default())
    }

    /// Whether it is the realm of no token.
    pub(crate) fn is_vacant(&self) -> bool {
        self.policy.issuer.names().next().is_none()
    }

    /// The keys that may be used at `now`.
    ///
    /// # Errors
    /// [`Reason::NoFeed`] where the feed is to bring them and nothing of it has arrived: it is the feed that is
    /// missing, not the issuer. Otherwise [`Reason::KeysUnavailable`].
    pub(super) fn keys_at(&self, now: UnixSeconds) -> Result<&Keys, Reason> {
        self.keys.usable_at(now).ok_or_else(|| match (&self.keys, self.keys_from, self.revocations.position()) {
            (RealmKeys::Unavailable, KeysFrom::Feed, None) => Reason::NoFeed,
            (RealmKeys::Unavailable | RealmKeys::Loaded { .. }, KeysFrom::Feed | KeysFrom::Caller, _) => {
                Reason::KeysUnavailable
            }
        })
    }

    /// How the realm's policy, as it was when the realm was made, compares with the one that the feed states.
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        agreement(&self.digest, self.revocations.stated_policy())
    }

    /// The options in which both policies differ; none unless [`Realm::agreement`] is [`Agreement::Differs`].
    #[must_use]
    pub fn policy_differences(&self) -> Vec<&'static str> {
        match (self.agreement(), self.revocations.stated_policy()) {
            (Agreement::Differs, Some(stated)) => self.policy.differences_from(&stated.fields),
            (Agreement::Same | Agreement::Differs | Agreement::NotStated | Agreement::OtherVersion, _) => Vec::new(),
        }
    }

    /// The number of a key that is in use. In a gate, the same number never means another key.
    pub(super) fn key_number(&self, key: &Key) -> Option<u32> {
        let RealmKeys::Loaded { keys, .. } = &self.keys else { return None };
        let place = u32::try_from(keys.iter().position(|other| other.is_same_as(key))?).ok()?;
        self.key_set.checked_mul(NUMBERS_PER_SET)?.checked_add(place)
    }
}

/// Numbers set aside for the keys of one set; no set has more.
const NUMBERS_PER_SET: u32 = 1024;
const _: () = assert!(MAX_KEYS <= NUMBERS_PER_SET as usize);

/// Where a realm's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// The caller hands them in ([`Gate::set_keys`](crate::gate::Gate::set_keys)).
    Caller,
    /// The realm's feed carries them.
    Feed,
}

/// The keys of a realm.
#[derive(Debug)]
pub enum RealmKeys {
    /// Never fetched, or given up.
    Unavailable,
    /// Keys that may be used as long as now is not beyond `usable_until`; for configured ones that is
    /// [`UnixSeconds::MAX`].
    Loaded {
        /// The keys.
        keys: Keys,
        /// The hard end of their use when they could not be fetched again.
        usable_until: UnixSeconds,
    },
}

impl RealmKeys {
    /// The keys, as long as they may be used.
    pub(super) fn usable_at(&self, now: UnixSeconds) -> Option<&Keys> {
        match self {
            Self::Loaded { keys, usable_until } if now <= *usable_until => Some(keys),
            Self::Loaded { .. } | Self::Unavailable => None,
        }
    }
}
