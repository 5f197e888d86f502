//! Two sharded tables, each with a small map of live changes on top: not-befores and minimum versions.

use super::changes::EpochChange;
use super::chunked_map::ChunkedMap;
use super::epochs::EpochTable;
use super::fingerprint::{Fingerprint, Name, FINGERPRINT_BITS};
use super::slot::Slot;
use super::sorted_map::SortedMap;
use super::versions::{shard_of, UserKey, VersionTable};
use crate::time::{Seconds, UnixSeconds};

/// A value that may also depend on a section that has not arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The greatest recorded value; 0 if nothing is recorded.
    Exactly(u64),
    /// At least this much.
    AtLeast(u64),
}

/// Not-befores of users, sessions and client sessions, or of grants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs {
    pub(crate) shards: Vec<Slot<EpochTable>>,
    /// By generation, then by fingerprint.
    pub(crate) live: SortedMap<u32, ChunkedMap<Fingerprint, u64>>,
}

impl Epochs {
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.is_empty() && self.live.len() == 0
    }

    /// Drops live entries that have expired at `now`, given their retention.
    pub(crate) fn forget_expired(&mut self, kept_for: Seconds, now: UnixSeconds) {
        for live in self.live.values_mut() {
            live.retain(|_, not_before| UnixSeconds::new(*not_before).plus(kept_for) > now);
        }
        self.live.retain(|_, live| !live.is_empty());
    }

    pub(crate) fn not_before(&self, name: &Name<'_>) -> Known {
        let mut not_before = 0;
        for (generation, live) in self.live.iter() {
            let found = name.under(*generation).and_then(|fingerprint| live.get(&fingerprint));
            not_before = not_before.max(found.copied().unwrap_or(0));
        }
        if self.shards.is_empty() {
            return Known::Exactly(not_before);
        }
        match self.shard(name) {
            Some((Slot::Held { body, .. }, fingerprint)) => {
                Known::Exactly(not_before.max(body.get(fingerprint).unwrap_or(0)))
            }
            Some((Slot::Absent(_), _)) | None => Known::AtLeast(not_before),
        }
    }

    /// The shard for a name, and the name's fingerprint there.
    pub(crate) fn shard(&self, name: &Name<'_>) -> Option<(&Slot<EpochTable>, Fingerprint)> {
        let fingerprint = name.under(self.shards.first()?.entry().generation)?;
        Some((self.shards.get(epoch_shard(fingerprint, self.shards.len()))?, fingerprint))
    }

    pub(crate) fn add(&mut self, change: &EpochChange) {
        self.live.update(change.generation, |live| {
            for (fingerprint, not_before) in &change.not_befores {
                live.update(*fingerprint, |known| *known = (*known).max(*not_before));
            }
        });
    }

    /// Bytes of the sections that have arrived.
    pub(crate) fn byte_length(&self) -> usize {
        self.shards.iter().filter_map(Slot::body).map(EpochTable::byte_length).sum()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.live.values().map(ChunkedMap::len).sum()
    }

    /// Copies the live entries of one shard from an earlier state.
    pub(crate) fn keep_live(&mut self, earlier: &Self, shard: usize) {
        let shards = earlier.shards.len();
        for (generation, live) in earlier.live.iter() {
            let of_shard = live.iter().filter(|(fingerprint, _)| epoch_shard(*fingerprint, shards) == shard);
            self.live.update(*generation, |live| of_shard.for_each(|(key, value)| live.insert(*key, *value)));
        }
    }
}

/// The shard of a fingerprint: its leading bits.
pub(crate) fn epoch_shard(fingerprint: Fingerprint, shards: usize) -> usize {
    usize::try_from(fingerprint >> FINGERPRINT_BITS.saturating_sub(shards.trailing_zeros())).unwrap_or(usize::MAX)
}

/// Minimum token versions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    pub(crate) shards: Vec<Slot<VersionTable>>,
    pub(crate) live: ChunkedMap<UserKey, u64>,
}

impl Versions {
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.is_empty() && self.live.is_empty()
    }

    /// Bytes of the sections that have arrived.
    pub(crate) fn byte_length(&self) -> usize {
        self.shards.iter().filter_map(Slot::body).map(VersionTable::byte_length).sum()
    }

    pub(crate) fn minimum(&self, key: &UserKey) -> Known {
        let live = self.live.get(key).copied().unwrap_or(0);
        match self.shard(key) {
            Some(Slot::Held { body, .. }) => Known::Exactly(live.max(body.get(key).unwrap_or(0))),
            Some(Slot::Absent(_)) => Known::AtLeast(live),
            None => Known::Exactly(live),
        }
    }

    /// The shard for a user.
    pub(crate) fn shard(&self, key: &UserKey) -> Option<&Slot<VersionTable>> {
        self.shards.get(usize::try_from(shard_of(key, self.shards.len().trailing_zeros())).ok()?)
    }

    pub(crate) fn add(&mut self, changes: &[(UserKey, u64)]) {
        for (key, minimum) in changes {
            self.live.update(*key, |known| *known = (*known).max(*minimum));
        }
    }

    /// Copies the live entries of one shard from an earlier state.
    pub(crate) fn keep_live(&mut self, earlier: &Self, shard: u32) {
        let shard_bits = earlier.shards.len().trailing_zeros();
        let of_shard = earlier.live.iter().filter(|(key, _)| shard_of(key, shard_bits) == shard);
        of_shard.for_each(|(key, value)| self.live.insert(*key, *value));
    }
}
