//! Applies manifests, deltas and sections to the state.

use super::incoming::IncomingManifest;
use crate::error::FeedError;
use crate::revocation::lookup::slot::Body;
use crate::revocation::message::delta::{Delta, Reach};
use crate::revocation::message::feed_key::KeyId;
use crate::revocation::message::manifest::Manifest;
use crate::revocation::position::Position;
use crate::revocation::state::State;
use crate::revocation::wire::section::{SectionEntry, SectionName};
use crate::revocation::{Effect, Revocations};

impl Revocations {
    pub(crate) fn apply_manifest(&mut self, manifest: Manifest, key: KeyId) -> Result<Effect, FeedError> {
        let stated = manifest.position;
        if let Some(incoming) = &self.incoming {
            let known = incoming.manifest.position;
            if stated.sequence == known.sequence && stated.chain != known.chain {
                return Err(FeedError::Equivocation { sequence: stated.sequence });
            }
            let is_later = stated.issued_at > known.issued_at || manifest.form > incoming.manifest.form;
            if stated.sequence == known.sequence && !is_later {
                return Ok(Effect::AlreadyKnown);
            }
        }
        let mut renewed = false;
        if let Some(ours) = self.position().filter(|ours| stated.sequence <= ours.sequence) {
            if self.history.chain_at(stated.sequence).is_some_and(|chain| chain != stated.chain) {
                return Err(FeedError::Equivocation { sequence: stated.sequence });
            }
            renewed = stated.sequence == ours.sequence && stated.issued_at > ours.issued_at;
            let useful = self.can_fold(&manifest, renewed);
            if !useful && stated.sequence < ours.sequence {
                return Err(FeedError::Older { sequence: stated.sequence, known: ours.sequence });
            }
            if let Some(active) = self.active.as_mut().filter(|_| renewed) {
                active.renew(&stated);
            }
            if !useful {
                self.raise_high_water(key, stated.sequence);
                return Ok(if renewed { Effect::Renewed } else { Effect::AlreadyKnown });
            }
        } else {
            self.refuse_older(key, &stated)?;
        }
        self.raise_high_water(key, stated.sequence);
        let mut arrived = self.incoming.take().map(|incoming| incoming.arrived).unwrap_or_default();
        arrived.retain(|name, _| manifest.sections.iter().any(|entry| entry.name == *name));
        self.incoming = Some(IncomingManifest { manifest, arrived });
        self.needs_manifest = false;
        Ok(match (self.commit_if_ready(), renewed) {
            (true, _) => Effect::Changed,
            (false, true) => Effect::Renewed,
            (false, false) => Effect::Staged,
        })
    }

    /// Whether a manifest at or before our sequence is useful: the kept deltas lead from it to our position, and
    /// changes have outgrown the sections. At our own sequence it is also useful if it has a later form, different
    /// bounds or policy, or if sections are missing. An earlier form states no policy, so it cannot remove one.
    fn can_fold(&self, manifest: &Manifest, renewed: bool) -> bool {
        let Some(active) = &self.active else { return true };
        let ours = active.position;
        let is_outgrown = self.needs_manifest || active.wants_manifest();
        let has_other_policy = manifest.form >= active.form && active.policy != manifest.policy;
        let says_else =
            renewed && (active.bounds != manifest.bounds || has_other_policy || active.missing().next().is_some());
        let is_of_later_form = manifest.form > active.form;
        let is_ours = manifest.position.sequence == ours.sequence;
        let leads_here = self.history.chain_at(manifest.position.sequence) == Some(manifest.position.chain)
            && self.history.tip(&manifest.position).sequence == ours.sequence;
        let incoming_is_later = self
            .incoming
            .as_ref()
            .is_some_and(|incoming| incoming.manifest.position.sequence > manifest.position.sequence);
        leads_here && !incoming_is_later && (is_outgrown || (is_ours && (says_else || is_of_later_form)))
    }

    pub(crate) fn apply_delta(&mut self, delta: Delta, key: KeyId) -> Result<Effect, FeedError> {
        let to = delta.position;
        let Some(active) = &self.active else { return Err(FeedError::Gap { from: delta.from, known: 0 }) };
        let ours = active.position;
        self.check_chains(&delta)?;
        if to.sequence == ours.sequence && delta.reach == Reach::Head && to.issued_at > ours.issued_at {
            self.active.iter_mut().for_each(|active| {
                active.renew(&to);
                active.note_form(delta.form);
            });
            self.raise_high_water(key, to.sequence);
            return Ok(Effect::Renewed);
        }
        if to.sequence <= ours.sequence {
            return Ok(Effect::AlreadyKnown);
        }
        let extends_active = delta.from <= ours.sequence;
        let tip = self.incoming.as_ref().map(|incoming| self.history.tip(&incoming.manifest.position));
        let extends_incoming = tip.is_some_and(|tip| delta.from <= tip.sequence && to.sequence > tip.sequence);
        if !extends_active && !extends_incoming {
            return match tip {
                Some(tip) if to.sequence <= tip.sequence => Ok(Effect::AlreadyKnown),
                Some(_) | None => Err(FeedError::Gap { from: delta.from, known: ours.sequence }),
            };
        }
        if let Some(incoming) = self.incoming.as_ref().filter(|_| extends_incoming) {
            let kept = self.history.onward(&incoming.manifest.position).map(|delta| &delta.changes);
            incoming.check(kept.chain(core::iter::once(&delta.changes)))?;
        }
        if let Some(active) = self.active.as_mut().filter(|_| extends_active) {
            active.check(&delta.changes)?;
            active.apply(&delta);
            self.history.remember(&active.position);
        }
        let changed = match delta.reach {
            Reach::Head => Effect::Changed,
            Reach::Partial => Effect::ChangedInPart,
        };
        self.history.keep(delta);
        self.raise_high_water(key, to.sequence);
        let committed = self.commit_if_ready();
        Ok(if extends_active || committed { changed } else { Effect::Staged })
    }

