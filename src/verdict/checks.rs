//! The individual checks of header and claims, one function each.

use std::borrow::Cow;

use super::agreement::Agreement;
use super::claims_view::ClaimsView;
use super::reason::Reason;
use crate::claims::{Binding, ClaimSet, Claims, Stated};
use crate::policy::{
    Audience, AuthorizedParty, Compare, Impersonation, Policy, Profile, RequiredClaims, Staleness, Subjectless,
    WhenDiffering, WhenStale,
};
use crate::signature::Algorithm;
use crate::time::{Seconds, UnixSeconds};
use crate::token::Header;

/// Checks the algorithm: the policy determines the allowed ones, not the token (RFC 8725 §3.1).
pub(super) fn algorithm(header: &Header<'_>, policy: &Policy) -> Result<Algorithm, Reason> {
    header.algorithm().filter(|named| policy.algorithms.contains(*named)).ok_or(Reason::UnsupportedAlgorithm)
}

/// Checks the explicit type in the header (RFC 8725 §3.11).
pub(super) fn media_type(header: &Header<'_>, profile: Profile) -> Result<(), Reason> {
    let fits = match header.media_type() {
        Some(typ) => media_types(profile).iter().any(|expected| typ.eq_ignore_ascii_case(expected)),
        None => profile == Profile::Generic,
    };
    fits.then_some(()).ok_or(Reason::WrongType)
}

/// The header types that a profile allows.
pub(super) const fn media_types(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Rfc9068 => &["at+jwt"],
        Profile::Keycloak | Profile::Generic => &["JWT", "at+jwt"],
    }
}

/// Refresh tokens and ID tokens are signed with the same keys, so a claim that states the token's use must state an
/// access token: `access` (Cognito and others), `Bearer` (Keycloak), or one of the header's types. Keycloak's `DPoP` is
/// an access token too; [`binding`] refuses it.
pub(super) fn token_use(claims: &Claims<'_>, profile: Profile) -> Result<(), Reason> {
    (is_access_use(claims) && is_access_kind(claims, profile)).then_some(()).ok_or(Reason::WrongType)
}

/// The values of [`ClaimNames::token_use`](crate::claims::ClaimNames::token_use) that access tokens have.
pub(super) const ACCESS_USES: &[&str] = &["access", "Bearer"];

/// Whether the claim that states the token's use allows an access token.
pub(super) fn is_access_use(claims: &Claims<'_>) -> bool {
    match &claims.token_use {
        Stated::Nothing => true,
        Stated::Text(stated) => ACCESS_USES.contains(&&**stated),
        Stated::NotText => false,
    }
}

/// The values of the claim `typ` in access tokens. Keycloak's are case-sensitive, others are not.
pub(super) const fn access_kinds(profile: Profile) -> &'static [&'static str] {
    match profile {
        Profile::Keycloak => &["Bearer", DPOP],
        Profile::Rfc9068 | Profile::Generic => &["access", "Bearer", "at+jwt", "JWT", DPOP],
    }
}

/// Whether the claim `typ` allows an access token.
pub(super) fn is_access_kind(claims: &Claims<'_>, profile: Profile) -> bool {
    let kinds = access_kinds(profile);
    match (profile, &claims.kind) {
        (Profile::Keycloak, Stated::Text(kind)) => kinds.contains(&&**kind),
        (Profile::Rfc9068 | Profile::Generic, Stated::Text(kind)) => {
            kinds.iter().any(|access| kind.eq_ignore_ascii_case(access))
        }
        (Profile::Rfc9068 | Profile::Generic, Stated::Nothing) => true,
        (Profile::Keycloak, Stated::Nothing) | (_, Stated::NotText) => false,
    }
}

/// Checks for an actor, which `act` names (RFC 8693 §4.1).
pub(super) fn impersonation(claims: &ClaimSet<'_>, policy: &Policy) -> Result<(), Reason> {
    match policy.impersonation {
        Impersonation::Refuse if claims.has("act") => Err(Reason::WrongType),
        Impersonation::Refuse | Impersonation::Accept => Ok(()),
    }
}

