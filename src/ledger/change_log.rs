//! The last changes one by one, from which deltas are made.

use std::collections::VecDeque;

use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::lookup::versions::UserKey;
use crate::revocation::Chain;

use super::record::Place;

/// Changes kept: an edge that is further behind pulls the manifest.
pub const RECENT_CHANGES: usize = 100_000;

/// Changes from the head back to which each reader has a delta of its own: these are short.
const OWN_CHANGES: usize = 128;
/// Further back a reader repeats at most so much of what it lacks: 12 % more bytes, and 8 deltas for all of one length.
const REPEATED_SHARE: usize = 8;
/// Changes of a delta that ends before the head: 100 kB, made in 4 ms.
const BLOCK_CHANGES: usize = 16_384;

/// What one event changed.
#[derive(Clone)]
pub(crate) enum Change {
    TokenId {
        place: Place,
        fingerprint: Fingerprint,
        issued_at: u64,
    },
    Epoch {
        fingerprint: Fingerprint,
        not_before: u64,
    },
    Version {
        key: UserKey,
        minimum: u64,
    },
    Exact(Box<Exact>),
    /// The JWKS: a delta carries the latest.
    Keys,
    /// What edges are told of bounds, likewise.
    Bounds,
}

/// A sequence and the chain hash there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) chain: Chain,
}

#[derive(Clone)]
pub(crate) struct ChangeLog {
    /// Before the first change kept. Rows missing in between had expired, so a delta over them is complete.
    floor: Head,
    changes: VecDeque<(Head, Change)>,
    /// How many were dropped before the first one kept: the places of changes that readers share stay where they are.
    dropped: usize,
    /// Where it began anew, or where a change was pushed of which every delta carries the latest value.
    settled_since: u64,
}

impl ChangeLog {
    pub(crate) const fn new(floor: Head) -> Self {
        Self { floor, changes: VecDeque::new(), dropped: 0, settled_since: floor.sequence }
    }

    pub(crate) const fn settled_since(&self) -> u64 {
        self.settled_since
    }

    pub(crate) const fn floor(&self) -> Head {
        self.floor
    }

    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(crate) fn push(&mut self, head: Head, change: Change) {
        match change {
            Change::Keys | Change::Bounds => self.settled_since = head.sequence,
            Change::TokenId { .. } | Change::Epoch { .. } | Change::Version { .. } | Change::Exact(_) => {}
        }
        self.changes.push_back((head, change));
        if self.changes.len() > RECENT_CHANGES {
            if let Some((dropped, _)) = self.changes.pop_front() {
                self.floor = dropped;
                self.dropped += 1;
            }
        }
    }

    /// Forgets everything: what comes before cannot be told in deltas, which only add.
    pub(crate) fn restart(&mut self, floor: Head) {
        *self = Self::new(floor);
    }

    /// The chain hash at a sequence from the floor on; `None` where there is no row.
    pub(crate) fn chain_at(&self, sequence: u64) -> Option<Chain> {
        if sequence == self.floor.sequence {
            return Some(self.floor.chain);
        }
        let known = self.changes.binary_search_by_key(&sequence, |(head, _)| head.sequence).ok()?;
        self.changes.get(known).map(|(head, _)| head.chain)
    }

    /// From and up to which sequence a reader at `after` is told; `None` for the latter: the head. `None`: changes since then
    /// are no longer kept.
    pub(crate) fn shared_stretch(&self, after: u64) -> Option<(u64, Option<u64>)> {
        if after < self.floor.sequence {
            return None;
        }
        let known = self.changes.partition_point(|(head, _)| head.sequence <= after);
        let behind = self.changes.len() - known;
        if behind <= OWN_CHANGES {
            return Some((after, None));
        }
        let is_far = behind > BLOCK_CHANGES;
        let step = if is_far { BLOCK_CHANGES } else { 1 << (behind / REPEATED_SHARE).ilog2() };
        let place = self.dropped + known;
        let start = (place - place % step).saturating_sub(self.dropped);
        let until = is_far.then(|| place - place % step + BLOCK_CHANGES - self.dropped);
        Some((self.sequence_before(start), until.map(|end| self.sequence_before(end))))
    }

    /// From where one delta leads all to the head who are not further behind than a block.
    pub(crate) fn widest_start(&self) -> u64 {
        self.sequence_before(self.changes.len().saturating_sub(BLOCK_CHANGES))
    }

    fn sequence_before(&self, index: usize) -> u64 {
        let before = index.checked_sub(1).and_then(|last| self.changes.get(last));
        before.map_or(self.floor.sequence, |(head, _)| head.sequence)
    }

    /// The last known place at or before a sequence, and the changes after it; `None` when they are no longer kept.
    pub(crate) fn since(&self, sequence: u64) -> Option<(Head, impl Iterator<Item = &(Head, Change)>)> {
        if sequence < self.floor.sequence {
            return None;
        }
        let known = self.changes.partition_point(|(head, _)| head.sequence <= sequence);
        let start = known.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(self.floor, |(head, _)| *head);
        Some((start, self.changes.iter().skip(known)))
    }
}
