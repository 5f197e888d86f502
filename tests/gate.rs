//! The gate: its clock, and the keys that it adopts from its feed.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::gate::{Gate, KeysFrom};
use portcullis::ledger::{Event, Ledger};
use portcullis::policy::{Audience, Policy, Profile};
use portcullis::revocation::{Bounds, Effect};
use portcullis::verdict::{CacheLimits, IdentifyError, Realm, RealmKeys, Reason, Verdict};

/// The key of RFC 8037 appendix A.2, and another point.
const KEYS: &str = r#"{"keys":[
    {"kty":"OKP","crv":"Ed25519","kid":"one","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    {"kty":"EC","crv":"P-256","kid":"two",
     "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

fn gate() -> Gate {
    let policy = Policy::new(ISSUER, Audience::NotChecked, Profile::Generic);
    Gate::new(
        vec![(Realm::new("acme", policy, vec![feed_key()], Bounds::default()), KeysFrom::Feed)],
        CacheLimits::NOTHING,
    )
}

fn kids(gate: &Gate) -> Vec<&str> {
    match &gate.realm(0).unwrap().keys {
        RealmKeys::Loaded { keys, .. } => keys.iter().filter_map(|key| key.id()).collect(),
        RealmKeys::Unavailable => Vec::new(),
    }
}

fn publish(ledger: &mut Ledger, jwks: &str, now: u64) {
    assert!(record(ledger, &Event::Keys { jwks: jwks.into() }, now).is_some());
}

fn only_first() -> String {
    format!("{}]}}", KEYS.split(",\n    {").next().unwrap())
}

/// Applies the manifest and provides all sections except `without`.
fn load_gate(gate: &mut Gate, ledger: &mut Ledger, now: u64) -> Effect {
    let effect = gate.apply_feed(0, &ledger.manifest(FORM, at(now)).unwrap(), at(now)).unwrap().effect;
    for name in gate.realm(0).unwrap().revocations.missing_sections() {
        gate.provide_section(0, ledger.section(&name).unwrap().to_vec(), None).unwrap();
    }
    effect
}

#[test]
fn keys_come_and_go_with_the_feed() {
    let (mut ledger, mut gate) = (ledger(), gate());
    assert!(kids(&gate).is_empty());
    publish(&mut ledger, KEYS, NOW);
    load_gate(&mut gate, &mut ledger, NOW);
    assert_eq!(kids(&gate), ["one", "two"]);
    publish(&mut ledger, &only_first(), NOW);
    gate.apply_feed(0, &ledger.delta(FORM, ledger.head().0 - 1, at(NOW)).unwrap().bytes, at(NOW)).unwrap();
    assert_eq!(kids(&gate), ["one"]);
    // An empty set counts as well.
    publish(&mut ledger, r#"{"keys":[]}"#, NOW);
    gate.apply_feed(0, &ledger.delta(FORM, ledger.head().0 - 1, at(NOW)).unwrap().bytes, at(NOW)).unwrap();
    assert!(kids(&gate).is_empty());
}

/// A token with a header that names the key, an issuer, and no signature: judging it reaches the key and stops there.
const TOKEN_OF_TWO: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6InR3byJ9.\
    eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3JlYWxtcy9hY21lIn0.";

fn reason(gate: &mut Gate, token: &str, now: u64) -> &'static str {
    match gate.check(token, at(now)) {
        Verdict::Refused(refused) => refused.reason.code(),
        Verdict::Accepted(_) => panic!("accepted"),
    }
}

#[test]
fn a_key_removed_from_the_feed_verifies_nothing_more() {
    let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), gate(), gate());
    publish(&mut ledger, KEYS, NOW);
    for gate in [&mut by_delta, &mut by_manifest] {
        assert_eq!(reason(gate, TOKEN_OF_TWO, NOW), "no_feed");
        load_gate(gate, &mut ledger, NOW);
        assert_eq!(reason(gate, TOKEN_OF_TWO, NOW), "bad_signature");
    }
    publish(&mut ledger, &only_first(), NOW);
    by_delta.apply_feed(0, &ledger.delta(FORM, ledger.head().0 - 1, at(NOW)).unwrap().bytes, at(NOW)).unwrap();
    load_gate(&mut by_manifest, &mut ledger, NOW);
    for gate in [&mut by_delta, &mut by_manifest] {
        assert_eq!(reason(gate, TOKEN_OF_TWO, NOW), "unknown_key");
    }
}

