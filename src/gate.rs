//! The edge's verifier: realms, each with its keys and its revocation state, and a clock that never goes back.

use crate::error::FeedError;
use crate::explain::{self, Check};
use crate::keys::{Key, KeyError, KeyRules, KeySource, Keys, Skipped, MAX_KEYS};
use crate::revocation::{peek_realm, Applied, Effect, Marks, Provided};
use crate::time::UnixSeconds;
use crate::verdict::{
    self, Algorithm, Algorithms, Begun, BegunIntake, CacheLimits, Entry, Finding, Handle, Handles, HostOutcome,
    Identified,
};
use crate::verdict::{IntakeError, Pending, Realm, RealmKeys, Verdict, VerifiedTokens, WithdrawnKeys, WithdrawnToken};

pub use crate::verdict::KeysFrom;

/// Realms, the tokens remembered as verified, and a clock. Everything is synchronous; fetching and waiting are the caller's.
#[derive(Debug)]
pub struct Gate {
    realms: Vec<Realm>,
    origins: Vec<KeyOrigin>,
    verified: VerifiedTokens,
    at_host: Handles,
    /// Key sets that this gate has had.
    sets: u32,
    latest: UnixSeconds,
}

/// What was seen of a realm's keys.
#[derive(Debug)]
struct KeyOrigin {
    /// The feed's key set that was read last; most states say the same.
    adopted: Option<Vec<u8>>,
    /// Thumbprints of those keys in the set that are banned.
    banned: Vec<[u8; 32]>,
    /// Which of the sets that this gate has had.
    set: u32,
}

/// How far [`Gate::begin`] got.
#[derive(Debug)]
pub enum Progress {
    /// To the end.
    Decided(Finding),
    /// To the signature, which is the host's to check.
    AtHost {
        /// Names the token, once.
        handle: Handle,
        /// Names the key, by which the host may keep what it made of it. The same number never means another key.
        key_number: u32,
    },
}

/// How far [`Gate::begin_to_identify`] got.
#[derive(Debug)]
pub enum IntakeProgress {
    /// To the end.
    Decided(Result<Identified, IntakeError>),
    /// To the signature, as in [`Progress::AtHost`].
    AtHost {
        /// Names the token, once.
        handle: Handle,
        /// Names the key.
        key_number: u32,
    },
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
    pub fn new(realms: Vec<(Realm, KeysFrom)>, verified: CacheLimits) -> Self {
        let origin = |(realm, keys_from)| {
            let realm = Realm { keys_from, ..realm };
            (realm, KeyOrigin { adopted: None, banned: Vec::new(), set: 0 })
        };
        let (realms, origins) = realms.into_iter().map(origin).unzip();
        let verified = VerifiedTokens::new(verified);
        Self { realms, origins, verified, at_host: Handles::default(), sets: 0, latest: UnixSeconds::ZERO }
    }

    /// Judges a token ([`verdict::judge`]) at `now`, or at the latest time this gate was told, if that is later.
    pub fn check(&mut self, token: &str, now: UnixSeconds) -> Verdict {
        let finding = self.find(token.as_bytes(), now);
        verdict::verdict_on(token, finding)
    }

    /// Judges a token likewise and says what was found, without its contents ([`verdict::find`]).
    ///
    /// # Errors
    /// The token is refused.
    pub fn find(&mut self, token: &[u8], now: UnixSeconds) -> Finding {
        let now = self.advance(now);
        verdict::find(token, &self.realms, &mut self.verified, now)
    }

    /// Begins to judge a token with the host's help, where its algorithm is one of `host` ([`verdict::begin`]).
    pub fn begin(&mut self, token: &[u8], host: Algorithms, now: UnixSeconds) -> Progress {
        let now = self.advance(now);
        match verdict::begin(token, &self.realms, &mut self.verified, host, now) {
            Begun::Decided(finding) => Progress::Decided(finding),
            Begun::Pending(pending) => match self.key_number(&pending) {
                Some(key_number) => Progress::AtHost { handle: self.at_host.put(pending), key_number },
                None => Progress::Decided(self.find(token, now)),
            },
        }
    }

