//! Everything that can be wrong with a feed: each message is refused with its own error, no answer changes, and afterwards
//! the feed goes on.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

mod pair;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::Signer as _;
use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings};
use portcullis::revocation::{
    peek_realm, Bounds, Effect, Provided, RealmId, Revocations, Status, MAX_DELTA_BYTES, MAX_MANIFEST_BYTES,
    MAX_SECTION_BYTES,
};

const TRAILER_BYTES: usize = 72;
const HEAD_BYTES: usize = 60;

/// A ledger with something of everything, an edge that has loaded it, and one event more.
fn pair_one_behind() -> (Ledger, Revocations) {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..60_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300 + number % 3 * 600, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    record(&mut ledger, &Event::Token { id: "w".into(), expires_at: None, issued_at: None }, NOW);
    record(&mut ledger, &Event::Client { client: "app".into(), not_before: Some(at(NOW - 900)) }, NOW);
    record(&mut ledger, &Event::Realm { not_before: Some(at(NOW - 9_000)) }, NOW);
    record(&mut ledger, &Event::KeyBanned { thumbprint: [5; 32] }, NOW);
    record(&mut ledger, &Event::TokenVersion { sub: "v".into(), minimum: 2 }, NOW);
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &token("next", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("next"), NOW);
    (ledger, edge)
}

/// What the edge answers about everything that it could be asked here.
fn answers(edge: &Revocations) -> Vec<Status> {
    let ids = (0..60_u64).map(|number| (format!("t{number}"), NOW + 300 + number % 3 * 600));
    let ids = ids.chain([("w".into(), NOW + 300), ("next".into(), NOW + 300)]);
    let users = (0..60).map(|number| format!("u{number}")).chain(["next".into()]);
    let ids = ids.map(|(id, expires_at)| edge.status(&subject(&id, expires_at, NOW)));
    ids.chain(users.map(|sub| edge.status(&of_user(&sub, NOW)))).collect()
}

/// The message is refused with this error, nothing changes, and the feed can go on.
fn check_refused(message: &[u8], now: u64, error: FeedError) {
    let (ledger, mut edge) = pair_one_behind();
    refuse_all(&ledger, &mut edge, &[(message.to_vec(), now, Some(error))]);
}

