//! The edge's verifier: realms, each with its keys and its revocation state, and a clock that never goes back.

mod feed;
mod keys;
mod places;

pub use self::places::MAX_REALMS;
pub use crate::verdict::KeysFrom;

use self::keys::AdoptedKeys;
use crate::time::UnixSeconds;
use crate::verdict::{
    self, Algorithm, Algorithms, CacheLimits, Check, Entry, Finding, Handle, HostOutcome, Identified, IdentifyError,
    PendingSignature, PendingSignatures, Progress, Realm, Verdict, VerifiedTokenCache, WithdrawnKeys, WithdrawnToken,
};

/// Realms, the tokens cached as verified, and a clock. Everything is synchronous; fetching and waiting are the
/// caller's.
#[derive(Debug)]
pub struct Gate {
    realms: Vec<Realm>,
    adopted: Vec<AdoptedKeys>,
    cache: VerifiedTokenCache,
    awaiting_host: PendingSignatures,
    /// Key sets that this gate has had.
    key_sets: u32,
    latest: UnixSeconds,
}

impl Gate {
    /// A gate for these realms. Nothing is loaded: every token is refused until keys and state arrive.
    #[must_use]
    pub fn new(realms: Vec<(Realm, KeysFrom)>, limits: CacheLimits) -> Self {
        let adopted = realms.iter().map(|_| AdoptedKeys::default()).collect();
        let realms = realms.into_iter().map(|(realm, keys_from)| Realm { keys_from, ..realm }).collect();
        let (cache, awaiting_host) = (VerifiedTokenCache::new(limits), PendingSignatures::default());
        Self { realms, adopted, cache, awaiting_host, key_sets: 0, latest: UnixSeconds::ZERO }
    }

    /// Judges a token ([`verdict::judge`]) at `now`, or at the latest `now` that this gate was given, if that is later.
    pub fn check(&mut self, token: &str, now: UnixSeconds) -> Verdict {
        let finding = self.find(token.as_bytes(), now);
        verdict::verdict_of(token, finding)
    }

    /// Judges a token likewise and returns the finding, without its contents ([`verdict::find`]).
    ///
    /// # Errors
    /// The token is refused.
    pub fn find(&mut self, token: &[u8], now: UnixSeconds) -> Finding {
        let now = self.advance(now);
        verdict::find(token, &self.realms, &mut self.cache, now)
    }

    /// Begins to judge a token with the host's help, where its algorithm is one of `host` ([`verdict::begin`]).
    pub fn begin(&mut self, token: &[u8], host: Algorithms, now: UnixSeconds) -> Progress<Finding> {
        let now = self.advance(now);
        verdict::begin(token, &self.realms, &mut self.cache, &mut self.awaiting_host, host, now)
    }

    /// Judges a cached token by its entry ([`verdict::recheck`]). `None`: it must be judged from the beginning.
    pub fn recheck(&mut self, entry: Entry, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        verdict::recheck(entry, &self.realms, &mut self.cache, now)
    }

    /// The algorithm of a token that cannot be judged without the host ([`verdict::host_needed`]).
    pub fn host_needed(&mut self, token: &str, now: UnixSeconds) -> Option<Algorithm> {
        let now = self.advance(now);
        verdict::host_needed(token, &self.realms, now)
    }

    /// A token whose signature the host is checking.
    #[must_use]
    pub fn pending(&self, handle: Handle) -> Option<&PendingSignature> {
        self.awaiting_host.get(handle)
    }

    /// Finishes after [`Gate::begin`] ([`verdict::finish`]). `None`: the handle was used before, or too many others
    /// have been given out since; then nothing is known of the token and it must be judged from the beginning.
    pub fn finish(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        let pending = self.awaiting_host.take(handle)?;
        Some(verdict::finish(pending, outcome, &self.realms, &mut self.cache, now))
    }

    /// Every check with its outcome ([`verdict::explain`]).
    pub fn explain(&mut self, token: &str, now: UnixSeconds) -> Vec<Check> {
        let now = self.advance(now);
        verdict::explain(token, &self.realms, now)
    }

    /// Leaves the signature to the host so that the token can be explained ([`verdict::begin_to_explain`]).
    pub fn begin_to_explain(&mut self, token: &str, host: Algorithms, now: UnixSeconds) -> Progress<()> {
        let now = self.advance(now);
        verdict::begin_to_explain(token, &self.realms, &mut self.awaiting_host, host, now)
    }

    /// Finishes after [`Gate::begin_to_explain`] ([`verdict::finish_to_explain`]). `None`: the handle was used before,
    /// or too many others have been given out since.
    pub fn finish_to_explain(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Vec<Check>> {
        let now = self.advance(now);
        let pending = self.awaiting_host.take(handle)?;
        Some(verdict::finish_to_explain(&pending, outcome, &self.realms, now))
    }

    /// The index of the realm that a token names as its issuer ([`verdict::realm_of`]).
    #[must_use]
    pub fn realm_of(&self, token: &str) -> Option<usize> {
        verdict::realm_of(token, &self.realms)
    }

    /// Which access token this is ([`verdict::identify`]).
    ///
    /// # Errors
    /// The token belongs to another realm, is not an access token, or its realm has no keys.
    pub fn identify(&mut self, token: &str, now: UnixSeconds) -> Result<Identified, IdentifyError> {
        let now = self.advance(now);
        verdict::identify(token, &self.realms, now)
    }

    /// Which access token this is, where its issuer has withdrawn the key that signed it
    /// ([`verdict::identify_withdrawn`]).
    ///
    /// # Errors
    /// The token is not of these realms, not signed by one of those keys, or not an access token that any gate could
    /// accept.
    pub fn identify_withdrawn(
        &mut self,
        token: &str,
        withdrawn: &[WithdrawnKeys],
        now: UnixSeconds,
    ) -> Result<WithdrawnToken, IdentifyError> {
        let now = self.advance(now);
        verdict::identify_withdrawn(token, &self.realms, withdrawn, now)
    }

    /// Begins to identify a token with the host's help, where its algorithm is one of `host`
    /// ([`verdict::begin_to_identify`]).
    pub fn begin_to_identify(
        &mut self,
        token: &str,
        host: Algorithms,
        now: UnixSeconds,
    ) -> Progress<Result<Identified, IdentifyError>> {
        let now = self.advance(now);
        verdict::begin_to_identify(token, &self.realms, &mut self.awaiting_host, host, now)
    }

    /// Finishes after [`Gate::begin_to_identify`] ([`verdict::finish_to_identify`]). `None`: the handle was used
    /// before, or too many others have been given out since.
    pub fn finish_to_identify(
        &mut self,
        handle: Handle,
        outcome: HostOutcome,
        now: UnixSeconds,
    ) -> Option<Result<Identified, IdentifyError>> {
        let now = self.advance(now);
        let pending = self.awaiting_host.take(handle)?;
        Some(verdict::finish_to_identify(&pending, outcome, &self.realms, now))
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

    /// Workers freeze their clock between I/O, and machines set theirs back: time only moves on.
    fn advance(&mut self, now: UnixSeconds) -> UnixSeconds {
        self.latest = self.latest.max(now);
        self.latest
    }
}
