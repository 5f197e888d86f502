//! Tokens signed by independent implementations, each with its expected verdict (`tests/vectors/README.md`).

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{but_for_the_feed, realm_of, vectors, NOW};
use portcullis::signature::Algorithm;
use portcullis::time::UnixSeconds;
use portcullis::verdict::Reason;

#[test]
fn every_vector_gets_the_expected_verdict() {
    let file = vectors("verdicts.json");
    assert_eq!(file["now"], NOW.get());
    let mut wrong = Vec::new();
    for group in file["groups"].as_array().unwrap() {
        let (realm, skipped) = realm_of(group);
        assert_eq!(skipped, group["skipped"], "{}", group["comment"]);
        let realms = [realm];
        for test in group["tests"].as_array().unwrap() {
            let now = test["now"].as_u64().map_or(NOW, UnixSeconds::new);
            let got = but_for_the_feed(test["token"].as_str().unwrap(), &realms, now);
            if test["expect"] != got {
                wrong.push(format!("{}: {}, {}, got {got}", group["comment"], test["comment"], test["expect"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_vectors_cover_every_algorithm_and_every_reason_a_token_alone_can_give() {
    let file = vectors("verdicts.json");
    let tests = || file["groups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap());
    for algorithm in Algorithm::ALL {
        let accepted =
            |test: &&serde_json::Value| test["expect"] == "accepted" && test["signed"][0] == algorithm.name();
        assert!(tests().any(|test| accepted(&test)), "{}", algorithm.name());
    }
    let expected: BTreeSet<&str> = tests().map(|test| test["expect"].as_str().unwrap()).collect();
    for reason in Reason::ALL {
        let by_token_alone = match reason {
            Reason::MissingToken
            | Reason::Malformed
            | Reason::UnsupportedAlgorithm
            | Reason::UnknownKey
            | Reason::BadSignature
            | Reason::WrongType
            | Reason::WrongIssuer
            | Reason::WrongAudience
            | Reason::MissingClaim
            | Reason::Expired
            | Reason::NotYetValid
            | Reason::IssuedInFuture
            | Reason::LifetimeExceeded => true,
            Reason::BannedKey
            | Reason::TokenRevoked
            | Reason::SessionRevoked
            | Reason::GrantRevoked
            | Reason::ClientRevoked
            | Reason::UserRevoked
            | Reason::RealmRevoked
            | Reason::VersionRevoked
            | Reason::InvalidRequest
            | Reason::CrossSite
            | Reason::InsufficientScope
            | Reason::KeysUnavailable
            | Reason::StaleFeed
            | Reason::NoFeed => false,
        };
        assert_eq!(expected.contains(reason.code()), by_token_alone, "{}", reason.code());
    }
}
