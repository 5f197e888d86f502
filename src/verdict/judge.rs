//! Judges tokens.

use super::answer::{verdict, Acceptance, Basis, Finding, Refused, Signature, Verdict};
use super::authenticity::{admit, decode, prove, Admitted, Proven, Selected, Unproven};
use super::cached_token::CachedToken;
use super::checks::{self, MeantFor};
use super::claims_view::ClaimsView;
use super::entry::Entry;
use super::observer::{CheckName, Observer};
use super::realm::Realm;
use super::reason::Reason;
use super::state_check::check_state;
use super::times::check_times;
use super::token_cache::VerifiedTokenCache;
use crate::claims::{ClaimSet, Claims};
use crate::policy::Policy;
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, VerifiedToken};

/// Judges a token at `now` for the realm that issued it.
///
/// The checks run in a fixed order ([`CheckName::ALL`]), and the first failure determines the reason: form, realm,
/// header, key, signature, claims, revocation, freshness. If several realms match, the first one is used.
#[must_use]
pub fn judge(token: &str, realms: &[Realm], now: UnixSeconds) -> Verdict {
    match decode(token, realms, &mut Observer::none()) {
        Ok(bytes) => {
            let finding = examine(&bytes, realms, &prove, now, &mut Observer::none());
            verdict(bytes, finding)
        }
        Err(reason) => Verdict::Refused(Refused::new(None, reason)),
    }
}

/// Judges a token as [`judge`] does, but does not verify the signature of a token in `cache` again. Everything that may
/// have changed is checked, so the finding is the same.
///
/// # Errors
/// The token is refused.
pub fn find(token: &[u8], realms: &[Realm], cache: &mut VerifiedTokenCache, now: UnixSeconds) -> Finding {
    match find_cached(token, realms, cache, now) {
        Some(finding) => finding,
        None => find_uncached(token, realms, cache, now),
    }
}

/// Judges a cached token by its entry, as [`find`] does. Returns `None` if the entry was evicted or the token's key has
/// changed, so that the token must be judged from the beginning.
pub fn recheck(entry: Entry, realms: &[Realm], cache: &mut VerifiedTokenCache, now: UnixSeconds) -> Option<Finding> {
    let cached = cache.record(entry)?;
    let realm = Some(cached.realm());
    match recheck_cached(cached, realms, now, Signature::Remembered(entry)) {
        Some(found) => Some(found.map_err(|reason| Refused::new(realm, reason))),
        None => {
            cache.forget(entry);
            None
        }
    }
}

/// The function that verifies a token's signature: this crate's, or one that uses the host's outcome.
pub(super) type SignatureCheck<'c> = dyn for<'r, 'd> Fn(Admitted<'r, 'd>) -> Result<Proven<'r, 'd>, Unproven> + 'c;