    /// Judges a token that is remembered as verified, by its entry ([`verdict::recheck`]). `None`: it must be judged from the
    /// beginning.
    pub fn recheck(&mut self, entry: Entry, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        verdict::recheck(entry, &self.realms, &mut self.verified, now)
    }

    /// The algorithm of a token that cannot be judged without the host ([`verdict::host_needed`]).
    pub fn host_needed(&mut self, token: &str, now: UnixSeconds) -> Option<Algorithm> {
        let now = self.advance(now);
        verdict::host_needed(token, &self.realms, now)
    }

    /// A token that is at the host.
    #[must_use]
    pub fn pending(&self, handle: Handle) -> Option<&Pending> {
        self.at_host.get(handle)
    }

    /// Ends what [`Gate::begin`] began ([`verdict::finish`]). `None`: the handle was used before, or too many others have been
    /// given out since; then nothing is known of the token and it must be judged from the beginning.
    pub fn finish(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        let pending = self.at_host.take(handle)?;
        Some(verdict::finish(pending, outcome, &self.realms, &mut self.verified, now))
    }

    /// Every check with its outcome ([`explain::explain`]).
    pub fn explain(&mut self, token: &str, now: UnixSeconds) -> Vec<Check> {
        let now = self.advance(now);
        explain::explain(token, &self.realms, now)
    }

    /// Hands a token to the host so that it can be explained ([`verdict::begin_to_explain`]). `None`: [`Gate::explain`] does
    /// without the host.
    pub fn begin_to_explain(&mut self, token: &str, host: Algorithms, now: UnixSeconds) -> Option<(Handle, u32)> {
        let now = self.advance(now);
        let pending = verdict::begin_to_explain(token, &self.realms, host, now)?;
        let key_number = self.key_number(&pending)?;
        Some((self.at_host.put(pending), key_number))
    }

