//! A token in, a verdict out.

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

/// Judges a token for the one of `realms` that issued it, at the time `now`.
///
/// The checks run in a fixed order ([`CheckName::ALL`]) and the first that fails gives the reason: form, realm, header,
/// key, signature, claims, revocation, freshness. When several realms would match, the first does.
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

/// Judges a token as [`judge`] does, but for the signature of a token in `cache`: it is not computed again.
/// Everything that may change is checked again, so the finding is the same.
///
/// # Errors
/// The token is refused.
pub fn find(token: &[u8], realms: &[Realm], cache: &mut VerifiedTokenCache, now: UnixSeconds) -> Finding {
    match find_cached(token, realms, cache, now) {
        Some(finding) => finding,
        None => find_uncached(token, realms, cache, now),
    }
}

/// Judges a cached token by its entry alone, as [`find`] does. `None`: it was evicted, or its key is another now; then
/// it must be judged from the beginning.
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

/// How the signature of a token is checked: by this crate, or by the host.
pub(super) type SignatureCheck<'c> = dyn for<'r, 'd> Fn(Admitted<'r, 'd>) -> Result<Proven<'r, 'd>, Unproven> + 'c;

/// The whole of a judgement once the token is decoded. [`judge`] and [`explain`](super::explain::explain) differ in the
/// observer.
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

/// `None`: the token is not cached, or its key is another now.
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

/// Everything from the signature on; the signature is checked by this crate.
pub(super) fn find_admitted(
    text: &str,
    admitted: Admitted<'_, '_>,
    cache: &mut VerifiedTokenCache,
    now: UnixSeconds,
) -> Finding {
    let Admitted { index, realm, name, .. } = admitted;
    let selected = Selected { index, realm, name };
    let here = |reason| Refused::new(Some(index), reason);
    // Read before the signature is checked, used after.
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

/// Everything about a token with a good signature that may have changed since it was checked: that its key is there and
/// still the only one it can be, bans, time, revocation, freshness. `None`: that key is not there any more, so the
/// token must be judged from the beginning.
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

/// The checks left for a token that can be cached: those whose outcome may change.
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

/// Everything after the signature: claims, revocation, freshness. Synchronous and complete, so that every change
/// during a signature check elsewhere is seen.
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

/// What tells whether the token is meant for us, where that depends on the token.
const fn looked_at(meant_for: MeantFor<'_>) -> &'static str {
    match meant_for {
        MeantFor::Audience(_) => "aud was looked at",
        MeantFor::Party(_) => "azp, client_id and the signs of an access token were looked at",
        MeantFor::Anybody => "",
    }
}
