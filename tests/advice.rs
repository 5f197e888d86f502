//! `explain` for people who meet Keycloak for the first time: the setting to change stands beside the reason.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{claims, realm, sign, token, HEADER, ISSUER, NOW};
use portcullis::policy::{Audience, Compare, Impersonation, Profile, RequiredClaims};
use portcullis::verdict::{explain, Realm};
use serde_json::{json, Value};

fn keycloak() -> Realm {
    let mut realm = realm();
    realm.policy.profile = Profile::Keycloak;
    realm
}

/// The check that refuses a token, with its reason and text.
fn failure(token: &str, realm: Realm) -> (&'static str, &'static str, String) {
    let checks = explain(token, &[realm], NOW);
    let failed = checks.into_iter().find_map(|check| Some((check.name, check.outcome.reason()?, check.detail)));
    let (check, reason, detail) = failed.unwrap();
    (check.code(), reason.code(), detail.unwrap_or_default())
}

/// An access token of Keycloak with these changes.
fn keycloak_token(changes: &Value) -> String {
    let mut all = json!({ "typ": "Bearer", "jti": "onrtac:db836158-1955-743d-181d-0b1f4c6f0efa" });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    token(&all)
}

#[track_caller]
fn assert_advice(changes: &Value, realm: Realm, check: &str, reason: &str, parts: &[&str]) {
    let (failed, given, detail) = failure(&keycloak_token(changes), realm);
    assert_eq!((failed, given), (check, reason));
    parts.iter().for_each(|part| assert!(detail.contains(part), "{detail:?} lacks {part:?}"));
}

#[test]
fn an_audience_that_is_not_ours_names_the_mapper_and_our_audience() {
    let mapper =
        &["aud: expected \"api\"; found ", "mapper of type Audience", "Included Custom Audience api", "lightweight"];
    for aud in [json!("account"), json!(["account", "web"]), Value::Null] {
        assert_advice(&json!({ "aud": aud }), keycloak(), "audience", "wrong_audience", mapper);
    }
    let mut other = keycloak();
    other.policy.audience = Audience::AnyOf(vec!["shop".into(), "api".into()]);
    let ours = &["aud: expected one of \"shop\", \"api\"; found \"account\"", "Included Custom Audience shop"];
    assert_advice(&json!({ "aud": "account" }), other, "audience", "wrong_audience", ours);
}

#[test]
fn a_missing_sub_names_the_switch_of_lightweight_tokens_or_the_scope() {
    let lightweight = json!({ "sub": null, "jti": "onltac:1" });
    let switch = &["sub is missing: ", "lightweight access token", "Client scopes, basic, Mappers, sub", "subjectless"];
    assert_advice(&lightweight, keycloak(), "required_claims", "missing_claim", switch);
    let scope = &["sub is missing: ", "lacks the client scope basic", "subjectless: 'accept'"];
    for id in ["onrtac:1", "lt", "onlt", "onltac", "a"] {
        assert_advice(&json!({ "sub": null, "jti": id }), keycloak(), "required_claims", "missing_claim", scope);
    }
}

#[test]
fn another_missing_claim_has_no_advice() {
    let (_, _, detail) = failure(&keycloak_token(&json!({ "jti": null })), keycloak());
    assert_eq!(detail, "jti is missing");
    let mut demanding = keycloak();
    demanding.policy.required = RequiredClaims::These(vec!["sid".into(), "sub".into()]);
    let (_, _, detail) = failure(&keycloak_token(&json!({ "sid": null, "sub": null })), demanding);
    assert_eq!(detail, "sid is missing");
}

#[test]
fn a_missing_auth_time_names_the_grants_that_have_none() {
    let by_login = || {
        let mut realm = keycloak();
        realm.policy.compare = Compare::AuthTime;
        realm
    };
    let grants = &["auth_time is missing", "password", "basic", "compare: 'issuedAt'"];
    assert_advice(&json!({}), by_login(), "login", "missing_claim", grants);
    let future = json!({ "auth_time": NOW.get() + 3600 });
    assert_advice(&future, by_login(), "login", "issued_in_future", &[]);
}

