//! Minimum token versions at the origin, and the tables built from them.

use std::collections::BTreeMap;

use crate::revocation::lookup::versions::{shard_of, UserKey};
use crate::revocation::wire::section::{SectionEntry, SectionKind};
use crate::time::UnixSeconds;

use super::dirty_shards::{DirtyShards, ShardState};
use super::published_sections::PublishedSections;
use super::section_build::HeadFields;

/// Entries of a shard before it is split in two: 1.5 MiB.
const SHARD_ENTRIES: usize = 1 << 16;
/// Maximum number of shards: 33 million users.
const MAX_SHARDS: usize = 512;

#[derive(Clone, Debug, Default)]
pub(crate) struct MinimumVersions {
    minimums: BTreeMap<UserKey, u64>,
    shards: DirtyShards,
}

impl MinimumVersions {
    /// The minimum; 0 if none was set.
    pub(crate) fn get(&self, key: &UserKey) -> u64 {
        self.minimums.get(key).copied().unwrap_or(0)
    }

    /// Replaces a value; 0 removes it.
    pub(crate) fn set(&mut self, key: UserKey, minimum: u64, sequence: u64) {
        if minimum == 0 {
            self.minimums.remove(&key);
        } else {
            self.minimums.insert(key, minimum);
        }
        let shard = usize::try_from(shard_of(&key, self.shards.shard_bits())).unwrap_or(usize::MAX);
        self.shards.mark_dirty(shard, sequence);
    }

    pub(crate) fn len(&self) -> usize {
        self.minimums.len()
    }

    /// Rebuilds dirty shards; returns the manifest's entries of all shards in order.
    pub(crate) fn publish(&mut self, sections: &mut PublishedSections, now: UnixSeconds) -> Vec<SectionEntry> {
        for entry in self.shards.fit(self.minimums.len(), SHARD_ENTRIES, MAX_SHARDS) {
            sections.retire(&entry.name, now);
        }
        let shard_bits = self.shards.shard_bits();
        let mut published = Vec::with_capacity(self.shards.0.len());
        for (shard, state) in (0_u32..).zip(&mut self.shards.0) {
            if let Some(entry) = state.entry.filter(|_| !state.is_dirty) {
                published.push(entry);
                continue;
            }
            if let Some(earlier) = state.entry {
                sections.retire(&earlier.name, now);
            }
            let mut first = [0; 16];
            let leading = shard.checked_shl(u32::BITS - shard_bits).unwrap_or(0).to_be_bytes();
            first.iter_mut().zip(leading).for_each(|(to, from)| *to = from);
            let of_shard = self.minimums.range(first..).take_while(|(key, _)| shard_of(key, shard_bits) == shard);
            let (head, bytes) = build(shard, shard_bits, of_shard);
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let entry = head.entry(length, sections.publish(bytes), state.covers, 0);
            *state = ShardState { covers: state.covers, is_dirty: false, dropped: 0, entry: Some(entry) };
            published.push(entry);
        }
        published
    }
}

/// The layout is described above [`VersionTable`](crate::revocation::lookup::versions::VersionTable).
fn build<'a>(
    shard: u32,
    shard_bits: u32,
    entries: impl Iterator<Item = (&'a UserKey, &'a u64)>,
) -> (HeadFields, Vec<u8>) {
    let mut contents = Vec::new();
    let mut count = 0;
    for (key, minimum) in entries {
        contents.extend_from_slice(key);
        contents.extend_from_slice(&minimum.to_le_bytes());
        count += 1;
    }
    let head = HeadFields {
        kind: SectionKind::Versions,
        form: shard_bits,
        width: 0,
        bucket: shard,
        generation: 0,
        count,
        capacity: 0,
        base: 0,
    };
    let mut bytes = head.encode();
    bytes.extend_from_slice(&contents);
    (head, bytes)
}
