//! Looks up tokens among a million revoked ids and 100,000 epochs: every level of revocation, including hashing; native
//! code.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use criterion::{criterion_group, criterion_main, Criterion};
use pair::{at, edge, ledger, load, token, user, NOW};
use portcullis::revocation::{Status, Subject};

const IDS: u64 = 1_000_000;
const EPOCHS: u64 = 100_000;
/// Enough subjects that neither they nor the bits they probe stay in the CPU cache between two rounds.
const SUBJECTS: u64 = 1 << 16;

fn status(criterion: &mut Criterion) {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..IDS {
        ledger.stage(&token(&name("revoked", number), NOW + 60 + number % 80_000, NOW), at(NOW)).unwrap();
    }
    for number in 0..EPOCHS {
        ledger.stage(&user(&name("revoked", number)), at(NOW)).unwrap();
    }
    ledger.commit();
    load(&mut edge, &mut ledger, NOW);

    let names = (0..SUBJECTS).map(|number| [name("id", number), name("user", number), name("session", number)]);
    let names: Vec<_> = names.collect();
    let mut numbers = (0..SUBJECTS).zip(&names).cycle();
    criterion.bench_function("status", |bencher| {
        bencher.iter(|| {
            let (number, [id, user, session]) = numbers.next().unwrap();
            let subject = Subject {
                token_id: Some(id),
                user: Some(user),
                session: Some(session),
                authorized_party: Some("demo"),
                issued_at: at(NOW - 10),
                compared_at: at(NOW - 10),
                expires_at: at(NOW + 60 + number % 80_000),
                ..Subject::default()
            };
            edge.status(&subject) == Status::NotRevoked
        });
    });
}

/// A name of a UUID's length.
fn name(kind: &str, number: u64) -> String {
    format!("{number:016x}-{kind:-<19}")
}

criterion_group!(benches, status);
criterion_main!(benches);
