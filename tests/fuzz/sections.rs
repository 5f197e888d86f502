//! Fuzzes sections: arbitrary bytes under a manifest that names them. The core accepts exactly the bytes that the plain
//! decoder accepts, and its lookups then equal those of the map.

use portcullis::revocation::{Level, Revocations, Status, Subject};
use sha2::{Digest as _, Sha256};

use crate::names::{fingerprint, name, user_key, CLIENT_SESSION, GRANT, NAMES, SESSION, TOKEN_ID, USER};
use crate::pair::at;
use crate::section_map::{shard, Head, SectionMap};
use crate::statement::{manifest, new_edge, SIGNED_AT};

/// Maximum number of shards in the manifest.
const MOST_SHARDS: u32 = 16;

/// The first byte is log2 of the number of shards; the rest is the section.
pub fn check(input: &[u8]) {
    let Some((log2, bytes)) = input.split_first() else { return };
    let Some(head) = Head::read(bytes) else { return check_without_head(bytes) };
    let shards = 1 << (log2 % 5);
    let is_sharded = (3..=5).contains(&head.kind);
    if is_sharded && head.bucket >= shards {
        return;
    }
    let mut edge = new_edge();
    let entries = entries(&head, bytes, if is_sharded { shards } else { 1 });
    if edge.apply(&manifest(head.generation, &entries), at(SIGNED_AT)).is_err() {
        // No manifest has such an entry: an unknown kind, or a hash key for minimum versions.
        assert!(!(1..=5).contains(&head.kind) || head.kind == 4 && head.generation != 0);
        return;
    }
    let before = edge.missing_sections();
    let taken = edge.provide_section_hashed_by_host(bytes.to_vec(), name_of(bytes));
    let map = SectionMap::read(&head, bytes, shards.into());
    assert_eq!(taken.is_ok(), map.is_some(), "{taken:?}");
    match map {
        None => assert_eq!(edge.missing_sections(), before),
        Some(map) => {
            assert_eq!(edge.missing_sections().len() + 1, before.len());
            check_answers(&edge, &head, &map);
        }
    }
}

/// Checks that bytes without a section head are refused under any name.
fn check_without_head(bytes: &[u8]) {
    let head = Head { kind: 1, form: 1, width: 0, bucket: 1, generation: 1, count: 0, capacity: 0, base: 64 };
    let mut edge = new_edge();
    let is_named = edge.apply(&manifest(1, &entries(&head, bytes, 1)), at(SIGNED_AT)).is_ok();
    assert_eq!(is_named, bytes.len() >= 32);
    assert!(edge.provide_section_hashed_by_host(bytes.to_vec(), name_of(bytes)).is_err());
}

/// Returns the entries of a manifest with the head's section among others that never arrive.
fn entries(head: &Head, bytes: &[u8], shards: u32) -> Vec<u8> {
    assert!(shards <= MOST_SHARDS);
    let is_filter = matches!(head.kind, 1 | 2);
    let own = if is_filter { 0 } else { head.bucket };
    let mut all = Vec::new();
    for shard in 0..shards {
        let is_own = shard == own;
        let bucket = if is_filter { head.bucket } else { shard };
        let (count, length) = if is_own { (head.count, bytes.len() as u32) } else { (1, 64) };
        all.extend_from_slice(&head.kind.to_le_bytes());
        all.extend_from_slice(&[0; 2]);
        all.extend_from_slice(&bucket.to_le_bytes());
        all.extend_from_slice(&head.generation.to_le_bytes());
        all.extend_from_slice(&count.to_le_bytes());
        all.extend_from_slice(&length.to_le_bytes());
        all.extend_from_slice(&[0; 4]);
        all.extend_from_slice(&0_u64.to_le_bytes());
        // Ids with an unknown issue time, so that every token is looked up.
        all.extend_from_slice(&if is_filter { u64::MAX } else { 0 }.to_le_bytes());
        all.extend_from_slice(&if is_own { name_of(bytes) } else { [shard as u8; 32] });
    }
    all
}

fn name_of(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn check_answers(edge: &Revocations, head: &Head, map: &SectionMap) {
    for number in 0..NAMES {
        let (one, other) = (name(number), name(number + 1));
        match map {
            SectionMap::Filter(filter) => {
                let expires_at = at(u64::from(head.bucket) * 512);
                let subject = Subject { token_id: Some(&one), expires_at, ..Subject::default() };
                let expected = match filter.has(fingerprint(TOKEN_ID, &[&one])) {
                    true => Status::Revoked(Level::Token),
                    false => Status::NotRevoked,
                };
                assert_eq!(edge.status(&subject), expected, "{one}");
            }
            SectionMap::NotBefores(map) => {
                let of_session = Subject { session: Some(&one), ..Subject::default() };
                let of_user = Subject { user: Some(&one), ..Subject::default() };
                // Only the widest refusing level is reported, so each kind is looked up alone if possible.
                let asked = match head.kind {
                    3 => vec![
                        (of_user, Level::User, fingerprint(USER, &[&one])),
                        (of_session, Level::Session, fingerprint(SESSION, &[&one])),
                        (
                            Subject { authorized_party: Some(&other), ..of_session },
                            Level::ClientSession,
                            fingerprint(CLIENT_SESSION, &[&one, &other]),
                        ),
                    ],
                    _ => vec![(
                        Subject { authorized_party: Some(&other), ..of_user },
                        Level::Grant,
                        fingerprint(GRANT, &[&one, &other]),
                    )],
                };
                for (subject, level, fingerprint) in asked {
                    let of_shard = fingerprint >> (48 - u32::from(head.form)) == u64::from(head.bucket);
                    let not_before = of_shard.then(|| map.get(fingerprint));
                    for compared_at in [not_before.unwrap_or(0), not_before.unwrap_or(0) + 1].map(at) {
                        let status = edge.status(&Subject { compared_at, ..subject });
                        match (level, not_before) {
                            // The session may be refused, or be in a missing shard.
                            (Level::ClientSession, Some(known)) if known > 0 && compared_at.get() <= known => {
                                assert!(matches!(status, Status::Revoked(Level::Session | Level::ClientSession)));
                            }
                            (Level::ClientSession, _) => assert_ne!(status, Status::Revoked(Level::ClientSession)),
                            (_, None) => assert_eq!(status, Status::SectionUnavailable, "{one}"),
                            (_, Some(known)) if known > 0 && compared_at.get() <= known => {
                                assert_eq!(status, Status::Revoked(level), "{one}");
                            }
                            (_, Some(_)) => assert_eq!(status, Status::NotRevoked, "{one}"),
                        }
                    }
                }
            }
            SectionMap::Versions(map) => {
                let key = user_key(&one);
                let minimum = map.get(&key).copied().unwrap_or(0);
                let of_shard = shard(&key, head.form) == head.bucket;
                for version in [minimum.saturating_sub(1), minimum] {
                    let subject = Subject { user: Some(&one), token_version: version, ..Subject::default() };
                    let expected = match of_shard {
                        true if version < minimum => Status::Revoked(Level::Version),
                        true => Status::NotRevoked,
                        false => Status::SectionUnavailable,
                    };
                    assert_eq!(edge.status(&subject), expected, "{one}");
                }
            }
        }
    }
}
