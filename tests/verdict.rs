//! Verdicts: the list of reasons, the choice of realm and key, and verdicts without revocation state. Claims and
//! algorithms are tested in `vectors.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, but_for_the_feed, claims, code, loaded, read_keys, realm, refusal, sign, token, vectors};
use fixtures::{ISSUER, NOW, SECRET};
use portcullis::claims::ClaimNames;
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::policy::{Audience, Policy, Profile};
use portcullis::revocation::Bounds;
use portcullis::signature::Algorithm;
use portcullis::time::UnixSeconds;
use portcullis::verdict::{judge, Realm, RealmKeys, Reason, Refused};
use serde_json::json;

// The list ------------------------------------------------------------------------------------------------------------

#[test]
fn reasons_are_the_documented_list_in_its_order() {
    let documented = "missing_token invalid_request malformed unsupported_algorithm unknown_key banned_key bad_signature \
        wrong_type wrong_issuer wrong_audience missing_claim expired not_yet_valid issued_in_future lifetime_exceeded token_revoked \
        session_revoked grant_revoked client_revoked user_revoked realm_revoked version_revoked \
        cross_site insufficient_scope keys_unavailable stale_feed no_feed";
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, documented.split_whitespace().collect::<Vec<_>>());
    for (index, reason) in Reason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, index);
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        let status = match reason.code() {
            "keys_unavailable" | "stale_feed" | "no_feed" => 503,
            "cross_site" | "insufficient_scope" => 403,
            "invalid_request" => 400,
            _ => 401,
        };
        assert_eq!(reason.status(), status, "{}", reason.code());
    }
    assert_eq!(Reason::from_code("accepted"), None);
}

// Realm and key -------------------------------------------------------------------------------------------------------

#[test]
fn the_issuer_selects_the_realm() {
    let second_key = b"another secret, 32 bytes or more";
    let mut second = realm();
    second.policy.issuer = "second".into();
    second.policy.claim_names.issuer = "realm".into();
    second.policy.audience = Audience::NotChecked;
    let jwks = json!({ "keys": [{ "kty": "oct", "k": base64url(second_key), "kid": "test" }] });
    second.keys = loaded(read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys);
    let realms = [realm(), second];

    assert_eq!(refusal(&token(&json!({})), &realms), Refused::new(Some(0), Reason::NoFeed));
    let of_second = json!({ "iss": null, "aud": null, "realm": "second" });
    assert_eq!(refusal(&token(&of_second), &realms), Refused::new(Some(1), Reason::BadSignature));
    let unknown = json!({ "iss": "https://elsewhere.example" });
    assert_eq!(refusal(&token(&unknown), &realms), Refused::new(None, Reason::WrongIssuer));
    let both = json!({ "realm": "second" });
    assert_eq!(refusal(&token(&both), &realms).realm, Some(0), "the first that fits");
    assert_eq!(refusal(&token(&json!({})), &[]), Refused::new(None, Reason::WrongIssuer));
}

#[test]
fn a_realm_does_not_use_the_keys_of_another() {
    let mut second = realm();
    second.policy.issuer = "https://second.example".into();
    let es256 = vectors("keys.json")["es256"].clone();
    let jwks = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": es256["x"], "y": es256["y"] }] });
    second.keys = loaded(read_keys(&jwks, KeySource::Url, RsaDefault::RS256).keys);
    let forged = token(&json!({ "iss": "https://second.example" }));
    assert_eq!(refusal(&forged, &[realm(), second]), Refused::new(Some(1), Reason::UnknownKey));
}

#[test]
fn keys_may_be_unavailable() {
    let mut realms = [realm()];
    let keys = std::mem::replace(&mut realms[0].keys, RealmKeys::Unavailable);
    assert_eq!(refusal(&token(&json!({})), &realms).reason, Reason::KeysUnavailable);
    let RealmKeys::Loaded { keys, .. } = keys else { panic!() };
    realms[0].keys = RealmKeys::Loaded { keys, usable_until: NOW };
    assert_eq!(but_for_the_feed(&token(&json!({})), &realms, NOW), "accepted");
    let later = UnixSeconds::new(NOW.get() + 1);
    assert_eq!(but_for_the_feed(&token(&json!({})), &realms, later), "keys_unavailable");
}

#[test]
fn a_token_without_kid_is_tried_under_every_key_of_its_algorithm() {
    let key = |secret: &[u8]| json!({ "kty": "oct", "k": base64url(secret) });
    let decoy = b"a decoy: 32 bytes that sign nought";
    let jwks = json!({ "keys": [key(decoy), { "kty": "oct", "kid": "x", "k": base64url(decoy) }, key(SECRET)] });
    let mut realm = realm();
    realm.keys = loaded(read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys);
    let realms = [realm];
    let without_kid = sign(r#"{"alg":"HS256"}"#, claims(&json!({})));
    assert_eq!(but_for_the_feed(&without_kid, &realms, NOW), "accepted");
    let other_kid = sign(r#"{"alg":"HS256","kid":"x"}"#, claims(&json!({})));
    assert_eq!(but_for_the_feed(&other_kid, &realms, NOW), "bad_signature", "a kid is never fallen back from");
}

// Revocation state ----------------------------------------------------------------------------------------------------

#[test]
fn a_state_that_was_never_loaded_refuses_everything() {
    assert_eq!(refusal(&token(&json!({})), &[realm()]), Refused::new(Some(0), Reason::NoFeed));
    let bounds = Bounds { max_lifetime: portcullis::time::Seconds::new(309), ..Bounds::default() };
    let mut short = Realm::new("acme", realm().policy, Vec::new(), bounds);
    short.keys = realm().keys;
    assert_eq!(refusal(&token(&json!({})), &[short]).reason, Reason::LifetimeExceeded);
}

#[test]
fn policies_have_documented_defaults() {
    let policy = Policy::new(ISSUER, Audience::NotChecked, Profile::Keycloak);
    assert_eq!(policy.max_token_bytes, 16 * 1024);
    assert_eq!(policy.staleness.max_stale.get(), 60);
    assert_eq!(policy.staleness.max_accept_stale.get(), 3600);
    assert_eq!(policy.claim_names, ClaimNames::default());
    assert!(!policy.algorithms.contains(Algorithm::HS256));
    assert_eq!(code(&judge(&token(&json!({})), &[], NOW)), "wrong_issuer");
}
