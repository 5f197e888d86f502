//! Deltas and manifests with a valid signature whose blocks are of another version, not canonical, or meaningless.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod faults;
mod pair;

use faults::*;
use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Ledger, LedgerSettings};
use portcullis::revocation::{peek_realm, Effect, Revocations};

const HEAD_BYTES: usize = 60;

#[test]
fn an_unknown_or_contradicted_hash_key() {
    let (ledger, mut edge) = pair_one_behind();
    let ids = |generation: u32| {
        let group = [&generation.to_le_bytes()[..], &[1, 9, 0, 1, 1, 2, 3, 4, 5, 6]].concat();
        block(8, 1, &group)
    };
    let unknown = delta_of(&edge, &ids(77));
    let declared_twice = {
        // The generation in the ledger's own delta.
        let delta = ledger.delta(FORM, 1 << 40, at(NOW)).unwrap().bytes;
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
fn later_versions() {
    let (ledger, mut edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    let delta = ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes;
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
    let delta = ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes;
    let newer_minor = signed_again(&delta, |body| {
        body[5] = 9;
        body.extend_from_slice(&extra(0));
    });
    assert_eq!(edge.apply(&newer_minor, at(NOW)).unwrap().effect, Effect::Changed);
    record(&mut ledger, &user("later"), NOW);
    let manifest = signed_again(&ledger.manifest(FORM, at(NOW)).unwrap(), |body| {
        body[5] = 9;
        body.extend_from_slice(&extra(2));
    });
    assert!(edge.apply(&manifest, at(NOW)).is_ok());
    provide_all(&mut edge, &ledger);
    assert!(is_revoked(&edge, &of_user("later", NOW)));
}

#[test]
fn canonical_form_only() {
    let (_, edge) = pair_one_behind();
    let malformed = |part| Some(FeedError::Malformed { part });
    let ids = |contents: &[u8]| delta_of(&edge, &block(8, 1, &[&1_u32.to_le_bytes()[..], contents].concat()));
    let bans = |thumbprints: &[u8]| thumbprints.iter().flat_map(|byte| [*byte; 32]).collect::<Vec<u8>>();
    let cases = [
        // Blocks that are out of order, duplicate, empty, not marked critical, or a manifest's.
        (delta_of(&edge, &[block(5, 1, &[1; 32]), block(3, 1, &[9])].concat()), malformed("order of blocks")),
        (delta_of(&edge, &[block(3, 1, &[9]), block(3, 1, &[9])].concat()), malformed("order of blocks")),
        (delta_of(&edge, &block(3, 1, &[])), malformed("block")),
        (delta_of(&edge, &block(3, 0, &[9])), malformed("block")),
        (delta_of(&edge, &block(1, 1, &[9])), malformed("manifest block in delta")),
        (delta_of(&edge, &block(3, 1, &[9])[..8]), Some(FeedError::Truncated)),
        // Contents with needless bytes, out of order, duplicate, or with empty groups.
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
        // A heartbeat with contents, and unknown flags.
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[60] = 0), malformed("heartbeat")),
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[6] = 2), malformed("flags")),
        (signed_again(&delta_of(&edge, &block(3, 1, &[9])), |body| body[31] = 0xFF), malformed("head")),
    ];
    let (ledger, mut edge) = pair_one_behind();
    let messages: Vec<_> = cases.into_iter().map(|(message, error)| (message, NOW, error)).collect();
    refuse_all(&ledger, &mut edge, &messages);
}