#[test]
fn withdrawn_keys_are_removed_from_the_gate() {
    let (mut ledger, mut gate) = (ledger(), gate());
    assert_eq!(record(&mut ledger, &Event::KeysWithdrawn, NOW), None, "no keys");
    let mut rows = Vec::new();
    rows.extend(record(&mut ledger, &Event::Keys { jwks: KEYS.into() }, NOW));
    load_gate(&mut gate, &mut ledger, NOW);
    rows.extend(record(&mut ledger, &Event::KeysWithdrawn, NOW));
    assert_eq!(record(&mut ledger, &Event::KeysWithdrawn, NOW), None);
    // No delta can carry the withdrawal, so the gate wants the manifest.
    assert!(ledger.delta(FORM, ledger.head().0 - 1, at(NOW)).is_err());
    assert_eq!(load_gate(&mut gate, &mut ledger, NOW), Effect::Changed);
    assert_eq!(reason(&mut gate, TOKEN_OF_TWO, NOW), "keys_unavailable");

    // A restart does not restore the keys, but they can be published again.
    let mut restarted = pair::ledger();
    rows.iter().for_each(|row| restarted.restore(row).unwrap());
    let mut late = self::gate();
    load_gate(&mut late, &mut restarted, NOW);
    assert!(kids(&late).is_empty());
    publish(&mut restarted, KEYS, NOW);
    gate.apply_feed(0, &restarted.delta(FORM, restarted.head().0 - 1, at(NOW)).unwrap().bytes, at(NOW)).unwrap();
    assert_eq!(kids(&gate), ["one", "two"]);
}

#[test]
fn keys_survive_a_restart() {
    let (mut before, mut gate) = (ledger(), gate());
    let row = record(&mut before, &Event::Keys { jwks: KEYS.into() }, NOW).unwrap();
    let mut after = ledger();
    after.restore(&row).unwrap();
    load_gate(&mut gate, &mut after, NOW);
    assert_eq!(kids(&gate), ["one", "two"]);
}

#[test]
fn keys_also_change_when_a_manifest_completes_because_its_last_section_expired() {
    let (mut ledger, mut gate) = (ledger(), gate());
    publish(&mut ledger, KEYS, NOW);
    load_gate(&mut gate, &mut ledger, NOW);
    let expires_at = NOW + 100;
    record(&mut ledger, &token("j", expires_at, NOW), NOW);
    publish(&mut ledger, &only_first(), NOW);
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    assert_eq!(gate.apply_feed(0, &manifest, at(NOW)).unwrap().effect, Effect::Staged);
    assert_eq!(kids(&gate), ["one", "two"]);
    // The section never arrives; a heartbeat follows after its bucket has expired.
    let later = (expires_at / 512 + 1) * 512 + 10;
    let applied = gate.apply_feed(0, &ledger.heartbeat(FORM, at(later)), at(later)).unwrap();
    assert_eq!((applied.sequence, applied.effect), (ledger.head().0, Effect::Changed));
    assert_eq!(kids(&gate), ["one"]);
}

#[test]
fn the_clock_never_goes_back() {
    let mut gate = gate();
    let jwks = KEYS.as_bytes();
    gate.set_keys(0, jwks, portcullis::keys::KeySource::Url, at(NOW)).unwrap().unwrap();
    // It has no signature, so judging it reaches the key and stops there.
    let token = "eyJhbGciOiJFZERTQSIsImtpZCI6Im9uZSJ9.\
        eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlL3JlYWxtcy9hY21lIn0.";
    let reason = |gate: &mut Gate, now| reason(gate, token, now);
    let invalid = IdentifyError::InvalidToken { realm: Some(0), reason: Reason::BadSignature };
    assert_eq!(gate.realm_of(token), Some(0));
    assert_eq!(gate.identify(token, at(NOW)), Err(invalid));
    assert_eq!(reason(&mut gate, NOW), "bad_signature");
    assert_eq!(gate.identify(token, at(NOW + 1)), Err(IdentifyError::KeysUnavailable { realm: 0 }));
    assert_eq!(gate.identify(token, at(NOW)), Err(IdentifyError::KeysUnavailable { realm: 0 }));
    assert_eq!(reason(&mut gate, NOW), "keys_unavailable");
}

