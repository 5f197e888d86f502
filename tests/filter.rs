//! Tests the token-id filter, through ledger and edge: it misses no id, and its size is as documented.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss)]

mod pair;

use pair::*;
use portcullis::ledger::{Event, Ledger, LedgerSettings};
use portcullis::revocation::Revocations;

/// Bytes of a section's entry in the manifest.
const ENTRY_BYTES: usize = 72;

/// Returns an edge that has loaded one full bucket, and the size of that bucket in bytes.
fn full_bucket(error_rate: f64, count: u32, bucket: u64) -> (Revocations, usize) {
    let mut ledger = Ledger::new(LedgerSettings { error_rate, ..settings() }).unwrap();
    for number in 0..count {
        ledger.stage(&token(&id_of("revoked", number.into()), NOW + bucket * 512, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    let mut edge = edge();
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    let names = edge.missing_sections();
    assert_eq!(names.len(), 1);
    let bytes = ENTRY_BYTES + ledger.section(&names[0]).unwrap().len();
    provide_all(&mut edge, &ledger);
    assert_eq!(edge.stats().token_ids, u64::from(count));
    (edge, bytes)
}

fn id_of(kind: &str, number: u64) -> String {
    format!("{kind}-{number:012x}")
}

fn matches(edge: &Revocations, kind: &str, count: u64, bucket: u64) -> u64 {
    let is_match = |number: &u64| is_revoked(edge, &subject(&id_of(kind, *number), NOW + bucket * 512, NOW));
    (0..count).filter(is_match).count() as u64
}

/// Returns the rate over several full filters, each with its own hash key.
fn measured_rate(error_rate: f64, count: u32, filters: u64, absent: u64) -> f64 {
    let mut found = 0;
    for _ in 0..filters {
        let (edge, _) = full_bucket(error_rate, count, 1);
        assert_eq!(matches(&edge, "revoked", count.into(), 1), u64::from(count));
        found += matches(&edge, "absent", absent, 1);
    }
    found as f64 / (filters * absent) as f64
}

#[test]
fn the_error_rate_is_the_configured_one() {
    // Full filters of every size: each capacity is a step of the series, so there is no spare capacity.
    for (count, filters, absent) in
        [(50, 100, 40_000), (100, 60, 50_000), (1_000, 20, 150_000), (100_000, 2, 1_500_000)]
    {
        let rate = measured_rate(1e-3, count, filters, absent);
        println!("{count} ids: {rate:.2e}");
        assert!((0.6e-3..=1.2e-3).contains(&rate), "{count} ids: {rate:.2e}");
    }
}

#[test]
fn an_id_in_a_million_costs_under_30_bits() {
    let (edge, bytes) = full_bucket(1e-6, 100_000, 1);
    let bits = bytes as f64 * 8.0 / 100_000.0;
    println!("{bits:.3} bits an id, error rate {:.3e} by formula", edge.stats().error_rate);
    assert!(bits <= 29.5, "{bits}");
    assert!((0.99e-6..=1.0e-6).contains(&edge.stats().error_rate));
    assert_eq!(matches(&edge, "revoked", 100_000, 1), 100_000);
    // At one in a million, hardly any of these match.
    assert!(matches(&edge, "absent", 3_000_000, 1) <= 15);
}

#[test]
fn finds_every_id_regardless_of_how_it_arrives() {
    // Into an empty state, into a filter with spare capacity, into one that overflows; in every order of manifest and
    // delta.
    for (before, after) in [(0, 40), (40, 5), (45, 200), (200, 50), (1_000, 900)] {
        let (mut ledger, mut edge) = (ledger(), edge());
        let mut expected = Vec::new();
        let mut stage = |ledger: &mut Ledger, count: u64| {
            for _ in 0..count {
                let number = expected.len() as u64;
                let expires_at = NOW + 100 + number % 5 * 300;
                let event = if number.is_multiple_of(7) {
                    Event::Token { id: id_of("revoked", number), expires_at: None, issued_at: Some(at(NOW)) }
                } else {
                    token(&id_of("revoked", number), expires_at, NOW)
                };
                ledger.stage(&event, at(NOW)).unwrap();
                expected.push(expires_at);
            }
            ledger.commit();
            expected.clone()
        };
        let all_found = |edge: &Revocations, expected: &[u64]| {
            (0..)
                .zip(expected)
                .all(|(number, expires_at)| is_revoked(edge, &subject(&id_of("revoked", number), *expires_at, NOW)))
        };
        stage(&mut ledger, before);
        load(&mut edge, &mut ledger, NOW);
        let expected = stage(&mut ledger, after);
        follow(&mut edge, &ledger, NOW).unwrap();
        assert!(all_found(&edge, &expected));
        let expected = stage(&mut ledger, after);
        load(&mut edge, &mut ledger, NOW);
        assert!(all_found(&edge, &expected));
    }
}

#[test]
fn a_younger_token_skips_the_filter() {
    // At one in ten, tokens older than the newest id in the filter have false matches, a newer token never has one.
    let (edge, _) = full_bucket(0.1, 1_000, 1);
    let older = (0..20_000).filter(|number| is_revoked(&edge, &subject(&id_of("a", *number), NOW + 512, NOW))).count();
    let younger =
        (0..20_000).filter(|number| is_revoked(&edge, &subject(&id_of("a", *number), NOW + 512, NOW + 1))).count();
    assert!(older > 1_000 && younger == 0, "{older} {younger}");
}

#[test]
fn a_bucket_does_not_affect_others() {
    let (edge, _) = full_bucket(0.1, 1_000, 1);
    assert_eq!(matches(&edge, "absent", 20_000, 2), 0);
}
