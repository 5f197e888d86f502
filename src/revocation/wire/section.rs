//! A section's entry in the manifest, and the head that every section begins with.

use sha2::{Digest, Sha256};

use super::reader::{Reader, MAX_SECTION_BYTES};
use crate::error::FeedError;

/// Bytes before a section's contents.
pub(crate) const SECTION_HEAD_BYTES: usize = 32;
/// Bytes of one entry in the manifest.
pub(crate) const ENTRY_BYTES: usize = 72;
/// Greatest issue time of a filter that has an id with unknown issue time.
pub(crate) const UNKNOWN_ISSUE_TIME: u64 = u64::MAX;

/// A section's name: the SHA-256 of its bytes.
pub(crate) type SectionName = [u8; 32];

/// The kind of table in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SectionKind {
    /// Token ids of one expiry bucket.
    Bucket,
    /// Token ids of unknown expiry.
    CatchAll,
    /// Not-befores of users, sessions and client sessions.
    Epochs,
    /// Minimum token versions.
    Versions,
    /// Not-befores of grants; only in form 1.1.
    Grants,
}

impl SectionKind {
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Bucket => 1,
            Self::CatchAll => 2,
            Self::Epochs => 3,
            Self::Versions => 4,
            Self::Grants => 5,
        }
    }

    const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Bucket),
            2 => Some(Self::CatchAll),
            3 => Some(Self::Epochs),
            4 => Some(Self::Versions),
            5 => Some(Self::Grants),
            _ => None,
        }
    }
}

/// One entry of the manifest's SECTIONS block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionEntry {
    pub(crate) kind: SectionKind,
    /// Number of the bucket, or of the shard.
    pub(crate) bucket: u32,
    /// Hash key of its fingerprints; 0 for kinds without fingerprints.
    pub(crate) generation: u32,
    pub(crate) count: u32,
    pub(crate) length: u32,
    /// Sequence of the last event in the section. No event from there up to the manifest is missing in it.
    pub(crate) covers: u64,
    /// Greatest issue time of its token ids, [`UNKNOWN_ISSUE_TIME`] if one is unknown; 0 for kinds without token ids.
    pub(crate) greatest_issued_at: u64,
    pub(crate) name: SectionName,
}

// struct Entry {                    72 bytes
//      0  u16       kind            1 bucket, 2 catch-all, 3 epochs, 4 versions, 5 grants
//      2  u16       0
//      4  u32       bucket
//      8  u32       generation
//     12  u32       count
//     16  u32       length          of the section, in bytes
//     20  u32       0
//     24  u64       covers
//     32  u64       greatest_issued_at
//     40  [u8; 32]  SHA-256
// }
impl SectionEntry {
    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, FeedError> {
        let kind = SectionKind::from_number(reader.u16()?).ok_or(FeedError::Malformed { part: "kind of section" })?;
        let zero = reader.u16()?;
        let (bucket, generation, count, length) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let more_zeros = reader.u32()?;
        let (covers, greatest_issued_at, name) = (reader.u64()?, reader.u64()?, reader.array()?);
        if zero != 0 || more_zeros != 0 {
            return Err(FeedError::Malformed { part: "section entry" });
        }
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if !(SECTION_HEAD_BYTES..=MAX_SECTION_BYTES).contains(&bytes) {
            return Err(FeedError::Malformed { part: "length of section" });
        }
        Ok(Self { kind, bucket, generation, count, length, covers, greatest_issued_at, name })
    }

    /// Checks the length of the bytes with this name against the manifest's.
    pub(crate) fn check_length(&self, bytes: &[u8]) -> Result<(), FeedError> {
        if usize::try_from(self.length) == Ok(bytes.len()) {
            Ok(())
        } else {
            Err(FeedError::UnknownSection)
        }
    }
}

/// The name of a section: the SHA-256 of its bytes.
pub(crate) fn section_name(bytes: &[u8]) -> SectionName {
    Sha256::digest(bytes).into()
}

// struct SectionHead {              32 bytes
//      0  [u8; 4]   magic           "PCLS"
//      4  u16       kind
//      6  u8        form            bucket, catch-all: hashes per id; epochs, versions, grants: log2 of the number of
//      shards
//      7  u8        width           epochs, grants: bits of a value; others 0
//      8  u32       bucket          or shard
//     12  u32       generation
//     16  u32       count
//     20  u32       capacity        bucket, catch-all; others 0
//     24  u64       base            bucket, catch-all: bits; epochs, grants: least value; versions 0
// }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SectionHead {
    pub(crate) form: u8,
    pub(crate) width: u8,
    pub(crate) count: u32,
    pub(crate) capacity: u32,
    pub(crate) base: u64,
}

/// First bytes of every section.
pub(crate) const SECTION_MAGIC: [u8; 4] = *b"PCLS";

impl SectionHead {
    /// Reads the head and checks it against the manifest's entry.
    pub(crate) fn decode(bytes: &[u8], entry: &SectionEntry) -> Result<Self, FeedError> {
        let mut reader = Reader::new(bytes);
        let magic: [u8; 4] = reader.array()?;
        let (kind, form, width) = (reader.u16()?, reader.u8()?, reader.u8()?);
        let (bucket, generation, count, capacity) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?);
        let base = reader.u64()?;
        if magic != SECTION_MAGIC
            || kind != entry.kind.number()
            || bucket != entry.bucket
            || generation != entry.generation
            || count != entry.count
        {
            return Err(FeedError::Malformed { part: "head of section" });
        }
        Ok(Self { form, width, count, capacity, base })
    }
}
