//! The history of a state: its past chain hashes, and the deltas that advanced it.

use std::collections::VecDeque;

use crate::revocation::message::delta::Delta;
use crate::revocation::position::{Chain, Position};

/// Number of past positions remembered, to check statements about the past.
const MAX_POSITIONS: usize = 256;
/// Bytes of deltas kept for a manifest that arrives or completes after them: four of maximum length.
const MAX_KEPT_BYTES: usize = 4 << 20;
/// Maximum number of deltas kept.
const MAX_KEPT_DELTAS: usize = 1_024;

#[derive(Clone, Default)]
pub(crate) struct History {
    positions: VecDeque<(u64, Chain)>,
    deltas: VecDeque<Delta>,
    delta_bytes: usize,
}

/// The position after replaying the kept deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) sequence: u64,
    pub(crate) chain: Chain,
}

impl History {
    pub(crate) fn remember(&mut self, position: &Position) {
        if self.positions.back() != Some(&(position.sequence, position.chain)) {
            self.positions.push_back((position.sequence, position.chain));
        }
        if self.positions.len() > MAX_POSITIONS {
            self.positions.pop_front();
        }
    }

    /// The chain hash that the state had at a sequence.
    pub(crate) fn chain_at(&self, sequence: u64) -> Option<Chain> {
        self.positions.iter().rev().find(|(at, _)| *at == sequence).map(|(_, chain)| *chain)
    }

    pub(crate) fn keep(&mut self, delta: Delta) {
        self.delta_bytes = self.delta_bytes.saturating_add(delta.length);
        self.deltas.push_back(delta);
        while self.delta_bytes > MAX_KEPT_BYTES || self.deltas.len() > MAX_KEPT_DELTAS {
            let Some(dropped) = self.deltas.pop_front() else { break };
            self.delta_bytes = self.delta_bytes.saturating_sub(dropped.length);
        }
    }

    /// The kept deltas that continue a position, each starting at or before the end of the one before. Stops at a delta
    /// whose chain does not match.
    pub(crate) fn onward(&self, from: &Position) -> impl Iterator<Item = &Delta> {
        let mut tip = Tip { sequence: from.sequence, chain: from.chain };
        let mut fits = true;
        self.deltas.iter().filter(move |delta| {
            let extends = fits && delta.from <= tip.sequence && delta.position.sequence > tip.sequence;
            fits &= !extends || delta.from != tip.sequence || delta.chain_from == tip.chain;
            if extends && fits {
                tip = Tip { sequence: delta.position.sequence, chain: delta.position.chain };
            }
            extends && fits
        })
    }

    /// The position that these deltas lead to.
    pub(crate) fn tip(&self, from: &Position) -> Tip {
        let start = Tip { sequence: from.sequence, chain: from.chain };
        self.onward(from)
            .last()
            .map_or(start, |delta| Tip { sequence: delta.position.sequence, chain: delta.position.chain })
    }
}
