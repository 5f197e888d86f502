//! Enforcement of revocations: from an origin's ledger to the verdict.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{
    base64url, claims, code, handed_over, loaded, read_keys, realm, realm_of, sign, token, vectors, ISSUER, NOW, SECRET,
};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore};
use portcullis::policy::{Compare, WhenStale};
use portcullis::revocation::{Bounds, Form, RealmId, Revocations};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{begin, finish, identify, judge, Accepted, CacheLimits, Finding, HostOutcome};
use portcullis::verdict::{explain, CheckName, Outcome};
use portcullis::verdict::{PendingSignature, PendingSignatures, Realm, Verdict, VerifiedTokenCache};
use serde_json::{json, Value};

/// An origin for one issuer, and the edge that follows it.
struct Pair {
    ledger: Ledger,
    realms: [Realm; 1],
}

impl Pair {
    fn new() -> Self {
        Self::with(realm(), Bounds::default(), Bounds::default())
    }

    fn with(mut realm: Realm, of_origin: Bounds, of_edge: Bounds) -> Self {
        let signing_key = SigningKey::generate().unwrap();
        let feed_keys = vec![signing_key.public().clone()];
        realm.revocations = Revocations::new(RealmId::of(realm.policy.issuer.id()), feed_keys, of_edge);
        let ledger = Ledger::new(LedgerSettings {
            issuer: realm.policy.issuer.id().into(),
            signing_key,
            bounds: of_origin,
            issuer_skew: Seconds::new(0),
            source_skew: Seconds::new(0),
            error_rate: 1e-6,
            valid_for: Seconds::new(300),
            policy: None,
            incarnation: 1,
        })
        .unwrap();
        let mut pair = Self { ledger, realms: [realm] };
        pair.publish(NOW);
        pair
    }

    fn record(&mut self, event: &Event) {
        self.ledger.stage(event, NOW).unwrap();
        self.ledger.commit();
        self.publish(NOW);
    }

    fn publish(&mut self, now: UnixSeconds) {
        let manifest = self.ledger.manifest(Form::NEWEST, now).unwrap();
        let state = &mut self.realms[0].revocations;
        state.apply(&manifest, now).unwrap();
        for name in state.missing_sections() {
            state.provide_section(self.ledger.section(&name).unwrap()).unwrap();
        }
    }

    fn code(&self, token: &str) -> &'static str {
        code(&judge(token, &self.realms, NOW))
    }

    fn accepts(&self, token: &str) -> Accepted {
        match judge(token, &self.realms, NOW) {
            Verdict::Accepted(accepted) => accepted,
            Verdict::Refused(refused) => panic!("{refused:?}"),
        }
    }
}

#[test]
fn every_vector_against_a_loaded_and_empty_state() {
    for group in vectors("verdicts.json")["groups"].as_array().unwrap() {
        let pair = Pair::with(realm_of(group).0, Bounds::default(), Bounds::default());
        for test in group["tests"].as_array().unwrap() {
            // The state is of NOW, so it would be stale for later tokens, which these vectors do not test.
            let Value::Null = test["now"] else { continue };
            let text = test["token"].as_str().unwrap();
            assert_eq!(test["expect"], pair.code(text), "{}", test["comment"]);
            let failed = explain(text, &pair.realms, NOW).iter().find_map(|check| check.outcome.reason());
            assert_eq!(test["expect"], failed.map_or("accepted", |reason| reason.code()), "{}", test["comment"]);
        }
    }
}

#[test]
fn an_accepted_token_returns_its_claims() {
    let pair = Pair::new();
    let body = claims(&json!({ "scope": "read write", "list": ["a"] }));
    let accepted = pair.accepts(&sign(fixtures::HEADER, &body));
    assert_eq!((accepted.realm, accepted.behind), (0, false));
    assert_eq!(accepted.sequence, pair.ledger.head().0);
    assert_eq!(accepted.header_json(), fixtures::HEADER);
    assert_eq!(accepted.claims_json(), body);

    let names = &pair.realms[0].policy.claim_names;
    assert_eq!(accepted.grants(names, &[]), Ok(()));
    assert_eq!(accepted.grants(names, &["read", "write"]), Ok(()));
    for lacking in [&["admin"][..], &["read", "admin"], &["rea"], &["read write"]] {
        assert_eq!(accepted.grants(names, lacking).unwrap_err().reason.code(), "insufficient_scope");
    }
    let as_list = pair.accepts(&token(&json!({ "scope": ["read", "write"] })));
    assert_eq!(as_list.grants(names, &["write"]), Ok(()));
    assert!(pair.accepts(&token(&json!({}))).grants(names, &["read"]).is_err());
}

