//! A fixed amount of work for counting instructions: `counted WORK FEED VECTORS`, where WORK is `verdict.ALGORITHM`,
//! `status` or `delta`, FEED is a folder written by `feed_maker` and VECTORS is the file of verdicts. [`measured`] is
//! counted: `valgrind --tool=callgrind --toggle-collect='*counted::measured*'`.
//!
//! It uses only the crate's edge half, so that it also compiles with older versions of the crate, and no randomness, so
//! that the same build gives the same count.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use portcullis::keys::{KeyRules, KeySource, Keys, RsaDefault};
use portcullis::policy::{Audience, Policy, Profile};
use portcullis::revocation::{Bounds, Effect, FeedKey, RealmId, Revocations, Status, Subject};
use portcullis::signature::Algorithm;
use portcullis::time::UnixSeconds;
use portcullis::verdict::{judge, Realm, RealmKeys, Verdict};
use serde_json::Value;

/// The `now` of the vectors, and their issuer.
const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://id.example/realms/acme";
/// RFC 8037 appendix A.2.
const FEED_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// Number of repetitions, enough to make one-time work negligible.
const VERDICTS: u64 = 200;
const LOOK_UPS: u64 = 20_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, feed, vectors] = &arguments[..] else { panic!("usage: counted WORK FEED VECTORS") };
    let feed = Path::new(feed);
    let mut edge = loaded(feed);
    match work.split_once('.') {
        Some(("verdict", algorithm)) => {
            let vectors: Value = serde_json::from_str(&fs::read_to_string(vectors).unwrap()).unwrap();
            let group = &vectors["groups"][0];
            let (realms, token) = ([realm(group, edge)], token_of(group, algorithm));
            // Warm-up: a key's tables are computed only once.
            verdicts(&token, &realms, VERDICTS);
            measured(|| verdicts(&token, &realms, VERDICTS));
        }
        None if work == "status" => {
            let names: Vec<_> = (0..LOOK_UPS).map(|number| [name("id", number), name("user", number)]).collect();
            measured(|| look_ups(&edge, &names));
        }
        None if work == "delta" => {
            let deltas = deltas(feed);
            let (first, others) = deltas.split_at(deltas.len() / 2);
            first.iter().for_each(|delta| apply(&mut edge, delta));
            measured(|| others.iter().for_each(|delta| apply(&mut edge, delta)));
        }
        _ => panic!("unknown WORK"),
    }
}

/// Runs the counted work.
#[inline(never)]
fn measured(work: impl FnOnce()) {
    work();
    // Prevents a tail call, for which the counter would not see the end of the function.
    black_box(());
}

fn verdicts(token: &str, realms: &[Realm], count: u64) {
    for _ in 0..count {
        match judge(black_box(token), realms, at(NOW)) {
            Verdict::Accepted(accepted) => {
                black_box(accepted.sequence);
            }
            Verdict::Refused(refused) => panic!("refused: {}", refused.reason.code()),
        }
    }
}

fn look_ups(edge: &Revocations, names: &[[String; 2]]) {
    for (number, [id, user]) in (0..).zip(names) {
        let subject = Subject {
            token_id: Some(id),
            user: Some(user),
            session: Some(user),
            authorized_party: Some("demo"),
            issued_at: at(NOW - 10),
            compared_at: at(NOW - 10),
            expires_at: at(NOW + 600 + number % 3_600),
            ..Subject::default()
        };
        black_box(edge.status(&subject) == Status::NotRevoked);
    }
}

fn apply(edge: &mut Revocations, delta: &[u8]) {
    assert_eq!(edge.apply(delta, at(NOW)).unwrap().effect, Effect::Changed);
}

/// Returns an edge that has loaded the feed's manifest and all sections.
fn loaded(feed: &Path) -> Revocations {
    let key = FeedKey::from_jwk(FEED_JWK.as_bytes()).unwrap();
    let mut edge = Revocations::new(RealmId::of(ISSUER), vec![key], Bounds::default());
    edge.apply(&fs::read(feed.join("manifest")).unwrap(), at(NOW)).unwrap();
    for section in edge.missing_sections() {
        let name: String = section.iter().map(|byte| format!("{byte:02x}")).collect();
        edge.provide_section(fs::read(feed.join("sections").join(name)).unwrap()).unwrap();
    }
    edge
}

/// Returns the feed's deltas, in order.
fn deltas(feed: &Path) -> Vec<Vec<u8>> {
    (0..).map_while(|number: u32| fs::read(feed.join("deltas").join(number.to_string())).ok()).collect()
}

/// Returns the realm of the vectors' first group.
fn realm(group: &Value, edge: Revocations) -> Realm {
    let mut policy = Policy::new(ISSUER, Audience::AnyOf(vec!["api".into()]), Profile::Generic);
    policy.algorithms = Algorithm::ALL.into_iter().collect();
    let mut realm = Realm::new("acme", policy, Vec::new(), Bounds::default());
    let rules = KeyRules { source: KeySource::Configuration, rsa_default: RsaDefault::RS256 };
    let keys = Keys::read(group["jwks"].to_string().as_bytes(), rules).unwrap().keys;
    realm.keys = RealmKeys::Loaded { keys, usable_until: UnixSeconds::MAX };
    realm.revocations = edge;
    realm
}

fn token_of(group: &Value, algorithm: &str) -> String {
    let tests = group["tests"].as_array().unwrap();
    tests.iter().find(|test| test["comment"] == algorithm).unwrap()["token"].as_str().unwrap().into()
}

/// A name of a UUID's length.
fn name(kind: &str, number: u64) -> String {
    format!("{number:016x}-{kind:-<19}")
}

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}