/// Judges a decoded token. [`judge`] and [`explain`](super::explain::explain) differ only in the observer.
pub(super) fn examine(
    bytes: &TokenBytes<'_>,
    realms: &[Realm],
    check_signature: &SignatureCheck<'_>,
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Finding {
    let admitted = admit(bytes, realms, now, observer)?;
    let Admitted { index, realm, name, .. } = admitted;
    let proven = check_signature(admitted);
    let basis = proven.as_ref().map_or_else(|unproven| unproven.basis, |_| Basis::Checked);
    let proven = observer.check(CheckName::Signature, proven.map_err(|unproven| unproven.reason));
    let checked = proven.and_then(|Proven { token, key }| {
        let claims = observer.check(CheckName::Claims, read_claims(token.claims(), &realm.policy))?;
        check_claims_and_state(Selected { index, realm, name }, key.thumbprint(), &token, &claims, now, observer)
    });
    checked.map_err(|reason| Refused { realm: Some(index), reason, basis })
}

/// Returns `None` if the token is not cached or its key has changed.
pub(super) fn find_cached(
    token: &[u8],
    realms: &[Realm],
    cache: &mut VerifiedTokenCache,
    now: UnixSeconds,
) -> Option<Finding> {
    recheck(cache.find(token)?, realms, cache, now)
}

pub(super) fn find_uncached(
    token: &[u8],
    realms: &[Realm],
    cache: &mut VerifiedTokenCache,
    now: UnixSeconds,
) -> Finding {
    let nowhere = |reason| Refused::new(None, reason);
    let text = core::str::from_utf8(token).map_err(|_| nowhere(Reason::Malformed))?;
    let bytes = decode(text, realms, &mut Observer::none()).map_err(nowhere)?;
    let admitted = admit(&bytes, realms, now, &mut Observer::none())?;
    find_admitted(text, admitted, cache, now)
}

/// Verifies the signature with this crate and runs all later checks.
pub(super) fn find_admitted(
    text: &str,
    admitted: Admitted<'_, '_>,
    cache: &mut VerifiedTokenCache,
    now: UnixSeconds,
) -> Finding {
    let Admitted { index, realm, name, .. } = admitted;
    let selected = Selected { index, realm, name };
    let here = |reason| Refused::new(Some(index), reason);
    // Parsed before the signature is verified, used after.
    let claims = read_claims(admitted.token.unverified_claims(), &realm.policy);
    let cached = match (admitted.candidates.as_slice(), &claims) {
        ([key], Ok(claims)) if cache.is_on() => CachedToken::new(text, selected, &admitted.token, claims, key),
        _ => None,
    };
    let Proven { token, key } = prove(admitted).map_err(|unproven| unproven.of_realm(index))?;
    let claims = claims.map_err(here)?;
    let key = key.thumbprint();
    let Some(cached) = cached else {
        let observer = &mut Observer::none();
        return check_claims_and_state(selected, key, &token, &claims, now, observer).map_err(here);
    };
    cache.insert(cached);
    check_changeable((index, realm), key, &ClaimsView::of(&claims, &realm.policy, name), now).map_err(here)
}

/// Checks everything that may have changed since the signature was verified: that its key is still the only candidate,
/// bans, time, revocation, freshness. Returns `None` if the key has changed, so that the token must be judged from the
/// beginning.
pub(super) fn recheck_cached(
    cached: &CachedToken,
    realms: &[Realm],
    now: UnixSeconds,
    signature: Signature,
) -> Option<Result<Acceptance, Reason>> {
    let realm = realms.get(cached.realm())?;
    let keys = match realm.keys_at(now) {
        Ok(keys) => keys,
        Err(reason) => return Some(Err(reason)),
    };
    if !cached.is_signed_by(keys.only_candidate(cached.algorithm(), cached.key_id())?) {
        return None;
    }
    if realm.revocations.bans(cached.thumbprint()) {
        return Some(Err(Reason::BannedKey));
    }
    let acceptance = check_changeable((cached.realm(), realm), cached.thumbprint(), &cached.claims(&realm.policy), now);
    Some(acceptance.map(|acceptance| Acceptance { signature, ..acceptance }))
}

/// Runs the checks whose outcome may change, all that is left for a cacheable token.
fn check_changeable(
    (index, realm): (usize, &Realm),
    key: &[u8; 32],
    view: &ClaimsView<'_>,
    now: UnixSeconds,
) -> Result<Acceptance, Reason> {
    let times = check_times(realm, view, now, &mut Observer::none())?;
    check_state((index, realm), key, view, times, now, &mut Observer::none())
}

pub(super) fn read_claims<'j>(set: &ClaimSet<'j>, policy: &Policy) -> Result<Claims<'j>, Reason> {
    Claims::read(set, &policy.claim_names, policy.numeric_ids).map_err(|_| Reason::Malformed)
}

/// Runs all checks after the signature: claims, revocation, freshness. They are synchronous, so they see every change
/// made while a host verified the signature.
fn check_claims_and_state(
    Selected { index, realm, name }: Selected<'_>,
    key: &[u8; 32],
    token: &VerifiedToken<'_>,
    claims: &Claims<'_>,
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Result<Acceptance, Reason> {
    let policy = &realm.policy;
    let (set, view) = (token.claims(), ClaimsView::of(claims, policy, name));
    let token_use = checks::token_use(claims, policy.profile).and_then(|()| checks::impersonation(set, policy));
    observer.check(CheckName::TokenUse, token_use)?;
    observer.check(CheckName::Binding, checks::binding(claims))?;
    observer.check(CheckName::Audience, checks::audience(token.header(), set, claims, policy))?;
    if policy.authorized_party.is_some() {
        observer.detail(CheckName::Audience, || looked_at(checks::meant_for(set, policy)).into());
    }
    let times = check_times(realm, &view, now, observer)?;
    let required = checks::first_missing(set, policy).map_or(Ok(()), |_| Err(Reason::MissingClaim));
    observer.check(CheckName::RequiredClaims, required)?;
    check_state((index, realm), key, &view, times, now, observer)
}

/// Names the claims that the audience check used. With an authorized party, they depend on the token.
const fn looked_at(meant_for: MeantFor<'_>) -> &'static str {
    match meant_for {
        MeantFor::Audience(_) => "aud was checked",
        MeantFor::Party(_) => "azp, client_id and the marks of an access token were checked",
        MeantFor::Anybody => "",
    }
}
