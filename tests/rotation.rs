//! Rotation of the origin's signing key: edges that pin both keys follow without an error, others report the missing
//! key.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::key::SigningKey;
use portcullis::revocation::{Bounds, Effect, FeedKey, RealmId, Revocations, Status};
use portcullis::time::Seconds;

fn new_key() -> SigningKey {
    SigningKey::generate().unwrap()
}

fn pinning(keys: &[&FeedKey]) -> Revocations {
    let keys = keys.iter().map(|key| (*key).clone()).collect();
    Revocations::new(RealmId::of(ISSUER), keys, Bounds::default())
}

#[test]
fn an_edge_that_pins_both_keys_continues_without_an_error() {
    let (mut ledger, next) = (ledger(), new_key());
    let mut edge = pinning(&[&feed_key(), next.public()]);
    load(&mut edge, &mut ledger, NOW);
    let old_manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    record(&mut ledger, &user("before"), NOW + 1);
    assert_eq!(follow(&mut edge, &ledger, NOW + 1), Ok(Effect::Changed));
    let old_heartbeat = ledger.heartbeat(FORM, at(NOW + 2));
    assert_eq!(edge.apply(&old_heartbeat, at(NOW + 2)).unwrap().effect, Effect::Renewed);

    ledger.set_signing_key(next);
    // The state is never older than the last statement, at every second.
    assert_eq!(edge.apply(&ledger.heartbeat(FORM, at(NOW + 3)), at(NOW + 3)).unwrap().effect, Effect::Renewed);
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 3));
    record(&mut ledger, &user("after"), NOW + 4);
    let delta = ledger.delta(FORM, edge.position().unwrap().sequence, at(NOW + 4)).unwrap().bytes;
    assert_eq!(edge.apply(&delta, at(NOW + 4)).unwrap().effect, Effect::Changed);
    assert_eq!(at(NOW + 4).since(edge.position().unwrap().issued_at), Seconds::new(0));
    assert_eq!(load(&mut edge, &mut ledger, NOW + 5).effect, Effect::Renewed);
    record(&mut ledger, &user("later"), NOW + 6);
    load(&mut edge, &mut ledger, NOW + 6);
    for sub in ["before", "after", "later"] {
        assert!(is_revoked(&edge, &of_user(sub, NOW)), "{sub}");
    }

    // An earlier statement signed with the old key undoes nothing.
    let known = edge.position().unwrap().sequence;
    let sequence = known - 3;
    assert_eq!(edge.apply(&old_manifest, at(NOW + 6)), Err(FeedError::Older { sequence, known }));
    assert_eq!(edge.apply(&old_heartbeat, at(NOW + 6)).unwrap().effect, Effect::AlreadyKnown);
    assert_eq!(edge.position().unwrap().sequence, known);
}

#[test]
fn a_delta_may_span_the_change() {
    let (mut ledger, next) = (ledger(), new_key());
    let mut edge = pinning(&[&feed_key(), next.public()]);
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("before"), NOW);
    ledger.set_signing_key(next);
    record(&mut ledger, &user("after"), NOW);
    let delta = ledger.delta(FORM, edge.position().unwrap().sequence, at(NOW)).unwrap().bytes;
    assert_eq!(edge.apply(&delta, at(NOW)).unwrap().effect, Effect::Changed);
    assert!(["before", "after"].iter().all(|sub| is_revoked(&edge, &of_user(sub, NOW))));
}

#[test]
fn a_manifest_of_one_key_accepts_deltas_of_the_other() {
    let (mut ledger, next) = (ledger(), new_key());
    let mut edge = pinning(&[&feed_key(), next.public()]);
    record(&mut ledger, &user("u"), NOW);
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    load(&mut edge, &mut ledger, NOW);
    // Its section has not arrived when the key changes.
    record(&mut ledger, &token("k", NOW + 1_500, NOW), NOW);
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::Staged);
    ledger.set_signing_key(next);
    record(&mut ledger, &user("v"), NOW);
    let delta = ledger.delta(FORM, edge.position().unwrap().sequence, at(NOW)).unwrap().bytes;
    edge.apply(&delta, at(NOW)).unwrap();
    provide_all(&mut edge, &ledger);
    assert_eq!(edge.position().unwrap().sequence, ledger.head().0);
    assert!(is_revoked(&edge, &of_user("v", NOW)) && is_revoked(&edge, &subject("k", NOW + 1_500, NOW)));
}

#[test]
fn two_histories_are_distinguished_with_either_key() {
    let (mut ledger, next) = (ledger(), new_key());
    let mut edge = pinning(&[&feed_key(), next.public()]);
    let mut other = pair::ledger();
    record(&mut ledger, &user("u"), NOW);
    record(&mut other, &user("v"), NOW);
    load(&mut edge, &mut ledger, NOW);
    other.set_signing_key(next);
    let sequence = ledger.head().0;
    let error = Err(FeedError::Equivocation { sequence });
    assert_eq!(edge.apply(&other.heartbeat(FORM, at(NOW + 1)), at(NOW + 1)), error);
    assert_eq!(edge.apply(&other.manifest(FORM, at(NOW + 1)).unwrap(), at(NOW + 1)), error);
}

#[test]
fn an_edge_that_pins_only_the_old_key_reports_it_and_keeps_its_state() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &user("u"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let position = edge.position();
    ledger.set_signing_key(new_key());
    record(&mut ledger, &user("v"), NOW + 1);
    let delta = ledger.delta(FORM, position.unwrap().sequence, at(NOW + 1)).unwrap().bytes;
    for message in [delta, ledger.manifest(FORM, at(NOW + 1)).unwrap(), ledger.heartbeat(FORM, at(NOW + 1))] {
        assert_eq!(edge.apply(&message, at(NOW + 1)), Err(FeedError::UnknownKey));
    }
    assert_eq!(FeedError::UnknownKey.code(), "unknown_key");
    assert_eq!(edge.position(), position);
    assert!(is_revoked(&edge, &of_user("u", NOW)));
    assert_eq!(edge.status(&of_user("v", NOW)), Status::NotRevoked);
}

#[test]
fn an_edge_that_pins_only_the_new_key_starts_with_it() {
    let (mut ledger, next) = (ledger(), new_key());
    let mut edge = pinning(&[next.public()]);
    record(&mut ledger, &user("u"), NOW);
    assert_eq!(edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)), Err(FeedError::UnknownKey));
    ledger.set_signing_key(next);
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("v"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &of_user("u", NOW)) && is_revoked(&edge, &of_user("v", NOW)));
}
