//! Minimum token versions at the origin, and the tables built from them.

use std::collections::BTreeMap;

use crate::revocation::lookup::versions::{shard_of, UserKey};
use crate::revocation::wire::section::{SectionEntry, SectionKind};
use crate::time::UnixSeconds;

use super::marks::{Mark, Marks};
use super::section_build::Head;
use super::shelf::Shelf;

/// Entries of a shard before it is split in two: 1.5 MiB.
const SHARD_ENTRIES: usize = 1 << 16;
/// Most shards: 33 million users.
const MAX_SHARDS: usize = 512;

#[derive(Clone, Debug, Default)]
pub(crate) struct VersionBook {
    minimums: BTreeMap<UserKey, u64>,
    marks: Marks,
}

impl VersionBook {
    /// 0 when none was set.
    pub(crate) fn get(&self, key: &UserKey) -> u64 {
        self.minimums.get(key).copied().unwrap_or(0)
    }

    /// Records a value, in place of the one there; 0 takes it away.
    pub(crate) fn set(&mut self, key: UserKey, minimum: u64, sequence: u64) {
        if minimum == 0 {
            self.minimums.remove(&key);
        } else {
            self.minimums.insert(key, minimum);
        }
        let shard = usize::try_from(shard_of(&key, self.marks.shard_bits())).unwrap_or(usize::MAX);
        self.marks.touch(shard, sequence);
    }

    pub(crate) fn len(&self) -> usize {
        self.minimums.len()
    }

    /// Builds what changed and answers the manifest's entries for all of it, in order.
    pub(crate) fn publish(&mut self, shelf: &mut Shelf, now: UnixSeconds) -> Vec<SectionEntry> {
        for entry in self.marks.fit(self.minimums.len(), SHARD_ENTRIES, MAX_SHARDS) {
            shelf.retire(&entry.name, now);
        }
        let shard_bits = self.marks.shard_bits();
        let mut published = Vec::with_capacity(self.marks.0.len());
        for (shard, mark) in (0_u32..).zip(&mut self.marks.0) {
            if let Some(entry) = mark.entry.filter(|_| !mark.is_changed) {
                published.push(entry);
                continue;
            }
            if let Some(earlier) = mark.entry {
                shelf.retire(&earlier.name, now);
            }
            let mut first = [0; 16];
            let leading = shard.checked_shl(u32::BITS - shard_bits).unwrap_or(0).to_be_bytes();
            first.iter_mut().zip(leading).for_each(|(to, from)| *to = from);
            let of_shard = self.minimums.range(first..).take_while(|(key, _)| shard_of(key, shard_bits) == shard);
            let (head, bytes) = build(shard, shard_bits, of_shard);
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let entry = head.entry(length, shelf.publish(bytes), mark.covers, 0);
            *mark = Mark { covers: mark.covers, is_changed: false, dropped: 0, entry: Some(entry) };
            published.push(entry);
        }
        published
    }
}

/// The layout stands above [`VersionTable`](crate::revocation::lookup::versions::VersionTable).
fn build<'a>(shard: u32, shard_bits: u32, entries: impl Iterator<Item = (&'a UserKey, &'a u64)>) -> (Head, Vec<u8>) {
    let mut contents = Vec::new();
    let mut count = 0;
    for (key, minimum) in entries {
        contents.extend_from_slice(key);
        contents.extend_from_slice(&minimum.to_le_bytes());
        count += 1;
    }
    let head = Head {
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
