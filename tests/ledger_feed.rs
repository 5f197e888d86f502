//! The ledger's output for committed events: deltas, the chain, sections, and statistics.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::DeltaUnavailable;
use portcullis::ledger::{Event, Ledger, NotBefore, SignedDelta, RECENT_CHANGES, RECENT_SECTIONS_SECONDS};
use portcullis::revocation::{Applied, Effect};

#[test]
fn only_committed_events_are_published() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let head = ledger.head();
    let row = ledger.stage(&user("u"), at(NOW)).unwrap().unwrap();
    assert_eq!(row.sequence, head.0 + 1);
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.position().unwrap().sequence, head.0);
    assert_eq!(ledger.refuses(&of_user("u", NOW)), None);
    // Staging it again in the same batch is a no-op.
    assert_eq!(ledger.stage(&user("u"), at(NOW)).unwrap(), None);
    ledger.abort();
    assert_eq!(ledger.head(), head);
    let again = ledger.stage(&user("v"), at(NOW)).unwrap().unwrap();
    assert_eq!(again.sequence, row.sequence);
    assert_ne!(again.chain, row.chain);
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &of_user("v", NOW)) && !is_revoked(&edge, &of_user("u", NOW)));
    assert_eq!(ledger.head(), (again.sequence, again.chain));
}

