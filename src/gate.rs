//! The edge's verifier: realms, each with its keys and its revocation state, and a clock that never goes back.

use crate::error::{FeedError, KeyError};
use crate::explain::{self, Check};
use crate::keys::{KeyRules, KeySource, Keys, Skipped};
use crate::revocation::{peek_realm, Applied, Effect, Provided};
use crate::time::UnixSeconds;
use crate::verdict::{self, Identified, IntakeError, Realm, RealmKeys, Verdict};

/// Realms and a clock. Everything is synchronous; fetching and waiting are the caller's.
#[derive(Debug)]
pub struct Gate {
    realms: Vec<Realm>,
    sources: Vec<KeysFrom>,
    latest: UnixSeconds,
}

/// Where a realm's keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// The caller hands them in ([`Gate::set_keys`]).
    Caller,
    /// The realm's feed carries them.
    Feed,
}

/// What a JWK set gave.
#[derive(Debug)]
pub struct KeysReport {
    /// Keys in use now.
    pub accepted: usize,
    /// Members that were passed over.
    pub skipped: Vec<Skipped>,
}

impl Gate {
    /// A gate for these realms. Nothing is loaded: every token is refused until keys and state arrive.
    #[must_use]
    pub fn new(realms: Vec<(Realm, KeysFrom)>) -> Self {
        let (realms, sources) = realms.into_iter().unzip();
        Self { realms, sources, latest: UnixSeconds::ZERO }
    }

    /// Judges a token ([`verdict::judge`]) at `now`, or at the latest time this gate was told, if that is later.
    pub fn check(&mut self, token: &str, now: UnixSeconds) -> Verdict {
        let now = self.advance(now);
        verdict::judge(token, &self.realms, now)
    }

    /// Every check with its outcome ([`explain::explain`]).
    pub fn explain(&mut self, token: &str, now: UnixSeconds) -> Vec<Check> {
        let now = self.advance(now);
        explain::explain(token, &self.realms, now)
    }

    /// Which access token this is ([`verdict::identify`]).
    ///
    /// # Errors
    /// It is none of these realms', or no access token, or its realm's keys are not there.
    pub fn identify(&mut self, token: &str, now: UnixSeconds) -> Result<Identified, IntakeError> {
        let now = self.advance(now);
        verdict::identify(token, &self.realms, now)
    }

    /// Replaces a realm's keys. `None` when there is no such realm.
    ///
    /// # Errors
    /// The text is no JWK set or has no usable key; the keys before stay in use.
    pub fn set_keys(
        &mut self,
        realm: usize,
        jwks: &[u8],
        source: KeySource,
        usable_until: UnixSeconds,
    ) -> Option<Result<KeysReport, KeyError>> {
        self.realms.get_mut(realm).map(|realm| read_keys(realm, jwks, source, usable_until))
    }

    /// Takes a realm's keys away: its tokens get `keys_unavailable`.
    pub fn clear_keys(&mut self, realm: usize) {
        if let Some(realm) = self.realms.get_mut(realm) {
            realm.keys = RealmKeys::Unavailable;
        }
    }

    /// Which realm a feed message is for, and its sequence, before any signature is checked.
    ///
    /// # Errors
    /// No feed message, or of no realm here.
    pub fn peek_feed(&self, bytes: &[u8]) -> Result<(usize, u64), FeedError> {
        let (id, sequence) = peek_realm(bytes)?;
        let index = self.realms.iter().position(|realm| realm.revocations.realm() == id);
        index.map(|index| (index, sequence)).ok_or(FeedError::WrongRealm)
    }

    /// Checks a manifest or delta and applies it to its realm, all or nothing.
    ///
    /// # Errors
    /// Whatever is wrong with the message; nothing has changed.
    pub fn apply_feed(&mut self, bytes: &[u8], now: UnixSeconds) -> Result<(usize, Applied), FeedError> {
        let now = self.advance(now);
        let (index, _) = self.peek_feed(bytes)?;
        let realm = self.realms.get_mut(index).ok_or(FeedError::WrongRealm)?;
        let applied = realm.revocations.apply(bytes, now)?;
        match applied.effect {
            Effect::Changed | Effect::ChangedInPart => self.adopt_keys(index),
            Effect::Renewed | Effect::AlreadyKnown | Effect::Staged => {}
        }
        Ok((index, applied))
    }

    /// Takes in a section of a realm's state.
    ///
    /// # Errors
    /// It is not wanted or broken; nothing has changed.
    pub fn provide_section(&mut self, realm: usize, bytes: &[u8]) -> Result<Provided, FeedError> {
        let state = self.realms.get_mut(realm).ok_or(FeedError::WrongRealm)?;
        let provided = state.revocations.provide_section(bytes)?;
        match provided {
            Provided::Committed => self.adopt_keys(realm),
            Provided::Stored => {}
        }
        Ok(provided)
    }

    /// A realm by its place in the list that was given.
    #[must_use]
    pub fn realm(&self, index: usize) -> Option<&Realm> {
        self.realms.get(index)
    }

    /// Keys that came with the feed. No set, or one without a usable key, leaves none: what the one before says holds no
    /// longer.
    fn adopt_keys(&mut self, index: usize) {
        let (Some(realm), Some(KeysFrom::Feed)) = (self.realms.get_mut(index), self.sources.get(index)) else {
            return;
        };
        let jwks = realm.revocations.jwks().map(<[u8]>::to_vec);
        // The feed's own age bounds the use of its keys.
        if jwks.is_none_or(|jwks| read_keys(realm, &jwks, KeySource::Url, UnixSeconds::MAX).is_err()) {
            realm.keys = RealmKeys::Unavailable;
        }
    }

    /// Workers freeze their clock between I/O, and machines set theirs back: time only moves on.
    fn advance(&mut self, now: UnixSeconds) -> UnixSeconds {
        self.latest = self.latest.max(now);
        self.latest
    }
}

fn read_keys(
    realm: &mut Realm,
    jwks: &[u8],
    source: KeySource,
    usable_until: UnixSeconds,
) -> Result<KeysReport, KeyError> {
    let read = Keys::read(jwks, KeyRules { source, rsa_default: realm.policy.rsa_default })?;
    let report = KeysReport { accepted: read.keys.iter().count(), skipped: read.skipped };
    realm.keys = RealmKeys::Loaded { keys: read.keys, usable_until };
    Ok(report)
}