fn refuse_all(ledger: &Ledger, edge: &mut Revocations, messages: &[(Vec<u8>, u64, Option<FeedError>)]) {
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

/// Cuts off key id and signature, changes the rest and signs it again.
fn signed_again(message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    signed_again_by(SIGNING_JWK, message, change)
}

fn signed_again_by(jwk: &str, message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
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

/// A block, with its number and flags.
fn block(kind: u16, flags: u16, contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &flags.to_le_bytes(), &length, contents].concat()
}

/// A delta from the edge's position with these blocks.
fn delta_of(edge: &Revocations, blocks: &[u8]) -> Vec<u8> {
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

#[test]
fn cut_off_at_every_byte() {
    let (mut ledger, mut edge) = pair_one_behind();
    let position = edge.position().unwrap();
    let delta = ledger.delta(position.sequence, at(NOW)).unwrap();
    let manifest = ledger.manifest(at(NOW)).unwrap();
    let cut =
        |message: &[u8]| (0..message.len()).map(|length| (message[..length].to_vec(), NOW, None)).collect::<Vec<_>>();
    let messages = [cut(&delta), cut(&manifest)].concat();
    assert!(messages.iter().all(|(message, ..)| message.len() >= 32 || peek_realm(message).is_err()));
    refuse_all(&ledger, &mut edge, &messages);
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::AlreadyKnown);
}

#[test]
fn bytes_added_at_the_end() {
    let (mut ledger, edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    for message in [ledger.delta(sequence, at(NOW)).unwrap(), ledger.manifest(at(NOW)).unwrap()] {
        check_refused(&[message.as_slice(), &[0]].concat(), NOW, FeedError::UnknownKey);
    }
}

#[test]
fn every_single_bit() {
    let (mut ledger, mut edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    let mut messages = Vec::new();
    for message in [ledger.delta(sequence, at(NOW)).unwrap(), ledger.manifest(at(NOW)).unwrap()] {
        for bit in 0..message.len() * 8 {
            let mut flipped = message.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = match bit / 8 {
                0..4 => FeedError::UnknownKind,
                4 => FeedError::UnsupportedVersion { major: flipped[4] },
                8..24 => FeedError::WrongRealm,
                byte if (message.len() - TRAILER_BYTES..message.len() - 64).contains(&byte) => FeedError::UnknownKey,
                _ => FeedError::BadSignature,
            };
            messages.push((flipped, NOW, Some(error)));
        }
    }
    refuse_all(&ledger, &mut edge, &messages);
}

#[test]
fn a_signature_for_the_other_kind() {
    let (mut ledger, mut edge) = pair_one_behind();
    let mut manifest = ledger.manifest(at(NOW)).unwrap();
    manifest[3] = b'D';
    let mut delta = ledger.delta(edge.position().unwrap().sequence, at(NOW)).unwrap();
    delta[3] = b'M';
    let error = Some(FeedError::BadSignature);
    refuse_all(&ledger, &mut edge, &[(manifest, NOW, error), (delta, NOW, error)]);
}

#[test]
fn another_realm() {
    let (ledger, mut edge) = pair_one_behind();
    let issuer = "https://issuer.example/realms/other".to_owned();
    let mut other = Ledger::new(LedgerSettings { issuer, ..settings() }).unwrap();
    record(&mut other, &user("u"), NOW);
    let messages = [other.manifest(at(NOW)).unwrap(), other.delta(1 << 40, at(NOW)).unwrap(), other.heartbeat(at(NOW))];
    let messages: Vec<_> = messages.into_iter().map(|message| (message, NOW, Some(FeedError::WrongRealm))).collect();
    refuse_all(&ledger, &mut edge, &messages);
}

#[test]
fn another_key() {
    let (mut ledger, mut edge) = pair_one_behind();
    let foreign = SigningKey::generate().unwrap().to_jwk();
    let manifest = signed_again_by(&foreign, &ledger.manifest(at(NOW)).unwrap(), |_| {});
    let mut disguised = manifest.clone();
    let start = disguised.len() - TRAILER_BYTES;
    disguised[start..start + 8].copy_from_slice(&feed_key().id().0);
    let messages = [(manifest, NOW, Some(FeedError::UnknownKey)), (disguised, NOW, Some(FeedError::BadSignature))];
    refuse_all(&ledger, &mut edge, &messages);
}

#[test]
fn two_keys_during_a_rotation() {
    let next = SigningKey::generate().unwrap();
    let keys = vec![feed_key(), next.public().clone()];
    let mut edge = Revocations::new(RealmId::of(ISSUER), keys, Bounds::default());
    let mut ledger = ledger();
    let row = record(&mut ledger, &user("u"), NOW).unwrap();
    load(&mut edge, &mut ledger, NOW);
    let mut rotated = Ledger::new(LedgerSettings { signing_key: next, ..settings() }).unwrap();
    rotated.restore(&row).unwrap();
    record(&mut rotated, &user("v"), NOW + 1);
    assert_eq!(follow(&mut edge, &rotated, NOW + 1), Ok(Effect::Changed));
    // What the old key still says about earlier is no news.
    let error = edge.apply(&ledger.manifest(at(NOW + 1)).unwrap(), at(NOW + 1)).unwrap_err();
    assert!(matches!(error, FeedError::Older { .. }), "{error}");
}

#[test]
fn out_of_order_gaps_and_repetitions() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let base = ledger.head().0;
    let mut deltas = Vec::new();
    for number in 0..4 {
        record(&mut ledger, &user(&format!("u{number}")), NOW);
        deltas.push(ledger.delta(base + number, at(NOW)).unwrap());
    }
    assert_eq!(edge.apply(&deltas[2], at(NOW)), Err(FeedError::Gap { from: base + 2, known: base }));
    assert_eq!(edge.apply(&deltas[1], at(NOW)), Err(FeedError::Gap { from: base + 1, known: base }));
    for (number, delta) in deltas.iter().enumerate() {
        assert_eq!(edge.apply(delta, at(NOW)).unwrap().effect, Effect::Changed);
        assert!(is_revoked(&edge, &of_user(&format!("u{number}"), NOW)));
        let before = edge.position();
        for earlier in &deltas[..=number] {
            assert_eq!(edge.apply(earlier, at(NOW)).unwrap().effect, Effect::AlreadyKnown);
        }
        assert_eq!(edge.position(), before);
    }
    // One that starts before, but leads further, is welcome.
    record(&mut ledger, &user("more"), NOW);
    let overlapping = ledger.delta(base + 1, at(NOW)).unwrap();
    assert_eq!(edge.apply(&overlapping, at(NOW)).unwrap().effect, Effect::Changed);
}

#[test]
fn expired_and_from_the_future() {
    let (mut ledger, edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    for message in [ledger.delta(sequence, at(NOW)).unwrap(), ledger.manifest(at(NOW)).unwrap()] {
        check_refused(&message, NOW + 301, FeedError::Expired { not_after: NOW + 300, now: NOW + 301 });
        check_refused(&message, NOW - 6, FeedError::FromFuture { issued_at: NOW, now: NOW - 6 });
        let (_, mut edge) = pair_one_behind();
        // A new pair has another history only in its hash keys, which is where it would end.
        let on_the_border = [edge.apply(&message, at(NOW + 300)), edge.apply(&message, at(NOW - 5))];
        assert!(on_the_border
            .iter()
            .all(|result| !matches!(result, Err(FeedError::Expired { .. } | FeedError::FromFuture { .. }))));
    }
}

#[test]
fn an_older_manifest() {
    let (mut ledger, mut edge) = pair_one_behind();
    let older = ledger.manifest(at(NOW)).unwrap();
    let known = record(&mut ledger, &user("x"), NOW).unwrap().sequence;
    follow(&mut edge, &ledger, NOW).unwrap();
    let before = answers(&edge);
    assert_eq!(edge.apply(&older, at(NOW)), Err(FeedError::Older { sequence: known - 1, known }));
    // The same while a later one is being loaded.
    for number in 0..60 {
        record(&mut ledger, &token(&format!("y{number}"), NOW + 300, NOW), NOW);
    }
    let between = ledger.manifest(at(NOW)).unwrap();
    let sequence = ledger.head().0;
    let known = record(&mut ledger, &user("z"), NOW).unwrap().sequence;
    let later = ledger.manifest(at(NOW)).unwrap();
    assert_eq!(edge.apply(&later, at(NOW)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.apply(&between, at(NOW)), Err(FeedError::Older { sequence, known }));
    assert_eq!(answers(&edge), before);
    provide_all(&mut edge, &ledger);
    assert_eq!(edge.position().unwrap().sequence, known);
}

#[test]
fn another_history() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("u"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    let position = edge.position();
    let mut other = pair::ledger();
    record(&mut other, &user("other"), NOW);
    let sequence = other.head().0;
    let equivocation = Err(FeedError::Equivocation { sequence });
    assert_eq!(edge.apply(&other.manifest(at(NOW + 1)).unwrap(), at(NOW + 1)), equivocation);
    assert_eq!(edge.apply(&other.heartbeat(at(NOW + 1)), at(NOW + 1)), equivocation);
    assert_eq!(edge.apply(&other.delta(sequence - 1, at(NOW)).unwrap(), at(NOW)), equivocation);
    record(&mut other, &user("more"), NOW);
    assert_eq!(edge.apply(&other.delta(sequence, at(NOW)).unwrap(), at(NOW)), equivocation);
    // Remembered further back as well.
    record(&mut ledger, &user("v"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    record(&mut other, &user("even more"), NOW);
    assert_eq!(edge.apply(&other.delta(sequence, at(NOW)).unwrap(), at(NOW)), equivocation);
    assert!(edge.position().unwrap().sequence > position.unwrap().sequence);
    assert!(!is_revoked(&edge, &of_user("other", NOW)) && is_revoked(&edge, &of_user("v", NOW)));
    record(&mut ledger, &user("w"), NOW);
    assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
}

#[test]
fn an_unknown_or_contradicted_hash_key() {
    let (ledger, mut edge) = pair_one_behind();
    let ids = |generation: u32| {
        let group = [&generation.to_le_bytes()[..], &[1, 9, 0, 1, 1, 2, 3, 4, 5, 6]].concat();
        block(8, 1, &group)
    };
    let unknown = delta_of(&edge, &ids(77));
    let declared_twice = {
        // The generation that the ledger's own delta names.
        let delta = ledger.delta(1 << 40, at(NOW)).unwrap();
        let contents = &delta[80 + 8..80 + 8 + 4];
        delta_of(&edge, &block(2, 1, &[contents, &[1; 16]].concat()))
    };
    let generation = u32::from_le_bytes(*declared_twice[88..].first_chunk().unwrap());
    let messages = [
        (unknown, NOW, Some(FeedError::UnknownGeneration { generation: 77 })),
        (declared_twice, NOW, Some(FeedError::GenerationConflict { generation })),
    ];
    refuse_all(&ledger, &mut edge, &messages);
    let declared = [block(2, 1, &[&77_u32.to_le_bytes()[..], &[1; 16]].concat()), ids(77)].concat();
    let (_, mut edge) = pair_one_behind();
    assert_eq!(edge.apply(&delta_of(&edge, &declared), at(NOW)).unwrap().effect, Effect::Changed);
}

#[test]
fn sections_missing_broken_or_unwanted() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..60_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    record(&mut ledger, &Event::TokenVersion { sub: "v".into(), minimum: 2 }, NOW);
    let manifest = ledger.manifest(at(NOW)).unwrap();
    edge.apply(&manifest, at(NOW)).unwrap();
    let names = edge.missing_sections();
    assert_eq!(names.len(), 3);
    for name in &names {
        let section = ledger.section(name).unwrap();
        let before = edge.missing_sections();
        for bit in (0..section.len() * 8).step_by(7) {
            let mut flipped = section.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(edge.provide_section(&flipped[..]), Err(FeedError::UnknownSection));
        }
        for length in (0..section.len()).step_by(13) {
            assert_eq!(edge.provide_section(&section[..length]), Err(FeedError::UnknownSection));
        }
        assert_eq!(edge.missing_sections(), before);
        assert_eq!(edge.provide_section(section), Ok(Provided::Stored));
        assert_eq!(edge.provide_section(section), Err(FeedError::UnknownSection));
    }
    let (length, limit) = (MAX_SECTION_BYTES + 1, MAX_SECTION_BYTES);
    assert_eq!(edge.provide_section(vec![0; length]), Err(FeedError::TooLong { length, limit }));
    assert!(is_revoked(&edge, &subject("t7", NOW + 300, NOW)));
}

/// A section that the manifest does name, but that is not in order: only an origin gone mad could sign this.
#[test]
fn sections_that_are_signed_but_malformed() {
    let (mut ledger, _) = (ledger(), edge());
    for number in 0..300_u64 {
        record(&mut ledger, &user(&format!("u{number}")), NOW - number % 7);
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &Event::TokenVersion { sub: format!("u{number}"), minimum: 2 }, NOW);
    }
    let manifest = ledger.manifest(at(NOW)).unwrap();
    let mut edge = edge();
    edge.apply(&manifest, at(NOW)).unwrap();
    for name in edge.missing_sections() {
        let section = ledger.section(&name).unwrap();
        let is_filter = section[4] <= 2;
        let at_byte = manifest.windows(32).position(|window| window == name).unwrap();
        let try_bytes = |bytes: &[u8]| {
            use sha2::Digest as _;
            let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
            let manifest = signed_again(&manifest, |body| {
                body[at_byte..at_byte + 32].copy_from_slice(&digest);
                body[at_byte - 24..at_byte - 20].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            });
            let mut edge = pair::edge();
            edge.apply(&manifest, at(NOW)).map(|_| edge.provide_section(bytes))
        };
        assert_eq!(try_bytes(section), Ok(Ok(Provided::Stored)));
        for length in [32, 33, 40, section.len() - 8, section.len() - 1] {
            let result = try_bytes(&section[..length]);
            assert!(matches!(result, Ok(Err(_))), "{length} {result:?}");
        }
        let longer = [section, &[0; 8]].concat();
        assert!(matches!(try_bytes(&longer), Ok(Err(FeedError::Malformed { .. }))));
        // Every bit of the head but for the base, then some of the contents. Any bits are a filter, and in the tables the
        // values are free.
        for bit in (0..24 * 8).chain((24 * 8..section.len() * 8).step_by(41)) {
            let mut flipped = section.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match try_bytes(&flipped).unwrap() {
                Ok(_) => assert!(is_filter || bit >= 24 * 8, "bit {bit}"),
                Err(error) => assert!(matches!(error, FeedError::Malformed { .. } | FeedError::Truncated), "{error}"),
            }
        }
    }
}

#[test]
fn later_versions() {
    let (ledger, mut edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    let delta = ledger.delta(sequence, at(NOW)).unwrap();
    let newer_major = signed_again(&delta, |body| body[4] = 2);
    let extra = |flags| block(999, flags, b"from a later version");
    let with_extra = |minor: u8, flags| {
        signed_again(&delta, move |body| {
            body[5] = minor;
            body.extend_from_slice(&extra(flags));
        })
    };
    let messages = [
        (newer_major.clone(), NOW, Some(FeedError::UnsupportedVersion { major: 2 })),
        (with_extra(1, 1), NOW, Some(FeedError::UnknownCriticalBlock { kind: 999 })),
        (with_extra(0, 1), NOW, Some(FeedError::UnknownCriticalBlock { kind: 999 })),
        (with_extra(0, 0), NOW, Some(FeedError::Malformed { part: "block of no version known" })),
    ];
    refuse_all(&ledger, &mut edge, &messages);
    assert!(peek_realm(&newer_major).is_err());
    let (mut ledger, mut edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    let delta = ledger.delta(sequence, at(NOW)).unwrap();
    let newer_minor = signed_again(&delta, |body| {
        body[5] = 9;
        body.extend_from_slice(&extra(0));
    });
    assert_eq!(edge.apply(&newer_minor, at(NOW)).unwrap().effect, Effect::Changed);
    record(&mut ledger, &user("later"), NOW);
    let manifest = signed_again(&ledger.manifest(at(NOW)).unwrap(), |body| {
        body[5] = 9;
        body.extend_from_slice(&extra(2));
    });
    assert!(edge.apply(&manifest, at(NOW)).is_ok());
    provide_all(&mut edge, &ledger);
    assert!(is_revoked(&edge, &of_user("later", NOW)));
}

#[test]
fn one_form_only() {
    let (_, edge) = pair_one_behind();
    let malformed = |part| Some(FeedError::Malformed { part });
    let ids = |contents: &[u8]| delta_of(&edge, &block(8, 1, &[&1_u32.to_le_bytes()[..], contents].concat()));
    let bans = |thumbprints: &[u8]| thumbprints.iter().flat_map(|byte| [*byte; 32]).collect::<Vec<u8>>();
    let cases = [
        // Blocks: out of order, twice, empty, not marked critical, a manifest's.
        (delta_of(&edge, &[block(5, 1, &[1; 32]), block(3, 1, &[9])].concat()), malformed("order of blocks")),
        (delta_of(&edge, &[block(3, 1, &[9]), block(3, 1, &[9])].concat()), malformed("order of blocks")),
        (delta_of(&edge, &block(3, 1, &[])), malformed("block")),
        (delta_of(&edge, &block(3, 0, &[9])), malformed("block")),
        (delta_of(&edge, &block(1, 1, &[9])), malformed("manifest block in delta")),
        (delta_of(&edge, &block(3, 1, &[9])[..8]), Some(FeedError::Truncated)),
        // Contents: needless bytes, out of order, twice, empty groups.
        (delta_of(&edge, &block(3, 1, &[0x89, 0])), malformed("varint")),
        (delta_of(&edge, &block(3, 1, &[9, 9])), malformed("realm block")),
        (delta_of(&edge, &block(5, 1, &bans(&[2, 1]))), malformed("order of bans")),
        (delta_of(&edge, &block(5, 1, &bans(&[1, 1]))), malformed("order of bans")),
        (delta_of(&edge, &block(5, 1, &[1; 33])), Some(FeedError::Truncated)),
        (delta_of(&edge, &block(4, 1, &[1, b'b', 9, 1, b'a', 9])), malformed("order of clients")),
        (delta_of(&edge, &block(4, 1, &[1, 0xFF, 9])), malformed("client id")),
        (ids(&[0]), malformed("empty group")),
        (ids(&[1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]), malformed("empty group")),
        (ids(&[1, 9, 0, 2, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]), malformed("order of fingerprints")),
        (ids(&[1, 9, 0, 2, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0]), malformed("order of fingerprints")),
        (ids(&[2, 9, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]), malformed("order of buckets")),
        (ids(&[1, 9, 0, 200, 1, 1, 0, 0, 0, 0, 0]), Some(FeedError::Truncated)),
        (ids(&[255, 255, 255, 255, 15, 9, 0, 1]), Some(FeedError::Truncated)),
        (delta_of(&edge, &block(11, 1, &[[7; 16].as_slice(), &[0]].concat())), malformed("version")),
        (delta_of(&edge, &block(10, 1, &[1, 0, 0, 0, 1, 50, 1, 0, 0, 0, 0, 0, 3])), malformed("base of not-befores")),
        // A heartbeat that brings something, flags of no version.
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[60] = 0), malformed("heartbeat")),
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[6] = 2), malformed("flags")),
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[31] = 0xFF), malformed("head")),
    ];
    let (ledger, mut edge) = pair_one_behind();
    let messages: Vec<_> = cases.into_iter().map(|(message, error)| (message, NOW, error)).collect();
    refuse_all(&ledger, &mut edge, &messages);
}

