//! Key not-befores: exactly the tokens that one key signed up to a time are refused, on every path to a verdict.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;
mod gate_pair;

use fixtures::{base64url, claims, sign, NOW, SECRET};
use gate_pair::{outcome, verdict, Pair};
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use portcullis::keys::KeySource;
use portcullis::ledger::{Correction, Event, NotBefore};
use portcullis::policy::Compare;
use portcullis::time::UnixSeconds;
use portcullis::verdict::{CheckName, HostOutcome};
use serde_json::{json, Value};

const SECOND: &[u8] = b"the second key: 32 bytes or more";

/// Signs a token with a key of the set.
fn signed(secret: &[u8], header: &Value, claims: &str) -> String {
    let input = format!("{}.{}", base64url(header.to_string()), base64url(claims));
    let signature = Hs256.sign(&Hs256Key::new(secret), input.as_bytes());
    format!("{input}.{}", base64url(signature.as_bytes()))
}

fn issued(seconds: i64) -> String {
    claims(&json!({ "iat": at(seconds).get(), "jti": format!("token-{seconds}") }))
}

fn at(seconds_from_now: i64) -> UnixSeconds {
    UnixSeconds::new(NOW.get().saturating_add_signed(seconds_from_now))
}

fn first(seconds: i64) -> String {
    signed(SECRET, &json!({ "alg": "HS256", "kid": "test" }), &issued(seconds))
}

fn second(seconds: i64) -> String {
    signed(SECOND, &json!({ "alg": "HS256", "kid": "test-1" }), &issued(seconds))
}

/// Returns a gate with two keys, and the thumbprint of the first.
fn pair() -> (Pair, [u8; 32]) {
    let mut pair = Pair::new();
    pair.set_keys(&[SECRET, SECOND]);
    let thumbprint = gate_pair::thumbprint(&pair.gate);
    (pair, thumbprint)
}

fn event(thumbprint: [u8; 32], seconds: i64) -> Event {
    Event::KeyNotBefore { thumbprint, not_before: NotBefore::Caller(at(seconds)) }
}

#[test]
fn refuses_tokens_of_one_of_two_keys_up_to_a_time() {
    let (mut pair, thumbprint) = pair();
    pair.record(&event(thumbprint, -10));
    assert_eq!(pair.find(&first(-11)), "banned_key");
    assert_eq!(pair.find(&first(-10)), "banned_key");
    assert_eq!(pair.find(&first(-9)), "checked");
    assert_eq!(pair.find(&second(-11)), "checked");
    // Without a `kid`, the key that verifies the token counts.
    let nameless = |secret| signed(secret, &json!({ "alg": "HS256" }), &issued(-10));
    assert_eq!(pair.find(&nameless(SECRET)), "banned_key");
    assert_eq!(pair.find(&nameless(SECOND)), "checked");
    // Merged by maximum.
    pair.record(&event(thumbprint, -20));
    assert_eq!(pair.find(&first(-10)), "banned_key");
    pair.record(&event(thumbprint, -5));
    assert_eq!(pair.find(&first(-9)), "banned_key");
    assert_eq!(pair.gate.realm(0).unwrap().revocations.stats().key_not_befores, 1);
}

#[test]
fn refuses_a_cached_token_and_one_at_the_host() {
    let (mut pair, thumbprint) = pair();
    for token in [first(-10), second(-10)] {
        assert_eq!(pair.find(&token), "checked");
        assert_eq!(pair.find(&token), "remembered");
    }
    let (of_first, of_second) = (pair.entry(&first(-10)), pair.entry(&second(-10)));
    let pending = [first(-12), second(-12)].map(|token| pair.hand_over(&token));
    pair.record(&event(thumbprint, -10));
    assert_eq!((pair.recheck(of_first), pair.recheck(of_second)), (Some("banned_key"), Some("remembered")));
    assert_eq!((pair.find(&first(-10)), pair.find(&second(-10))), ("banned_key", "remembered"));
    let found = pending.map(|handle| verdict(pair.gate.finish(handle, HostOutcome::Good, NOW).unwrap()));
    assert_eq!(found, ["banned_key", "accepted"]);
    // Removed by a correction.
    pair.record(&Event::Correction(Correction::KeyNotBefore { thumbprint, not_before: None }));
    assert_ne!(pair.find(&first(-10)), "banned_key");
    assert_eq!(outcome(pair.gate.find(first(-12).as_bytes(), NOW)), "checked");
}

#[test]
fn explain_distinguishes_it_from_a_ban() {
    let (mut pair, thumbprint) = pair();
    pair.record(&event(thumbprint, -10));
    let failed = |pair: &mut Pair| {
        let checks = pair.gate.explain(&first(-10), NOW);
        let failed = checks.into_iter().find(|check| check.outcome.reason().is_some()).unwrap();
        (failed.name, failed.outcome.reason().unwrap().code(), failed.detail)
    };
    let text = "the key is not banned: the token was issued before the key's not-before";
    assert_eq!(failed(&mut pair), (CheckName::Revocation, "banned_key", Some(text.into())));
    pair.record(&Event::KeyBanned { thumbprint });
    assert_eq!(failed(&mut pair), (CheckName::Key, "banned_key", None));
}

#[test]
fn compares_the_time_chosen_by_the_policy() {
    use portcullis::verdict::judge;
    let (mut pair, thumbprint) = pair();
    pair.record(&event(thumbprint, -100));
    let mut realm = fixtures::realm();
    realm.policy.compare = Compare::AuthTime;
    let key = pair.ledger.signing_key().public().clone();
    realm.revocations = portcullis::revocation::Revocations::new(
        pair.ledger.realm(),
        vec![key],
        portcullis::revocation::Bounds::default(),
    );
    let manifest = pair.ledger.manifest(portcullis::revocation::Form::NEWEST, NOW).unwrap();
    realm.revocations.apply(&manifest, NOW).unwrap();
    let realms = [realm];
    let logged_in = |seconds: i64| sign(fixtures::HEADER, claims(&json!({ "auth_time": at(seconds).get() })));
    assert_eq!(fixtures::code(&judge(&logged_in(-100), &realms, NOW)), "banned_key");
    assert_eq!(fixtures::code(&judge(&logged_in(-99), &realms, NOW)), "accepted");
}

#[test]
fn keys_replaced_at_the_gate_are_looked_up_again() {
    let (mut pair, thumbprint) = pair();
    pair.record(&event(thumbprint, -10));
    pair.gate.set_keys(0, &gate_pair::key_set(&[SECOND]), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    // The second key now has the first one's `kid`.
    let of_second = signed(SECOND, &json!({ "alg": "HS256", "kid": "test" }), &issued(-10));
    assert_eq!(pair.find(&of_second), "checked");
    assert_eq!(pair.find(&first(-10)), "bad_signature");
}
