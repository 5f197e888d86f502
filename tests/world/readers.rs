//! Readers of both forms, compared: a lower form refuses every token that the newest form refuses at the same sequence.

use portcullis::revocation::{Form, Level, Status};

use super::records::Token;
use super::World;
use crate::pair::at;

/// Number of tokens that all edges look up at once.
const ASKED_ABOUT: usize = 20;

/// The forms of the feed that an edge gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// The newest form.
    Newest,
    /// The form of version 1.0, like an edge of that version.
    Lowest,
    /// Both forms alternately, like an edge whose minor version the origin does not always know.
    Mixed,
}

pub(super) struct Edge {
    /// The offset of its clock from the origin's.
    pub(super) clock: i64,
    pub(super) reader: Reader,
}

const fn edge(clock: i64, reader: Reader) -> Edge {
    Edge { clock, reader }
}

/// The edges; the last three follow deltas.
pub(super) const EDGES: [Edge; 9] = [
    edge(0, Reader::Newest),
    edge(5, Reader::Lowest),
    edge(-5, Reader::Mixed),
    edge(3, Reader::Lowest),
    edge(-2, Reader::Newest),
    edge(0, Reader::Mixed),
    edge(-2, Reader::Lowest),
    edge(0, Reader::Newest),
    edge(3, Reader::Mixed),
];

impl Reader {
    /// Whether it ever gets this form.
    pub(super) fn takes(self, form: Form) -> bool {
        match self {
            Self::Newest => form == Form::NEWEST,
            Self::Lowest => form == Form::V1_0,
            Self::Mixed => true,
        }
    }
}

impl World {
    pub(super) fn form_for(&mut self, edge: usize) -> Form {
        match EDGES[edge].reader {
            Reader::Newest => Form::NEWEST,
            Reader::Lowest => Form::V1_0,
            Reader::Mixed if self.below(2) == 0 => Form::V1_0,
            Reader::Mixed => Form::NEWEST,
        }
    }

    /// Whether any part of the edge's state came in a lower form.
    pub(super) fn may_over_kill(&self, edge: usize) -> bool {
        self.edges[edge].form().is_some_and(|form| form < Form::NEWEST)
    }

    /// Advances all edges and looks up the same tokens at each.
    pub(super) fn side_by_side(&mut self) {
        for edge in 0..EDGES.len() {
            let Some(position) = self.edges[edge].position() else { continue };
            let form = self.form_for(edge);
            if let Ok(delta) = self.ledger.delta(form, position.sequence, at(self.now)) {
                self.deliver(edge, &delta.bytes);
            }
        }
        for _ in 0..ASKED_ABOUT {
            let Some(token) = self.some_token() else { return };
            for newest in edges_of(&[Reader::Newest]) {
                if let Status::Revoked(level) = self.edges[newest].status(&token.subject()) {
                    self.compare_with(newest, level, &token);
                }
            }
        }
    }

    /// Looks up a token refused by this reader at the lower readers at the same sequence.
    fn compare_with(&mut self, newest: usize, level: Level, token: &Token) {
        let Some(sequence) = self.sequence_of(newest) else { return };
        for lower in edges_of(&[Reader::Lowest, Reader::Mixed]) {
            if self.sequence_of(lower) != Some(sequence) || !self.accepts_but_for_the_state(lower, token) {
                continue;
            }
            self.tally.compared += 1;
            if self.edges[lower].status(&token.subject()) != Status::NotRevoked {
                continue;
            }
            let why = self.records.explain(token, sequence);
            assert!(!self.records.refuses(token, sequence), "edge {lower} accepts what {newest} refuses: {why}");
            // From a filter of a manifest whose other sections have not arrived.
            let is_early = level == Level::Token && self.records.revokes(token, u64::MAX);
            self.tally.false_matches += u64::from(!is_early);
        }
    }

    fn sequence_of(&self, edge: usize) -> Option<u64> {
        self.edges[edge].position().map(|position| position.sequence)
    }
}

fn edges_of(readers: &'static [Reader]) -> impl Iterator<Item = usize> {
    (0..EDGES.len()).filter(|edge| readers.contains(&EDGES[*edge].reader))
}
