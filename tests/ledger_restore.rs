//! Restoring a ledger from the rows of its store gives the same head and lookups; a broken store is detected.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::{DeltaUnavailable, LedgerError};
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings, NotBefore, Row, RowPage};
use portcullis::revocation::{Level, Subject};

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Now }
}

fn some_rows(ledger: &mut Ledger) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..40 {
        rows.extend(record(ledger, &token(&format!("t{number}"), NOW + 300 + number, NOW), NOW));
        rows.extend(record(ledger, &user(&format!("u{number}")), NOW));
    }
    rows.extend(record(ledger, &Event::Session { sid: "s".into(), occurred_at: None, issued_at: None }, NOW));
    rows.extend(record(
        ledger,
        &Event::ClientSession { sid: "s".into(), azp: "a".into(), occurred_at: None, issued_at: None },
        NOW,
    ));
    rows.extend(record(ledger, &Event::Client { client: "a".into(), not_before: NotBefore::Now }, NOW));
    rows.extend(record(ledger, &Event::Realm { not_before: NotBefore::Caller(at(NOW - 600)) }, NOW));
    rows.extend(record(ledger, &Event::KeyBanned { thumbprint: [1; 32] }, NOW));
    for client in ["b", "c"] {
        rows.extend(record(ledger, &grant("w", client), NOW));
    }
    rows.extend(record(ledger, &Event::KeyNotBefore { thumbprint: [2; 32], not_before: NotBefore::Now }, NOW));
    rows.extend(record(ledger, &Event::TokenVersion { sub: "u".into(), minimum: 4 }, NOW));
    rows.extend(record(ledger, &Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }, NOW));
    let correction = Correction::User { sub: "u3".into(), not_before: None };
    rows.extend(record(ledger, &Event::Correction(correction), NOW));
    let correction = Correction::Grant { sub: "w".into(), client: "b".into(), not_before: None };
    rows.extend(record(ledger, &Event::Correction(correction), NOW));
    rows.extend(record(ledger, &user("last"), NOW));
    rows
}

#[test]
fn a_restart_gives_the_same_head_and_lookups() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut after = ledger();
    rows.iter().for_each(|row| after.restore(row).unwrap());
    after.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!(after.head(), before.head());
    assert_eq!(after.stats(), before.stats());
    let (mut one, mut other) = (edge(), edge());
    load(&mut one, &mut before, NOW);
    load(&mut other, &mut after, NOW);
    for number in 0..40 {
        let (id, sub) = (format!("t{number}"), format!("u{number}"));
        let subjects = [subject(&id, NOW + 300 + number, NOW), of_user(&sub, NOW), of_user(&sub, NOW - 700)];
        for subject in &subjects {
            assert_eq!(before.refuses(subject), after.refuses(subject));
            assert_eq!(one.status(subject), other.status(subject));
        }
    }
    assert_eq!(after.stats().grants, 1);
    for client in ["b", "c"] {
        let of_grant = Subject { authorized_party: Some(client), ..of_user("w", NOW + 2) };
        let of_key = Subject { signing_key: Some(&[2; 32]), ..of_user("v", NOW + 2) };
        for subject in [of_grant, of_key] {
            assert_eq!(before.refuses(&subject), after.refuses(&subject));
            assert_eq!(one.status(&subject), other.status(&subject));
        }
        assert_eq!(after.refuses(&of_grant), (client == "c").then_some(Level::Grant));
        assert_eq!(after.refuses(&of_key), Some(Level::Key));
    }
    assert_eq!((one.jwks(), other.jwks()), (Some(&b"{\"keys\":[]}"[..]), Some(&b"{\"keys\":[]}"[..])));
    // Both continue in the same way.
    let next = |ledger: &mut Ledger| record(ledger, &user("next"), NOW + 1).unwrap();
    assert_eq!(next(&mut before), next(&mut after));
}

#[test]
fn rows_that_have_expired_may_be_missing() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut after = ledger();
    let kept = rows.iter().filter(|row| row.keep_until.is_none_or(|keep_until| keep_until > at(NOW + 400)));
    kept.for_each(|row| after.restore(row).unwrap());
    after.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!((after.head(), after.stats().token_ids), (before.head(), 0));
    assert_eq!(after.stats().epochs, before.stats().epochs);
    // Even the last rows.
    let mut empty = ledger();
    empty.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!(record(&mut empty, &user("next"), NOW).unwrap().sequence, before.head().0 + 1);
}

#[test]
fn a_broken_store_is_detected() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let restore = |change: &dyn Fn(&mut Vec<Row>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        let one_by_one = rows.iter().try_fold(ledger(), |mut ledger, row| ledger.restore(row).map(|()| ledger));
        let by_page = restore_page(&rows);
        assert_eq!(by_page.as_ref().err(), one_by_one.as_ref().err());
        one_by_one.map(drop)
    };
    let sequence = rows[5].sequence;
    let last = rows[6].sequence;
    assert_eq!(restore(&|rows| rows[5].payload[12] ^= 1), Err(LedgerError::BrokenChain { sequence }));
    assert_eq!(restore(&|rows| rows[5].chain.0[0] ^= 1), Err(LedgerError::BrokenChain { sequence }));
    assert_eq!(restore(&|rows| rows.swap(5, 6)), Err(LedgerError::OutOfOrder { sequence, last }));
    assert_eq!(restore(&|rows| rows[0].payload.push(0)), Err(LedgerError::BrokenChain { sequence: rows[0].sequence }));
    let later = 2 << 40;
    assert_eq!(restore(&|rows| rows[0].sequence = later), Err(LedgerError::LaterIncarnation { sequence: later }));
    // A gap hides a broken chain, but not an unreadable row.
    let unreadable = restore(&|rows| {
        rows.remove(4);
        rows[4].payload[0] = 9;
    });
    assert_eq!(unreadable, Err(LedgerError::UnreadableRow { sequence }));
}

