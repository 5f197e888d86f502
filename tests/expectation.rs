//! `explain` shows the expected and the found value of a failed check, and distinguishes a faulty feed from faulty
//! keys.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{claims, loaded, read_keys, realm, sign, token, HEADER, NOW};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Ledger, LedgerSettings, MAX_LIFETIME_SECONDS};
use portcullis::policy::{
    Audience, AuthorizedParty, Compare, IssuerNames, NumericIds, Policy, Profile, RequiredClaims, Staleness, Subjects,
    WhenStale,
};
use portcullis::revocation::{Bounds, Form};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{explain, KeysFrom, Realm, RealmKeys};
use serde_json::{json, Value};

const NOWHERE: &str = "https://id.example/realms/other";

fn realm_with(change: impl FnOnce(&mut Policy)) -> Realm {
    let mut changed = realm().policy;
    change(&mut changed);
    let mut realm = Realm::new("acme", changed, Vec::new(), Bounds::default());
    realm.keys = fixtures::realm().keys;
    realm
}

/// Returns the check that refuses a token, its reason and its detail.
fn failure_at(token: &str, realms: &[Realm], now: UnixSeconds) -> (&'static str, &'static str, String) {
    let checks = explain(token, realms, now);
    let failed = checks.into_iter().find_map(|check| Some((check.name, check.outcome.reason()?, check.detail)));
    let (check, reason, detail) = failed.unwrap();
    (check.code(), reason.code(), detail.unwrap_or_default())
}

#[track_caller]
fn assert_detail(changes: &Value, realm: Realm, expected: &str) {
    let (check, _, detail) = failure_at(&token(changes), &[realm], NOW);
    assert_eq!(format!("{check}: {detail}"), expected);
}

