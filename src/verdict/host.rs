//! Judges tokens with the host's help. If the host verifies signatures faster than this crate, it gets the bytes and
//! the key, and its result is used once.

use super::answer::{Finding, Refused, Signature};
use super::authenticity::{self, admit, decode, Admitted, Proven, Selected, Unproven};
use super::cached_token::CachedToken;
use super::judge::{examine, find_admitted, find_cached, find_uncached, read_claims, recheck_cached};
use super::observer::Observer;
use super::pending_signatures::{Held, PendingSignature, PendingSignatures, Progress};
use super::realm::Realm;
use super::reason::Reason;
use super::token_cache::VerifiedTokenCache;
use crate::keys::Key;
use crate::signature::{Algorithm, Algorithms, CheckedBy};
use crate::time::UnixSeconds;
use crate::token::TokenBytes;

/// Begins to judge a token and runs the checks before the signature. A token is decided at once if one of them refuses
/// it, if it is cached as verified, or if the host cannot verify its signature: its algorithm is not in `host`, its
/// signature has the wrong length, or there is more than one candidate key.
#[must_use]
pub fn begin(
    token: &[u8],
    realms: &[Realm],
    cache: &mut VerifiedTokenCache,
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Progress<Finding> {
    match find_cached(token, realms, cache, now) {
        Some(finding) => Progress::Decided(finding),
        None => begin_uncached(token, realms, cache, awaiting_host, host, now)
            .unwrap_or_else(|refused| Progress::Decided(Err(refused))),
    }
}

/// Finishes after [`begin`], with the host's outcome. Keys, bans, time, revocation and freshness are checked now, so
/// changes in the meantime count: a key removed from the realm no longer verifies the token.
///
/// # Errors
/// The token is refused.
pub fn finish(
    pending: PendingSignature,
    outcome: HostOutcome,
    realms: &[Realm],
    cache: &mut VerifiedTokenCache,
    now: UnixSeconds,
) -> Finding {
    match (outcome, pending.held()) {
        (HostOutcome::Unknown, held) => find_uncached(held.text().as_bytes(), realms, cache, now),
        (HostOutcome::Good, Held::Whole(cached)) => match recheck_cached(cached, realms, now, Signature::Checked) {
            Some(result) => {
                let index = pending.realm();
                if !matches!(result, Err(Reason::KeysUnavailable | Reason::BannedKey)) {
                    if let Some(cached) = pending.into_cached() {
                        cache.insert(cached);
                    }
                }
                result.map_err(|reason| Refused::new(Some(index), reason))
            }
            None => finish_by_text(&pending, outcome, realms, now),
        },
        (HostOutcome::Good, Held::Text(_)) | (HostOutcome::Bad, _) => finish_by_text(&pending, outcome, realms, now),
    }
}

/// The algorithm of a token whose signature only the host can verify, because this build lacks the algorithm. Without
/// the host, such a token is refused on the basis [`Undecided`](super::Basis::Undecided). Also `None` for a token that
/// the host cannot verify, because there is more than one candidate key.
#[must_use]
pub fn host_needed(token: &str, realms: &[Realm], now: UnixSeconds) -> Option<Algorithm> {
    let bytes = decode(token, realms, &mut Observer::none()).ok()?;
    let Admitted { token, candidates, .. } = admit(&bytes, realms, now, &mut Observer::none()).ok()?;
    let [key] = candidates.as_slice() else { return None };
    match key.checked_by() {
        CheckedBy::HostOnly => token.header().algorithm(),
        CheckedBy::Rust => None,
    }
}

fn begin_uncached(
    token: &[u8],
    realms: &[Realm],
    cache: &mut VerifiedTokenCache,
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Result<Progress<Finding>, Refused> {
    let nowhere = |reason| Refused::new(None, reason);
    let text = core::str::from_utf8(token).map_err(|_| nowhere(Reason::Malformed))?;
    let bytes = decode(text, realms, &mut Observer::none()).map_err(nowhere)?;
    let admitted = admit(&bytes, realms, now, &mut Observer::none())?;
    let Some(HostKey { key, number, algorithm }) = host_key(&admitted, host) else {
        return Ok(Progress::Decided(find_admitted(text, admitted, cache, now)));
    };
    let Admitted { index, realm, name, ref token, .. } = admitted;
    let selected = Selected { index, realm, name };
    let cached = read_claims(token.unverified_claims(), &realm.policy)
        .ok()
        .and_then(|claims| CachedToken::new(text, selected, token, &claims, key));
    let held = cached.map_or_else(|| Held::Text(text.into()), Held::Whole);
    Ok(awaiting_host.begin(PendingSignature::new(held, &bytes, index, key, algorithm), number))
}

/// The key for the host's verification.
struct HostKey<'r> {
    key: &'r Key,
    number: u32,
    algorithm: Algorithm,
}

/// Returns `None` if the host cannot verify the token's signature.
fn host_key<'r>(admitted: &Admitted<'r, '_>, host: Algorithms) -> Option<HostKey<'r>> {
    let algorithm = admitted.token.header().algorithm()?;
    // The host verifies one signature with one key.
    let [key] = admitted.candidates.as_slice() else { return None };
    if !host.contains(algorithm) || !algorithm.permits_length(admitted.token.signature().len()) {
        return None;
    }
    Some(HostKey { key, number: admitted.realm.key_number(key)?, algorithm })
}

/// Leaves a token's signature to the host and keeps only the encoded token. Returns `None` if the host cannot verify
/// it.
pub(super) fn hand_over<T>(
    text: &str,
    bytes: &TokenBytes<'_>,
    admitted: &Admitted<'_, '_>,
    host: Algorithms,
    awaiting_host: &mut PendingSignatures,
) -> Option<Progress<T>> {
    let HostKey { key, number, algorithm } = host_key(admitted, host)?;
    let pending = PendingSignature::new(Held::Text(text.into()), bytes, admitted.index, key, algorithm);
    Some(awaiting_host.begin(pending, number))
}

/// Judges the token from the beginning: it is refused, or its key has changed and the reason must be found.
fn finish_by_text(pending: &PendingSignature, outcome: HostOutcome, realms: &[Realm], now: UnixSeconds) -> Finding {
    let nowhere = |reason| Refused::new(None, reason);
    let bytes = decode(pending.text(), realms, &mut Observer::none()).map_err(nowhere)?;
    examine(&bytes, realms, &|admitted| prove(pending, outcome, admitted), now, &mut Observer::none())
}

/// Applies the host's outcome, if the key that the host used is still a candidate. If the host could not tell, the
/// signature is verified here.
pub(super) fn prove<'r, 'd>(
    pending: &PendingSignature,
    outcome: HostOutcome,
    admitted: Admitted<'r, 'd>,
) -> Result<Proven<'r, 'd>, Unproven> {
    let is_good = match outcome {
        HostOutcome::Good => true,
        HostOutcome::Bad => false,
        HostOutcome::Unknown => return authenticity::prove(admitted),
    };
    let Admitted { index, realm, token, candidates, .. } = admitted;
    let given = pending.key();
    let is_it = |candidate: &&Key| {
        candidate.thumbprint() == given.thumbprint() && candidate.algorithms().contains(pending.algorithm())
    };
    let candidate = candidates.into_iter().find(is_it).filter(|_| index == pending.realm());
    let key = candidate.ok_or(Unproven::from(Reason::UnknownKey))?;
    if realm.revocations.bans(key.thumbprint()) {
        return Err(Reason::BannedKey.into());
    }
    is_good.then(|| Proven { token: token.verified_by_host(), key }).ok_or(Unproven::from(Reason::BadSignature))
}

/// The host's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOutcome {
    /// The signature is valid.
    Good,
    /// The signature is invalid.
    Bad,
    /// The host does not know the algorithm, or cannot use the key. The signature is verified here; if this build
    /// cannot either, the token is refused as [`Reason::UnsupportedAlgorithm`], on the basis
    /// [`Undecided`](super::Basis::Undecided).
    Unknown,
}
