//! Realms that are added and removed: nothing of a removed realm is left in its slot for the next one, even if both
//! have the same keys.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;
mod gate_pair;

use fixtures::{token, HEADER, NOW, SECRET};
use gate_pair::{key_set, outcome, ROOM};
use portcullis::gate::{Gate, KeysFrom, MAX_REALMS};
use portcullis::keys::KeySource;
use portcullis::policy::{Audience, Policy, Profile, RevocationCheck};
use portcullis::revocation::Bounds;
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{Entry, Handle, HostOutcome, Progress, Realm, RealmKeys, Signature};
use serde_json::json;

/// A realm without revocation, so that its tokens are accepted with keys alone.
fn tenant(name: &str) -> Realm {
    let mut policy = Policy::new(issuer(name), Audience::NotChecked, Profile::Generic);
    policy.algorithms = Algorithm::ALL.into_iter().collect();
    policy.revocation = RevocationCheck::Unchecked;
    Realm::new(name, policy, Vec::new(), Bounds::default())
}

fn issuer(name: &str) -> String {
    format!("https://{name}.example")
}

fn token_of(name: &str) -> String {
    token(&json!({ "iss": issuer(name) }))
}

fn add(gate: &mut Gate, name: &str) -> usize {
    let index = gate.add_realm(tenant(name), KeysFrom::Caller).unwrap();
    gate.set_keys(index, &key_set(&[SECRET]), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    index
}

fn find(gate: &mut Gate, name: &str) -> &'static str {
    outcome(gate.find(token_of(name).as_bytes(), NOW))
}

fn entry(gate: &mut Gate, name: &str) -> Entry {
    match gate.find(token_of(name).as_bytes(), NOW).map(|standing| standing.signature) {
        Ok(Signature::Remembered(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

fn hand_over(gate: &mut Gate, name: &str) -> (Handle, u32) {
    match gate.begin(token_of(name).as_bytes(), Algorithms::of(&[Algorithm::HS256]), NOW) {
        Progress::AwaitingSignature { handle, key_number } => (handle, key_number),
        Progress::Decided(finding) => panic!("{finding:?}"),
    }
}

#[test]
fn a_cached_token_of_a_removed_realm_is_refused_by_the_next_realm_with_the_same_keys() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    let index = add(&mut gate, "one");
    assert_eq!(find(&mut gate, "one"), "checked");
    assert_eq!(find(&mut gate, "one"), "remembered");
    let cached = entry(&mut gate, "one");
    gate.remove_realm(index);
    assert_eq!(gate.recheck(cached, NOW), None);
    assert_eq!(find(&mut gate, "one"), "wrong_issuer");
    assert_eq!(add(&mut gate, "two"), index);
    assert_eq!(gate.recheck(cached, NOW), None);
    assert_eq!(find(&mut gate, "one"), "wrong_issuer");
    assert_eq!(find(&mut gate, "two"), "checked");
    // Added again, it gets another slot.
    assert_eq!(add(&mut gate, "one"), 1);
    assert_eq!(find(&mut gate, "one"), "checked");
    assert_eq!(gate.recheck(cached, NOW), None);
}

#[test]
fn a_token_at_the_host_is_dropped_with_its_realm() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    let index = add(&mut gate, "one");
    let (handle, key_number) = hand_over(&mut gate, "one");
    let other = add(&mut gate, "other");
    let (handle_of_other, _) = hand_over(&mut gate, "other");
    gate.remove_realm(index);
    assert_eq!(add(&mut gate, "two"), index);
    assert!(gate.pending(handle).is_none());
    assert_eq!(gate.finish(handle, HostOutcome::Good, NOW), None);
    // The host caches keys by number.
    assert_ne!(hand_over(&mut gate, "two").1, key_number);
    let finding = gate.finish(handle_of_other, HostOutcome::Good, NOW).unwrap();
    assert_eq!(finding.map(|standing| standing.realm).unwrap(), other);
}

#[test]
fn nothing_is_left_of_a_removed_realm() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    let index = add(&mut gate, "one");
    gate.remove_realm(index);
    assert!(matches!(gate.realm(index).unwrap().keys, RealmKeys::Unavailable));
    let next = gate.add_realm(tenant("two"), KeysFrom::Caller).unwrap();
    assert_eq!((next, find(&mut gate, "two")), (index, "keys_unavailable"));
    // Removing twice, and removing an unused index.
    gate.remove_realm(index);
    gate.remove_realm(index);
    gate.remove_realm(7);
    assert!(gate.realm(7).is_none());
}

#[test]
fn a_gate_of_free_slots_refuses_every_token() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    assert_eq!(find(&mut gate, "one"), "wrong_issuer");
    let index = add(&mut gate, "one");
    gate.remove_realm(index);
    assert_eq!(find(&mut gate, "one"), "wrong_issuer");
    // Neither an empty nor an absent issuer matches a free slot.
    for iss in [json!(""), json!(null)] {
        let token = token(&json!({ "iss": iss }));
        assert_eq!(outcome(gate.find(token.as_bytes(), NOW)), "wrong_issuer");
    }
    assert_eq!(outcome(gate.find(HEADER.as_bytes(), NOW)), "malformed");
}

#[test]
fn added_realms_take_the_first_free_slots() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    assert!(gate.put_realm(2, tenant("three"), KeysFrom::Caller));
    assert_eq!(find(&mut gate, "three"), "keys_unavailable");
    assert_eq!([add(&mut gate, "one"), add(&mut gate, "two"), add(&mut gate, "four")], [0, 1, 3]);
    assert!(!gate.put_realm(MAX_REALMS, tenant("last"), KeysFrom::Caller));
}

#[test]
fn a_gate_has_as_many_slots_as_a_finding_can_name() {
    let mut gate = Gate::new(Vec::new(), ROOM);
    assert!(gate.put_realm(MAX_REALMS - 1, tenant("last"), KeysFrom::Caller));
    assert_eq!(gate.add_realm(tenant("first"), KeysFrom::Caller), Some(0));
    let finding = gate.find(token_of("last").as_bytes(), NOW);
    assert_eq!(finding.unwrap_err().realm, Some(MAX_REALMS - 1));
}
