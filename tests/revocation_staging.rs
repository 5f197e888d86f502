//! A manifest is staged while its sections arrive: the old state keeps serving, no delta is lost, live changes are
//! folded.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Event, Ledger, NotBefore};
use portcullis::revocation::{Effect, Level, Provided, Revocations, Status, Subject};

#[test]
fn the_old_state_serves_while_a_manifest_is_staged() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..50 {
        record(&mut ledger, &token(&format!("old{id}"), NOW + 300, NOW), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    let loaded = edge.position().unwrap();
    for id in 0..50 {
        record(&mut ledger, &token(&format!("new{id}"), NOW + 300, NOW), NOW);
    }
    let manifest = ledger.manifest(FORM, at(NOW + 1)).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW + 1)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.position(), Some(loaded));
    assert_eq!(edge.status(&subject("old1", NOW + 300, NOW)), Status::Revoked(Level::Token));
    assert_eq!(edge.status(&subject("new1", NOW + 300, NOW)), Status::NotRevoked);
    assert_eq!(edge.apply(&manifest, at(NOW + 1)).unwrap().effect, Effect::AlreadyKnown);
    // A delta after the staged manifest cannot be applied to the old state, but is kept.
    let staged_at = ledger.head().0;
    record(&mut ledger, &token("later", NOW + 300, NOW), NOW);
    let delta = ledger.delta(FORM, staged_at, at(NOW + 1)).unwrap().bytes;
    assert_eq!(edge.apply(&delta, at(NOW + 1)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.status(&subject("later", NOW + 300, NOW)), Status::NotRevoked);
    let missing = edge.missing_sections();
    assert_eq!(missing.len(), 1);
    assert_eq!(edge.provide_section(ledger.section(&missing[0]).unwrap()), Ok(Provided::Committed));
    assert_eq!(edge.position().unwrap().sequence, staged_at + 1);
    for id in ["old1", "new1", "later"] {
        assert_eq!(edge.status(&subject(id, NOW + 300, NOW)), Status::Revoked(Level::Token));
    }
}

