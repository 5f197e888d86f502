//! A recorded feed of version 1.0: an edge of any later version follows an older origin.

#![cfg(feature = "origin")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::revocation::{Effect, Level, Status, Subject};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn a_feed_of_version_1_0() {
    let feed = recorded();
    let mut edge = edge();
    edge.apply(&bytes(&feed["manifest"]), at(NOW)).unwrap();
    assert_eq!(edge.missing_sections().len(), feed["sections"].as_array().unwrap().len());
    for section in feed["sections"].as_array().unwrap() {
        edge.provide_section(bytes(section)).unwrap();
    }
    assert_eq!(edge.status(&of_user("carol", NOW - 1)), Status::NotRevoked);
    assert_eq!(edge.apply(&bytes(&feed["delta"]), at(NOW)).unwrap().effect, Effect::Changed);
    let of = |change: &dyn Fn(&mut Subject<'static>)| {
        let mut subject = subject("other", NOW + 300, NOW - 1);
        change(&mut subject);
        edge.status(&subject)
    };
    assert_eq!(of(&|_| {}), Status::NotRevoked);
    for (status, level) in [
        (of(&|subject| (subject.compared_at, subject.issued_at) = (at(NOW - 500), at(NOW - 500))), Level::Realm),
        (of(&|subject| subject.client_id = Some("app")), Level::Client),
        (of(&|subject| subject.user = Some("bob")), Level::User),
        (of(&|subject| subject.user = Some("carol")), Level::User),
        (of(&|subject| subject.session = Some("s")), Level::Session),
        (of(&|subject| (subject.user, subject.token_version) = (Some("dave"), 2)), Level::Version),
        (of(&|subject| subject.token_id = Some("in-manifest")), Level::Token),
        (of(&|subject| subject.token_id = Some("in-delta")), Level::Token),
    ] {
        assert_eq!(status, Status::Revoked(level));
    }
}

fn recorded() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/feed-1.0.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    let digits = hexadecimal.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