#[test]
fn a_scope_claim_grants_the_scopes_in_the_vectors() {
    let file = vectors("scopes.json");
    let scopes = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap().to_owned()).collect()
    };
    let pair = Pair::new();
    let names = &pair.realms[0].policy.claim_names;
    for case in file["cases"].as_array().unwrap() {
        let accepted = pair.accepts(&token(&json!({ "scope": case["claim"] })));
        for (member, expected) in [("grants", true), ("lacks", false)] {
            for needed in case[member].as_array().unwrap().iter().map(scopes) {
                let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
                assert_eq!(accepted.grants(names, &needed).is_ok(), expected, "{}: {needed:?}", case["comment"]);
            }
        }
    }
}

#[test]
fn every_kind_of_revocation_has_its_reason() {
    let mine = token(&json!({ "client_id": "service" }));
    let other = token(&json!({ "sub": "bob", "jti": "token-2", "sid": "session-2", "azp": "other" }));
    let later = token(&json!({ "iat": NOW.get() + 1, "jti": "token-3", "sid": "session-3" }));
    let text = |text: &str| text.to_owned();
    for (event, reason, others) in [
        (
            Event::Token { id: text("token-1"), expires_at: Some(at(300)), issued_at: Some(at(-10)) },
            "token_revoked",
            true,
        ),
        (Event::Token { id: text("token-1"), expires_at: None, issued_at: None }, "token_revoked", true),
        (Event::Session { sid: text("session-1"), occurred_at: None, issued_at: None }, "session_revoked", true),
        (
            Event::ClientSession { sid: text("session-1"), azp: text("demo"), occurred_at: None, issued_at: None },
            "session_revoked",
            true,
        ),
        (Event::User { sub: text("alice"), not_before: NotBefore::Now }, "user_revoked", true),
        (Event::Client { client: text("demo"), not_before: NotBefore::Now }, "client_revoked", true),
        (Event::Client { client: text("service"), not_before: NotBefore::Now }, "client_revoked", true),
        (Event::Realm { not_before: NotBefore::Now }, "realm_revoked", false),
        (Event::TokenVersion { sub: text("alice"), minimum: 1 }, "version_revoked", true),
    ] {
        let mut pair = Pair::new();
        assert_eq!(pair.code(&mine), "accepted");
        pair.record(&event);
        assert_eq!(pair.code(&mine), reason, "{event:?}");
        assert_eq!(pair.code(&other) == "accepted", others, "{event:?}");
        let unversioned = matches!(event, Event::TokenVersion { .. });
        assert_eq!(pair.code(&later), if unversioned { reason } else { "accepted" }, "{event:?}: the next login");
    }
    let mut pair = Pair::new();
    pair.record(&Event::TokenVersion { sub: text("alice"), minimum: 2 });
    assert_eq!(pair.code(&token(&json!({ "token_version": 1 }))), "version_revoked");
    assert_eq!(pair.code(&token(&json!({ "token_version": 2 }))), "accepted");
}

fn at(seconds_from_now: i64) -> UnixSeconds {
    UnixSeconds::new(NOW.get().saturating_add_signed(seconds_from_now))
}

