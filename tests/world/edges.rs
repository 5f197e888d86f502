//! The edges: they look up tokens, and get manifests, sections and deltas late, repeated, out of order or not at all.

use portcullis::revocation::{Effect, Form, Level, Status};

use super::readers::EDGES;
use super::records::Token;
use super::{World, LEEWAY, LIFETIME, SKEW};
use crate::pair::at;

/// The last edges follow deltas.
const FOLLOWERS: usize = 3;

impl World {
    pub(super) fn query(&mut self) {
        let edge = self.below(EDGES.len() as u64) as usize;
        let Some(token) = self.some_token() else { return };
        let Some(position) = self.edges[edge].position() else {
            assert_eq!(self.edges[edge].status(&token.subject()), Status::SectionUnavailable);
            return;
        };
        self.tally.queries += 1;
        let acceptable = self.accepts_but_for_the_state(edge, &token);
        let must_refuse = self.records.refuses(&token, position.sequence);
        match self.edges[edge].status(&token.subject()) {
            Status::SectionUnavailable => self.tally.unavailable += 1,
            Status::NotRevoked if must_refuse && acceptable => panic!(
                "edge {edge} at {} lets {} through: {}",
                position.sequence,
                token.id,
                self.records.explain(&token, position.sequence)
            ),
            Status::NotRevoked => {}
            Status::Revoked(level) if must_refuse => self.tally.refused[level as usize] += 1,
            // From a filter of a manifest whose other sections have not arrived.
            Status::Revoked(Level::Token) if self.records.revokes(&token, u64::MAX) => self.tally.early += 1,
            Status::Revoked(Level::User | Level::Realm)
                if self.may_over_kill(edge) && self.records.over_kills(&token, position.sequence) =>
            {
                self.tally.over_killed += 1;
            }
            Status::Revoked(level) => {
                if !self.lost_touch[edge] {
                    println!("false match: edge {edge}, {level:?}, {}", token.id);
                    self.tally.false_matches += 1;
                }
            }
        }
        let number = self.below(40) as u8;
        let bans =
            self.records.bans.get(&number).and_then(|all| all.iter().rev().find(|(at, _)| *at <= position.sequence));
        let banned = bans.is_some_and(|(_, value)| *value == 1);
        if !self.lost_touch[edge] {
            assert_eq!(self.edges[edge].bans(&[number; 32]), banned);
        }
        if self.below(8) == 0 && acceptable {
            // The ledger itself is exact.
            assert_eq!(self.ledger.refuses(&token.subject()).is_some(), self.records.refuses(&token, u64::MAX));
        }
    }

    /// Whether this edge would accept the token if nothing were recorded.
    pub(super) fn accepts_but_for_the_state(&self, edge: usize, token: &Token) -> bool {
        let clock = self.clock(edge);
        clock < token.expires_at + LEEWAY
            && token.issued_at <= clock + SKEW
            && token.expires_at - token.issued_at <= LIFETIME
    }

    pub(super) fn deliver(&mut self, edge: usize, message: &[u8]) {
        let clock = self.clock(edge);
        let before = self.edges[edge].position();
        match self.edges[edge].apply(message, at(clock)) {
            Ok(applied) => {
                self.tally.applied += 1;
                let named = u64::from_le_bytes(*message[24..].first_chunk().unwrap());
                let is_new = before.is_none_or(|before| before.sequence < named);
                match applied.effect {
                    Effect::Staged | Effect::Changed if !is_new => self.tally.folded += 1,
                    Effect::Staged => self.tally.staged += 1,
                    Effect::Changed | Effect::ChangedInPart | Effect::Renewed | Effect::AlreadyKnown => {}
                }
                let after = self.edges[edge].position();
                assert_eq!(after.map_or(0, |position| position.sequence), applied.sequence);
                assert!(before.is_none_or(|before| before.sequence <= applied.sequence));
            }
            Err(_) => {
                self.tally.rejected += 1;
                assert_eq!(self.edges[edge].position(), before);
            }
        }
        self.note_incarnation(edge);
    }

