//! The names that the models look up, and their hashes in a feed: computed from the description of the format
//! (`lookup/fingerprint.rs`, `lookup/versions.rs`), independently of the core's own functions.

use std::hash::Hasher as _;

use portcullis::revocation::RealmId;
use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher24;

use crate::pair::ISSUER;

/// The hash key of the sections in the seeds and of those that the targets build.
pub const HASH_KEY: [u8; 16] = *b"fuzzing hash key";

/// Number of names looked up.
pub const NAMES: usize = 24;

pub const TOKEN_ID: u8 = 1;
pub const SESSION: u8 = 2;
pub const CLIENT_SESSION: u8 = 3;
pub const USER: u8 = 4;
pub const GRANT: u8 = 5;

pub fn name(number: usize) -> String {
    format!("name {}", number % NAMES)
}

/// Returns the top 48 bits of SipHash-2-4 over tag, realm id and the parts, each prefixed with its length in 4 bytes.
pub fn fingerprint(tag: u8, parts: &[&str]) -> u64 {
    let mut bytes = vec![tag];
    bytes.extend_from_slice(RealmId::of(ISSUER).as_bytes());
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let mut hasher = SipHasher24::new_with_key(&HASH_KEY);
    hasher.write(&bytes);
    hasher.finish() >> 16
}

/// Returns the first 16 bytes of SHA-256 over realm id and `sub`.
pub fn user_key(sub: &str) -> [u8; 16] {
    let mut hash = Sha256::new_with_prefix(RealmId::of(ISSUER).as_bytes());
    hash.update(sub);
    hash.finalize()[..16].try_into().unwrap()
}
