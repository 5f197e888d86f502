//! Restores a ledger of a million live events, publishes it, and publishes it again after one more event.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use std::time::Instant;

use pair::{at, ledger, record, token, user, FORM, NOW};
use portcullis::ledger::Event;

const EVENTS: u64 = 1_000_000;

fn main() {
    let mut source = ledger();
    let mut rows = Vec::new();
    for number in 0..EVENTS {
        let event = match number % 10 {
            0..=6 => token(&name(number), NOW + 60 + number % 86_000, NOW),
            7..=8 => Event::Session { sid: name(number), occurred_at: None, issued_at: None },
            _ => user(&name(number)),
        };
        rows.extend(source.stage(&event, at(NOW)).unwrap());
        if number % 1_000 == 999 {
            source.commit();
        }
    }
    let started = Instant::now();
    let mut restored = ledger();
    rows.iter().for_each(|row| restored.restore(row).unwrap());
    restored.restore_head(source.head().0, source.head().1).unwrap();
    report("ledger.restore", started);
    assert_eq!(restored.stats(), source.stats());

    let started = Instant::now();
    restored.manifest(FORM, at(NOW)).unwrap();
    report("ledger.first_manifest", started);
    for (change, event) in [("token", token("new", NOW + 300, NOW)), ("logout", user("new"))] {
        let after = restored.head().0;
        record(&mut restored, &event, NOW);
        let started = Instant::now();
        restored.delta(FORM, after, at(NOW)).unwrap();
        report(&format!("ledger.delta_after_{change}"), started);
        let started = Instant::now();
        restored.manifest(FORM, at(NOW)).unwrap();
        report(&format!("ledger.manifest_after_{change}"), started);
    }
    let started = Instant::now();
    restored.prune(at(NOW + 600));
    report("ledger.prune", started);
}

fn name(number: u64) -> String {
    format!("{number:08x}-7c1d-4e7b-9d3a-{:012x}", number.wrapping_mul(0x9E37_79B9) & 0xFFFF_FFFF_FFFF)
}

fn report(bench: &str, started: Instant) {
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    println!(r#"{{"bench":"{bench}","runtime":"native","value":{milliseconds:.3},"unit":"ms","peers":{{}}}}"#);
}
