//! Judging with the host's help. Where the host checks signatures faster than this crate, it is given the bytes and the
//! key, and its answer is used once.

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

/// Begins to judge a token. Everything before the signature is checked. A token that is refused by then is decided, so
/// is one that is cached as verified, and so is one whose signature the host cannot check: its algorithm is not among
/// `host`, its signature does not have that algorithm's length, or several keys would have to be tried.
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

/// Finishes after [`begin`], with the host's outcome. Keys, bans, time, revocation and freshness are read now, so
/// nothing that happened meanwhile is missed: a key that has left the realm no longer vouches for the token.
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

/// The algorithm of a token whose signature only the host can check, in a build without that algorithm. Judged without
/// the host, such a token is refused on the basis [`Undecided`](super::Basis::Undecided). `None` also for a token that
/// the host cannot check, because several keys would have to be tried.
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

/// The key with which the host is to check a signature.
struct HostKey<'r> {
    key: &'r Key,
    number: u32,
    algorithm: Algorithm,
}

/// `None`: the host cannot check the token's signature.
fn host_key<'r>(admitted: &Admitted<'r, '_>, host: Algorithms) -> Option<HostKey<'r>> {
    let algorithm = admitted.token.header().algorithm()?;
    // It checks one signature under one key.
    let [key] = admitted.candidates.as_slice() else { return None };
    if !host.contains(algorithm) || !algorithm.permits_length(admitted.token.signature().len()) {
        return None;
    }
    Some(HostKey { key, number: admitted.realm.key_number(key)?, algorithm })
}

/// Leaves a token's signature to the host and keeps its text alone. `None`: the host cannot check it.
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

/// Reads the token again: it is refused, or its key is another now and the reason must be found.
fn finish_by_text(pending: &PendingSignature, outcome: HostOutcome, realms: &[Realm], now: UnixSeconds) -> Finding {
    let nowhere = |reason| Refused::new(None, reason);
    let bytes = decode(pending.text(), realms, &mut Observer::none()).map_err(nowhere)?;
    examine(&bytes, realms, &|admitted| prove(pending, outcome, admitted), now, &mut Observer::none())
}

/// The signature by the host's outcome, as long as the key that it was given is still one the token may have been
/// signed with. Where it could not tell, the signature is checked here.
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
    /// The signature is the key's.
    Good,
    /// It is not.
    Bad,
    /// The host could not tell: it does not know the algorithm, or cannot use the key. It is checked here; where this
    /// build cannot either, the token is refused as [`Reason::UnsupportedAlgorithm`], on the basis
    /// [`Undecided`](super::Basis::Undecided).
    Unknown,
}
