//! Which shards of a table have changed since they were published.

use crate::revocation::wire::section::SectionEntry;

/// One shard.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    /// Sequence of the last event that touched it.
    pub(crate) covers: u64,
    pub(crate) is_changed: bool,
    /// Entries dropped since it was published: they may stay in it for a while.
    pub(crate) dropped: usize,
    pub(crate) entry: Option<SectionEntry>,
}

/// All shards of a table, 2^n of them or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks(pub(crate) Vec<Mark>);

impl Marks {
    pub(crate) fn shard_bits(&self) -> u32 {
        if self.0.is_empty() {
            0
        } else {
            self.0.len().trailing_zeros()
        }
    }

    /// Notes an event in a shard. Without shards, one is opened.
    pub(crate) fn touch(&mut self, shard: usize, sequence: u64) {
        if self.0.is_empty() {
            self.0.push(Mark::default());
        }
        if let Some(mark) = self.0.get_mut(shard) {
            mark.covers = mark.covers.max(sequence);
            mark.is_changed = true;
        }
    }

    /// Notes that an entry was dropped for its age.
    pub(crate) fn drop_one(&mut self, shard: usize) {
        if let Some(mark) = self.0.get_mut(shard) {
            mark.dropped += 1;
        }
    }

    /// Marks everything as changed.
    pub(crate) fn change_all(&mut self) {
        self.0.iter_mut().for_each(|mark| mark.is_changed = true);
    }

    /// Splits or joins shards so that each holds about `entries_per_shard`; answers the entries no longer valid.
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
        // Joined only when well below, so that a count on the border does not rebuild everything each time.
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
                let covers = covers.map(|(_, mark)| mark.covers).max().unwrap_or(0);
                Mark { covers, is_changed: true, dropped: 0, entry: None }
            })
            .collect();
        old.iter().filter_map(|mark| mark.entry).collect()
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
        let mut marks = Marks::default();
        marks.touch(0, 7);
        marks.fit(5, 4, 64);
        assert_eq!(marks.0.iter().map(|mark| mark.covers).collect::<Vec<_>>(), [7, 7]);
        marks.touch(1, 9);
        marks.fit(9, 4, 64);
        assert_eq!(marks.0.iter().map(|mark| mark.covers).collect::<Vec<_>>(), [7, 7, 9, 9]);
        marks.fit(3, 4, 64);
        assert_eq!(marks.0.iter().map(|mark| mark.covers).collect::<Vec<_>>(), [7, 9]);
        marks.fit(0, 4, 64);
        assert_eq!(marks.0.len(), 0);
    }
}