/// A token bound to a key is worthless without proof of possession (RFC 7800, RFC 9449 §7.1), and no proof is checked
/// here.
pub(super) fn binding(claims: &Claims<'_>) -> Result<(), Reason> {
    match (claims.binding, &claims.kind) {
        (Binding::Unbound, Stated::Text(kind)) if kind.eq_ignore_ascii_case(DPOP) => Err(Reason::WrongType),
        (Binding::Unbound, Stated::Nothing | Stated::Text(_) | Stated::NotText) => Ok(()),
        (Binding::ToKey, _) => Err(Reason::WrongType),
    }
}

/// The claim `typ` of Keycloak's access tokens that are bound to a key.
const DPOP: &str = "DPoP";

/// The criterion by which a token is for us.
pub(super) enum MeantFor<'p> {
    Audience(&'p [String]),
    Party(&'p AuthorizedParty),
    Anybody,
}

/// The audience decides if present, even if empty.
pub(super) fn meant_for<'p>(set: &ClaimSet<'_>, policy: &'p Policy) -> MeantFor<'p> {
    match (&policy.audience, &policy.authorized_party) {
        (Audience::AnyOf(_), Some(party)) if !set.contains("aud") => MeantFor::Party(party),
        (Audience::AnyOf(ours), _) => MeantFor::Audience(ours),
        (Audience::NotChecked, Some(party)) => MeantFor::Party(party),
        (Audience::NotChecked, None) => MeantFor::Anybody,
    }
}

pub(super) fn audience(
    header: &Header<'_>,
    set: &ClaimSet<'_>,
    claims: &Claims<'_>,
    policy: &Policy,
) -> Result<(), Reason> {
    let is_for_us = match meant_for(set, policy) {
        MeantFor::Audience(ours) => claims.audience.iter().any(|theirs| is_among(ours, theirs)),
        MeantFor::Party(party) => is_party(claims, party) && shows_access(header, set, claims, policy, party),
        MeantFor::Anybody => true,
    };
    is_for_us.then_some(()).ok_or(Reason::WrongAudience)
}

#[inline(never)]
pub(super) fn is_among(names: &[String], name: &str) -> bool {
    names.iter().any(|each| each == name)
}

/// Whether the token names one of these parties, and no other.
pub(super) fn is_party(claims: &Claims<'_>, party: &AuthorizedParty) -> bool {
    let is_ours = |client: &Option<Cow<'_, str>>| client.as_ref().is_none_or(|client| is_among(&party.any_of, client));
    let is_named = claims.authorized_party.is_some() || claims.client_id.is_some();
    is_named && is_ours(&claims.authorized_party) && is_ours(&claims.client_id)
}

/// Whether the token has a mark of an access token, which ID tokens lack.
fn shows_access(
    header: &Header<'_>,
    set: &ClaimSet<'_>,
    claims: &Claims<'_>,
    policy: &Policy,
    party: &AuthorizedParty,
) -> bool {
    let states = |stated: &Stated<'_>, kind: &str| matches!(stated, Stated::Text(text) if text == kind);
    header.media_type().is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"))
        || states(&claims.token_use, "access")
        || states(&claims.kind, "Bearer")
        || set.grants_any(&policy.claim_names.scope)
        || party.access_token_claim.as_ref().is_some_and(|claim| set.has(claim))
}

/// Checks `exp`: a token is refused on and after it, plus the leeway (RFC 7519 §4.1.4).
pub(super) fn expiry(view: &ClaimsView<'_>, leeway: Seconds, now: UnixSeconds) -> Result<UnixSeconds, Reason> {
    let expires_at = view.expires_at.ok_or(Reason::MissingClaim)?;
    (now < expires_at.plus(leeway)).then_some(expires_at).ok_or(Reason::Expired)
}

/// RFC 7519 §4.1.5. The claim is optional.
pub(super) fn not_before(view: &ClaimsView<'_>, leeway: Seconds, now: UnixSeconds) -> Result<(), Reason> {
    let valid = view.not_before.is_none_or(|not_before| not_before <= now.plus(leeway));
    valid.then_some(()).ok_or(Reason::NotYetValid)
}

/// A token from the future would pass every not-before until its issue time.
pub(super) fn issued_at(view: &ClaimsView<'_>, skew: Seconds, now: UnixSeconds) -> Result<UnixSeconds, Reason> {
    let issued_at = view.issued_at.ok_or(Reason::MissingClaim)?;
    (issued_at <= now.plus(skew)).then_some(issued_at).ok_or(Reason::IssuedInFuture)
}

/// Makes it safe to drop revocations: one is dropped once none of the tokens it refuses can still be accepted.
pub(super) fn lifetime(issued_at: UnixSeconds, expires_at: UnixSeconds, longest: Seconds) -> Result<(), Reason> {
    (expires_at.since(issued_at) <= longest).then_some(()).ok_or(Reason::LifetimeExceeded)
}

/// The name of the first required claim that is missing.
pub(super) fn first_missing<'p>(claims: &ClaimSet<'_>, policy: &'p Policy) -> Option<&'p str> {
    let names = &policy.claim_names;
    let waived = match (policy.subjectless, policy.profile) {
        (Subjectless::Accept, Profile::Keycloak | Profile::Generic) => Some(names.subject.as_str()),
        (Subjectless::Accept, Profile::Rfc9068) | (Subjectless::Refuse, _) => None,
    };
    let by_profile: &[&str] = match policy.profile {
        Profile::Rfc9068 => &["aud", "client_id"],
        Profile::Keycloak | Profile::Generic => &[],
    };
    let listed: &[String] = match &policy.required {
        RequiredClaims::ByProfile => &[],
        RequiredClaims::These(listed) => listed,
    };
    let ids = match (&policy.required, policy.profile) {
        (RequiredClaims::ByProfile, _) | (RequiredClaims::These(_), Profile::Rfc9068) => {
            [Some(names.subject.as_str()), Some(names.token_id.as_str())]
        }
        (RequiredClaims::These(_), Profile::Keycloak | Profile::Generic) => [None, None],
    };
    ids.into_iter()
        .flatten()
        .chain(by_profile.iter().copied())
        .chain(listed.iter().map(String::as_str))
        .filter(|name| Some(*name) != waived)
        .find(|name| !claims.has(name))
}

/// The bounds for the time of a login, when not-befores are compared with it.
#[derive(Clone, Copy)]
pub(super) struct Login {
    pub(super) retention: Seconds,
    pub(super) leeway: Seconds,
    pub(super) skew: Seconds,
}

/// The time to compare not-befores with. A login older than their retention is refused like a token with too long a
/// lifetime.
pub(super) fn compared_at(
    view: &ClaimsView<'_>,
    issued_at: UnixSeconds,
    compare: Compare,
    login: Login,
    now: UnixSeconds,
) -> Result<UnixSeconds, Reason> {
    match compare {
        Compare::IssuedAt => Ok(issued_at),
        Compare::AuthTime => {
            let logged_in_at = view.authenticated_at.ok_or(Reason::MissingClaim)?;
            if logged_in_at > now.plus(login.skew) {
                return Err(Reason::IssuedInFuture);
            }
            let kept_until = logged_in_at.plus(login.retention).plus(login.leeway);
            (now < kept_until).then_some(logged_in_at).ok_or(Reason::LifetimeExceeded)
        }
    }
}

/// An event recorded with a different policy may be looked up under a different name here.
pub(super) fn agreed(agreement: Agreement, when_differing: WhenDiffering) -> Result<(), Reason> {
    match (agreement, when_differing) {
        (Agreement::Differs, WhenDiffering::Refuse) => Err(Reason::NoFeed),
        (Agreement::Differs, WhenDiffering::Accept)
        | (Agreement::Same | Agreement::NotStated | Agreement::OtherVersion, _) => Ok(()),
    }
}

pub(super) fn freshness(age: Seconds, staleness: Staleness) -> Result<(), Reason> {
    (age <= longest_age(staleness)).then_some(()).ok_or(Reason::StaleFeed)
}

/// The age at which tokens begin to be refused.
pub(super) fn longest_age(staleness: Staleness) -> Seconds {
    match staleness.when_stale {
        WhenStale::Refuse => staleness.max_stale,
        WhenStale::Accept => staleness.max_stale.max(staleness.max_accept_stale),
    }
}
