//! Sections that are missing, broken, unwanted, or signed but malformed.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

mod faults;
mod pair;

use faults::*;
use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Event, NotBefore};
use portcullis::revocation::{Provided, MAX_SECTION_BYTES};

fn grant(number: u64) -> Event {
    Event::Grant { sub: format!("u{number}"), client: "app".into(), not_before: NotBefore::Now }
}

#[test]
fn missing_broken_and_unwanted_sections() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..60_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
        record(&mut ledger, &grant(number), NOW);
    }
    record(&mut ledger, &Event::TokenVersion { sub: "v".into(), minimum: 2 }, NOW);
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
    edge.apply(&manifest, at(NOW)).unwrap();
    let names = edge.missing_sections();
    assert_eq!(names.len(), 4);
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

/// Malformed sections that the manifest names: only a faulty origin could sign this.
#[test]
fn signed_but_malformed_sections() {
    let (mut ledger, _) = (ledger(), edge());
    for number in 0..300_u64 {
        record(&mut ledger, &user(&format!("u{number}")), NOW - number % 7);
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &grant(number), NOW - number % 7);
        record(&mut ledger, &Event::TokenVersion { sub: format!("u{number}"), minimum: 2 }, NOW);
    }
    let manifest = ledger.manifest(FORM, at(NOW)).unwrap();
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
        // Every bit of the head except the base, then some of the contents. A filter may have any bits, and values in
        // the tables are not constrained.
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
