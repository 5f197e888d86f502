//! What an edge holds of one realm's ledger: manifest and deltas in, one [`Status`] out.
//!
//! ```text
//! apply(manifest) -> signature, time, sequence -> staged -> missing_sections() -> provide_section() -> state
//! apply(delta)    -> signature, time, sequence -> state          (and kept, for a manifest that completes later)
//! ```
//! Everything is checked before anything changes. A message that is refused leaves the state as it was, and a look-up in a
//! section that has not arrived answers [`Status::SectionUnavailable`], never [`Status::NotRevoked`].

mod bounds;
pub(crate) mod bucket;
pub(crate) mod delta;
pub(crate) mod epochs;
pub(crate) mod exact;
mod feed_key;
pub(crate) mod filter;
pub(crate) mod fingerprint;
mod history;
mod manifest;
mod position;
mod realm;
pub(crate) mod section;
pub(crate) mod shards;
mod slot;
pub(crate) mod staged;
mod state;
pub(crate) mod statement;
mod status;
pub(crate) mod versions;
pub(crate) mod wire;

pub use bounds::Bounds;
pub use feed_key::{FeedKey, KeyId};
pub use position::{Chain, Position};
pub use realm::RealmId;
pub use state::MAX_LIVE_ENTRIES;
pub use statement::peek_realm;
pub use status::{Level, Status, Subject};
pub use wire::{
    MAX_BANS, MAX_CLIENTS, MAX_CLIENT_ID_BYTES, MAX_DELTA_BYTES, MAX_GENERATIONS, MAX_JWKS_BYTES, MAX_MANIFEST_BYTES,
    MAX_SECTIONS, MAX_SECTION_BYTES, MAX_SEQUENCE,
};

use core::fmt;
use std::collections::BTreeSet;

use delta::{Delta, Reach};
use history::History;
use manifest::Manifest;
use section::{section_name, SectionEntry};
use slot::Body;
use staged::Staged;
use state::State;
use statement::{Statement, StatementKind};

use crate::error::FeedError;
use crate::time::UnixSeconds;

/// One realm's revocation state at an edge. Starts never loaded.
pub struct Revocations {
    realm: RealmId,
    feed_keys: Vec<FeedKey>,
    own: Bounds,
    active: Option<State>,
    staged: Option<Staged>,
    history: History,
    /// Greatest sequence taken from each key.
    high_water: Vec<(KeyId, u64)>,
    /// A staged manifest could not be completed from what was kept, so another one is needed.
    needs_manifest: bool,
}

/// What a manifest or delta did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The state's sequence afterwards; 0 when nothing is loaded.
    pub sequence: u64,
    /// What became of the message.
    pub effect: Effect,
}

/// What became of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The state moved on.
    Changed,
    /// Nothing new, but stated later: the state is fresher now.
    Renewed,
    /// Nothing new at all.
    AlreadyKnown,
    /// A manifest whose sections have to be fetched first; the state before it keeps serving.
    Staged,
}

/// What a section did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provided {
    /// Kept; more are needed before a staged manifest takes over, or a gap in the state has been filled.
    Stored,
    /// It was the last one missing: the staged manifest is now the state.
    Committed,
}

/// Sizes and counts of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts {
    /// Revoked token ids.
    pub token_ids: u64,
    /// Not-befores of users, sessions and client sessions.
    pub epochs: u64,
    /// Not-befores of clients.
    pub clients: u64,
    /// Banned keys.
    pub bans: u64,
    /// Minimum token versions.
    pub versions: u64,
    /// Sections named by the manifest.
    pub sections: u64,
    /// Of these, the ones that have not arrived.
    pub missing_sections: u64,
    /// Bytes of the sections held.
    pub section_bytes: u64,
    /// Changes held outside the sections.
    pub live_entries: u64,
    /// Chance that a token id that is not revoked is found in its bucket when that is full: the worst of the sections.
    pub error_rate: f64,
}

