//! Builds the filter of a full bucket from its 63,000 fingerprints, and the manifest that names it; native code.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use pair::{at, ledger, token, FORM, NOW};

const IDS: u64 = 63_000;

fn section(criterion: &mut Criterion) {
    let full = || {
        let mut ledger = ledger();
        for number in 0..IDS {
            ledger.stage(&token(&format!("revoked-{number}"), NOW + 600, NOW), at(NOW)).unwrap();
        }
        ledger.commit();
        ledger
    };
    let mut group = criterion.benchmark_group("section");
    group.sample_size(10).bench_function("build", |bencher| {
        bencher.iter_batched(full, |mut ledger| ledger.manifest(FORM, at(NOW)).unwrap(), BatchSize::PerIteration);
    });
}

criterion_group!(benches, section);
criterion_main!(benches);
