//! Tests the epoch table, through ledger and edge, against a plain map.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_precision_loss)]

mod pair;

use std::collections::BTreeMap;

use pair::*;
use portcullis::ledger::{Event, Ledger, NotBefore};
use portcullis::revocation::{Revocations, Subject};

/// Records not-befores spread over a day: users and, for every third one, a client session that ends in the future.
fn filled(count: u64) -> (Ledger, BTreeMap<u64, u64>) {
    let mut ledger = ledger();
    let mut expected = BTreeMap::new();
    for number in 0..count {
        let not_before = NOW - number.wrapping_mul(2_654_435_761) % 86_400;
        let event = if number % 3 == 2 {
            Event::ClientSession { sid: name(number), azp: "app".into(), occurred_at: None, issued_at: None }
        } else {
            Event::User { sub: name(number), not_before: NotBefore::Caller(at(not_before)) }
        };
        assert!(ledger.stage(&event, at(NOW)).unwrap().is_some());
        expected.insert(number, if number % 3 == 2 { NOW + 2 } else { not_before });
    }
    ledger.commit();
    (ledger, expected)
}

fn name(number: u64) -> String {
    format!("{number:08x}-7c1d-4e7b-9d3a-{:012x}", number.wrapping_mul(0x9E37_79B9))
}

fn probe(name: &str, number: u64, issued_at: u64) -> Subject<'_> {
    let subject = of_user(name, issued_at);
    if number % 3 == 2 {
        Subject { user: None, session: Some(name), authorized_party: Some("app"), ..subject }
    } else {
        subject
    }
}

fn check(edge: &Revocations, expected: &BTreeMap<u64, u64>) {
    for (number, not_before) in expected {
        let name = name(*number);
        assert!(is_revoked(edge, &probe(&name, *number, *not_before)), "{number}");
        assert!(!is_revoked(edge, &probe(&name, *number, not_before + 1)), "{number}");
    }
}

#[test]
fn every_size_gives_the_same_results_as_a_map() {
    for count in (0..70).chain([127, 128, 129, 255, 257, 1_000, 1_025, 20_000]) {
        let (mut ledger, expected) = filled(count);
        let mut edge = edge();
        load(&mut edge, &mut ledger, NOW);
        assert_eq!(edge.stats().epochs, count);
        check(&edge, &expected);
        assert!((count..count + 500).all(|number| !is_revoked(&edge, &probe(&name(number), number, 0))));
    }
}

#[test]
fn big_tables_are_split() {
    // A shard has up to 16,384 entries, so this makes sixteen shards.
    let (mut ledger, mut expected) = filled(131_200);
    let mut edge = edge();
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    let shards = edge.missing_sections();
    assert_eq!(shards.len(), 16);
    provide_all(&mut edge, &ledger);
    check(&edge, &expected);
    // A change affects only one shard, and an edge that got it by delta fetches none.
    for (changes, number) in (1..).zip([0, 1, 3, 4, 6, 7, 9, 10]) {
        let changed = Event::User { sub: name(number), not_before: NotBefore::Now };
        record(&mut ledger, &changed, NOW);
        expected.insert(number, NOW + 2);
        let mut other = pair::edge();
        other.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
        let changed = other.missing_sections().iter().filter(|name| !shards.contains(name)).count();
        assert!((1..=changes).contains(&changed), "{changed} shards after {changes} changes");
        provide_all(&mut other, &ledger);
        assert!(is_revoked(&other, &of_user(&name(number), NOW + 2)));
    }
    follow(&mut edge, &ledger, NOW).unwrap();
    record(&mut ledger, &Event::Realm { not_before: NotBefore::Caller(at(1)) }, NOW);
    load(&mut edge, &mut ledger, NOW);
    check(&edge, &expected);
}

#[test]
fn the_greatest_not_before_counts_in_any_table() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let not_before = |seconds| Event::User { sub: "u".into(), not_before: NotBefore::Caller(at(seconds)) };
    record(&mut ledger, &not_before(NOW - 50), NOW);
    load(&mut edge, &mut ledger, NOW);
    for seconds in [NOW - 40, NOW - 45, NOW - 20] {
        record(&mut ledger, &not_before(seconds), NOW);
        follow(&mut edge, &ledger, NOW).unwrap();
    }
    assert!(is_revoked(&edge, &of_user("u", NOW - 20)) && !is_revoked(&edge, &of_user("u", NOW - 19)));
    let mut fresh = pair::edge();
    load(&mut fresh, &mut ledger, NOW);
    assert!(is_revoked(&fresh, &of_user("u", NOW - 20)) && !is_revoked(&fresh, &of_user("u", NOW - 19)));
}

#[test]
fn live_not_befores_are_dropped_when_they_refuse_no_acceptable_token() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("u"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    edge.forget_expired(at(NOW + 2 + 86_400 + 9));
    assert_eq!(edge.stats().epochs, 1);
    edge.forget_expired(at(NOW + 2 + 86_400 + 10));
    assert_eq!(edge.stats().epochs, 0);
}

#[test]
fn an_entry_costs_under_46_bits_and_hardly_ever_matches_another_name() {
    let (mut ledger, expected) = filled(100_000);
    let mut edge = edge();
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    let names = edge.missing_sections();
    let bytes = 72 + names.iter().map(|name| ledger.section(name).unwrap().len()).sum::<usize>();
    let bits = bytes as f64 * 8.0 / 100_000.0;
    println!("{bits:.3} bits an entry");
    assert!(bits <= 46.0, "{bits}");
    provide_all(&mut edge, &ledger);
    check(&edge, &expected);
    // 100,000 / 2^42 is 2.3e-8. At a rate of 1e-7, three matches would be expected, and more than eight in one run of
    // three hundred.
    let mut name = *b"00000000-0000-0000-absent";
    let mut found = 0;
    for number in 0..30_000_000_u64 {
        for (place, byte) in name[..8].iter_mut().enumerate() {
            *byte = b'a' + (number >> (place * 4) & 15) as u8;
        }
        let name = core::str::from_utf8(&name).unwrap();
        found += u32::from(is_revoked(&edge, &of_user(name, 0)));
    }
    println!("{found} false matches in 30 million");
    assert!(found <= 6, "{found}");
}