/// Signed bytes that were tampered with before signing never panic, whatever becomes of them.
#[test]
fn nonsense_under_a_good_signature() {
    let (mut ledger, edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    for message in [ledger.delta(sequence, at(NOW)).unwrap(), ledger.manifest(at(NOW)).unwrap()] {
        let body = message.len() - TRAILER_BYTES;
        for bit in (HEAD_BYTES * 8..body * 8).step_by(5) {
            let (_, mut edge) = loaded();
            let _result = edge.apply(&signed_again(&message, |body| body[bit / 8] ^= 1 << (bit % 8)), at(NOW));
        }
        for length in (HEAD_BYTES..body).step_by(3) {
            let (_, mut edge) = loaded();
            let result = edge.apply(&signed_again(&message, |body| body.truncate(length)), at(NOW));
            // Where a block ends, what remains is a message too.
            assert!(result.is_err() || length > HEAD_BYTES);
        }
    }
}

fn loaded() -> (Ledger, Revocations) {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    (ledger, edge)
}

#[test]
fn too_long() {
    let (ledger, mut edge) = pair_one_behind();
    let padded = |magic: &[u8], length| {
        let mut message = magic.to_vec();
        message.resize(length, 0);
        message
    };
    let (delta, manifest) = (MAX_DELTA_BYTES + 1, MAX_MANIFEST_BYTES + 1);
    let messages = [
        (padded(b"PCLD\x01", delta), NOW, Some(FeedError::TooLong { length: delta, limit: MAX_DELTA_BYTES })),
        (padded(b"PCLM\x01", manifest), NOW, Some(FeedError::TooLong { length: manifest, limit: MAX_MANIFEST_BYTES })),
        (padded(b"ABCD\x01", 9), NOW, Some(FeedError::UnknownKind)),
        (Vec::new(), NOW, Some(FeedError::Truncated)),
    ];
    refuse_all(&ledger, &mut edge, &messages);
}
