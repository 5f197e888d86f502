//! Helpers for tests of faulty feeds: an edge that must refuse a message without changing, and messages that are
//! changed and signed again.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::Signer as _;
use portcullis::error::FeedError;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, NotBefore};
use portcullis::revocation::{Effect, Revocations, Status};

use crate::pair::*;

pub const TRAILER_BYTES: usize = 72;

/// Creates a ledger with entries of every kind, an edge that has loaded it, and one more event.
pub fn pair_one_behind() -> (Ledger, Revocations) {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..60_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300 + number % 3 * 600, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    record(&mut ledger, &Event::Token { id: "w".into(), expires_at: None, issued_at: None }, NOW);
    record(&mut ledger, &Event::Client { client: "app".into(), not_before: NotBefore::Caller(at(NOW - 900)) }, NOW);
    record(&mut ledger, &Event::Realm { not_before: NotBefore::Caller(at(NOW - 9_000)) }, NOW);
    record(&mut ledger, &Event::KeyBanned { thumbprint: [5; 32] }, NOW);
    record(&mut ledger, &Event::TokenVersion { sub: "v".into(), minimum: 2 }, NOW);
    let caller = || NotBefore::Caller(at(NOW - 900));
    record(&mut ledger, &Event::Grant { sub: "g".into(), client: "app".into(), not_before: caller() }, NOW);
    record(&mut ledger, &Event::KeyNotBefore { thumbprint: [6; 32], not_before: caller() }, NOW);
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &token("next", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("next"), NOW);
    (ledger, edge)
}

/// Returns the edge's status for every token of these tests.
pub fn answers(edge: &Revocations) -> Vec<Status> {
    let ids = (0..60_u64).map(|number| (format!("t{number}"), NOW + 300 + number % 3 * 600));
    let ids = ids.chain([("w".into(), NOW + 300), ("next".into(), NOW + 300)]);
    let users = (0..60).map(|number| format!("u{number}")).chain(["next".into()]);
    let ids = ids.map(|(id, expires_at)| edge.status(&subject(&id, expires_at, NOW)));
    ids.chain(users.map(|sub| edge.status(&of_user(&sub, NOW)))).collect()
}

/// Checks that the message is refused with this error, nothing changes, and the feed can continue.
pub fn check_refused(message: &[u8], now: u64, error: FeedError) {
    let (ledger, mut edge) = pair_one_behind();
    refuse_all(&ledger, &mut edge, &[(message.to_vec(), now, Some(error))]);
}

pub fn refuse_all(ledger: &Ledger, edge: &mut Revocations, messages: &[(Vec<u8>, u64, Option<FeedError>)]) {
    let (before, position) = (answers(edge), edge.position());
    for (message, now, error) in messages {
        let result = edge.apply(message, at(*now));
        match error {
            Some(error) => assert_eq!(result, Err(*error)),
            None => assert!(result.is_err(), "{result:?}"),
        }
        assert_eq!(edge.position(), position);
        assert!(edge.missing_sections().is_empty());
    }
    assert_eq!(answers(edge), before);
    assert_eq!(follow(edge, ledger, NOW), Ok(Effect::Changed));
    assert!(is_revoked(edge, &subject("next", NOW + 300, NOW)));
}

/// Removes key id and signature, changes the rest and signs it again.
pub fn signed_again(message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    signed_again_by(SIGNING_JWK, message, change)
}

pub fn signed_again_by(jwk: &str, message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = message[..message.len() - TRAILER_BYTES].to_vec();
    change(&mut body);
    let (jwk, public): (serde_json::Value, _) =
        (serde_json::from_str(jwk).unwrap(), SigningKey::from_jwk(jwk.as_bytes()));
    body.extend_from_slice(&public.unwrap().public().id().0);
    let domain: &[u8] =
        if message.starts_with(b"PCLM") { b"portcullis/v1/manifest\0" } else { b"portcullis/v1/delta\0" };
    let seed: [u8; 32] = Base64UrlUnpadded::decode_vec(jwk["d"].as_str().unwrap()).unwrap().try_into().unwrap();
    let signature = ed25519_dalek::SigningKey::from_bytes(&seed).sign(&[domain, &body].concat());
    body.extend_from_slice(&signature.to_bytes());
    body
}

/// Encodes a block with its number and flags.
pub fn block(kind: u16, flags: u16, contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &flags.to_le_bytes(), &length, contents].concat()
}

/// Encodes a delta from the edge's position with these blocks.
pub fn delta_of(edge: &Revocations, blocks: &[u8]) -> Vec<u8> {
    let position = edge.position().unwrap();
    let mut message = b"PCLD\x01\x00\x00\x00".to_vec();
    message.extend_from_slice(edge.realm().as_bytes());
    message.extend_from_slice(&(position.sequence + 1).to_le_bytes());
    message.extend_from_slice(&NOW.to_le_bytes());
    message.extend_from_slice(&[7; 16]);
    message.extend_from_slice(&300_u32.to_le_bytes());
    message.extend_from_slice(&1_u32.to_le_bytes());
    message.extend_from_slice(&position.chain.0);
    message.extend_from_slice(blocks);
    message.extend_from_slice(&[0; TRAILER_BYTES]);
    signed_again(&message, |_| {})
}
