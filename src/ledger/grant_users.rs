//! Grants in form 1.0, which does not have them: each becomes a not-before of its user. A layer over the table of
//! not-befores: only shards with such users are built separately; the others are shared with form 1.1.

use std::collections::BTreeMap;

use crate::revocation::lookup::fingerprint::{Fingerprint, NameHash};
use crate::revocation::lookup::shards::epoch_shard;
use crate::revocation::wire::section::{SectionEntry, SectionKind};
use crate::time::{Seconds, UnixSeconds};

use super::dirty_shards::{DirtyShards, ShardState};
use super::epoch_section::{build, EpochShard};
use super::not_befores::{fingerprint_of, NotBefores, MAX_SHARDS, SHARD_ENTRIES};
use super::published_sections::PublishedSections;
use super::record::SubjectName;

/// How long the layer is kept without a request for a manifest of form 1.0.
const KEPT_SECONDS: Seconds = Seconds::new(3_600);

#[derive(Clone)]
pub(crate) struct GrantUsers {
    /// The latest not-before of each user's grants.
    latest: BTreeMap<Fingerprint, u64>,
    /// log2 of the number of shards per shard of the table.
    split: u32,
    /// The state of the layer's shards; shared ones have no entry here.
    shards: DirtyShards,
    /// The table's sections that the layer's shards were built from.
    below: Vec<Option<SectionEntry>>,
    asked_at: UnixSeconds,
}

impl GrantUsers {
    /// Creates the layer for these grants, as of a sequence.
    pub(crate) fn of(grants: &NotBefores, hash: &NameHash, sequence: u64) -> Self {
        let shards = DirtyShards(vec![ShardState { covers: sequence, ..ShardState::default() }]);
        let latest = latest_of(grants, hash);
        Self { latest, split: 0, shards, below: vec![None], asked_at: UnixSeconds::ZERO }
    }

    /// Adds the not-before of one of a user's grants.
    pub(crate) fn raise(&mut self, user: Fingerprint, not_before: u64, sequence: u64) {
        let known = self.latest.entry(user).or_default();
        *known = (*known).max(not_before);
        self.shards.mark_dirty(epoch_shard(user, self.shards.0.len().max(1)), sequence);
    }

    /// Hashes all users again after the grants were hashed with another key.
    pub(crate) fn rekey(&mut self, grants: &NotBefores, hash: &NameHash) {
        self.latest = latest_of(grants, hash);
        self.shards.mark_all_dirty();
    }

    /// Drops not-befores older than every acceptable token.
    pub(crate) fn drop_over(&mut self, kept_for: Seconds, now: UnixSeconds) {
        let shards = self.shards.0.len().max(1);
        let dirty_shards = &mut self.shards;
        self.latest.retain(|user, not_before| {
            let is_over = UnixSeconds::new(*not_before).plus(kept_for) <= now;
            if is_over {
                dirty_shards.drop_one(epoch_shard(*user, shards));
            }
            !is_over
        });
    }

    /// Whether the last request for form 1.0 was long ago.
    pub(crate) fn is_idle(&self, now: UnixSeconds) -> bool {
        now.since(self.asked_at) > KEPT_SECONDS
    }

    /// Retires its published sections.
    pub(crate) fn retire(&mut self, sections: &mut PublishedSections, now: UnixSeconds) {
        for entry in self.shards.0.iter_mut().filter_map(|shard| shard.entry.take()) {
            sections.retire(&entry.name, now);
        }
    }