#[test]
fn the_blocks_of_form_1_1() {
    let (_, edge) = pair_one_behind();
    let malformed = |part| Some(FeedError::Malformed { part });
    let newer = |blocks: &[u8]| signed_again(&delta_of(&edge, blocks), |body| body[5] = 1);
    let keys = |entries: &[(u8, &[u8])]| {
        let each = entries.iter().flat_map(|(byte, time)| [[*byte; 32].as_slice(), time].concat());
        block(13, 1, &each.collect::<Vec<_>>())
    };
    let too_many = (0..=4_096_u32).flat_map(|number| {
        let mut entry = [0; 33];
        entry[..4].copy_from_slice(&number.to_be_bytes());
        entry[32] = 9;
        entry
    });
    let grants = |contents: &[u8]| block(14, 1, contents);
    let policy = |length: usize| block(15, 1, &vec![1; length]);
    let one_grant = |generation: u8| grants(&[generation, 0, 0, 0, 1, 9, 1, 0, 0, 0, 0, 0, 0]);
    let cases = [
        // Blocks unknown to form 1.0.
        (delta_of(&edge, &keys(&[(1, &[9])])), malformed("block of a later form")),
        (delta_of(&edge, &one_grant(1)), malformed("block of a later form")),
        (delta_of(&edge, &policy(17)), malformed("block of a later form")),
        (newer(&block(13, 0, &[1; 33])), malformed("block")),
        (newer(&block(14, 1, &[])), malformed("block")),
        (newer(&[policy(17), keys(&[(1, &[9])])].concat()), malformed("order of blocks")),
        // Key not-befores: truncated, out of order, duplicate, zero, beyond the latest time, too many.
        (newer(&block(13, 1, &[1; 32])), Some(FeedError::Truncated)),
        (newer(&keys(&[(2, &[9]), (1, &[9])])), malformed("order of key not-befores")),
        (newer(&keys(&[(1, &[9]), (1, &[8])])), malformed("order of key not-befores")),
        (newer(&keys(&[(1, &[0])])), malformed("key not-before")),
        (newer(&keys(&[(1, &[0x89, 0])])), malformed("varint")),
        (newer(&keys(&[(1, &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10])])), malformed("key not-before")),
        (newer(&block(13, 1, &too_many.collect::<Vec<_>>())), malformed("size of key not-befores block")),
        // Grants, like the other not-befores; their hash key must be known.
        (newer(&grants(&[1, 0, 0, 0, 1, 50, 1, 0, 0, 0, 0, 0, 3])), malformed("base of not-befores")),
        (newer(&grants(&[1, 0, 0, 0, 0, 50])), malformed("empty group")),
        (newer(&grants(&[1, 0, 0, 0, 200, 1, 50, 1, 0, 0, 0, 0, 0])), Some(FeedError::Truncated)),
        (
            newer(&grants(&[1, 0, 0, 0, 2, 50, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
            malformed("order of fingerprints"),
        ),
        (newer(&one_grant(77)), Some(FeedError::UnknownGeneration { generation: 77 })),
        // The policy: truncated, with a partial field, with more fields than allowed.
        (newer(&policy(16)), Some(FeedError::Truncated)),
        (newer(&policy(19)), Some(FeedError::Truncated)),
        (newer(&policy(17 + 4 * 64 + 4)), malformed("size of policy block")),
    ];
    let (ledger, mut edge) = pair_one_behind();
    let messages: Vec<_> = cases.into_iter().map(|(message, error)| (message, NOW, error)).collect();
    refuse_all(&ledger, &mut edge, &messages);
    // A manifest must have no block of changes, and only sections of its form.
    let (mut ledger, mut edge) = pair_one_behind();
    let without_keys = Ledger::new(LedgerSettings { incarnation: 1, ..settings() }).unwrap().manifest(FORM, at(NOW));
    let with_changes = signed_again(&without_keys.unwrap(), |body| body.extend_from_slice(&one_grant(1)));
    let newest = ledger.manifest(FORM, at(NOW)).unwrap();
    // The last block has the key not-befores.
    let sections_end = newest.len() - TRAILER_BYTES - (8 + 32 + 5);
    let of_form_1_0 = signed_again(&newest, |body| {
        body[5] = 0;
        body.truncate(sections_end);
    });
    let messages = [
        (with_changes, NOW, malformed("delta block in manifest")),
        (of_form_1_0, NOW, malformed("section of a later form")),
    ];
    refuse_all(&ledger, &mut edge, &messages);
}

/// Bytes changed before signing never cause a panic.
#[test]
fn random_bytes_with_a_valid_signature() {
    let (mut ledger, edge) = pair_one_behind();
    let sequence = edge.position().unwrap().sequence;
    for message in [ledger.delta(FORM, sequence, at(NOW)).unwrap().bytes, ledger.manifest(FORM, at(NOW)).unwrap()] {
        let body = message.len() - TRAILER_BYTES;
        for bit in (HEAD_BYTES * 8..body * 8).step_by(5) {
            let (_, mut edge) = loaded();
            let _result = edge.apply(&signed_again(&message, |body| body[bit / 8] ^= 1 << (bit % 8)), at(NOW));
        }
        for length in (HEAD_BYTES..body).step_by(3) {
            let (_, mut edge) = loaded();
            let result = edge.apply(&signed_again(&message, |body| body.truncate(length)), at(NOW));
            // Truncated at the end of a block, the message is valid.
            assert!(result.is_err() || length > HEAD_BYTES);
        }
    }
}

fn loaded() -> (Ledger, Revocations) {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    (ledger, edge)
}