/// A row of a later version might refuse a token, so the ledger does not open and names the row.
#[test]
fn a_row_of_an_unknown_form_or_kind_is_named() {
    const KIND: usize = 1;
    const SUBJECT: usize = 18;
    let mut before = ledger();
    let (grant, key) =
        (grant("sub", "client"), Event::KeyNotBefore { thumbprint: [2; 32], not_before: NotBefore::Now });
    let [grant, key] = [grant, key].map(|event| record(&mut before, &event, NOW).unwrap());
    assert_eq!((&grant.payload[..2], grant.payload[SUBJECT]), (&[1, 2][..], 6));
    assert_eq!(&grant.payload[SUBJECT + 1..], b"\x03\0\0\0subclient");
    assert_eq!((&key.payload[..2], key.payload[SUBJECT]), (&[1, 2][..], 7));
    assert_eq!(key.payload[SUBJECT + 1..], [2; 32]);
    type Change = fn(&mut Vec<u8>);
    let changes: [(&Row, Change); 8] = [
        (&grant, |payload| payload[0] = 2),
        (&grant, |payload| payload[KIND] = 7),
        (&grant, |payload| payload[SUBJECT] = 8),
        (&grant, |payload| payload[SUBJECT + 1] = 200),
        (&grant, |payload| payload[SUBJECT + 5] = 0xFF),
        (&grant, |payload| payload.truncate(SUBJECT + 3)),
        (&key, |payload| payload.truncate(SUBJECT + 32)),
        (&key, |payload| payload.push(2)),
    ];
    for (row, change) in changes {
        // After a gap, so that the chain cannot reveal it.
        let mut row = Row { sequence: row.sequence + 9, ..row.clone() };
        change(&mut row.payload);
        let unreadable = Err(LedgerError::UnreadableRow { sequence: row.sequence });
        assert_eq!(ledger().restore(&row), unreadable, "{:?}", row.payload);
    }
}

/// Restores a ledger from these rows as one page.
fn restore_page(rows: &[Row]) -> Result<Ledger, LedgerError> {
    let mut ledger = ledger();
    let page = RowPage {
        sequences: &rows.iter().map(|row| row.sequence).collect::<Vec<_>>(),
        lengths: &rows.iter().map(|row| u32::try_from(row.payload.len()).unwrap()).collect::<Vec<_>>(),
        contents: &rows.iter().flat_map(|row| [&row.chain.0, &*row.payload].concat()).collect::<Vec<_>>(),
    };
    ledger.restore_page(page).map(|()| ledger)
}

#[test]
fn pages_restore_the_same_state_as_single_rows() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut by_page = restore_page(&rows).unwrap();
    by_page.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!((by_page.head(), by_page.stats()), (before.head(), before.stats()));
    let next = |ledger: &mut Ledger| record(ledger, &user("next"), NOW + 1).unwrap();
    assert_eq!(next(&mut before), next(&mut by_page));

    assert_eq!(restore_page(&[]).unwrap().head(), ledger().head());
    let torn = RowPage { sequences: &[rows[0].sequence], lengths: &[4], contents: &[0; 19] };
    assert_eq!(ledger().restore_page(torn), Err(LedgerError::UnreadablePage { rows: 1 }));
}

#[test]
fn the_head_must_fit_the_rows() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let (sequence, chain) = before.head();
    let restored = || {
        let mut ledger = ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        ledger
    };
    let mut other = chain;
    other.0[0] ^= 1;
    assert_eq!(restored().restore_head(sequence, other), Err(LedgerError::BrokenChain { sequence }));
    let below = sequence - 1;
    let error = LedgerError::OutOfOrder { sequence: below, last: sequence };
    assert_eq!(restored().restore_head(below, chain), Err(error));
    assert_eq!(restored().restore_head(3 << 40, chain), Err(LedgerError::LaterIncarnation { sequence: 3 << 40 }));
    let mut running = restored();
    record(&mut running, &user("new"), NOW);
    assert!(running.restore(&rows[0]).is_err() && running.restore_head(sequence + 9, chain).is_err());
}

#[test]
fn an_incarnation_starts_its_own_sequences_and_chain() {
    let mut first = ledger();
    let rows = some_rows(&mut first);
    let mut second = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    rows.iter().for_each(|row| second.restore(row).unwrap());
    second.restore_head(first.head().0, first.head().1).unwrap();
    let (base, genesis) = second.head();
    assert_eq!(base, 2 << 40);
    assert_ne!(genesis, ledger().head().1);
    let row = record(&mut second, &user("new"), NOW).unwrap();
    assert_eq!(row.sequence, base + 1);
    // It is restored together with the earlier rows.
    let mut again = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    rows.iter().chain([&row]).for_each(|row| again.restore(row).unwrap());
    assert_eq!(again.head(), second.head());
    assert_eq!(again.delta(FORM, first.head().0, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base }));
    assert!(again.delta(FORM, base, at(NOW)).is_ok());
}