    /// Builds the entries of a manifest of form 1.0, in order. `table`: the not-befores, and their entries in form 1.1.
    pub(crate) fn publish(
        &mut self,
        (table, published): (&NotBefores, &[SectionEntry]),
        generation: u32,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> Vec<SectionEntry> {
        self.asked_at = now;
        self.fit(published.len().max(1), table.len() + self.latest.len(), sections, now);
        let bits = self.shards.shard_bits();
        let mut entries = Vec::with_capacity(self.shards.0.len());
        for ((number, state), built_under) in (0_u32..).zip(&mut self.shards.0).zip(&mut self.below) {
            let shard = EpochShard { kind: SectionKind::Epochs, number, bits };
            let users = || self.latest.range(shard.first()..).take_while(|(user, _)| shard.has(**user));
            let below = usize::try_from(number >> self.split).ok().and_then(|below| published.get(below)).copied();
            let shared = below.filter(|_| self.split == 0 && users().next().is_none());
            if let Some(entry) = state.current().filter(|_| shared.is_none() && *built_under == below) {
                entries.push(entry);
                continue;
            }
            if let Some(earlier) = state.entry.take() {
                sections.retire(&earlier.name, now);
            }
            let entry = shared.unwrap_or_else(|| {
                let merged = merged(table.of_shard(shard), users().map(|(user, not_before)| (*user, *not_before)));
                let (head, bytes) = build(shard, generation, merged);
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let covers = state.covers.max(below.map_or(0, |below| below.covers));
                head.entry(length, sections.publish(bytes), covers, 0)
            });
            let own = Some(entry).filter(|_| shared.is_none());
            *state = ShardState { covers: state.covers, is_dirty: false, dropped: 0, entry: own };
            *built_under = below;
            entries.push(entry);
        }
        entries
    }

    /// Splits each shard of the table so that none is too long. A change of the number rebuilds everything.
    fn fit(&mut self, of_table: usize, entries: usize, sections: &mut PublishedSections, now: UnixSeconds) {
        self.split = fitting_split(self.split, of_table, entries);
        let shards = of_table << self.split;
        if shards != self.shards.0.len() {
            self.retire(sections, now);
            let covers = self.shards.0.iter().map(|shard| shard.covers).max().unwrap_or(0);
            self.shards.0 = vec![ShardState { covers, ..ShardState::default() }; shards];
            self.below = vec![None; shards];
        }
    }
}

/// log2 of the number of shards per shard of the table, given the previous value.
const fn fitting_split(mut split: u32, of_table: usize, entries: usize) -> u32 {
    while of_table << split < MAX_SHARDS && entries > (of_table << split) * SHARD_ENTRIES {
        split += 1;
    }
    // The table itself may have been split since. Otherwise join only when well below the limit, so that a count near
    // it does not rebuild everything each time.
    while split > 0 && (of_table << split > MAX_SHARDS || entries < (of_table << split) * SHARD_ENTRIES / 4) {
        split -= 1;
    }
    split
}

fn latest_of(grants: &NotBefores, hash: &NameHash) -> BTreeMap<Fingerprint, u64> {
    let mut latest = BTreeMap::new();
    for (subject, not_before) in grants.iter() {
        if let SubjectName::Grant(issuer, user, _) = subject {
            let known: &mut u64 = latest.entry(fingerprint_of(hash, SubjectName::User(issuer, user))).or_default();
            *known = (*known).max(not_before);
        }
    }
    latest
}

/// Merges both in order of fingerprint. A fingerprint may occur in both.
fn merged(
    table: impl Iterator<Item = (Fingerprint, u64)>,
    users: impl Iterator<Item = (Fingerprint, u64)>,
) -> Vec<(Fingerprint, u64)> {
    let mut merged: Vec<_> = table.chain(users).collect();
    merged.sort_unstable();
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_shards_than_a_manifest_has_room_for() {
        assert_eq!(fitting_split(0, 1, SHARD_ENTRIES), 0);
        assert_eq!(fitting_split(0, 1, SHARD_ENTRIES + 1), 1);
        assert_eq!(fitting_split(0, 256, 256 * SHARD_ENTRIES + 1), 1);
        // The table has the maximum number of shards.
        assert_eq!(fitting_split(1, MAX_SHARDS, 256 * SHARD_ENTRIES + 1), 0);
        assert_eq!(fitting_split(0, MAX_SHARDS, 10 * MAX_SHARDS * SHARD_ENTRIES), 0);
        // Near the limit nothing changes.
        assert_eq!(fitting_split(1, 1, SHARD_ENTRIES / 2), 1);
        assert_eq!(fitting_split(1, 1, SHARD_ENTRIES / 2 - 1), 0);
    }
}