    /// Ends what [`Gate::begin_to_explain`] began ([`explain::explain_by_host`]). `None`: the handle was used before, or too
    /// many others have been given out since.
    pub fn finish_to_explain(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Vec<Check>> {
        let now = self.advance(now);
        let pending = self.at_host.take(handle)?;
        Some(explain::explain_by_host(&pending, outcome, &self.realms, now))
    }

    /// Which access token this is ([`verdict::identify`]).
    ///
    /// # Errors
    /// It is none of these realms', or no access token, or its realm's keys are not there.
    pub fn identify(&mut self, token: &str, now: UnixSeconds) -> Result<Identified, IntakeError> {
        let now = self.advance(now);
        verdict::identify(token, &self.realms, now)
    }

    /// Which access token this is, where its issuer has withdrawn the key that signed it ([`verdict::identify_withdrawn`]).
    ///
    /// # Errors
    /// The token is not of these realms, not signed by one of those keys, or not an access token that any gate could accept.
    pub fn identify_withdrawn(
        &mut self,
        token: &str,
        withdrawn: &[WithdrawnKeys],
        now: UnixSeconds,
    ) -> Result<WithdrawnToken, IntakeError> {
        let now = self.advance(now);
        verdict::identify_withdrawn(token, &self.realms, withdrawn, now)
    }

    /// Begins to identify a token with the host's help, where its algorithm is one of `host`
    /// ([`verdict::begin_to_identify`]).
    pub fn begin_to_identify(&mut self, token: &str, host: Algorithms, now: UnixSeconds) -> IntakeProgress {
        let now = self.advance(now);
        match verdict::begin_to_identify(token, &self.realms, host, now) {
            BegunIntake::Decided(identified) => IntakeProgress::Decided(identified),
            BegunIntake::Pending(pending) => match self.key_number(&pending) {
                Some(key_number) => IntakeProgress::AtHost { handle: self.at_host.put(pending), key_number },
                None => IntakeProgress::Decided(self.identify(token, now)),
            },
        }
    }

    /// Ends what [`Gate::begin_to_identify`] began ([`verdict::finish_to_identify`]). `None`: the handle was used before, or
    /// too many others have been given out since.
    pub fn finish_to_identify(
        &mut self,
        handle: Handle,
        outcome: HostOutcome,
        now: UnixSeconds,
    ) -> Option<Result<Identified, IntakeError>> {
        let now = self.advance(now);
        let pending = self.at_host.take(handle)?;
        Some(verdict::finish_to_identify(&pending, outcome, &self.realms, now))
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
        self.realms.get(realm)?;
        Some(self.read_keys(realm, jwks, source, usable_until))
    }

    /// Takes a realm's keys away: its tokens get `keys_unavailable`.
    pub fn clear_keys(&mut self, realm: usize) {
        self.replace_keys(realm, RealmKeys::Unavailable);
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

    /// Checks a manifest or delta and applies it to the realm with that index, all or nothing.
    ///
    /// # Errors
    /// Whatever is wrong with the message, [`FeedError::WrongRealm`] if it belongs to another realm, also to another one of
    /// this gate; nothing has changed.
    pub fn apply_feed(&mut self, realm: usize, bytes: &[u8], now: UnixSeconds) -> Result<Applied, FeedError> {
        let now = self.advance(now);
        let revocations = &mut self.realms.get_mut(realm).ok_or(FeedError::WrongRealm)?.revocations;
        let applied = revocations.apply(bytes, now)?;
        match applied.effect {
            Effect::Changed | Effect::ChangedInPart => self.adopt(realm),
            Effect::Renewed | Effect::AlreadyKnown | Effect::Staged => {}
        }
        Ok(applied)
    }

    /// Takes in a section of a realm's state. `name`: its SHA-256, where the host has computed it
    /// ([`Revocations::provide_section_hashed_by_host`](crate::revocation::Revocations::provide_section_hashed_by_host)).
    ///
    /// # Errors
    /// It is not wanted or broken; nothing has changed.
    pub fn provide_section(
        &mut self,
        realm: usize,
        bytes: Vec<u8>,
        name: Option<[u8; 32]>,
    ) -> Result<Provided, FeedError> {
        let revocations = &mut self.realms.get_mut(realm).ok_or(FeedError::WrongRealm)?.revocations;
        let provided = match name {
            Some(name) => revocations.provide_section_hashed_by_host(bytes, name)?,
            None => revocations.provide_section(bytes)?,
        };
        match provided {
            Provided::Committed => self.adopt(realm),
            Provided::Stored => {}
        }
        Ok(provided)
    }

    /// How far a realm's state has come, and the latest time that this gate was told: what a gate that replaces it must be given.
    #[must_use]
    pub fn marks(&self, realm: usize) -> Option<(Marks, UnixSeconds)> {
        Some((self.realms.get(realm)?.revocations.marks(), self.latest))
    }

    /// Makes a new gate start where a lost one ended ([`Revocations::resume`](crate::revocation::Revocations::resume)), in this realm
    /// and in time. Keys and state have to be loaded again.
    pub fn resume(&mut self, realm: usize, marks: Marks, latest: UnixSeconds) {
        self.advance(latest);
        if let Some(realm) = self.realms.get_mut(realm) {
            realm.revocations.resume(marks);
        }
    }

    /// The sections to fetch first for a token ([`verdict::missing_sections`]).
    #[must_use]
    pub fn missing_sections(&self, token: &str) -> Vec<[u8; 32]> {
        verdict::missing_sections(token, &self.realms)
    }

    /// A realm by its place in the list that was given.
    #[must_use]
    pub fn realm(&self, index: usize) -> Option<&Realm> {
        self.realms.get(index)
    }

    /// The number of a key that is in use.
    fn key_number(&self, pending: &Pending) -> Option<u32> {
        let realm = self.realms.get(pending.realm())?;
        let RealmKeys::Loaded { keys, .. } = &realm.keys else { return None };
        let is_it = |key: &Key| key.is_same_as(pending.key());
        let place = u32::try_from(keys.iter().position(is_it)?).ok()?;
        self.origins.get(pending.realm())?.set.checked_mul(KEYS_NUMBERED)?.checked_add(place)
    }

    /// Takes over what a new state says of keys. No set, or one without a usable key, leaves none: what the one before says
    /// holds no longer.
    fn adopt(&mut self, index: usize) {
        let (Some(realm), Some(origin)) = (self.realms.get(index), self.origins.get(index)) else { return };
        let jwks = realm.revocations.jwks();
        let is_read = jwks.is_some() && origin.adopted.as_deref() == jwks;
        if realm.keys_from == KeysFrom::Feed && !is_read {
            let jwks = jwks.map(<[u8]>::to_vec);
            // The feed's own age bounds the use of its keys.
            let read = |jwks: &Vec<u8>| self.read_keys(index, jwks, KeySource::Url, UnixSeconds::MAX).ok();
            if jwks.as_ref().and_then(read).is_none() {
                self.replace_keys(index, RealmKeys::Unavailable);
            }
            if let Some(origin) = self.origins.get_mut(index) {
                origin.adopted = jwks;
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
    ) -> Result<KeysReport, KeyError> {
        let rsa_default = self.realms.get(index).map(|realm| realm.policy.rsa_default).unwrap_or_default();
        let read = Keys::read(jwks, KeyRules { source, rsa_default })?;
        let report = KeysReport { accepted: read.keys.iter().count(), skipped: read.skipped };
        self.replace_keys(index, RealmKeys::Loaded { keys: read.keys, usable_until });
        Ok(report)
    }

    /// What was verified under a key goes with that key. Most sets that are fetched again are the same.
    fn replace_keys(&mut self, index: usize, keys: RealmKeys) {
        let (Some(realm), Some(origin)) = (self.realms.get_mut(index), self.origins.get_mut(index)) else { return };
        let is_same = match (&realm.keys, &keys) {
            (RealmKeys::Loaded { keys: old, .. }, RealmKeys::Loaded { keys: new, .. }) => old.is_same_as(new),
            (RealmKeys::Unavailable, RealmKeys::Unavailable) => true,
            (RealmKeys::Loaded { .. }, RealmKeys::Unavailable) | (RealmKeys::Unavailable, RealmKeys::Loaded { .. }) => {
                false
            }
        };
        realm.keys = keys;
        origin.adopted = None;
        if !is_same {
            self.sets += 1;
            origin.set = self.sets;
            self.verified.drop_unvouched(index, realm);
        }
        self.forget_banned(index);
    }

    /// What was verified under a key that is now banned goes as well, so that nothing of it is left if the ban is corrected.
    fn forget_banned(&mut self, index: usize) {
        let (Some(realm), Some(origin)) = (self.realms.get(index), self.origins.get_mut(index)) else { return };
        let RealmKeys::Loaded { keys, .. } = &realm.keys else { return };
        let banned = keys.iter().map(Key::thumbprint).filter(|thumbprint| realm.revocations.bans(thumbprint));
        let banned: Vec<_> = banned.copied().collect();
        if banned != origin.banned {
            origin.banned = banned;
            self.verified.drop_unvouched(index, realm);
        }
    }

    /// Workers freeze their clock between I/O, and machines set theirs back: time only moves on.
    fn advance(&mut self, now: UnixSeconds) -> UnixSeconds {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// Numbers set aside for the keys of one set; no set has more.
const KEYS_NUMBERED: u32 = 128;
const _: () = assert!(MAX_KEYS <= KEYS_NUMBERED as usize);