#[test]
fn a_message_for_another_realm_of_the_same_gate_is_refused() {
    let realm = |name: &str, issuer: &str| {
        let policy = Policy::new(issuer, Audience::NotChecked, Profile::Generic);
        (Realm::new(name, policy, vec![feed_key()], Bounds::default()), KeysFrom::Feed)
    };
    let other = "https://issuer.example/realms/other";
    let mut gate = Gate::new(vec![realm("acme", ISSUER), realm("other", other)], CacheLimits::NOTHING);
    let (mut ours, mut theirs) = (ledger(), ledger_of(other));
    let (manifest, delta) = (ours.manifest(FORM, at(NOW)).unwrap(), ours.heartbeat(FORM, at(NOW)));
    for bytes in [&manifest, &delta] {
        assert_eq!(gate.apply_feed(1, bytes, at(NOW)), Err(FeedError::WrongRealm));
        assert_eq!(gate.apply_feed(2, bytes, at(NOW)), Err(FeedError::WrongRealm));
    }
    assert!([0, 1].iter().all(|realm| gate.realm(*realm).unwrap().revocations.position().is_none()));
    assert_eq!(gate.apply_feed(0, &manifest, at(NOW)).unwrap().effect, Effect::Changed);
    assert_eq!(gate.apply_feed(1, &theirs.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Changed);
}

#[test]
fn a_gate_that_replaces_a_lost_one_refuses_older_messages() {
    let (mut ledger, mut lost) = (ledger(), gate());
    let oldest = ledger.manifest(FORM, at(NOW)).unwrap();
    publish(&mut ledger, KEYS, NOW);
    let before = ledger.manifest(FORM, at(NOW)).unwrap();
    record(&mut ledger, &user("bob"), NOW);
    load_gate(&mut lost, &mut ledger, NOW + 100);
    let (marks, latest) = lost.marks(0).unwrap();
    assert_eq!((marks.last.unwrap().0, latest), (ledger.head().0, at(NOW + 100)));

    let mut fork = Ledger::new(settings()).unwrap();
    publish(&mut fork, KEYS, NOW);
    record(&mut fork, &user("mallory"), NOW);
    let mut gate = gate();
    gate.resume(0, marks.clone(), latest);
    assert_eq!(gate.marks(0), Some((marks, latest)), "also when it is lost in its turn");
    for older in [&oldest, &before] {
        let refused = gate.apply_feed(0, older, at(NOW));
        assert!(matches!(refused, Err(FeedError::Older { .. })), "{refused:?}");
    }
    let other_history = gate.apply_feed(0, &fork.manifest(FORM, at(NOW)).unwrap(), at(NOW));
    assert!(matches!(other_history, Err(FeedError::Equivocation { .. })), "{other_history:?}");
    assert!(kids(&gate).is_empty(), "nothing of the old state is left");
    load_gate(&mut gate, &mut ledger, NOW);
    assert_eq!(kids(&gate), ["one", "two"]);
    // Judged by the lost gate's time, not by `now`.
    assert_eq!(gate.marks(0).unwrap().1, at(NOW + 100));
}

#[test]
fn a_gate_that_replaces_a_lost_one_keeps_the_sequence_of_each_feed_key() {
    let (mut ledger, mut lost) = (ledger(), gate());
    let older = ledger.manifest(FORM, at(NOW)).unwrap();
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    assert_eq!(lost.apply_feed(0, &ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Changed);
    let (marks, latest) = lost.marks(0).unwrap();
    let mut gate = gate();
    gate.resume(0, portcullis::revocation::Marks { last: None, ..marks }, latest);
    assert!(matches!(gate.apply_feed(0, &older, at(NOW)), Err(FeedError::Older { .. })));
}

#[test]
fn a_removed_realm_leaves_its_index_and_nothing_else() {
    let (mut ledger, mut gate) = (ledger(), gate());
    publish(&mut ledger, KEYS, NOW);
    load_gate(&mut gate, &mut ledger, NOW);
    let other = |issuer: &str| Policy::new(issuer, Audience::NotChecked, Profile::Generic);
    let add = |gate: &mut Gate, issuer: &str| {
        gate.add_realm(Realm::new("other", other(issuer), vec![feed_key()], Bounds::default()), KeysFrom::Caller)
    };
    assert_eq!(add(&mut gate, "https://other.example"), Some(1));
    gate.remove_realm(0);
    // Removing it again changes nothing: the index must not be reused twice.
    gate.remove_realm(0);
    gate.remove_realm(7);
    assert!(kids(&gate).is_empty());
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    assert_eq!(gate.peek_feed(&manifest).unwrap_err(), FeedError::WrongRealm);
    assert_eq!(gate.apply_feed(0, &manifest, at(NOW)).unwrap_err(), FeedError::WrongRealm);
    assert_eq!(add(&mut gate, "https://third.example"), Some(0));
    assert_eq!(add(&mut gate, "https://fourth.example"), Some(2));
    assert!(kids(&gate).is_empty());
    assert!(gate.realm(0).unwrap().revocations.position().is_none());
    // Its issuer may be added again, with another index and without state.
    gate.remove_realm(1);
    assert_eq!(add(&mut gate, ISSUER), Some(1));
    assert_eq!(gate.peek_feed(&manifest).unwrap().0, 1);
}