#[test]
fn other_kinds_of_tokens_are_named() {
    for (kind, name) in [("ID", "an ID token"), ("Refresh", "a refresh token"), ("Offline", "a refresh token")] {
        let both = &["this is ", name, "send the access token"];
        assert_advice(&json!({ "typ": kind, "aud": "web" }), keycloak(), "token_use", "wrong_type", both);
        assert_advice(&json!({ "typ": kind }), keycloak(), "token_use", "wrong_type", both);
    }
    let logout = sign(HEADER.replace(r#""JWT""#, r#""logout+jwt""#), claims(&json!({ "typ": "Logout" })));
    let (check, reason, detail) = failure(&logout, keycloak());
    assert_eq!((check, reason), ("type", "wrong_type"));
    assert!(detail.contains("a logout token"), "{detail}");
    // By a key of the issuer's own, as Keycloak's refresh tokens are.
    let refresh = sign(HEADER.replace("test", "elsewhere"), claims(&json!({ "typ": "Refresh" })));
    let (check, reason, detail) = failure(&refresh, keycloak());
    assert_eq!((check, reason), ("key", "unknown_key"));
    assert!(detail.contains("a refresh token, which Keycloak alone can check"), "{detail}");
}

#[test]
fn a_token_bound_by_dpop_names_the_switch() {
    let bound = json!({ "typ": "DPoP", "cnf": { "jkt": "x", "kc-jkt-type": "DPoP" } });
    assert_advice(&bound, keycloak(), "binding", "wrong_type", &["DPoP", "Require DPoP bound tokens"]);
    assert_advice(&json!({ "typ": "DPoP" }), keycloak(), "binding", "wrong_type", &["Require DPoP bound tokens"]);
}

#[test]
fn an_issuer_that_differs_in_its_host_only_names_the_option_of_the_server() {
    let host = &["iss differs from the issuer of acme in scheme, host or port only", "--hostname"];
    for issuer in ["http://localhost:8080/realms/acme", "https://id.example:8443/realms/acme"] {
        assert_advice(&json!({ "iss": issuer }), keycloak(), "realm", "wrong_issuer", host);
    }
    for issuer in [json!("https://id.example/realms/master"), json!("https://x"), json!("a/b/c"), Value::Null] {
        let (check, reason, detail) = failure(&keycloak_token(&json!({ "iss": issuer })), keycloak());
        assert_eq!((check, reason), ("realm", "wrong_issuer"));
        assert!(!detail.contains("--hostname"), "{detail}");
    }
    assert!(ISSUER.ends_with("/realms/acme"));
}

#[test]
fn values_of_a_token_stand_only_between_quotes() {
    let chosen = "attacker-chosen";
    for name in ["iss", "sub", "aud", "typ", "jti", "act", "sid"] {
        for other in ["sub", "aud"] {
            let changes = json!({ other: null, name: chosen });
            let (_, _, detail) = failure(&keycloak_token(&changes), keycloak());
            assert!(!detail.replace("\"attacker-chosen\"", "").contains(chosen), "{name}: {detail}");
        }
    }
    let issuer = "http://attacker-chosen/realms/acme";
    let (_, _, detail) = failure(&keycloak_token(&json!({ "iss": issuer })), keycloak());
    assert!(!detail.replace(&format!("\"{issuer}\""), "").contains(chosen), "{detail}");
}

#[test]
fn other_profiles_have_no_advice() {
    for changes in [json!({ "aud": "account" }), json!({ "sub": null }), json!({ "typ": "ID" })] {
        let (_, _, detail) = failure(&token(&changes), realm());
        assert!(!detail.contains("Keycloak") && !detail.contains("token"), "{detail}");
    }
    let (_, _, detail) = failure(&token(&json!({ "iss": "http://localhost/realms/acme" })), realm());
    assert!(!detail.contains("--hostname"), "{detail}");
}

#[test]
fn a_refused_impersonation_names_the_option_in_every_profile() {
    for profile in [Profile::Keycloak, Profile::Generic] {
        let mut refusing = realm();
        refusing.policy.profile = profile;
        refusing.policy.impersonation = Impersonation::Refuse;
        let (check, reason, detail) = failure(&keycloak_token(&json!({ "act": { "sub": "root" } })), refusing);
        assert_eq!((check, reason), ("token_use", "wrong_type"));
        assert_eq!(detail, "act names somebody who acts for the user, and impersonation is 'refuse'");
    }
}
