//! A world whose operations and draws come from the fuzzer's bytes. In addition to the model test, messages arrive
//! damaged, before or after signing.

use portcullis::revocation::{Form, Revocations, Status};

use super::readers::EDGES;
use super::records::Token;
use super::{new_edge, World};
use crate::pair::{at, provide_all};

/// Key id and signature of a message.
const TRAILER_BYTES: usize = 72;

/// Maximum number of operations of a script.
const MOST_STEPS: usize = 400;

/// Draws numbers from bytes. After the last byte, every draw is zero.
pub(super) struct Script {
    bytes: std::vec::IntoIter<u8>,
    /// Appends key id and signature to a message.
    sign: fn(Vec<u8>) -> Vec<u8>,
}

impl Script {
    fn is_over(&self) -> bool {
        self.bytes.len() == 0
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        let bytes = if limit <= 1 << 8 { 1 } else { 2 };
        let word = self.bytes.by_ref().take(bytes).fold(0, |word, byte| word << 8 | u64::from(byte));
        word % limit
    }
}

impl World {
    /// Runs the script in the bytes, and panics if the model and an edge disagree.
    pub(crate) fn follow(bytes: &[u8], sign: fn(Vec<u8>) -> Vec<u8>) {
        let mut world = Self::new(0);
        world.script = Some(Script { bytes: bytes.to_vec().into_iter(), sign });
        // Tokens to look up and to revoke.
        (0..4).for_each(|_| world.mint());
        for _ in 0..MOST_STEPS {
            if world.script.as_ref().is_some_and(Script::is_over) {
                break;
            }
            world.scripted_step();
        }
        for edge in 0..EDGES.len() {
            world.ask_everything(edge);
        }
    }

    fn scripted_step(&mut self) {
        match self.below(32) {
            0..=3 => self.mint(),
            4..=9 => self.batch(),
            10..=13 => self.query(),
            14..=18 => self.send_delta(),
            19..=20 => self.replay(),
            21..=23 => self.send_manifest(),
            24 => self.fetch(),
            25 => self.side_by_side(),
            26 => self.tick(),
            27 => self.forget(),
            28 => {
                self.ledger.prune(at(self.now));
            }
            29 => self.damage_unsigned(),
            30 => self.damage_signed(),
            _ => match self.below(3) {
                0 => self.restart(),
                1 => self.restore_backup(),
                _ => {
                    let edge = self.below(EDGES.len() as u64) as usize;
                    self.edges[edge] = new_edge();
                    self.lost_touch[edge] = false;
                }
            },
        }
    }

    /// Looks up every token at the edge.
    fn ask_everything(&mut self, edge: usize) {
        let Some(position) = self.edges[edge].position() else { return };
        for token in &self.tokens {
            let must_refuse = self.records.refuses(token, position.sequence);
            let is_let_through = self.edges[edge].status(&token.subject()) == Status::NotRevoked;
            assert!(
                !(is_let_through && must_refuse && self.accepts_but_for_the_state(edge, token)),
                "edge {edge} at {} lets {} through: {}",
                position.sequence,
                token.id,
                self.records.explain(token, position.sequence)
            );
        }
    }

    /// Checks that a message with changed bytes, and so an invalid signature, is refused and changes nothing.
    fn damage_unsigned(&mut self) {
        let edge = self.below(EDGES.len() as u64) as usize;
        let Some(mut message) = self.some_message(edge) else { return };
        let at_byte = self.below(message.len() as u64) as usize;
        let by = 1 + self.below(255) as u8;
        message[at_byte] ^= by;
        let (position, clock) = (self.edges[edge].position(), self.clock(edge));
        let before = answers(&self.edges[edge], &self.tokens);
        let refused = self.edges[edge].apply(&message, at(clock));
        assert!(refused.is_err(), "a message with byte {at_byte} changed was taken");
        assert_eq!(self.edges[edge].position(), position);
        assert_eq!(answers(&self.edges[edge], &self.tokens), before);
    }

    /// Checks a message that is changed and signed again, at a separate edge with the state of another: it is refused
    /// and changes nothing, or it is a delta and removes no revocation.
    fn damage_signed(&mut self) {
        let Ok(manifest) = self.ledger.manifest(Form::NEWEST, at(self.now)) else { return };
        let mut edge = new_edge();
        if edge.apply(&manifest, at(self.now)).is_err() {
            return;
        }
        provide_all(&mut edge, &self.ledger);
        self.batch();
        let place = self.below(EDGES.len() as u64) as usize;
        let Some(message) = self.some_message(place) else { return };
        let changes = 1 + self.below(4);
        let length = message.len() - TRAILER_BYTES;
        let changes: Vec<(usize, u8, u64)> =
            (0..changes).map(|_| (self.below(length as u64) as usize, self.below(256) as u8, self.below(4))).collect();
        let mut body = message[..length].to_vec();
        for (place, byte, how) in changes {
            let place = place.min(body.len() - 1);
            match how {
                0 if body.len() > 1 => {
                    body.remove(place);
                }
                1 => body.insert(place, byte),
                _ => body[place] ^= byte,
            }
        }
        let Some(&Script { sign, .. }) = self.script.as_ref() else { return };
        let damaged = sign(body);
        let (position, before) = (edge.position(), answers(&edge, &self.tokens));
        let is_delta = damaged.starts_with(b"PCLD");
        match edge.apply(&damaged, at(self.now)) {
            Err(_) => {
                assert_eq!(edge.position(), position);
                assert_eq!(answers(&edge, &self.tokens), before);
            }
            Ok(applied) => {
                assert_eq!(edge.position().map_or(0, |position| position.sequence), applied.sequence);
                let after = answers(&edge, &self.tokens);
                let is_kept = |(before, after): (&Status, &Status)| {
                    !matches!(before, Status::Revoked(_)) || matches!(after, Status::Revoked(_))
                };
                assert!(!is_delta || before.iter().zip(&after).all(is_kept), "a delta took a revocation back");
            }
        }
    }

    /// Returns a message for this edge: a delayed one, or the next delta or manifest.
    fn some_message(&mut self, edge: usize) -> Option<Vec<u8>> {
        let form = self.form_for(edge);
        let ours = self.edges[edge].position().map_or(0, |position| position.sequence);
        match self.below(3) {
            0 => {
                let count = self.under_way.len() as u64;
                let index = if count > 0 { self.below(count) as usize } else { 0 };
                self.under_way.get(index).map(|(_, message)| message.clone())
            }
            1 => self.ledger.delta(form, ours, at(self.now)).ok().map(|delta| delta.bytes),
            _ => self.ledger.manifest(form, at(self.now)).ok(),
        }
    }
}

fn answers<'t>(edge: &Revocations, tokens: impl IntoIterator<Item = &'t Token>) -> Vec<Status> {
    tokens.into_iter().map(|token| edge.status(&token.subject())).collect()
}
