//! A section's slot in a state: named by the manifest, filled once the bytes have arrived.

use super::epochs::EpochTable;
use super::filter::Filter;
use super::versions::VersionTable;
use crate::error::FeedError;
use crate::revocation::wire::section::{SectionEntry, SectionKind};

/// A section named by the manifest.
#[derive(Clone, Debug)]
pub(crate) enum Slot<T> {
    Absent(SectionEntry),
    Held { entry: SectionEntry, body: T },
}

impl<T> Slot<T> {
    pub(crate) const fn entry(&self) -> &SectionEntry {
        match self {
            Self::Absent(entry) | Self::Held { entry, .. } => entry,
        }
    }

    pub(crate) const fn body(&self) -> Option<&T> {
        match self {
            Self::Absent(_) => None,
            Self::Held { body, .. } => Some(body),
        }
    }

    /// The entry, and whether the section is held.
    pub(crate) const fn held(&self) -> (&SectionEntry, bool) {
        match self {
            Self::Absent(entry) => (entry, false),
            Self::Held { entry, .. } => (entry, true),
        }
    }

    /// The entry, if its section is missing.
    pub(crate) const fn absent(&self) -> Option<&SectionEntry> {
        match self {
            Self::Absent(entry) => Some(entry),
            Self::Held { .. } => None,
        }
    }
}

/// A decoded section.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Filter(Filter),
    Epochs(EpochTable),
    Versions(VersionTable),
}

impl Body {
    /// Decodes the bytes of the section named by `entry`; `shards` is the number of sections of its kind in the
    /// manifest.
    pub(crate) fn decode(bytes: Vec<u8>, entry: &SectionEntry, shards: usize) -> Result<Self, FeedError> {
        let check_shards = |shard_bits: u32| match 1_usize.checked_shl(shard_bits) {
            Some(expected) if expected == shards => Ok(()),
            Some(_) | None => Err(FeedError::Malformed { part: "number of shards" }),
        };
        match entry.kind {
            SectionKind::Bucket | SectionKind::CatchAll => Filter::decode(bytes, entry).map(Self::Filter),
            SectionKind::Epochs | SectionKind::Grants => {
                let table = EpochTable::decode(bytes, entry)?;
                check_shards(table.shard_bits()).map(|()| Self::Epochs(table))
            }
            SectionKind::Versions => {
                let table = VersionTable::decode(bytes, entry)?;
                check_shards(table.shard_bits()).map(|()| Self::Versions(table))
            }
        }
    }
}