#[test]
fn sections_updated_by_deltas_are_not_fetched() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..60 {
        record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &user(&format!("u{id}")), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    for id in 0..3 {
        record(&mut ledger, &token(&format!("b{id}"), NOW + 300, NOW), NOW);
    }
    record(&mut ledger, &user("v"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    record(&mut ledger, &Event::Realm { not_before: NotBefore::Caller(at(NOW - 9_000)) }, NOW);
    let applied = edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    assert_eq!(applied.effect, Effect::Changed);
    assert!(edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("b2", NOW + 300, NOW)) && is_revoked(&edge, &of_user("v", NOW)));
}

#[test]
fn live_changes_that_outgrow_the_sections_are_folded() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    for id in 0..1_100 {
        ledger.stage(&token(&format!("a{id}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.stats().live_entries, 1_100);
    assert!(edge.wants_manifest());
    // The manifest has the edge's sequence, or is older than a delta applied since.
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    record(&mut ledger, &token("since", NOW + 300, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::Staged);
    assert!(!edge.wants_manifest());
    provide_all(&mut edge, &ledger);
    let stats = edge.stats();
    assert_eq!((stats.token_ids, stats.live_entries), (1_101, 0));
    assert_eq!(edge.position().unwrap().sequence, ledger.head().0);
    assert!(is_revoked(&edge, &subject("a7", NOW + 300, NOW)) && is_revoked(&edge, &subject("since", NOW + 300, NOW)));
    // Once the live changes are folded, an older manifest is refused.
    let error = edge.apply(&manifest, at(NOW)).unwrap_err();
    assert!(matches!(error, FeedError::Older { .. }), "{error}");
}

#[test]
fn folding_leaves_nothing_to_fold() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let sub = |number: u64| format!("u{number}");
    let stage = |ledger: &mut Ledger, range: core::ops::Range<u64>, minimum| {
        for number in range {
            ledger
                .stage(&Event::User { sub: sub(number), not_before: NotBefore::Caller(at(NOW - 5 + minimum)) }, at(NOW))
                .unwrap();
            ledger.stage(&Event::TokenVersion { sub: sub(number), minimum }, at(NOW)).unwrap();
        }
        ledger.commit();
    };
    stage(&mut ledger, 0..900, 1);
    load(&mut edge, &mut ledger, NOW);
    // The changes of a single table have not outgrown its sections, but those of both together have.
    stage(&mut ledger, 0..900, 2);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(edge.wants_manifest());
    load(&mut edge, &mut ledger, NOW);
    assert_eq!((edge.stats().live_entries, edge.wants_manifest()), (0, false));
    let subjects: Vec<_> = (0..900).map(sub).collect();
    assert!(subjects.iter().all(|sub| is_revoked(&edge, &of_user(sub, NOW - 3))));
    let versioned = |sub| Subject { token_version: 1, ..of_user(sub, NOW) };
    assert!(subjects.iter().all(|sub| edge.status(&versioned(sub)) == Status::Revoked(Level::Version)));
}

#[test]
fn filters_are_replaced_one_by_one() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let id = |number: u64| format!("j{number}");
    let of = |number: u64| NOW + 300 + number % 10 * 512;
    for number in 0..2_000 {
        ledger.stage(&token(&id(number), of(number), NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    load(&mut edge, &mut ledger, NOW);
    // Enough ids that every filter is rebuilt bigger; the edge gets them only with the manifest.
    for number in 2_000..6_000 {
        ledger.stage(&token(&id(number), of(number), NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    let behind = edge.position();
    assert_eq!(edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Staged);
    let names = edge.missing_sections();
    assert_eq!(names.len(), 10);
    let refused = |edge: &Revocations| (0..6_000).filter(|n| is_revoked(edge, &subject(&id(*n), of(*n), NOW))).count();
    let mut before = refused(&edge);
    for (arrived, name) in (1..).zip(&names) {
        edge.provide_section(ledger.section(name).unwrap()).unwrap();
        let after = refused(&edge);
        assert!(after >= before + 400, "{arrived}: {before} -> {after}");
        before = after;
        let whole = arrived == names.len();
        assert_eq!(edge.position() == behind, !whole);
    }
    assert_eq!(before, 6_000);
    assert_eq!(edge.stats().live_entries, 0);
}

#[test]
fn filters_of_a_manifest_older_than_the_deltas_wait_for_the_deltas() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..50 {
        ledger.stage(&token(&format!("a{number}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    load(&mut edge, &mut ledger, NOW);
    for number in 0..3_000 {
        ledger.stage(&token(&format!("b{number}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    record(&mut ledger, &token("c", NOW + 300, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::Staged);
    let all = |edge: &Revocations| {
        let b = (0..3_000).all(|number| is_revoked(edge, &subject(&format!("b{number}"), NOW + 300, NOW)));
        b && is_revoked(edge, &subject("c", NOW + 300, NOW)) && is_revoked(edge, &subject("a7", NOW + 300, NOW))
    };
    assert!(all(&edge));
    for name in edge.missing_sections() {
        edge.provide_section(ledger.section(&name).unwrap()).unwrap();
        assert!(all(&edge));
    }
    assert!(edge.missing_sections().is_empty());
}

#[test]
fn a_manifest_that_completes_too_late_is_dropped() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    assert_eq!(edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Staged);
    let names = edge.missing_sections();
    // More than the four megabytes of deltas that are kept for it.
    for batch in 0..6 {
        for number in 0..60_000 {
            ledger.stage(&Event::TokenVersion { sub: format!("{batch} {number}"), minimum: 1 }, at(NOW)).unwrap();
        }
        ledger.commit();
        assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
    }
    let position = edge.position();
    assert_eq!(edge.provide_section(ledger.section(&names[0]).unwrap()), Err(FeedError::UnknownSection));
    assert_eq!(edge.position(), position);
    assert!(edge.wants_manifest() && edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("j", NOW + 300, NOW)));
    load(&mut edge, &mut ledger, NOW);
    assert!(!edge.wants_manifest());
    assert_eq!((edge.stats().live_entries, edge.stats().versions), (0, 360_000));
    assert!(is_revoked(&edge, &subject("j", NOW + 300, NOW)));
}

#[test]
fn a_full_filter_accepts_no_more_ids_and_loses_none() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..50 {
        record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    assert!(edge.stats().error_rate <= 1.0e-6);
    for id in 0..100 {
        record(&mut ledger, &token(&format!("b{id}"), NOW + 300, NOW), NOW);
    }
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.stats().live_entries, 100);
    assert!((0..100).all(|id| is_revoked(&edge, &subject(&format!("b{id}"), NOW + 300, NOW))));
    let later = ledger.manifest(FORM, at(NOW + 5)).unwrap();
    // Below a thousand live ids no manifest is wanted, so one of the same sequence only renews the state.
    assert_eq!(edge.apply(&later, at(NOW + 5)).unwrap().effect, Effect::Renewed);
    // The next one has the bucket in its new size.
    record(&mut ledger, &user("u"), NOW + 6);
    assert_eq!(load(&mut edge, &mut ledger, NOW + 6).effect, Effect::Staged);
    assert_eq!((edge.stats().live_entries, edge.stats().token_ids), (0, 150));
}
