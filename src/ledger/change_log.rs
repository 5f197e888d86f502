//! Bounded log of recent changes; deltas are encoded from it.

use std::collections::VecDeque;

use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::lookup::versions::UserKey;
use crate::revocation::Chain;

use super::record::Place;

/// Number of changes kept. An edge that is further behind fetches the manifest.
pub const RECENT_CHANGES: usize = 100_000;

/// Readers at most this many changes behind the head get separate deltas, which are short.
const OWN_CHANGES: usize = 128;
/// Further back, a shared delta repeats at most one in this many changes: 12 % more bytes, and 8 deltas for each
/// length.
const REPEATED_SHARE: usize = 8;
/// Number of changes in a delta that ends before the head: 100 kB, encoded in 4 ms.
const BLOCK_CHANGES: usize = 16_384;

/// The change made by one event.
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
    /// Stated as a not-before of the user in a form without grants.
    Grant {
        fingerprint: Fingerprint,
        user: Fingerprint,
        not_before: u64,
    },
    Version {
        key: UserKey,
        minimum: u64,
    },
    Exact(Box<Exact>),
    /// The JWKS: a delta carries the latest.
    Keys,
    /// The published bounds: a delta carries the latest.
    Bounds,
}

// With the number kept, 3 MB besides their positions.
const _: () = assert!(size_of::<Change>() <= 32);

/// A sequence and its chain hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sequence: u64,
    pub(crate) chain: Chain,
}

#[derive(Clone)]
pub(crate) struct ChangeLog {
    /// The position before the first change kept. Missing rows after it have expired, so a delta over them is complete.
    floor: Head,
    changes: VecDeque<(Head, Change)>,
    /// Number of changes dropped before the first one kept, so that the boundaries of shared deltas stay the same.
    dropped: usize,
    /// Sequence of the last restart, or of the last change of which every delta carries the latest value.
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
            Change::TokenId { .. } | Change::Epoch { .. } | Change::Grant { .. } => {}
            Change::Version { .. } | Change::Exact(_) => {}
        }
        self.changes.push_back((head, change));
        if self.changes.len() > RECENT_CHANGES {
            if let Some((dropped, _)) = self.changes.pop_front() {
                self.floor = dropped;
                self.dropped += 1;
            }
        }
    }

    /// Drops everything. Deltas only add, so they cannot lead across a correction.
    pub(crate) fn restart(&mut self, floor: Head) {
        *self = Self::new(floor);
    }

    /// The chain hash at a sequence from the floor on; `None` if no row has this sequence.
    pub(crate) fn chain_at(&self, sequence: u64) -> Option<Chain> {
        if sequence == self.floor.sequence {
            return Some(self.floor.chain);
        }
        let known = self.changes.binary_search_by_key(&sequence, |(head, _)| head.sequence).ok()?;
        self.changes.get(known).map(|(head, _)| head.chain)
    }

    /// Returns start and end of the shared delta for a reader at `after`; no end means the head. Returns `None` if the
    /// changes since then are no longer kept.
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

    /// Start of the delta to the head that serves all readers not further behind than a block.
    pub(crate) fn widest_start(&self) -> u64 {
        self.sequence_before(self.changes.len().saturating_sub(BLOCK_CHANGES))
    }

    fn sequence_before(&self, index: usize) -> u64 {
        let before = index.checked_sub(1).and_then(|last| self.changes.get(last));
        before.map_or(self.floor.sequence, |(head, _)| head.sequence)
    }

    /// The last known position at or before a sequence, and the changes after it; `None` if they are no longer kept.
    pub(crate) fn since(&self, sequence: u64) -> Option<(Head, impl Iterator<Item = &(Head, Change)>)> {
        if sequence < self.floor.sequence {
            return None;
        }
        let known = self.changes.partition_point(|(head, _)| head.sequence <= sequence);
        let start = known.checked_sub(1).and_then(|last| self.changes.get(last)).map_or(self.floor, |(head, _)| *head);
        Some((start, self.changes.iter().skip(known)))
    }
}
