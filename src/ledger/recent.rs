//! The last changes one by one, from which deltas are made.

use std::collections::VecDeque;

use crate::revocation::exact::Exact;
use crate::revocation::fingerprint::Fingerprint;
use crate::revocation::versions::UserKey;
use crate::revocation::Chain;

use super::record::Place;

/// Changes kept: an edge that is further behind pulls the manifest.
pub const RECENT_CHANGES: usize = 100_000;

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
pub(crate) struct Recent {
    /// Before the first change kept. Rows missing in between had expired, so a delta over them is complete.
    floor: Head,
    changes: VecDeque<(Head, Change)>,
}

impl Recent {
    pub(crate) const fn new(floor: Head) -> Self {
        Self { floor, changes: VecDeque::new() }
    }

    pub(crate) const fn floor(&self) -> Head {
        self.floor
    }

    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(crate) fn push(&mut self, head: Head, change: Change) {
        self.changes.push_back((head, change));
        if self.changes.len() > RECENT_CHANGES {
            if let Some((dropped, _)) = self.changes.pop_front() {
                self.floor = dropped;
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