#[test]
fn the_audience() {
    let of = |audience: &[&str]| {
        let audience = Audience::AnyOf(audience.iter().map(|name| (*name).to_owned()).collect());
        realm_with(|policy| policy.audience = audience)
    };
    let found = |aud: Value, realm: Realm, text: &str| assert_detail(&json!({ "aud": aud }), realm, text);
    found(json!("account"), of(&["api", "web"]), r#"audience: aud: expected one of "api", "web"; found "account""#);
    found(json!(["a", "b"]), of(&["api"]), r#"audience: aud: expected "api"; found "a", "b""#);
    found(Value::Null, of(&["api"]), r#"audience: aud: expected "api"; found nothing"#);
    found(json!([]), of(&["api"]), r#"audience: aud: expected "api"; found nothing"#);
    let many = json!(["1", "2", "3", "4", "5", "6", "7", "8"]);
    let ours = ["a", "b", "c", "d", "e", "f", "g"];
    let text = r#"audience: aud: expected one of "a", "b", "c", "d", "e", ...; found "1", "2", "3", "4", "5", ..."#;
    found(many, of(&ours), text);
}

#[test]
fn a_found_value_is_escaped_and_truncated() {
    let found = |aud: &str| {
        let (_, _, detail) = failure_at(&token(&json!({ "aud": aud })), &[realm()], NOW);
        detail.strip_prefix(r#"aud: expected "api"; found "#).unwrap().to_owned()
    };
    assert_eq!(found("a\"b\\c"), r#""a\"b\\c""#);
    assert_eq!(found("\u{1b}[31m\n\u{202e}\u{e9}\0"), r#""\x1b[31m\x0a\xe2\x80\xae\xc3\xa9\x00""#);
    assert_eq!(found(&"x".repeat(100)), format!("\"{}\"", "x".repeat(100)));
    assert_eq!(found(&"x".repeat(101)), format!("\"{}\"...", "x".repeat(100)));
    assert!(found(&"\u{1f600}".repeat(500)).is_ascii());
    assert!(found(&"\u{1f600}".repeat(500)).len() < 1_000);
}

#[test]
fn the_authorized_party() {
    let of_party = || {
        realm_with(|policy| {
            policy.authorized_party =
                Some(AuthorizedParty { any_of: vec!["web".into(), "app".into()], access_token_claim: None });
        })
    };
    let party = r#"audience: azp: expected one of "web", "app"; found "demo""#;
    assert_detail(&json!({ "aud": null }), of_party(), party);
    let party = r#"audience: azp: expected one of "web", "app"; found nothing"#;
    assert_detail(&json!({ "aud": null, "azp": null }), of_party(), party);
    let client = r#"audience: client_id: expected one of "web", "app"; found "x""#;
    assert_detail(&json!({ "aud": null, "azp": "web", "client_id": "x" }), of_party(), client);
    let sign = "audience: expected a mark of an access token (see authorizedParty); found none";
    assert_detail(&json!({ "aud": null, "azp": "web" }), of_party(), sign);
    assert_detail(&json!({ "aud": "x" }), of_party(), r#"audience: aud: expected "api"; found "x""#);
}

#[test]
fn the_issuer_and_its_tenant() {
    let found = |iss: Value, text: &str| assert_detail(&json!({ "iss": iss }), realm(), text);
    let ours = r#"realm: iss: expected "https://id.example/realms/acme"; found "#;
    found(json!(NOWHERE), &format!("{ours}\"{NOWHERE}\""));
    found(json!("https://id.example/realms/acme/"), &format!("{ours}\"https://id.example/realms/acme/\""));
    found(json!(7), &format!("{ours}a number"));
    found(json!(["https://id.example/realms/acme"]), &format!("{ours}an array"));
    found(Value::Null, &format!("{ours}nothing"));

    let several = realm_with(|policy| policy.issuer = IssuerNames::several(&["a", "b"], Subjects::Same));
    assert_detail(&json!({ "iss": "c" }), several, r#"realm: iss: expected one of "a", "b"; found "c""#);
    let named = realm_with(|policy| policy.claim_names.issuer = "realm".into());
    let text = r#"realm: realm: expected "https://id.example/realms/acme"; found "x""#;
    assert_detail(&json!({ "realm": "x" }), named, text);

    let tenants = || {
        let mut names = IssuerNames::new("https://login/{tid}".into(), Some("tid".into()), Subjects::ByName);
        for tenant in ["t1", "t2"] {
            names.add(format!("https://login/{tenant}"), Some(tenant.into()));
        }
        realm_with(|policy| policy.issuer = names)
    };
    let other = json!({ "iss": "https://login/t1", "tid": "t2" });
    assert_detail(&other, tenants(), r#"realm: tid: expected "t1"; found "t2""#);
    assert_detail(&json!({ "iss": "https://login/t2" }), tenants(), r#"realm: tid: expected "t2"; found nothing"#);
    let other = r#"realm: iss: expected one of "https://login/t1", "https://login/t2"; found "https://login/t3""#;
    assert_detail(&json!({ "iss": "https://login/t3", "tid": "t3" }), tenants(), other);

    let realms = [realm(), realm_with(|policy| policy.issuer = "https://second.example".into())];
    let (_, _, detail) = failure_at(&token(&json!({ "iss": "x" })), &realms, NOW);
    let both = r#"iss: expected one of "https://id.example/realms/acme", "https://second.example"; found "x""#;
    assert_eq!(detail, both);
    assert_eq!(failure_at(&token(&json!({})), &[], NOW).2, "");
}

#[test]
fn header_and_key() {
    let found = |header: &str, realm: Realm, text: &str| {
        let (check, _, detail) = failure_at(&sign(header, claims(&json!({}))), &[realm], NOW);
        assert_eq!(format!("{check}: {detail}"), text);
    };
    let header = HEADER.replace(r#""JWT""#, r#""dpop+jwt""#);
    found(&header, realm(), r#"type: typ: expected one of "JWT", "at+jwt"; found "dpop+jwt""#);
    found(
        HEADER,
        realm_with(|policy| policy.profile = Profile::Rfc9068),
        r#"type: typ: expected "at+jwt"; found "JWT""#,
    );
    let untyped = r#"{"alg":"HS256","kid":"test","typ":null}"#;
    found(
        untyped,
        realm_with(|policy| policy.profile = Profile::Keycloak),
        r#"type: typ: expected one of "JWT", "at+jwt"; found nothing"#,
    );
    found(&HEADER.replace("test", "old"), realm(), r#"key: kid: expected "test"; found "old""#);
}

#[test]
fn the_kind_of_token() {
    let uses = r#"token_use: token_use: expected one of "access", "Bearer"; found "#;
    assert_detail(&json!({ "token_use": "id" }), realm(), &format!("{uses}\"id\""));
    assert_detail(&json!({ "token_use": ["access"] }), realm(), &format!("{uses}an array"));
    let kinds = r#"token_use: typ: expected one of "access", "Bearer", "at+jwt", "JWT", "DPoP"; found "#;
    assert_detail(&json!({ "typ": "Refresh", "aud": "x" }), realm(), &format!("{kinds}\"Refresh\""));
    assert_detail(&json!({ "typ": true }), realm(), &format!("{kinds}a boolean"));
    let keycloak = realm_with(|policy| policy.profile = Profile::Keycloak);
    assert_detail(&json!({}), keycloak, r#"token_use: typ: expected one of "Bearer", "DPoP"; found nothing"#);
    let bound = "binding: bound to a key of the client (cnf), but this gate checks no proof of possession";
    for changes in [json!({ "cnf": {} }), json!({ "cnf": { "x5t#S256": "x" }, "aud": "x" }), json!({ "typ": "dpop" })] {
        assert_detail(&changes, realm(), bound);
    }
}

#[test]
fn a_malformed_claim() {
    let found = |claim: &str, value: Value, text: &str| {
        assert_detail(&json!({ claim: value }), realm(), &format!("claims: {claim}: expected {text}"));
    };
    for claim in ["sub", "jti", "sid", "azp", "client_id"] {
        found(claim, json!(7), "a string (see numericIds); found a number");
        found(claim, json!("x".repeat(1_025)), "at most 1024 bytes; found more");
    }
    found("sub", json!({}), "a string (see numericIds); found an object");
    found("aud", json!(7), "a string or an array of strings; found a number");
    found("aud", json!(["api", null]), "a string or an array of strings; found an array");
    for claim in ["exp", "iat", "nbf", "auth_time", "last_logout_time"] {
        found(claim, json!("1"), "a number; found a string");
        found(claim, json!(false), "a number; found a boolean");
    }
    found("token_version", json!(-1), "an integer from 0 to 2^53 - 1; found a number");
    let accepting = realm_with(|policy| policy.numeric_ids = NumericIds::Accept);
    let integer = "claims: sub: expected a string or an integer up to 2^53 - 1; found a number";
    assert_detail(&json!({ "sub": 1.5 }), accepting, integer);
    let named = realm_with(|policy| policy.claim_names.subject = "uid".into());
    let uid = "claims: uid: expected a string (see numericIds); found an array";
    assert_detail(&json!({ "uid": [] }), named, uid);
}

#[test]
fn missing_claims_and_times() {
    for (claim, check) in
        [("exp", "expiry"), ("iat", "issued_at"), ("sub", "required_claims"), ("jti", "required_claims")]
    {
        assert_detail(&json!({ claim: null }), realm(), &format!("{check}: {claim} is missing"));
    }
    assert_detail(&json!({ "sub": "" }), realm(), "required_claims: sub is empty");
    let listed = realm_with(|policy| policy.required = RequiredClaims::These(vec!["email".into()]));
    assert_detail(&json!({}), listed, "required_claims: email is missing");
    let by_login = || realm_with(|policy| policy.compare = Compare::AuthTime);
    assert_detail(&json!({}), by_login(), "login: auth_time is missing");
    let old = json!({ "auth_time": NOW.get() - 90_000 });
    assert_detail(&old, by_login(), "login: expected at most 86400 s; found 90000 s");
    assert_detail(&json!({ "nbf": NOW.get() + 60 }), realm(), "not_before: becomes valid in 60 s");
    assert_detail(&json!({ "exp": NOW.get() - 60 }), realm(), "expiry: expired 60 s ago");
}

#[test]
fn the_lifetime_names_its_bound_and_the_maximum() {
    let long = json!({ "iat": NOW.get(), "exp": NOW.get() + 90_000 });
    let (check, reason, detail) = failure_at(&token(&long), &[realm()], NOW);
    assert_eq!((check, reason), ("lifetime", "lifetime_exceeded"));
    assert!(detail.starts_with("expected at most 86400 s; found 90000 s: shorten its lifetime"), "{detail}");
    assert!(detail.ends_with(&format!("at most {MAX_LIFETIME_SECONDS} s (40 days)")), "{detail}");
    assert_eq!(MAX_LIFETIME_SECONDS, 40 * 86_400);
}

/// Creates a realm with a feed state that is `age` seconds old.
fn fed(age: u64, change: impl FnOnce(&mut Policy)) -> Realm {
    let signing_key = SigningKey::generate().unwrap();
    let mut changed = realm().policy;
    change(&mut changed);
    let mut gate = Realm::new("acme", changed, vec![signing_key.public().clone()], Bounds::default());
    gate.keys = realm().keys;
    let settings = LedgerSettings {
        issuer: fixtures::ISSUER.into(),
        signing_key,
        bounds: Bounds::default(),
        issuer_skew: Seconds::new(0),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy: None,
        incarnation: 1,
    };
    let stated_at = UnixSeconds::new(NOW.get() - age);
    let manifest = Ledger::new(settings).unwrap().manifest(Form::V1_1, stated_at).unwrap();
    gate.revocations.apply(&manifest, stated_at).unwrap();
    gate
}

#[test]
fn a_faulty_feed_is_distinguished_from_faulty_keys() {
    let failure = |realm: Realm| failure_at(&token(&json!({})), &[realm], NOW);
    let (check, reason, detail) = failure(fed(90, |_| ()));
    assert_eq!((check, reason), ("freshness", "stale_feed"));
    assert!(detail.starts_with("expected at most 60 s; found 90 s, at sequence "), "{detail}");
    assert!(detail.ends_with(": the cause is the feed, not the keys"), "{detail}");
    let accepting = |policy: &mut Policy| {
        let accept = WhenStale::Accept;
        policy.staleness = Staleness { when_stale: accept, ..Staleness::default() };
    };
    assert!(failure(fed(3_700, accepting)).2.starts_with("expected at most 3600 s; found 3700 s"));

    let (check, reason, detail) = failure(realm());
    assert_eq!((check, reason), ("feed", "no_feed"));
    assert_eq!(detail, "the cause is the feed, not the keys: nothing has arrived yet");
    let mut without_feed = realm();
    without_feed.keys_from = KeysFrom::Feed;
    without_feed.keys = RealmKeys::Unavailable;
    let (check, reason, detail) = failure(without_feed);
    assert_eq!((check, reason), ("key", "no_feed"));
    assert_eq!(detail, "the cause is the feed, not the keys: nothing has arrived yet");

    let mut without_keys = fed(0, |_| ());
    without_keys.keys = RealmKeys::Unavailable;
    let (check, reason, detail) = failure(without_keys);
    assert_eq!((check, reason), ("key", "keys_unavailable"));
    assert_eq!(detail, "the cause is the keys, not the feed: none has been loaded");
    let mut by_feed = fed(0, |_| ());
    by_feed.keys_from = KeysFrom::Feed;
    by_feed.keys = RealmKeys::Unavailable;
    assert_eq!(failure(by_feed).2, "the cause is the feed, not the keys: it has no usable key");
    let mut expired = fed(0, |_| ());
    let jwks = json!({ "keys": [{ "kty": "oct", "kid": "test", "k": fixtures::base64url(fixtures::SECRET) }] });
    expired.keys = loaded(read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys);
    let RealmKeys::Loaded { usable_until, .. } = &mut expired.keys else { panic!("loaded") };
    *usable_until = UnixSeconds::new(NOW.get() - 90);
    let (check, reason, detail) = failure(expired);
    assert_eq!((check, reason), ("key", "keys_unavailable"));
    assert_eq!(detail, "the cause is the keys, not the feed: they expired 90 s ago");
}
