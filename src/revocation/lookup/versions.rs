//! Minimum token versions by user, exact.

use sha2::{Digest, Sha256};

use crate::error::FeedError;
use crate::revocation::realm_id::RealmId;
use crate::revocation::wire::reader::MAX_SECTIONS;
use crate::revocation::wire::section::{SectionEntry, SectionHead, SECTION_HEAD_BYTES};

/// A user's key in the table: the first 16 bytes of SHA-256 over realm id and `sub`, free of collisions in practice.
/// For an issuer name other than the realm's first, the name precedes `sub`, enclosed in two bytes 0xff, which never
/// occur in UTF-8.
pub(crate) type UserKey = [u8; 16];

/// Bytes of one entry: key and minimum.
pub(crate) const VERSION_BYTES: usize = 24;

// struct VersionSection {
//      0  SectionHead                                    form = shard_bits: leading bits of the key that name the shard
//     32  [{ [u8; 16] key, u64 minimum }; count]         strictly increasing by key; minimum at least 1
// }
#[derive(Clone, Debug)]
pub(crate) struct VersionTable {
    bytes: Vec<u8>,
    count: u32,
    shard_bits: u32,
}

/// The key of a user.
pub(crate) fn user_key(realm: RealmId, issuer: Option<&str>, user: &str) -> UserKey {
    let mut hash = Sha256::new_with_prefix(realm.as_bytes());
    if let Some(issuer) = issuer {
        hash.update([0xff]);
        hash.update(issuer);
        hash.update([0xff]);
    }
    hash.update(user.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

/// The shard of a key among 2^`shard_bits`.
pub(crate) fn shard_of(key: &UserKey, shard_bits: u32) -> u32 {
    let [a, b, c, d, ..] = *key;
    u32::from_be_bytes([a, b, c, d]).checked_shr(u32::BITS.saturating_sub(shard_bits)).unwrap_or(0)
}

impl VersionTable {
    pub(crate) fn decode(bytes: Vec<u8>, entry: &SectionEntry) -> Result<Self, FeedError> {
        let head = SectionHead::decode(&bytes, entry)?;
        let shard_bits = u32::from(head.form);
        let malformed = FeedError::Malformed { part: "head of version table" };
        if head.width != 0 || head.capacity != 0 || head.base != 0 || shard_bits > MAX_SECTIONS.trailing_zeros() {
            return Err(malformed);
        }
        let length = usize::try_from(head.count).ok().and_then(|count| count.checked_mul(VERSION_BYTES));
        if length.and_then(|length| length.checked_add(SECTION_HEAD_BYTES)) != Some(bytes.len()) {
            return Err(malformed);
        }
        let table = Self { bytes, count: head.count, shard_bits };
        let mut previous = None;
        for (key, minimum) in table.entries() {
            let in_order = previous.is_none_or(|previous| previous < key);
            if !in_order || minimum == 0 || shard_of(&key, shard_bits) != entry.bucket {
                return Err(FeedError::Malformed { part: "entries of version table" });
            }
            previous = Some(key);
        }
        Ok(table)
    }

    /// The lowest accepted version of this user's tokens, if one was set.
    pub(crate) fn get(&self, key: &UserKey) -> Option<u64> {
        let (mut from, mut to) = (0, usize::try_from(self.count).unwrap_or(0));
        while from < to {
            let middle = from + (to - from) / 2;
            let (found, minimum) = self.entry(middle)?;
            match found.cmp(key) {
                core::cmp::Ordering::Less => from = middle + 1,
                core::cmp::Ordering::Equal => return Some(minimum),
                core::cmp::Ordering::Greater => to = middle,
            }
        }
        None
    }

    pub(crate) const fn shard_bits(&self) -> u32 {
        self.shard_bits
    }

    pub(crate) fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    fn entries(&self) -> impl Iterator<Item = (UserKey, u64)> + '_ {
        (0..usize::try_from(self.count).unwrap_or(0)).map_while(|index| self.entry(index))
    }

    fn entry(&self, index: usize) -> Option<(UserKey, u64)> {
        let bytes = self.bytes.get(SECTION_HEAD_BYTES + index * VERSION_BYTES..)?.first_chunk::<VERSION_BYTES>()?;
        let (key, minimum) = bytes.split_first_chunk::<16>()?;
        Some((*key, u64::from_le_bytes(*minimum.first_chunk::<8>()?)))
    }
}