    /// From its first state of the new incarnation on, an edge has no lost events.
    fn note_incarnation(&mut self, edge: usize) {
        let incarnation = self.edges[edge].position().map(|position| position.sequence >> 40);
        if incarnation == Some(self.incarnation) {
            self.lost_touch[edge] = false;
        }
    }

    pub(super) fn send_delta(&mut self) {
        let edge = self.below(EDGES.len() as u64) as usize;
        let ours = self.edges[edge].position().map_or(0, |position| position.sequence);
        // From its own position, an earlier one, or a later one.
        let after = match self.below(6) {
            0 => ours.saturating_sub(self.below(50)),
            1 => self.head.0 - self.below(30).min(self.head.0 & 0xFF_FFFF_FFFF),
            _ => ours,
        };
        let form = self.form_for(edge);
        let Ok(delta) = self.ledger.delta(form, after, at(self.now)) else {
            if self.below(2) == 0 {
                self.send_manifest_to(edge);
            }
            return;
        };
        if self.below(3) > 0 {
            self.deliver(edge, &delta.bytes);
        }
        self.put_under_way(form, delta.bytes);
        if self.edges[edge].wants_manifest() {
            self.fold(edge);
        }
    }

    /// Sends a manifest that an edge requested and that deltas overtake.
    fn fold(&mut self, edge: usize) {
        let form = self.form_for(edge);
        let manifest = self.ledger.manifest(form, at(self.now)).unwrap();
        for _ in 0..self.below(3) {
            self.batch();
            let ours = self.edges[edge].position().map_or(0, |position| position.sequence);
            let form = self.form_for(edge);
            if let Ok(delta) = self.ledger.delta(form, ours, at(self.now)) {
                self.deliver(edge, &delta.bytes);
            }
        }
        self.deliver(edge, &manifest);
        self.fetch_for(edge);
    }

    fn put_under_way(&mut self, form: Form, message: Vec<u8>) {
        self.under_way.push_back((form, message));
        if self.under_way.len() > 40 {
            self.under_way.pop_front();
        }
    }

    pub(super) fn replay(&mut self) {
        let edge = self.below(EDGES.len() as u64) as usize;
        let count = self.under_way.len() as u64;
        if count > 0 {
            let index = self.below(count) as usize;
            let (form, message) = self.under_way[index].clone();
            if EDGES[edge].reader.takes(form) {
                self.deliver(edge, &message);
            }
        }
    }

    /// Sends a manifest. Followers get one only if deltas do not help, or if they want one.
    pub(super) fn send_manifest(&mut self) {
        let edge = self.below((EDGES.len() - FOLLOWERS) as u64) as usize;
        self.send_manifest_to(edge);
    }

    fn send_manifest_to(&mut self, edge: usize) {
        let form = self.form_for(edge);
        let manifest = self.ledger.manifest(form, at(self.now)).unwrap();
        if self.below(4) > 0 {
            self.deliver(edge, &manifest);
        }
        self.put_under_way(form, manifest);
        if self.below(3) > 0 {
            self.fetch_for(edge);
        }
    }

    pub(super) fn fetch(&mut self) {
        let edge = self.below(EDGES.len() as u64) as usize;
        self.fetch_for(edge);
    }

    /// Fetches some of the missing sections, sometimes a broken one.
    fn fetch_for(&mut self, edge: usize) {
        for name in self.edges[edge].missing_sections() {
            if self.below(5) == 0 {
                continue;
            }
            let Some(section) = self.ledger.section(&name).map(<[u8]>::to_vec) else { continue };
            if self.below(20) == 0 {
                let mut broken = section.clone();
                let bit = self.below(broken.len() as u64 * 8);
                broken[bit as usize / 8] ^= 1 << (bit % 8);
                assert!(self.edges[edge].provide_section(broken).is_err());
            }
            // No longer wanted after an earlier one has completed the manifest.
            if self.edges[edge].missing_sections().contains(&name) {
                self.edges[edge].provide_section(section).unwrap();
                self.tally.sections += 1;
            }
        }
        self.note_incarnation(edge);
    }

    pub(super) fn forget(&mut self) {
        for edge in 0..self.edges.len() {
            let clock = self.clock(edge);
            self.edges[edge].forget_expired(at(clock));
        }
    }
}
