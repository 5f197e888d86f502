//! Faults of a whole feed message: each is refused with its own error, no lookup result changes, and the feed continues
//! afterwards.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
mod pair;

use faults::*;
use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Ledger, LedgerSettings};
use portcullis::revocation::{peek_realm, Bounds, Effect, RealmId, Revocations, MAX_DELTA_BYTES, MAX_MANIFEST_BYTES};

#[test]
fn cut_off_at_every_byte() {
    let (mut ledger, mut edge) = pair_one_behind();
    let position = edge.position().unwrap();
    let delta = ledger.delta(FORM, position.sequence, at(NOW)).unwrap().bytes;
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
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
    for message in [ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes, ledger.manifest(FORM, at(NOW)).unwrap()] {
        check_refused(&[message.as_slice(), &[0]].concat(), NOW, FeedError::UnknownKey);
    }
}

#[test]
fn every_single_bit() {
    let (mut ledger, mut edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    let mut messages = Vec::new();
    for message in [ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes, ledger.manifest(FORM, at(NOW)).unwrap()] {
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
    let mut manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    manifest[3] = b'D';
    let mut delta = ledger.delta(FORM, edge.position().unwrap().sequence, at(NOW)).unwrap().bytes;
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
    let messages = [
        other.manifest(FORM, at(NOW)).unwrap(),
        other.delta(FORM, 1 << 40, at(NOW)).unwrap().bytes,
        other.heartbeat(FORM, at(NOW)),
    ];
    let messages: Vec<_> = messages.into_iter().map(|message| (message, NOW, Some(FeedError::WrongRealm))).collect();
    refuse_all(&ledger, &mut edge, &messages);
}

#[test]
fn another_key() {
    let (mut ledger, mut edge) = pair_one_behind();
    let foreign = SigningKey::generate().unwrap().to_jwk();
    let manifest = signed_again_by(&foreign, &ledger.manifest(FORM, at(NOW)).unwrap(), |_| {});
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
    // An older statement with the old key is refused as older.
    let error = edge.apply(&ledger.manifest(FORM, at(NOW + 1)).unwrap(), at(NOW + 1)).unwrap_err();
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
        deltas.push(ledger.delta(FORM, base + number, at(NOW)).unwrap().bytes);
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
    // A delta that starts earlier but leads further is accepted.
    record(&mut ledger, &user("more"), NOW);
    let overlapping = ledger.delta(FORM, base + 1, at(NOW)).unwrap().bytes;
    assert_eq!(edge.apply(&overlapping, at(NOW)).unwrap().effect, Effect::Changed);
}

#[test]
fn expired_and_from_the_future() {
    let (mut ledger, edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    for message in [ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes, ledger.manifest(FORM, at(NOW)).unwrap()] {
        check_refused(&message, NOW + 301, FeedError::Expired { not_after: NOW + 300, now: NOW + 301 });
        check_refused(&message, NOW - 6, FeedError::FromFuture { issued_at: NOW, now: NOW - 6 });
        let (_, mut edge) = pair_one_behind();
        // The history of a new pair differs only in its hash keys.
        let on_the_border = [edge.apply(&message, at(NOW + 300)), edge.apply(&message, at(NOW - 5))];
        assert!(on_the_border
            .iter()
            .all(|result| !matches!(result, Err(FeedError::Expired { .. } | FeedError::FromFuture { .. }))));
    }
}

#[test]
fn an_older_manifest() {
    let (mut ledger, mut edge) = pair_one_behind();
    let older = ledger.manifest(FORM, at(NOW)).unwrap();
    let known = record(&mut ledger, &user("x"), NOW).unwrap().sequence;
    follow(&mut edge, &ledger, NOW).unwrap();
    let before = answers(&edge);
    assert_eq!(edge.apply(&older, at(NOW)), Err(FeedError::Older { sequence: known - 1, known }));
    // The same while a later manifest is being loaded.
    for number in 0..60 {
        record(&mut ledger, &token(&format!("y{number}"), NOW + 300, NOW), NOW);
    }
    let between = ledger.manifest(FORM, at(NOW)).unwrap();
    let sequence = ledger.head().0;
    let known = record(&mut ledger, &user("z"), NOW).unwrap().sequence;
    let later = ledger.manifest(FORM, at(NOW)).unwrap();
    assert_eq!(edge.apply(&later, at(NOW)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.apply(&between, at(NOW)), Err(FeedError::Older { sequence, known }));
    assert_eq!(answers(&edge), before);
    provide_all(&mut edge, &ledger);
    assert_eq!(edge.position().unwrap().sequence, known);
}

#[test]
fn a_different_history() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("u"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    let position = edge.position();
    let mut other = pair::ledger();
    record(&mut other, &user("other"), NOW);
    let sequence = other.head().0;
    let equivocation = Err(FeedError::Equivocation { sequence });
    assert_eq!(edge.apply(&other.manifest(FORM, at(NOW + 1)).unwrap(), at(NOW + 1)), equivocation);
    assert_eq!(edge.apply(&other.heartbeat(FORM, at(NOW + 1)), at(NOW + 1)), equivocation);
    assert_eq!(edge.apply(&other.delta(FORM, sequence - 1, at(NOW)).unwrap().bytes, at(NOW)), equivocation);
    record(&mut other, &user("more"), NOW);
    assert_eq!(edge.apply(&other.delta(FORM, sequence, at(NOW)).unwrap().bytes, at(NOW)), equivocation);
    // Earlier positions are remembered as well.
    record(&mut ledger, &user("v"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    record(&mut other, &user("even more"), NOW);
    assert_eq!(edge.apply(&other.delta(FORM, sequence, at(NOW)).unwrap().bytes, at(NOW)), equivocation);
    assert!(edge.position().unwrap().sequence > position.unwrap().sequence);
    assert!(!is_revoked(&edge, &of_user("other", NOW)) && is_revoked(&edge, &of_user("v", NOW)));
    record(&mut ledger, &user("w"), NOW);
    assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
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
