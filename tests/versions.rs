//! Recorded feeds of versions 1.0 and 1.1: an edge of any later version follows an older origin.

#![cfg(feature = "origin")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
mod pair;

use faults::{signed_again, TRAILER_BYTES};
use pair::*;
use portcullis::revocation::{Effect, Form, Level, Revocations, Status, Subject};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn a_feed_of_version_1_0() {
    let feed = recorded("feed-1.0.json");
    let mut edge = loaded(&feed);
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

#[test]
fn a_feed_of_version_1_1_in_each_form() {
    let feed = recorded("feed-1.1.json");
    for form in [Form::V1_0, Form::V1_1] {
        let name = format!("1.{}", form.minor());
        let recorded = &feed["forms"][&name];
        let mut edge = loaded(recorded);
        assert_eq!(edge.apply(&bytes(&recorded["delta"]), at(NOW)).unwrap().effect, Effect::Changed);
        assert_eq!(edge.form(), Some(form));
        let policy =
            edge.stated_policy().map(|policy| (policy.version, policy.digest.to_vec(), policy.fields.concat()));
        assert_eq!(policy, (form == Form::V1_1).then(every_default));
        for answer in feed["answers"].as_array().unwrap() {
            assert_eq!(level_of(edge.status(&Named::of(answer).subject())), answer[&name].as_str(), "{name}: {answer}");
            // The lower form refuses every token that the newer one refuses.
            assert!(answer["1.1"].is_null() || !answer["1.0"].is_null(), "{answer}");
        }
    }
}

#[test]
fn every_cut_and_every_bit_of_a_feed_of_version_1_1() {
    let feed = recorded("feed-1.1.json");
    let newest = &feed["forms"]["1.1"];
    let (manifest, delta) = (bytes(&newest["manifest"]), bytes(&newest["delta"]));
    let sections: Vec<_> = newest["sections"].as_array().unwrap().iter().map(bytes).collect();
    let mut edge = edge();
    broken(&manifest).for_each(|broken| assert!(edge.apply(&broken, at(NOW)).is_err()));
    assert_eq!(edge.position(), None);
    edge.apply(&manifest, at(NOW)).unwrap();
    for section in &sections {
        broken(section).for_each(|broken| assert!(edge.provide_section(broken).is_err()));
        edge.provide_section(section.clone()).unwrap();
    }
    let position = edge.position();
    broken(&delta).for_each(|broken| assert!(edge.apply(&broken, at(NOW)).is_err()));
    assert_eq!(edge.position(), position);
    assert_eq!(edge.apply(&delta, at(NOW)).unwrap().effect, Effect::Changed);
}

/// Only a faulty origin can sign such messages.
#[test]
fn no_changed_bit_of_a_signed_delta_of_version_1_1_removes_a_revocation() {
    let feed = recorded("feed-1.1.json");
    let newest = &feed["forms"]["1.1"];
    let delta = bytes(&newest["delta"]);
    let answers: Vec<_> = feed["answers"].as_array().unwrap().iter().map(Named::of).collect();
    let refused =
        |edge: &Revocations| answers.iter().map(|named| is_revoked(edge, &named.subject())).collect::<Vec<_>>();
    let before = refused(&loaded(newest));
    let mut applied = 0;
    for bit in 0..(delta.len() - TRAILER_BYTES) * 8 {
        let flipped = signed_again(&delta, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        let mut edge = loaded(newest);
        match edge.apply(&flipped, at(NOW)) {
            Ok(_) => {
                applied += 1;
                assert!(refused(&edge).iter().zip(&before).all(|(now, before)| now >= before), "bit {bit}");
            }
            Err(_) => assert_eq!(refused(&edge), before, "bit {bit}"),
        }
    }
    assert!(applied > 0);
}

/// The message truncated at every byte, and with every bit flipped.
fn broken(message: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cuts = (0..message.len()).map(|length| message[..length].to_vec());
    cuts.chain((0..message.len() * 8).map(|bit| {
        let mut flipped = message.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    }))
}

/// Returns an edge with the manifest and its sections.
fn loaded(feed: &Value) -> Revocations {
    let mut edge = edge();
    edge.apply(&bytes(&feed["manifest"]), at(NOW)).unwrap();
    let sections = feed["sections"].as_array().unwrap();
    assert_eq!(edge.missing_sections().len(), sections.len());
    for section in sections {
        edge.provide_section(bytes(section)).unwrap();
    }
    edge
}

/// The names of a token in the vectors.
struct Named<'a> {
    token: &'a Value,
    key: Option<[u8; 32]>,
}

impl<'a> Named<'a> {
    fn of(answer: &'a Value) -> Self {
        let key = answer["token"].get("key").map(|key| bytes(key).try_into().unwrap());
        Self { token: &answer["token"], key }
    }

    fn subject(&self) -> Subject<'_> {
        let text = |name| self.token.get(name).map(|value| value.as_str().unwrap());
        let issued_at = at(self.token["iat"].as_u64().unwrap());
        Subject {
            token_id: text("jti"),
            user: text("sub"),
            session: text("sid"),
            authorized_party: text("azp"),
            client_id: text("client_id"),
            signing_key: self.key.as_ref(),
            issued_at,
            compared_at: issued_at,
            expires_at: at(self.token["exp"].as_u64().unwrap()),
            token_version: self.token.get("version").map_or(0, |version| version.as_u64().unwrap()),
            ..Subject::default()
        }
    }
}

fn level_of(status: Status) -> Option<&'static str> {
    let level = match status {
        Status::NotRevoked => return None,
        Status::Revoked(level) => level,
        Status::SectionUnavailable => panic!("a section is missing"),
    };
    Some(match level {
        Level::Realm => "realm",
        Level::Client => "client",
        Level::Key => "key",
        Level::User => "user",
        Level::Session => "session",
        Level::ClientSession => "client_session",
        Level::Grant => "grant",
        Level::Version => "version",
        Level::Token => "token",
    })
}

/// Returns the digests of the first policy in the vectors, that of a realm of this issuer.
fn every_default() -> (u8, Vec<u8>, Vec<u8>) {
    let policy = &recorded("policy-1.json")["policies"][0];
    assert_eq!(policy["realm"]["issuer"], ISSUER);
    let digest = policy["digest"].as_str().unwrap().strip_prefix("1:").unwrap();
    (1, bytes(&digest.into()), policy["fields"].as_array().unwrap().iter().flat_map(bytes).collect())
}

fn recorded(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn bytes(hexadecimal: &Value) -> Vec<u8> {
    let digits = hexadecimal.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
