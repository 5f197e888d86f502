//! Tracks the shards of a table that have changed since they were published and have to be rebuilt.

use crate::revocation::wire::section::SectionEntry;

/// A shard is rebuilt without an event once this fraction of it has expired.
const STALE_SHARE: usize = 8;

/// The changes of a shard since it was last published.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShardState {
    /// Sequence of the last event in the shard.
    pub(crate) covers: u64,
    pub(crate) is_dirty: bool,
    /// Expired entries dropped since it was published; the published section may keep them for a while.
    pub(crate) dropped: usize,
    pub(crate) entry: Option<SectionEntry>,
}

impl ShardState {
    /// The manifest's entry, unless the shard has to be rebuilt.
    pub(crate) fn current(&self) -> Option<SectionEntry> {
        let is_stale =
            |entry: &SectionEntry| self.dropped > usize::try_from(entry.count).unwrap_or(usize::MAX) / STALE_SHARE;
        self.entry.filter(|entry| !self.is_dirty && !is_stale(entry))
    }
}

/// All shards of a table, 2^n of them or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirtyShards(pub(crate) Vec<ShardState>);

impl DirtyShards {
    pub(crate) fn shard_bits(&self) -> u32 {
        if self.0.is_empty() {
            0
        } else {
            self.0.len().trailing_zeros()
        }
    }

    /// Marks a shard as dirty because of the event with this sequence. Creates the first shard if the table has none.
    pub(crate) fn mark_dirty(&mut self, shard: usize, sequence: u64) {
        if self.0.is_empty() {
            self.0.push(ShardState::default());
        }
        if let Some(shard) = self.0.get_mut(shard) {
            shard.covers = shard.covers.max(sequence);
            shard.is_dirty = true;
        }
    }

    /// Counts an entry that was dropped because it has expired.
    pub(crate) fn drop_one(&mut self, shard: usize) {
        if let Some(shard) = self.0.get_mut(shard) {
            shard.dropped += 1;
        }
    }

    /// Marks every shard as dirty.
    pub(crate) fn mark_all_dirty(&mut self) {
        self.0.iter_mut().for_each(|shard| shard.is_dirty = true);
    }

    /// Splits or joins shards so that each holds about `entries_per_shard`; returns the manifest entries that no longer
    /// apply.
    pub(crate) fn fit(&mut self, entries: usize, entries_per_shard: usize, most_shards: usize) -> Vec<SectionEntry> {
        let mut shards = self.0.len();
        if entries == 0 {
            shards = 0;
        }
        if entries > 0 && shards == 0 {
            shards = 1;
        }
        while shards < most_shards && entries > shards * entries_per_shard {
            shards *= 2;
        }
        // Join only when well below, so that a count near the limit does not rebuild everything each time.
        while shards > 1 && entries < shards * entries_per_shard / 4 {
            shards /= 2;
        }
        if shards == self.0.len() {
            return Vec::new();
        }
        let old = core::mem::take(&mut self.0);
        self.0 = (0..shards)
            .map(|shard| {
                let covers = old.iter().enumerate().filter(|(from, _)| same_part(*from, old.len(), shard, shards));
                let covers = covers.map(|(_, shard)| shard.covers).max().unwrap_or(0);
                ShardState { covers, is_dirty: true, dropped: 0, entry: None }
            })
            .collect();
        old.iter().filter_map(|shard| shard.entry).collect()
    }
}

/// Whether shard `one` of `ones` and shard `other` of `others` have fingerprints in common.
const fn same_part(one: usize, ones: usize, other: usize, others: usize) -> bool {
    if ones <= others {
        other / (others / ones) == one
    } else {
        one / (ones / others) == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_survive_splitting_and_joining() {
        let mut shards = DirtyShards::default();
        shards.mark_dirty(0, 7);
        shards.fit(5, 4, 64);
        assert_eq!(shards.0.iter().map(|shard| shard.covers).collect::<Vec<_>>(), [7, 7]);
        shards.mark_dirty(1, 9);
        shards.fit(9, 4, 64);
        assert_eq!(shards.0.iter().map(|shard| shard.covers).collect::<Vec<_>>(), [7, 7, 9, 9]);
        shards.fit(3, 4, 64);
        assert_eq!(shards.0.iter().map(|shard| shard.covers).collect::<Vec<_>>(), [7, 9]);
        shards.fit(0, 4, 64);
        assert_eq!(shards.0.len(), 0);
    }
}
