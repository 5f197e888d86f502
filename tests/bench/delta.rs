//! Applies a delta of 100 revoked ids to a state with a million: signature, chain and bits; native code.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use std::time::{Duration, Instant};

use criterion::{criterion_group, criterion_main, Criterion};
use pair::{at, edge, ledger, provide_all, token, FORM, NOW};
use portcullis::ledger::{Event, Ledger};
use portcullis::revocation::{Effect, Revocations};

const IDS: u64 = 1_000_000;
const DELTAS: u64 = 500;
const CHANGES: u64 = 100;

fn delta(criterion: &mut Criterion) {
    let mut ledger = ledger();
    (0..IDS).for_each(|number| stage(&mut ledger, number));
    ledger.commit();
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    let mut edge = loaded(&manifest, &ledger);
    let deltas: Vec<_> = (0..DELTAS)
        .map(|delta| {
            let (after, _) = ledger.head();
            (0..CHANGES).for_each(|change| stage(&mut ledger, IDS + delta * CHANGES + change));
            ledger.commit();
            ledger.delta(FORM, after, at(NOW)).unwrap().bytes
        })
        .collect();
    let mut next = deltas.iter();
    criterion.bench_function("delta", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..iterations {
                let delta = next.next().unwrap_or_else(|| {
                    edge = loaded(&manifest, &ledger);
                    next = deltas.iter();
                    next.next().unwrap()
                });
                let started = Instant::now();
                let applied = edge.apply(delta, at(NOW)).unwrap();
                elapsed += started.elapsed();
                assert_eq!(applied.effect, Effect::Changed);
            }
            elapsed
        });
    });
}

fn stage(ledger: &mut Ledger, number: u64) {
    let event: Event = token(&format!("revoked-{number}"), NOW + 600 + number % 80_000, NOW);
    ledger.stage(&event, at(NOW)).unwrap();
}

fn loaded(manifest: &[u8], ledger: &Ledger) -> Revocations {
    let mut edge = edge();
    edge.apply(manifest, at(NOW)).unwrap();
    provide_all(&mut edge, ledger);
    edge
}

criterion_group!(benches, delta);
criterion_main!(benches);