    /// Checks both ends of a delta against every chain hash known for the same sequence.
    fn check_chains(&self, delta: &Delta) -> Result<(), FeedError> {
        let incoming = self.incoming.as_ref().map(|incoming| &incoming.manifest.position);
        for (sequence, chain) in [(delta.from, delta.chain_from), (delta.position.sequence, delta.position.chain)] {
            let incoming = incoming.filter(|position| position.sequence == sequence).map(|position| position.chain);
            let tip = self.incoming.as_ref().map(|incoming| self.history.tip(&incoming.manifest.position));
            let tip = tip.filter(|tip| tip.sequence == sequence).map(|tip| tip.chain);
            let known = [self.history.chain_at(sequence), incoming, tip];
            if known.into_iter().flatten().any(|known| known != chain) {
                return Err(FeedError::Equivocation { sequence });
            }
        }
        Ok(())
    }

    /// Makes the incoming manifest the state once every section that the current state has is available.
    pub(crate) fn commit_if_ready(&mut self) -> bool {
        let Some(incoming) = &self.incoming else { return false };
        let ours = self.position();
        let start = incoming.manifest.position;
        let leads_here = ours.is_none_or(|ours| self.history.tip(&start).sequence >= ours.sequence);
        let kept = self.history.onward(&start).map(|delta| &delta.changes);
        if !leads_here || incoming.check(kept).is_err() {
            // The deltas from the manifest to our position are no longer kept, or cannot be applied to it.
            self.incoming = None;
            self.needs_manifest = true;
            return false;
        }
        let is_ready = incoming.is_ready(self.active.as_ref());
        let Some(incoming) = self.incoming.take_if(|_| is_ready) else { return false };
        let mut state = incoming.into_state(self.active.take());
        for delta in self.history.onward(&start) {
            state.apply(delta);
        }
        if let Some(ours) = ours.filter(|ours| ours.sequence == state.position.sequence) {
            state.renew(&ours);
        }
        self.history.remember(&start);
        self.history.remember(&state.position);
        self.active = Some(state);
        true
    }

    pub(crate) fn missing_entries(&self) -> impl Iterator<Item = (&SectionEntry, WantedBy)> {
        let active = self.active.as_ref();
        let incoming = self.incoming.iter().flat_map(move |incoming| incoming.missing(active));
        let of_active = active.into_iter().flat_map(State::missing).map(|entry| (entry, WantedBy::Active));
        incoming.map(|entry| (entry, WantedBy::Incoming)).chain(of_active)
    }

    /// Finds the states that lack the section with this name.
    pub(crate) fn wanted_as(&self, name: &SectionName) -> Vec<(SectionEntry, WantedBy)> {
        let wanted = self.missing_entries().filter(|(entry, _)| entry.name == *name);
        wanted.map(|(entry, wanted_by)| (*entry, wanted_by)).collect()
    }

    /// Decodes a section named by `entry`.
    pub(crate) fn decode(
        &self,
        bytes: Vec<u8>,
        entry: SectionEntry,
        wanted_by: WantedBy,
    ) -> Result<Section, FeedError> {
        entry.check_length(&bytes)?;
        let shards = match (wanted_by, &self.incoming, &self.active) {
            (WantedBy::Incoming, Some(incoming), _) => incoming.manifest.of_kind(entry.kind).count(),
            (WantedBy::Active, _, Some(active)) => active.entries().filter(|other| other.kind == entry.kind).count(),
            (WantedBy::Incoming, None, _) | (WantedBy::Active, _, None) => 0,
        };
        Ok(Section { entry, wanted_by, body: Body::decode(bytes, &entry, shards)? })
    }

    pub(crate) fn store_section(&mut self, Section { entry, wanted_by, body }: Section) {
        match (wanted_by, &mut self.incoming, &mut self.active) {
            (WantedBy::Incoming, Some(incoming), active) => {
                let left = match active {
                    Some(active) => active.reissue(&entry, body, &incoming.manifest),
                    None => Some(body),
                };
                if let Some(body) = left {
                    incoming.arrived.insert(entry.name, body);
                }
            }
            (WantedBy::Active, _, Some(active)) => active.fill(&entry, body),
            (WantedBy::Incoming, None, _) | (WantedBy::Active, _, None) => {}
        }
    }

    fn refuse_older(&self, key: KeyId, stated: &Position) -> Result<(), FeedError> {
        let sequence = stated.sequence;
        if self.replaced.is_some_and(|(known, chain)| sequence == known && stated.chain != chain) {
            return Err(FeedError::Equivocation { sequence });
        }
        let of_key = self.high_water.iter().find(|(known, _)| *known == key).map(|(_, sequence)| *sequence);
        let incoming = self.incoming.as_ref().map(|incoming| incoming.manifest.position.sequence);
        let replaced = self.replaced.map(|(sequence, _)| sequence);
        match of_key.max(incoming).max(replaced) {
            Some(known) if sequence < known => Err(FeedError::Older { sequence, known }),
            Some(_) | None => Ok(()),
        }
    }

    fn raise_high_water(&mut self, key: KeyId, sequence: u64) {
        match self.high_water.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = sequence.max(*known),
            None => self.high_water.push((key, sequence)),
        }
    }
}

/// The state that lacks a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantedBy {
    Incoming,
    Active,
}

/// A section that has arrived.
pub(crate) struct Section {
    entry: SectionEntry,
    wanted_by: WantedBy,
    body: Body,
}
