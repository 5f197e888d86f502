//! Advice on a refused token, for administrators new to Keycloak: the setting to change, by its name in Keycloak's console.
//! A token only selects among these sentences; no part of it is copied into one.

use super::checks;
use super::observer::CheckName;
use super::realm::Realm;
use super::reason::Reason;
use crate::claims::ClaimSet;
use crate::policy::{Audience, Policy, Profile};

/// Returns the advice on a token of a realm that failed a check.
#[cold]
pub(super) fn advice(claims: &ClaimSet<'_>, policy: &Policy, check: CheckName, reason: Reason) -> Option<String> {
    if check == CheckName::TokenUse && checks::impersonation(claims, policy).is_err() {
        return Some(IMPERSONATED.into());
    }
    if policy.profile != Profile::Keycloak {
        return None;
    }
    let kind = claims.text("typ").unwrap_or_default();
    if let Some(other_kind) = other_kind(&kind).filter(|_| depends_on_kind(reason)) {
        return Some(["this is ", other_kind, ": send the access token"].concat());
    }
    if check == CheckName::Audience && policy.authorized_party.is_none() {
        return audience_advice(&policy.audience);
    }
    let sentence = if check == CheckName::Binding && kind == checks::DPOP {
        DPOP
    } else if check == CheckName::RequiredClaims {
        missing_claim_advice(claims, policy)?
    } else if check == CheckName::Login && reason == Reason::MissingClaim {
        WITHOUT_LOGIN
    } else {
        return None;
    };
    Some(sentence.into())
}

/// Returns the advice on a token whose issuer is that of none of these realms.
#[cold]
pub(super) fn issuer_advice(claims: &ClaimSet<'_>, realms: &[Realm]) -> Option<String> {
    let realm = realms.iter().filter(|realm| realm.policy.profile == Profile::Keycloak).find(|realm| {
        let named = claims.text(&realm.policy.claim_names.issuer);
        let path = named.as_deref().and_then(path);
        path.is_some() && realm.policy.issuer.names().any(|name| path == self::path(name))
    })?;
    Some([&realm.policy.claim_names.issuer, " differs from the issuer of ", &realm.name, OTHER_HOST].concat())
}

/// Keycloak names the kind of a token in the claim `typ`. `None`: an access token, or a kind unknown here.
fn other_kind(kind: &str) -> Option<&'static str> {
    match kind {
        "ID" => Some("an ID token, which tells the client who has logged in"),
        "Refresh" | "Offline" => Some("a refresh token, which Keycloak alone can check"),
        "Logout" => Some("a logout token, which Keycloak sends to the back-channel logout URL of a client"),
        _ => None,
    }
}

/// Whether a token of another kind is refused for this reason because of its kind.
fn depends_on_kind(reason: Reason) -> bool {
    matches!(reason, Reason::UnsupportedAlgorithm | Reason::UnknownKey | Reason::WrongType)
}

fn audience_advice(audience: &Audience) -> Option<String> {
    let ours = match audience {
        Audience::AnyOf(ours) => ours.first()?,
        Audience::NotChecked => return None,
    };
    Some([ONLY_ACCOUNT, ours, LIGHTWEIGHT_MAPPER].concat())
}

fn missing_claim_advice(claims: &ClaimSet<'_>, policy: &Policy) -> Option<&'static str> {
    let missing = checks::first_missing(claims, policy)?;
    (missing == policy.claim_names.subject).then_some(if is_lightweight(claims) { LIGHTWEIGHT } else { WITHOUT_BASIC })
}

/// Keycloak's `jti` begins with two letters each for session, kind of token (`lt`: lightweight) and grant.
fn is_lightweight(claims: &ClaimSet<'_>) -> bool {
    claims.text("jti").is_some_and(|id| id.get(2..4) == Some("lt") && id.get(6..7) == Some(":"))
}

/// The path of a URL `scheme://host/path`.
fn path(url: &str) -> Option<&str> {
    url.splitn(4, '/').nth(3)
}

const IMPERSONATED: &str = "act names somebody who acts for the user, and impersonation is 'refuse'";

const OTHER_HOST: &str =
    " in scheme, host or port only: Keycloak takes these from the URL by which it is called, unless it is \
    started with --hostname. Start it so, or call it by the URL of the configured issuer";

const ONLY_ACCOUNT: &str = "Keycloak itself puts 'account' there at most. In Clients, the client, Client scopes, its \
    dedicated scope: add a mapper of type Audience with Included Custom Audience ";

const LIGHTWEIGHT_MAPPER: &str =
    " and Add to access token; for lightweight access tokens also with Add to lightweight access token";

const LIGHTWEIGHT: &str =
    "this is a lightweight access token. In Client scopes, basic, Mappers, sub: switch Add to lightweight \
    access token on. Or set subjectless: 'accept'; the logout of a user then reaches such tokens by their sid alone";

const WITHOUT_BASIC: &str = "the client lacks the client scope basic, whose mapper adds it. In Clients, the client, Client scopes: \
    add basic as Default. Or set subjectless: 'accept'; the logout of a user then reaches such tokens by their sid alone";

const WITHOUT_LOGIN: &str = "Keycloak sets it at a login by browser, and not for password or client \
    credentials grants, in impersonated sessions, in lightweight access tokens or without the client scope basic. \
    Set compare: 'issuedAt' to accept those";

const DPOP: &str =
    "in Clients, the client, Settings: switch Require DPoP bound tokens off, and let the client send no DPoP header for its tokens";