impl Revocations {
    /// A state for the realm that accepts messages signed under `feed_keys`. Nothing is loaded yet.
    #[must_use]
    pub fn new(realm: RealmId, feed_keys: Vec<FeedKey>, own: Bounds) -> Self {
        Self {
            realm,
            feed_keys,
            own,
            active: None,
            staged: None,
            history: History::default(),
            high_water: Vec::new(),
            needs_manifest: false,
        }
    }

    /// Whether the subject is revoked.
    #[must_use]
    pub fn status(&self, subject: &Subject<'_>) -> Status {
        self.active.as_ref().map_or(Status::SectionUnavailable, |state| state.status(self.realm, subject))
    }

    /// Whether the key with this RFC 7638 thumbprint is banned.
    #[must_use]
    pub fn bans(&self, thumbprint: &[u8; 32]) -> bool {
        self.active.as_ref().is_some_and(|state| state.exact.bans.contains(thumbprint))
    }

    /// The bounds to judge by: the smaller of the edge's own and the manifest's.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.active.as_ref().map_or(self.own, |state| self.own.within(&state.bounds))
    }

    /// Where the state stands; `None` as long as nothing was loaded.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.active.as_ref().map(|state| state.position)
    }

    /// The realm it belongs to.
    #[must_use]
    pub const fn realm(&self) -> RealmId {
        self.realm
    }

    /// The realm's JWKS, if the feed carries one.
    #[must_use]
    pub fn jwks(&self) -> Option<&[u8]> {
        self.active.as_ref()?.exact.jwks.as_deref()
    }

    /// Checks a manifest or delta and applies it, all or nothing.
    ///
    /// # Errors
    /// Whatever is wrong with the message; the state is as before.
    pub fn apply(&mut self, bytes: &[u8], now: UnixSeconds) -> Result<Applied, FeedError> {
        let statement = Statement::verify(bytes, self.realm, &self.feed_keys)?;
        statement.check_time(now, self.own.skew)?;
        let effect = match statement.kind {
            StatementKind::Manifest => self.apply_manifest(Manifest::decode(&statement)?, statement.key)?,
            StatementKind::Delta => self.apply_delta(Delta::decode(&statement, bytes.len())?, statement.key)?,
        };
        Ok(Applied { sequence: self.position().map_or(0, |position| position.sequence), effect })
    }

    /// SHA-256 names of the sections to fetch, those of a staged manifest first.
    #[must_use]
    pub fn missing_sections(&self) -> Vec<[u8; 32]> {
        let mut seen = BTreeSet::new();
        self.missing_entries().map(|(entry, _)| entry.name).filter(|name| seen.insert(*name)).collect()
    }

    /// Checks a section's length, hash and contents and takes it in.
    ///
    /// # Errors
    /// It is not wanted or broken; the state is as before.
    pub fn provide_section(&mut self, bytes: &[u8]) -> Result<Provided, FeedError> {
        if bytes.len() > MAX_SECTION_BYTES {
            return Err(FeedError::TooLong { length: bytes.len(), limit: MAX_SECTION_BYTES });
        }
        let name = section_name(bytes);
        let wanted = self.missing_entries().filter(|(entry, _)| entry.name == name);
        let wanted: Vec<_> = wanted.map(|(entry, wanted_by)| (*entry, wanted_by)).collect();
        if wanted.is_empty() {
            return Err(FeedError::UnknownSection);
        }
        let mut decoded = Vec::with_capacity(wanted.len());
        for (entry, wanted_by) in wanted {
            entry.check(bytes, &name)?;
            decoded.push((entry, wanted_by, Body::decode(bytes, &entry, self.shards(&entry, wanted_by))?));
        }
        for (entry, wanted_by, body) in decoded {
            match (wanted_by, &mut self.staged, &mut self.active) {
                (WantedBy::Staged, Some(staged), _) => {
                    staged.arrived.insert(entry.name, body);
                }
                (WantedBy::Active, _, Some(active)) => active.fill(&entry, body),
                (WantedBy::Staged, None, _) | (WantedBy::Active, _, None) => {}
            }
        }
        Ok(if self.commit_if_ready() { Provided::Committed } else { Provided::Stored })
    }

    /// Drops what can no longer refuse anything.
    pub fn forget_expired(&mut self, now: UnixSeconds) {
        if let Some(active) = &mut self.active {
            active.forget_expired(now);
        }
        if let Some(staged) = &mut self.staged {
            staged.forget_expired(now);
            self.commit_if_ready();
        }
    }

    /// Whether it is time to pull a manifest: changes held outside the sections have outgrown them.
    #[must_use]
    pub fn wants_manifest(&self) -> bool {
        let outgrown = self.active.as_ref().is_some_and(State::is_outgrown);
        self.needs_manifest || (self.staged.is_none() && outgrown)
    }

    /// Sizes and counts.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.active.as_ref().map(State::facts).unwrap_or_default()
    }

    fn apply_manifest(&mut self, manifest: Manifest, key: KeyId) -> Result<Effect, FeedError> {
        let stated = manifest.position;
        if let Some(staged) = &self.staged {
            let known = staged.manifest.position;
            if stated.sequence == known.sequence && stated.chain != known.chain {
                return Err(FeedError::Equivocation { sequence: stated.sequence });
            }
            if stated.sequence == known.sequence && stated.issued_at <= known.issued_at {
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
            self.refuse_older(key, stated.sequence)?;
        }
        self.raise_high_water(key, stated.sequence);
        let mut arrived = self.staged.take().map(|staged| staged.arrived).unwrap_or_default();
        arrived.retain(|name, _| manifest.sections.iter().any(|entry| entry.name == *name));
        self.staged = Some(Staged { manifest, arrived });
        self.needs_manifest = false;
        Ok(match (self.commit_if_ready(), renewed) {
            (true, _) => Effect::Changed,
            (false, true) => Effect::Renewed,
            (false, false) => Effect::Staged,
        })
    }

    /// A manifest of a sequence that deltas have already led past, or to, is of use when changes have outgrown the
    /// sections, and the kept deltas lead from it to where we are; one of our very sequence also when it says something else.
    fn can_fold(&self, manifest: &Manifest, renewed: bool) -> bool {
        let Some(active) = &self.active else { return true };
        let ours = active.position;
        let is_outgrown = self.needs_manifest || active.is_outgrown();
        let says_else = renewed && (active.bounds != manifest.bounds || active.missing().next().is_some());
        let is_ours = manifest.position.sequence == ours.sequence;
        let leads_here = self.history.chain_at(manifest.position.sequence) == Some(manifest.position.chain)
            && self.history.tip(&manifest.position).sequence == ours.sequence;
        let staged_is_later =
            self.staged.as_ref().is_some_and(|staged| staged.manifest.position.sequence > manifest.position.sequence);
        leads_here && !staged_is_later && (is_outgrown || (is_ours && says_else))
    }

    fn apply_delta(&mut self, delta: Delta, key: KeyId) -> Result<Effect, FeedError> {
        let to = delta.position;
        let Some(active) = &self.active else { return Err(FeedError::Gap { from: delta.from, known: 0 }) };
        let ours = active.position;
        self.check_chains(&delta)?;
        if to.sequence == ours.sequence && delta.reach == Reach::Head && to.issued_at > ours.issued_at {
            self.active.iter_mut().for_each(|active| active.renew(&to));
            self.raise_high_water(key, to.sequence);
            return Ok(Effect::Renewed);
        }
        if to.sequence <= ours.sequence {
            return Ok(Effect::AlreadyKnown);
        }
        let extends_active = delta.from <= ours.sequence;
        let tip = self.staged.as_ref().map(|staged| self.history.tip(&staged.manifest.position));
        let extends_staged = tip.is_some_and(|tip| delta.from <= tip.sequence && to.sequence > tip.sequence);
        if !extends_active && !extends_staged {
            return match tip {
                Some(tip) if to.sequence <= tip.sequence => Ok(Effect::AlreadyKnown),
                Some(_) | None => Err(FeedError::Gap { from: delta.from, known: ours.sequence }),
            };
        }
        if let Some(staged) = self.staged.as_ref().filter(|_| extends_staged) {
            let kept = self.history.onward(&staged.manifest.position).map(|delta| &delta.changes);
            staged.check(kept.chain(core::iter::once(&delta.changes)))?;
        }
        if let Some(active) = self.active.as_mut().filter(|_| extends_active) {
            active.check(&delta.changes)?;
            active.apply(&delta);
            self.history.remember(&active.position);
        }
        self.history.keep(delta);
        self.raise_high_water(key, to.sequence);
        let committed = self.commit_if_ready();
        Ok(if extends_active || committed { Effect::Changed } else { Effect::Staged })
    }

    /// Holds both ends of a delta against every chain hash known for the same sequence.
    fn check_chains(&self, delta: &Delta) -> Result<(), FeedError> {
        let staged = self.staged.as_ref().map(|staged| &staged.manifest.position);
        for (sequence, chain) in [(delta.from, delta.chain_from), (delta.position.sequence, delta.position.chain)] {
            let staged = staged.filter(|position| position.sequence == sequence).map(|position| position.chain);
            let tip = self.staged.as_ref().map(|staged| self.history.tip(&staged.manifest.position));
            let tip = tip.filter(|tip| tip.sequence == sequence).map(|tip| tip.chain);
            let known = [self.history.chain_at(sequence), staged, tip];
            if known.into_iter().flatten().any(|known| known != chain) {
                return Err(FeedError::Equivocation { sequence });
            }
        }
        Ok(())
    }

    /// Makes the staged manifest the state once nothing is missing that is answered now.
    fn commit_if_ready(&mut self) -> bool {
        let ready = self.staged.as_ref().is_some_and(|staged| staged.is_ready(self.active.as_ref()));
        let Some(staged) = self.staged.take_if(|_| ready) else { return false };
        let ours = self.position();
        let start = staged.manifest.position;
        let leads_here = ours.is_none_or(|ours| self.history.tip(&start).sequence >= ours.sequence);
        let kept = self.history.onward(&start).map(|delta| &delta.changes);
        if !leads_here || staged.check(kept).is_err() {
            // So much came meanwhile that the deltas leading from there to here are no longer kept.
            self.needs_manifest = true;
            return false;
        }
        let mut state = staged.into_state(self.active.take());
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

    fn missing_entries(&self) -> impl Iterator<Item = (&SectionEntry, WantedBy)> {
        let active = self.active.as_ref();
        let staged = self.staged.iter().flat_map(move |staged| staged.missing(active));
        let of_active = active.into_iter().flat_map(State::missing).map(|entry| (entry, WantedBy::Active));
        staged.map(|entry| (entry, WantedBy::Staged)).chain(of_active)
    }

    /// How many sections of its kind the manifest has that wants this one.
    fn shards(&self, entry: &SectionEntry, wanted_by: WantedBy) -> usize {
        match (wanted_by, &self.staged, &self.active) {
            (WantedBy::Staged, Some(staged), _) => staged.manifest.of_kind(entry.kind).count(),
            (WantedBy::Active, _, Some(active)) => active.entries().filter(|other| other.kind == entry.kind).count(),
            (WantedBy::Staged, None, _) | (WantedBy::Active, _, None) => 0,
        }
    }

    fn refuse_older(&self, key: KeyId, sequence: u64) -> Result<(), FeedError> {
        let of_key = self.high_water.iter().find(|(known, _)| *known == key).map(|(_, sequence)| *sequence);
        let staged = self.staged.as_ref().map(|staged| staged.manifest.position.sequence);
        match of_key.max(staged) {
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

impl fmt::Debug for Revocations {
    /// Where it stands; none of the names in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Revocations");
        shown.field("realm", &self.realm).field("position", &self.position()).finish_non_exhaustive()
    }
}

/// Who lacks a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WantedBy {
    Staged,
    Active,
}
