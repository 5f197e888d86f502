//! Judges a new token by every check, with 100,000 revoked ids and 10,000 epochs loaded; native code, for each
//! algorithm.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../pair/mod.rs"]
mod pair;

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use fixtures::{realm_of, vectors, ISSUER, NOW};
use pair::{edge_of, ledger_of, load, token, user};
use portcullis::verdict::{judge, Verdict};

const ALGORITHMS: [&str; 6] = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"];
const IDS: u64 = 100_000;
const EPOCHS: u64 = 10_000;

fn verdict(criterion: &mut Criterion) {
    let every_algorithm = &vectors("verdicts.json")["groups"][0];
    let (mut realm, _) = realm_of(every_algorithm);
    let (mut ledger, now) = (ledger_of(ISSUER), NOW.get());
    for number in 0..IDS {
        ledger.stage(&token(&format!("revoked-{number}"), now + 60 + number % 3_600, now), NOW).unwrap();
    }
    for number in 0..EPOCHS {
        ledger.stage(&user(&format!("user-{number}")), NOW).unwrap();
    }
    ledger.commit();
    realm.revocations = edge_of(ISSUER);
    load(&mut realm.revocations, &mut ledger, now);

    let realms = [realm];
    let mut group = criterion.benchmark_group("verdict");
    for algorithm in ALGORITHMS {
        let tests = every_algorithm["tests"].as_array().unwrap();
        let token = tests.iter().find(|test| test["comment"] == algorithm).unwrap()["token"].as_str().unwrap();
        group.bench_function(algorithm, |bencher| {
            bencher.iter(|| match judge(black_box(token), &realms, NOW) {
                Verdict::Accepted(accepted) => accepted.sequence,
                Verdict::Refused(refused) => panic!("refused: {}", refused.reason.code()),
            });
        });
    }
}

criterion_group!(benches, verdict);
criterion_main!(benches);
