//! The edge's verifier: realms, each with its keys and revocation state, and a monotonic clock.

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

/// Realms, the cache of verified tokens, and a clock. Everything is synchronous; the caller fetches and waits.
#[derive(Debug)]
pub struct Gate {
    realms: Vec<Realm>,
    adopted: Vec<AdoptedKeys>,
    cache: VerifiedTokenCache,
    awaiting_host: PendingSignatures,
    /// Number of key sets this gate has had so far.
    key_sets: u32,
    latest: UnixSeconds,
}

impl Gate {
    /// Creates a gate for these realms. Nothing is loaded yet: every token is refused until keys and state arrive.
    #[must_use]
    pub fn new(realms: Vec<(Realm, KeysFrom)>, limits: CacheLimits) -> Self {
        let adopted = realms.iter().map(|_| AdoptedKeys::default()).collect();
        let realms = realms.into_iter().map(|(realm, keys_from)| Realm { keys_from, ..realm }).collect();
        let (cache, awaiting_host) = (VerifiedTokenCache::new(limits), PendingSignatures::default());
        Self { realms, adopted, cache, awaiting_host, key_sets: 0, latest: UnixSeconds::ZERO }
    }

    /// Judges a token ([`verdict::judge`]) at `now`, or at the latest `now` passed to this gate, if that is later.
    pub fn check(&mut self, token: &str, now: UnixSeconds) -> Verdict {
        let finding = self.find(token.as_bytes(), now);
        verdict::verdict_of(token, finding)
    }

    /// Judges a token like [`Gate::check`], but returns the finding without the token's contents ([`verdict::find`]).
    ///
    /// # Errors
    /// The token is refused.
    pub fn find(&mut self, token: &[u8], now: UnixSeconds) -> Finding {
        let now = self.advance(now);
        verdict::find(token, &self.realms, &mut self.cache, now)
    }

    /// Begins to judge a token; the host verifies its signature if the algorithm is in `host` ([`verdict::begin`]).
    pub fn begin(&mut self, token: &[u8], host: Algorithms, now: UnixSeconds) -> Progress<Finding> {
        let now = self.advance(now);
        verdict::begin(token, &self.realms, &mut self.cache, &mut self.awaiting_host, host, now)
    }

    /// Judges a cached token by its entry ([`verdict::recheck`]). Returns `None` if the token must be judged from the
    /// beginning.
    pub fn recheck(&mut self, entry: Entry, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        verdict::recheck(entry, &self.realms, &mut self.cache, now)
    }

    /// The algorithm of a token that cannot be judged without the host ([`verdict::host_needed`]).
    pub fn host_needed(&mut self, token: &str, now: UnixSeconds) -> Option<Algorithm> {
        let now = self.advance(now);
        verdict::host_needed(token, &self.realms, now)
    }

    /// Returns a token whose signature the host is verifying.
    #[must_use]
    pub fn pending(&self, handle: Handle) -> Option<&PendingSignature> {
        self.awaiting_host.get(handle)
    }

    /// Finishes after [`Gate::begin`] ([`verdict::finish`]). Returns `None` if the handle was used before, or has
    /// expired because of too many later ones; then the token must be judged from the beginning.
    pub fn finish(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Finding> {
        let now = self.advance(now);
        let pending = self.awaiting_host.take(handle)?;
        Some(verdict::finish(pending, outcome, &self.realms, &mut self.cache, now))
    }

    /// Returns every check with its outcome ([`verdict::explain`]).
    pub fn explain(&mut self, token: &str, now: UnixSeconds) -> Vec<Check> {
        let now = self.advance(now);
        verdict::explain(token, &self.realms, now)
    }

    /// Begins to explain a token; the host verifies its signature ([`verdict::begin_to_explain`]).
    pub fn begin_to_explain(&mut self, token: &str, host: Algorithms, now: UnixSeconds) -> Progress<()> {
        let now = self.advance(now);
        verdict::begin_to_explain(token, &self.realms, &mut self.awaiting_host, host, now)
    }

    /// Finishes after [`Gate::begin_to_explain`] ([`verdict::finish_to_explain`]). Returns `None` if the handle was
    /// used before, or has expired because of too many later ones.
    pub fn finish_to_explain(&mut self, handle: Handle, outcome: HostOutcome, now: UnixSeconds) -> Option<Vec<Check>> {
        let now = self.advance(now);
        let pending = self.awaiting_host.take(handle)?;
        Some(verdict::finish_to_explain(&pending, outcome, &self.realms, now))
    }

    /// Returns the index of the realm of a token's issuer ([`verdict::realm_of`]).
    #[must_use]
    pub fn realm_of(&self, token: &str) -> Option<usize> {
        verdict::realm_of(token, &self.realms)
    }

    /// Identifies an access token ([`verdict::identify`]).
    ///
    /// # Errors
    /// The token belongs to another realm, is not an access token, or its realm has no keys.
    pub fn identify(&mut self, token: &str, now: UnixSeconds) -> Result<Identified, IdentifyError> {
        let now = self.advance(now);
        verdict::identify(token, &self.realms, now)
    }

    /// Identifies an access token whose signing key was withdrawn by the issuer ([`verdict::identify_withdrawn`]).
    ///
    /// # Errors
    /// The token belongs to another realm, is not signed with one of these keys, or is not an access token that any
    /// gate could accept.
    pub fn identify_withdrawn(
        &mut self,
        token: &str,
        withdrawn: &[WithdrawnKeys],
        now: UnixSeconds,
    ) -> Result<WithdrawnToken, IdentifyError> {
        let now = self.advance(now);
        verdict::identify_withdrawn(token, &self.realms, withdrawn, now)
    }

    /// Begins to identify a token; the host verifies its signature if the algorithm is in `host`
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

    /// Finishes after [`Gate::begin_to_identify`] ([`verdict::finish_to_identify`]). Returns `None` if the handle was
    /// used before, or has expired because of too many later ones.
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

    /// Returns the sections to fetch first for a token ([`verdict::missing_sections`]).
    #[must_use]
    pub fn missing_sections(&self, token: &str) -> Vec<[u8; 32]> {
        verdict::missing_sections(token, &self.realms)
    }

    /// Returns a realm by its index.
    #[must_use]
    pub fn realm(&self, index: usize) -> Option<&Realm> {
        self.realms.get(index)
    }

    /// Keeps time monotonic: Workers freeze their clock between I/O, and machines set theirs back.
    fn advance(&mut self, now: UnixSeconds) -> UnixSeconds {
        self.latest = self.latest.max(now);
        self.latest
    }
}
