//! Edges of a restarted origin: new hash keys, other bounds, a restored backup.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Ledger, LedgerSettings};
use portcullis::revocation::{Bounds, Effect, Revocations, MAX_GENERATIONS};
use portcullis::time::Seconds;

#[test]
fn a_restarted_origin_goes_on_under_a_new_hash_key() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let mut rows: Vec<_> =
        (0..60).filter_map(|id| record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW)).collect();
    rows.extend(record(&mut ledger, &user("u"), NOW));
    load(&mut edge, &mut ledger, NOW);
    let mut restarted = pair::ledger();
    rows.iter().for_each(|row| restarted.restore(row).unwrap());
    assert_eq!(restarted.head(), ledger.head());
    record(&mut restarted, &token("b", NOW + 300, NOW), NOW + 1);
    record(&mut restarted, &user("v"), NOW + 1);
    // The delta declares the new key; the filter uses the old one, so the id is held outside it.
    assert_eq!(follow(&mut edge, &restarted, NOW + 1), Ok(Effect::Changed));
    record(&mut restarted, &token("c", NOW + 300, NOW), NOW + 1);
    assert_eq!(follow(&mut edge, &restarted, NOW + 1), Ok(Effect::Changed));
    let all_refused = |edge: &Revocations| {
        ["a0", "a59", "b", "c"].iter().all(|id| is_revoked(edge, &subject(id, NOW + 300, NOW)))
            && ["u", "v"].iter().all(|sub| is_revoked(edge, &of_user(sub, NOW)))
    };
    assert!(all_refused(&edge));
    assert_eq!(edge.stats().live_entries, 3);
    record(&mut restarted, &user("w"), NOW + 2);
    assert_eq!(load(&mut edge, &mut restarted, NOW + 2).effect, Effect::Staged);
    assert!(all_refused(&edge) && is_revoked(&edge, &of_user("w", NOW)));
    assert_eq!(edge.stats().live_entries, 0);
}

#[test]
fn an_edge_that_follows_deltas_learns_of_new_bounds() {
    let (mut before, mut edge) = (ledger(), edge());
    load(&mut edge, &mut before, NOW);
    let row = record(&mut before, &user("u"), NOW).unwrap();
    follow(&mut edge, &before, NOW).unwrap();
    assert!(!edge.wants_manifest());
    // Shorter lifetimes: this edge may still accept tokens whose revocations the origin drops from now on.
    let bounds = Bounds { max_lifetime: Seconds::new(3_600), ..Bounds::default() };
    let mut ledger = Ledger::new(LedgerSettings { bounds, ..settings() }).unwrap();
    ledger.restore(&row).unwrap();
    let expires_at = NOW + 80_000;
    record(&mut ledger, &token("j", expires_at, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &subject("j", expires_at, NOW)));
    assert_eq!((edge.bounds().max_lifetime, edge.wants_manifest()), (Seconds::new(3_600), true));
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.bounds(), bounds);
    assert!(!edge.wants_manifest());
    record(&mut ledger, &user("w"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(!edge.wants_manifest());
    assert!(is_revoked(&edge, &subject("j", expires_at, NOW)) && is_revoked(&edge, &of_user("u", NOW)));
}

#[test]
fn a_manifest_drops_the_hash_keys_of_many_restarts() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let mut rows = Vec::new();
    let mut restart = |number: usize| {
        let mut ledger = pair::ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        rows.extend(record(&mut ledger, &user(&format!("u{number}")), NOW));
        rows.extend(record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW));
        ledger
    };
    // Each run of the origin has its own key, and an edge that follows by deltas collects them.
    let mut restarts = 0;
    let limit = MAX_GENERATIONS;
    let last = loop {
        let ledger = restart(restarts);
        assert_eq!(edge.wants_manifest(), restarts >= limit / 2, "after {restarts}");
        if follow(&mut edge, &ledger, NOW) == Err(FeedError::TooManyGenerations { limit }) {
            break ledger;
        }
        restarts += 1;
        assert!(restarts < 100);
    };
    assert_eq!(restarts, limit - 1, "and the first manifest's");
    let is_refused = |edge: &Revocations, number: usize| {
        is_revoked(edge, &of_user(&format!("u{number}"), NOW))
            && is_revoked(edge, &subject(&format!("t{number}"), NOW + 300, NOW))
    };
    assert!((0..restarts).all(|number| is_refused(&edge, number)));
    let mut ledger = last;
    load(&mut edge, &mut ledger, NOW);
    assert!(!edge.wants_manifest());
    assert!((0..=restarts).all(|number| is_refused(&edge, number)));
    record(&mut ledger, &user("next"), NOW);
    assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
}

#[test]
fn a_manifest_is_wanted_before_there_are_too_many_hash_keys() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let mut rows = Vec::new();
    while !edge.wants_manifest() {
        ledger = pair::ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        rows.extend(record(&mut ledger, &user(&format!("u{}", rows.len())), NOW));
        follow(&mut edge, &ledger, NOW).unwrap();
    }
    // The manifest has exactly the sequence that deltas led to.
    assert_eq!(load(&mut edge, &mut ledger, NOW).effect, Effect::Staged);
    assert!(!edge.wants_manifest());
    assert!((0..rows.len()).all(|number| is_revoked(&edge, &of_user(&format!("u{number}"), NOW))));
}

#[test]
fn a_restored_backup_replaces_the_lost_history() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let row = record(&mut ledger, &user("kept"), NOW).unwrap();
    record(&mut ledger, &user("lost"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let mut restored = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    restored.restore(&row).unwrap();
    restored.restore_head(row.sequence, row.chain).unwrap();
    assert_eq!(restored.head().0, 2 << 40);
    assert!(restored.delta(FORM, ledger.head().0, at(NOW)).is_err());
    load(&mut edge, &mut restored, NOW + 1);
    assert_eq!(edge.position().unwrap().sequence, 2 << 40);
    assert!(is_revoked(&edge, &of_user("kept", NOW)) && !is_revoked(&edge, &of_user("lost", NOW)));
    record(&mut restored, &user("new"), NOW + 1);
    assert_eq!(follow(&mut edge, &restored, NOW + 1), Ok(Effect::Changed));
}