#[test]
fn a_delta_of_a_hundred_tokens_in_four_buckets_is_small() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &user("u"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let after = ledger.head().0;
    for id in 0..100 {
        let expires_at = NOW + 300 + id % 4 * 512;
        ledger.stage(&token(&format!("{id:08x}-0000-4000-8000-000000000000"), expires_at, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    let delta = ledger.delta(FORM, after, at(NOW + 1)).unwrap().bytes;
    println!("{} bytes for 100 tokens, heartbeat {}", delta.len(), ledger.heartbeat(FORM, at(NOW)).len());
    assert!(delta.len() <= 800, "{} bytes", delta.len());
    assert_eq!(edge.apply(&delta, at(NOW + 1)).unwrap().effect, Effect::Changed);
    // The first delta of a run also declares its hash key.
    assert!(ledger.delta(FORM, 1 << 40, at(NOW)).unwrap().bytes.len() <= 800 + 60);
}

#[test]
fn few_deltas_serve_readers_at_every_sequence() {
    const EVENTS: u64 = 40_000;
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let base = ledger.head().0;
    for number in 0..EVENTS {
        ledger.stage(&user(&format!("u{number}")), at(NOW)).unwrap();
    }
    ledger.commit();
    let head = ledger.head().0;
    let mut stretches = std::collections::BTreeSet::new();
    for after in base..head {
        let stretch = ledger.shared_stretch(after).unwrap();
        assert!(stretch.start <= after && after < stretch.until, "{stretch:?}");
        // A reader that is not far behind reaches the head with one delta, which repeats little.
        let behind = head - after;
        assert!(behind > 16_384 || stretch.until == head, "{stretch:?}");
        assert!(behind > 16_384 || (after - stretch.start) * 8 <= behind, "{stretch:?}");
        assert!(behind > 128 || stretch.start == after, "{stretch:?}");
        stretches.insert((stretch.start, stretch.until));
    }
    assert!(stretches.len() <= 128 + 7 * 9 + 3, "{} deltas", stretches.len());
    // Step by step to the head; deltas that end before it stay valid.
    let mut steps = 0;
    while edge.position().unwrap().sequence < head {
        let stretch = ledger.shared_stretch(edge.position().unwrap().sequence).unwrap();
        let delta = ledger.delta_over(FORM, stretch, at(NOW + steps)).unwrap();
        let Applied { sequence, effect } = edge.apply(&delta.bytes, at(NOW + 60)).unwrap();
        assert_eq!([sequence, sequence], [delta.sequence, stretch.until]);
        assert_eq!(effect, if stretch.until == head { Effect::Changed } else { Effect::ChangedInPart });
        steps += 1;
    }
    assert_eq!(steps, 3);
    for number in [0, 16_383, 16_384, EVENTS - 1] {
        assert!(is_revoked(&edge, &of_user(&format!("u{number}"), NOW)), "u{number}");
    }
    assert!(matches!(ledger.shared_stretch(head + 1), Err(DeltaUnavailable::Ahead { .. })));
    assert_eq!(ledger.shared_stretch(head).unwrap().start, head);
}

#[test]
fn stretches_end_at_a_change_even_across_expired_or_dropped_rows() {
    let mut ledger = ledger();
    for number in 0..RECENT_CHANGES + 500 {
        ledger.stage(&user(&format!("u{number}")), at(NOW)).unwrap();
        ledger.commit();
    }
    let head = ledger.head().0;
    let floor = head - RECENT_CHANGES as u64;
    assert!(matches!(ledger.shared_stretch(floor - 1), Err(DeltaUnavailable::Pruned { .. })));
    let oldest = ledger.shared_stretch(floor).unwrap();
    assert_eq!(oldest.start, floor);
    // As more is dropped, the remaining ones keep their boundaries.
    let second = ledger.shared_stretch(oldest.until).unwrap();
    record(&mut ledger, &user("more"), NOW);
    assert_eq!(ledger.shared_stretch(oldest.until).unwrap(), second);
    assert_eq!(ledger.shared_stretch(floor + 1).unwrap().until, oldest.until);
    // A new key set, which every delta carries, invalidates deltas signed before; so does a correction.
    let settled = ledger.settled_since();
    record(&mut ledger, &user("even more"), NOW);
    assert_eq!(ledger.settled_since(), settled);
    record(&mut ledger, &Event::Keys { jwks: r#"{"keys":[]}"#.into() }, NOW);
    assert_eq!(ledger.settled_since(), ledger.head().0);
}

#[test]
fn deltas_start_at_the_requested_sequence() {
    let mut ledger = ledger();
    let base = ledger.head().0;
    for number in 0..20 {
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    for after in [base, base + 7, base + 19] {
        let SignedDelta { bytes: delta, sequence } = ledger.delta(FORM, after, at(NOW)).unwrap();
        assert_eq!((u64::from_le_bytes(*delta[24..].first_chunk().unwrap()), sequence), (base + 20, base + 20));
        assert_eq!(u64::from(u32::from_le_bytes(*delta[60..].first_chunk().unwrap())), base + 20 - after);
    }
    let heartbeat = SignedDelta { bytes: ledger.heartbeat(FORM, at(NOW)), sequence: base + 20 };
    assert_eq!(ledger.delta(FORM, base + 20, at(NOW)), Ok(heartbeat));
    let (sequence, head) = (base + 21, base + 20);
    assert_eq!(ledger.delta(FORM, sequence, at(NOW)), Err(DeltaUnavailable::Ahead { sequence, head }));
    assert_eq!(ledger.delta(FORM, base - 1, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base }));
}

#[test]
fn a_delta_leads_no_further_than_its_span_can_encode() {
    let mut ledger = ledger();
    let (base, chain) = ledger.head();
    let head = base + (1 << 32);
    ledger.restore_head(head, chain).unwrap();
    assert_eq!(ledger.delta(FORM, base, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: head }));
    record(&mut ledger, &user("u"), NOW);
    assert!(ledger.delta(FORM, head + 1, at(NOW)).is_ok());
}

#[test]
fn the_chain_of_the_past_is_known_for_a_while() {
    let mut ledger = ledger();
    let (base, genesis) = ledger.head();
    let mut rows = Vec::new();
    for number in 0..20 {
        rows.extend(record(&mut ledger, &user(&format!("u{number}")), NOW));
    }
    assert_eq!(ledger.chain_at(base), Some(genesis));
    assert!(rows.iter().all(|row| ledger.chain_at(row.sequence) == Some(row.chain)));
    assert_eq!((ledger.chain_at(base - 1), ledger.chain_at(base + 21)), (None, None));
    // A staged event is not published, so no edge has it.
    ledger.stage(&user("staged"), at(NOW)).unwrap();
    assert_eq!(ledger.chain_at(base + 21), None);

    // The chain at an expired row is unknown; that at the head is always known.
    let mut restarted = pair::ledger();
    rows.iter().filter(|row| row.sequence % 5 != 0).for_each(|row| restarted.restore(row).unwrap());
    let last = rows.last().unwrap();
    restarted.restore_head(last.sequence, last.chain).unwrap();
    for row in &rows {
        let is_known = row.sequence % 5 != 0 || row.sequence == last.sequence;
        assert_eq!(restarted.chain_at(row.sequence), is_known.then_some(row.chain));
    }
}

#[test]
fn changes_are_kept_up_to_a_limit_and_sent_in_parts() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let base = ledger.head().0;
    for number in 0..RECENT_CHANGES as u64 + 10 {
        ledger.stage(&Event::TokenVersion { sub: format!("u{number}"), minimum: 1 }, at(NOW)).unwrap();
    }
    ledger.commit();
    assert_eq!(ledger.delta(FORM, base, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base + 10 }));
    let mut first = base + 10;
    // As many as fit; the state's age still counts from the last complete statement.
    let delta = ledger.delta(FORM, first, at(NOW + 9)).unwrap().bytes;
    assert!((1_000_000..=1 << 20).contains(&delta.len()), "{} bytes", delta.len());
    let error = edge.apply(&delta, at(NOW + 9)).unwrap_err();
    assert_eq!(error, portcullis::error::FeedError::Gap { from: first, known: base });
    load(&mut edge, &mut ledger, NOW + 9);
    let mut behind = pair::edge();
    let mut other = pair::ledger();
    load(&mut behind, &mut other, NOW);
    assert_eq!(behind.apply(&delta, at(NOW + 9)).unwrap_err().code(), "gap");
    for number in 0..70_000_u64 {
        ledger.stage(&Event::TokenVersion { sub: format!("v{number}"), minimum: 1 }, at(NOW + 10)).unwrap();
    }
    ledger.commit();
    first = edge.position().unwrap().sequence;
    let delta = ledger.delta(FORM, first, at(NOW + 20)).unwrap();
    assert_eq!(edge.apply(&delta.bytes, at(NOW + 20)).unwrap().effect, Effect::ChangedInPart);
    let partway = edge.position().unwrap();
    assert_eq!(delta.sequence, partway.sequence, "not the head: its length is limited");
    assert!(partway.sequence > first && partway.sequence < ledger.head().0);
    assert_eq!(partway.issued_at, at(NOW + 9));
    assert_eq!(follow(&mut edge, &ledger, NOW + 20), Ok(Effect::Changed));
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    assert_eq!(edge.position().unwrap().sequence, ledger.head().0);
}

#[test]
fn only_dirty_sections_are_built_and_replaced_ones_stay_for_a_while() {
    let mut ledger = ledger();
    for number in 0..300_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300 + number * 40, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    let names = |ledger: &mut Ledger, now| {
        let mut edge = edge();
        edge.apply(&ledger.manifest(FORM, at(now)).unwrap(), at(now)).unwrap();
        edge.missing_sections()
    };
    let before = names(&mut ledger, NOW);
    record(&mut ledger, &token("new", NOW + 300, NOW), NOW + 1);
    let after = names(&mut ledger, NOW + 1);
    let replaced: Vec<_> = before.iter().filter(|name| !after.contains(name)).collect();
    assert_eq!(replaced.len(), 1);
    assert!(ledger.section(replaced[0]).is_some());
    assert_eq!(names(&mut ledger, NOW + RECENT_SECTIONS_SECONDS), after);
    assert!(ledger.section(replaced[0]).is_some());
    names(&mut ledger, NOW + 1 + RECENT_SECTIONS_SECONDS);
    assert!(ledger.section(replaced[0]).is_none());
    assert!(after.iter().all(|name| ledger.section(name).is_some()));
}

#[test]
fn stats_report_the_fill_of_the_fullest_filter() {
    let mut ledger = ledger();
    let ids = |ledger: &mut Ledger, ids: core::ops::Range<u64>, expires_at: u64| {
        ids.for_each(|id| {
            record(ledger, &token(&format!("{expires_at} {id}"), expires_at, NOW), NOW);
        });
    };
    ids(&mut ledger, 0..25, NOW + 290);
    ids(&mut ledger, 0..10, NOW + 290 + 512);
    record(&mut ledger, &Event::Token { id: "w".into(), expires_at: None, issued_at: None }, NOW);
    record(&mut ledger, &Event::Client { client: "app".into(), not_before: NotBefore::Now }, NOW);
    record(&mut ledger, &Event::KeyBanned { thumbprint: [1; 32] }, NOW);
    let stats = ledger.stats();
    assert_eq!((stats.token_ids, stats.buckets, stats.clients, stats.bans), (36, 2, 1, 1));
    assert_eq!(stats.section_bytes, 0, "nothing is published yet");
    assert!((stats.filter_fill - 0.5).abs() < 1e-9, "25 of 50, published or not: {}", stats.filter_fill);
    ledger.manifest(FORM, at(NOW)).unwrap();
    let stats = ledger.stats();
    assert!((stats.filter_fill - 0.5).abs() < 1e-9, "25 of 50: {}", stats.filter_fill);
    assert!((stats.error_rate - 1e-6).abs() < 1e-12);
    assert!(stats.section_bytes > 3 * 50 * 28 / 8);
    ids(&mut ledger, 25..60, NOW + 290);
    assert!((ledger.stats().filter_fill - 1.0).abs() < 1e-9, "full until the next manifest");
    ledger.manifest(FORM, at(NOW)).unwrap();
    assert!((ledger.stats().filter_fill - 60.0 / 63.0).abs() < 1e-9);
}