#[test]
fn a_banned_key_is_refused_under_any_kid() {
    let mut pair = Pair::new();
    let second = b"the second key: 32 bytes or more";
    let key = |kid: &str, secret: &[u8]| json!({ "kty": "oct", "kid": kid, "k": base64url(secret) });
    let jwks = json!({ "keys": [key("test", SECRET), key("alias", SECRET), key("second", second)] });
    let keys = read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys;
    let thumbprint = *keys.iter().next().unwrap().thumbprint();
    pair.realms[0].keys = loaded(keys);

    let by = |kid: &str| sign(json!({ "alg": "HS256", "kid": kid }).to_string(), claims(&json!({})));
    let without_kid = sign(r#"{"alg":"HS256"}"#, claims(&json!({})));
    assert_eq!(pair.code(&by("alias")), "accepted");
    assert_eq!(pair.code(&without_kid), "accepted");
    pair.record(&Event::KeyBanned { thumbprint });
    assert_eq!(pair.code(&by("test")), "banned_key");
    assert_eq!(pair.code(&by("alias")), "banned_key");
    assert_eq!(pair.code(&without_kid), "banned_key", "it verifies, but under the banned key");
    assert_eq!(pair.code(&by("second")), "bad_signature");
    let error = identify(&by("test"), &pair.realms, NOW).unwrap_err();
    assert_eq!((error.code(), error.reason().code()), ("invalid_token", "banned_key"));
}

#[test]
fn a_missing_section_never_counts_as_not_revoked() {
    let mut pair = Pair::new();
    pair.record(&Event::Token { id: "token-1".into(), expires_at: Some(at(300)), issued_at: Some(at(-10)) });
    let manifest = pair.ledger.manifest(Form::NEWEST, NOW).unwrap();
    let mut fresh = Pair::new();
    let key = pair.ledger.signing_key().public().clone();
    fresh.realms[0].revocations = Revocations::new(RealmId::of(ISSUER), vec![key], Bounds::default());
    assert_eq!(fresh.code(&token(&json!({}))), "no_feed");
    fresh.realms[0].revocations.apply(&manifest, NOW).unwrap();
    assert_eq!(fresh.code(&token(&json!({}))), "stale_feed");
    for name in fresh.realms[0].revocations.missing_sections() {
        fresh.realms[0].revocations.provide_section(pair.ledger.section(&name).unwrap()).unwrap();
    }
    assert_eq!(fresh.code(&token(&json!({}))), "token_revoked");
    assert_eq!(fresh.code(&token(&json!({ "jti": "token-2" }))), "accepted");
}

#[test]
fn a_state_that_is_too_old_refuses_unless_the_policy_allows_it() {
    let mut pair = Pair::new();
    let long = token(&json!({ "exp": NOW.get() + 80_000 }));
    let after = |pair: &Pair, seconds: i64| code(&judge(&long, &pair.realms, at(seconds)));
    assert_eq!(after(&pair, 60), "accepted");
    assert_eq!(after(&pair, 61), "stale_feed");
    assert_eq!(after(&pair, -5), "accepted", "an edge whose clock is behind");
    pair.realms[0].policy.staleness.when_stale = WhenStale::Accept;
    assert_eq!(after(&pair, 61), "accepted");
    assert_eq!(after(&pair, 3600), "accepted");
    assert_eq!(after(&pair, 3601), "stale_feed");

    pair.realms[0].policy.staleness.when_stale = WhenStale::Refuse;
    pair.record(&Event::Token { id: "token-1".into(), expires_at: Some(at(80_000)), issued_at: Some(at(-10)) });
    assert_eq!(after(&pair, 100), "token_revoked", "a token that an old state refuses stays refused");
    pair.publish(at(100));
    let checks = explain(&token(&json!({ "jti": "token-2" })), &pair.realms, at(103));
    let freshness = checks.iter().find(|check| check.name == CheckName::Freshness).unwrap();
    let sequence = pair.ledger.head().0;
    assert_eq!(freshness.outcome, Outcome::Passed);
    assert_eq!(
        freshness.detail.as_deref(),
        Some(&*format!("expected at most 60 s; found 3 s, at sequence {sequence}"))
    );
}

#[test]
fn the_smaller_bounds_apply() {
    let seconds = Seconds::new;
    let of_origin = Bounds { max_lifetime: seconds(400), leeway: seconds(1), ..Bounds::default() };
    let of_edge = Bounds { max_lifetime: seconds(500), skew: seconds(0), ..Bounds::default() };
    let pair = Pair::with(realm(), of_origin, of_edge);
    let now = NOW.get();
    assert_eq!(pair.code(&token(&json!({ "iat": now, "exp": now + 400 }))), "accepted");
    assert_eq!(pair.code(&token(&json!({ "iat": now, "exp": now + 401 }))), "lifetime_exceeded");
    assert_eq!(pair.code(&token(&json!({ "exp": now }))), "accepted");
    assert_eq!(pair.code(&token(&json!({ "exp": now - 1 }))), "expired");
    assert_eq!(pair.code(&token(&json!({ "iat": now + 1 }))), "issued_in_future");
}

#[test]
fn a_token_may_know_of_a_later_sequence() {
    let mut pair = Pair::new();
    let sequence = pair.ledger.head().0;
    let behind = |pair: &Pair, rsq: Value| pair.accepts(&token(&json!({ "rsq": rsq }))).behind;
    assert!(!behind(&pair, json!(sequence)));
    assert!(behind(&pair, json!(sequence + 1)));
    for other in [json!(-1), json!(1e300), json!(sequence as f64 + 0.5), json!("1099511627999")] {
        assert!(!behind(&pair, other));
    }
    pair.record(&Event::Token { id: "token-9".into(), expires_at: None, issued_at: None });
    assert!(!behind(&pair, json!(sequence + 1)));
}

#[test]
fn not_befores_may_be_compared_with_the_login() {
    let mut refreshed = realm();
    refreshed.policy.compare = Compare::AuthTime;
    let bounds = Bounds { max_session: Some(Seconds::new(864_000)), ..Bounds::default() };
    let mut pair = Pair::with(refreshed, bounds, bounds);
    let now = NOW.get();
    let of_old_login = token(&json!({ "iat": now, "auth_time": now - 200_000, "sid": null }));
    let of_new_login = token(&json!({ "iat": now, "auth_time": now, "sid": null, "jti": "token-2" }));
    assert_eq!(pair.code(&of_old_login), "accepted");
    pair.record(&Event::User { sub: "alice".into(), not_before: NotBefore::Caller(at(-100)) });
    assert_eq!(pair.code(&of_old_login), "user_revoked");
    assert_eq!(pair.code(&of_new_login), "accepted");
    assert_eq!(pair.code(&token(&json!({ "auth_time": now - 864_004 }))), "user_revoked");
    assert_eq!(pair.code(&token(&json!({ "auth_time": now - 864_005 }))), "lifetime_exceeded");
}

#[test]
fn a_logout_is_dropped_only_when_no_login_that_old_is_accepted() {
    let mut realm = realm();
    realm.policy.compare = Compare::AuthTime;
    // The edge would accept logins older than the origin's retention of not-befores.
    let of_origin = Bounds { max_session: Some(Seconds::new(864_000)), ..Bounds::default() };
    let of_edge = Bounds { max_session: Some(Seconds::new(8_640_000)), ..Bounds::default() };
    let mut pair = Pair::with(realm, of_origin, of_edge);
    pair.record(&Event::User { sub: "alice".into(), not_before: NotBefore::Caller(NOW) });
    let mut was_forgotten = false;
    for (age, code) in [
        (863_999, "user_revoked"),
        (864_004, "user_revoked"),
        (864_005, "lifetime_exceeded"),
        (864_009, "lifetime_exceeded"),
        (864_010, "lifetime_exceeded"),
        (900_000, "lifetime_exceeded"),
    ] {
        let now = at(age);
        pair.ledger.prune(now);
        pair.publish(now);
        pair.realms[0].revocations.forget_expired(now);
        let refreshed =
            token(&json!({ "iat": now.get(), "exp": now.get() + 300, "auth_time": NOW.get(), "sid": null }));
        assert_eq!(fixtures::code(&judge(&refreshed, &pair.realms, now)), code, "after {age} s");
        was_forgotten = pair.ledger.user_not_before(None, "alice").is_none();
        assert_eq!(was_forgotten, age >= 864_010, "after {age} s");
    }
    assert!(was_forgotten);
}

#[test]
fn a_token_whose_issuer_missed_the_last_logout() {
    for compare in [Compare::IssuedAt, Compare::AuthTime] {
        let mut realm = realm();
        realm.policy.compare = compare;
        let mut pair = Pair::with(realm, Bounds::default(), Bounds::default());
        let now = NOW.get();
        let fresh =
            |last_logout: Value| token(&json!({ "iat": now, "auth_time": now, "last_logout_time": last_logout }));
        assert_eq!(pair.code(&fresh(json!(0))), "accepted", "no user was logged out");
        pair.record(&Event::User { sub: "alice".into(), not_before: NotBefore::Caller(at(-100)) });
        // Neither claim is required.
        assert_eq!(pair.code(&fresh(json!(null))), "accepted");
        assert_eq!(pair.code(&fresh(json!(now - 101))), "user_revoked");
        assert_eq!(pair.code(&fresh(json!(now - 100))), "accepted");
        assert_eq!(pair.code(&fresh(json!(now as f64 - 99.5))), "accepted", "floored");
        assert_eq!(pair.code(&fresh(json!(now as f64 - 100.5))), "user_revoked", "floored");
        assert_eq!(pair.code(&fresh(json!("yesterday"))), "malformed");
        let late = token(&json!({ "iat": now - 100, "auth_time": now - 100, "last_logout_time": now }));
        assert_eq!(pair.code(&late), "user_revoked", "it removes no revocation");

        let checks = explain(&fresh(json!(now - 101)), &pair.realms, NOW);
        let check = checks.iter().find(|check| check.name == CheckName::Revocation).unwrap();
        assert_eq!(check.outcome.reason().map(|reason| reason.code()), Some("user_revoked"));
        assert_eq!(check.detail.as_deref(), Some("the last logout in the token was 101 s ago"));

        pair.realms[0].policy.claim_names.last_logout_time = "left_at".into();
        assert_eq!(pair.code(&fresh(json!(now - 101))), "accepted");
        let renamed = token(&json!({ "iat": now, "auth_time": now, "left_at": now - 101 }));
        assert_eq!(pair.code(&renamed), "user_revoked");
    }
}

fn begun(pair: &Pair) -> PendingSignature {
    let mut nothing = VerifiedTokenCache::new(CacheLimits::NOTHING);
    let host = Algorithms::of(&[Algorithm::HS256]);
    let mut awaiting = PendingSignatures::default();
    let progress = begin(token(&json!({})).as_bytes(), &pair.realms, &mut nothing, &mut awaiting, host, NOW);
    handed_over(progress, &mut awaiting).unwrap()
}

fn finished(pair: &Pair, pending: PendingSignature) -> Finding {
    let mut verified = VerifiedTokenCache::new(CacheLimits { entries: 10, bytes: 1 << 20 });
    finish(pending, HostOutcome::Good, &pair.realms, &mut verified, NOW)
}

fn refused_for(pair: &Pair, pending: PendingSignature) -> &'static str {
    finished(pair, pending).unwrap_err().reason.code()
}

#[test]
fn a_revocation_during_the_host_check_counts() {
    for (event, reason) in [
        (Event::Token { id: "token-1".into(), expires_at: Some(at(300)), issued_at: None }, "token_revoked"),
        (Event::User { sub: "alice".into(), not_before: NotBefore::Now }, "user_revoked"),
    ] {
        let mut pair = Pair::new();
        let pending = begun(&pair);
        pair.record(&event);
        assert_eq!(refused_for(&pair, pending), reason);
    }
    let mut pair = Pair::new();
    let pending = begun(&pair);
    pair.record(&Event::KeyBanned { thumbprint: *pending.key().thumbprint() });
    assert_eq!(refused_for(&pair, pending), "banned_key");

    let pair = Pair::new();
    let pending = begun(&pair);
    let position = pair.realms[0].revocations.position().unwrap();
    assert_eq!(finished(&pair, pending).unwrap().sequence, position.sequence);
}
