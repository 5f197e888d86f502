//! Measures the bytes of a grant and a key not-before in a delta and in a manifest, in either form, and those of a
//! delta's frame.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::ledger::{Event, Ledger, NotBefore};
use portcullis::revocation::Form;

/// Number of events in one delta.
const BATCH: u64 = 100;
/// Maximum bytes of head, block header, key id and signature.
const FRAME_BYTES: usize = 200;

fn grant(number: u64) -> Event {
    // As long as names of real users and clients, though fingerprints do not depend on the length.
    let sub = format!("{number:08x}-0000-4000-8000-000000000000");
    Event::Grant { sub, client: "https://app.example/client".into(), not_before: NotBefore::Source(at(NOW - number)) }
}

fn key_not_before(number: u64) -> Event {
    let mut thumbprint = [7; 32];
    thumbprint[..8].copy_from_slice(&number.to_be_bytes());
    Event::KeyNotBefore { thumbprint, not_before: NotBefore::Source(at(NOW - number)) }
}

/// Creates a ledger beyond the head at which deltas declare their hash key.
fn ledger_under_way() -> Ledger {
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    ledger
}

fn delta_bytes(ledger: &Ledger, after: u64, form: Form) -> usize {
    ledger.delta(form, after, at(NOW)).unwrap().bytes.len()
}

/// Returns the frame size of a delta of one event, and the bytes of each further event.
fn in_deltas(event: fn(u64) -> Event, form: Form) -> (usize, f64) {
    let mut ledger = ledger_under_way();
    let start = ledger.head().0;
    record(&mut ledger, &event(0), NOW);
    let frame = delta_bytes(&ledger, start, form);
    for number in 1..=BATCH {
        ledger.stage(&event(number), at(NOW)).unwrap().unwrap();
    }
    ledger.commit();
    (frame, (delta_bytes(&ledger, start, form) - frame) as f64 / BATCH as f64)
}

/// Returns the bytes per event that `count` events add to a manifest and its sections.
fn in_manifests(event: fn(u64) -> Event, count: u64, form: Form) -> f64 {
    let mut ledger = ledger_under_way();
    let before = published_bytes(&mut ledger, form);
    for number in 0..count {
        ledger.stage(&event(number), at(NOW)).unwrap().unwrap();
    }
    ledger.commit();
    (published_bytes(&mut ledger, form) - before) as f64 / count as f64
}

fn published_bytes(ledger: &mut Ledger, form: Form) -> usize {
    let manifest = ledger.manifest(form, at(NOW)).unwrap();
    let mut edge = edge();
    edge.apply(&manifest, at(NOW)).unwrap();
    let sections = edge.missing_sections();
    manifest.len() + sections.iter().map(|name| ledger.section(name).unwrap().len()).sum::<usize>()
}

#[test]
fn a_grant_costs_no_more_than_a_logout() {
    let (frame, each) = in_deltas(grant, Form::V1_1);
    let manifest = in_manifests(grant, 10_000, Form::V1_1);
    println!(
        "figure: grant: delta of one {frame} bytes, each further one {each:.2}; manifest {manifest:.2} each of 10,000"
    );
    assert!(frame <= FRAME_BYTES, "{frame}");
    assert!(each <= 10.0 && manifest <= 6.5, "{each}, {manifest}");
    // For readers of form 1.0, a grant is a logout of its user.
    let logout: fn(u64) -> Event = |number| match grant(number) {
        Event::Grant { sub, not_before, .. } => Event::User { sub, not_before },
        _ => unreachable!(),
    };
    assert_eq!(in_deltas(grant, Form::V1_0), in_deltas(logout, Form::V1_0));
    assert!((each - in_deltas(logout, Form::V1_1).1).abs() <= 0.5);
}

#[test]
fn a_key_not_before_costs_a_thumbprint_and_a_time() {
    let (frame, each) = in_deltas(key_not_before, Form::V1_1);
    let manifest = in_manifests(key_not_before, 1_000, Form::V1_1);
    println!("figure: key not-before: delta of one {frame} bytes, each further {each:.2}; manifest {manifest:.2} each of 1,000");
    assert!(frame <= FRAME_BYTES, "{frame}");
    assert!(each <= 37.0 && manifest <= 37.1, "{each}, {manifest}");
    // For readers of form 1.0, all of them become one not-before of the realm.
    assert!(in_deltas(key_not_before, Form::V1_0).1 <= 0.1 && in_manifests(key_not_before, 1_000, Form::V1_0) <= 0.1);
}

#[test]
fn the_frame_of_a_delta_is_the_same_in_both_forms() {
    let mut ledger = ledger_under_way();
    let start = ledger.head().0;
    record(&mut ledger, &user("v"), NOW);
    let sizes =
        [Form::V1_0, Form::V1_1].map(|form| (delta_bytes(&ledger, start, form), ledger.heartbeat(form, at(NOW)).len()));
    println!("figure: delta of one logout {} bytes, heartbeat {}", sizes[0].0, sizes[0].1);
    assert_eq!(sizes[0], sizes[1]);
    assert!(sizes[0].0 <= FRAME_BYTES && sizes[0].1 <= FRAME_BYTES);
}
