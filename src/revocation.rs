//! One realm's revocation state at an edge: applies manifests and deltas, and returns a [`Status`] for a token.
//!
//! ```text
//! apply(manifest) -> signature, time, sequence -> incoming -> missing_sections() -> provide_section() -> state
//! apply(delta)    -> signature, time, sequence -> state          (and kept, for a manifest that completes later)
//! ```
//! Everything is checked before anything changes. A refused message leaves the state as it was, and a lookup in a
//! section that has not arrived returns [`Status::SectionUnavailable`], never [`Status::NotRevoked`].

mod bounds;
pub(crate) mod position;
mod realm_id;
mod stats;
mod status;

// In this order: each module imports only those above it.
pub(crate) mod wire;

pub(crate) mod lookup;

pub(crate) mod message;

mod state;

mod update;

pub use bounds::Bounds;
pub use message::feed_key::{FeedKey, KeyId};
pub use message::form::Form;
pub use message::statement::peek_realm;
pub use position::{Chain, Position};
pub use realm_id::RealmId;
pub use state::MAX_LIVE_ENTRIES;
pub use stats::StateStats;
pub use status::{GrantNames, Level, Status, Subject};
pub use update::marks::Marks;
pub use wire::reader::{
    MAX_BANS, MAX_CLIENTS, MAX_CLIENT_ID_BYTES, MAX_DELTA_BYTES, MAX_GENERATIONS, MAX_JWKS_BYTES, MAX_KEY_NOT_BEFORES,
    MAX_MANIFEST_BYTES, MAX_SECTIONS, MAX_SECTION_BYTES, MAX_SEQUENCE,
};
pub use wire::stated_policy::StatedPolicy;

use core::fmt;

use message::delta::Delta;
use message::manifest::Manifest;
use message::statement::{Statement, StatementKind};
use state::State;
use update::history::History;
use update::incoming::IncomingManifest;
use wire::section::section_name;

use crate::error::FeedError;
use crate::time::{Seconds, UnixSeconds};

/// How often applying a message also drops expired entries: once a minute, since the walk over all live entries is
/// short.
const FORGET_EVERY: Seconds = Seconds::new(60);

/// One realm's revocation state at an edge. Initially nothing is loaded.
pub struct Revocations {
    realm: RealmId,
    feed_keys: Vec<FeedKey>,
    own: Bounds,
    active: Option<State>,
    incoming: Option<IncomingManifest>,
    history: History,
    /// Greatest sequence accepted from each key.
    high_water: Vec<(KeyId, u64)>,
    /// Sequence and chain hash of the lost state that this one replaces.
    replaced: Option<(u64, Chain)>,
    /// The time at which to drop expired entries next.
    forget_at: UnixSeconds,
    /// An incoming manifest could not be completed with the deltas that were kept, so another one is needed.
    needs_manifest: bool,
}

/// The outcome of a manifest or delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The state's sequence afterwards; 0 when nothing is loaded.
    pub sequence: u64,
    /// The effect of the message.
    pub effect: Effect,
}

/// The effect of an accepted message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The state advanced.
    Changed,
    /// The state advanced, but not to the ledger's head: fetch more deltas.
    ChangedInPart,
    /// Nothing new, but signed later: the state is fresher now.
    Renewed,
    /// Nothing new at all.
    AlreadyKnown,
    /// The manifest is staged: its sections have to be fetched first, and the earlier state keeps serving.
    Staged,
}

/// The outcome of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provided {
    /// Stored: it filled a gap in the state, or an incoming manifest still lacks others.
    Stored,
    /// The last missing section: the incoming manifest has become the state.
    Committed,
}

impl Revocations {
    /// Creates a state for the realm that accepts messages signed with `feed_keys`. Nothing is loaded yet.
    #[must_use]
    pub fn new(realm: RealmId, feed_keys: Vec<FeedKey>, own: Bounds) -> Self {
        Self {
            realm,
            feed_keys,
            own,
            active: None,
            incoming: None,
            history: History::default(),
            high_water: Vec::new(),
            replaced: None,
            forget_at: UnixSeconds::ZERO,
            needs_manifest: false,
        }
    }

    /// The position of this state, for a later one to resume from.
    #[must_use]
    pub fn marks(&self) -> Marks {
        let last = self.position().map(|position| (position.sequence, position.chain)).or(self.replaced);
        Marks { last, high_water: self.high_water.clone() }
    }

    /// Resumes from the marks of a lost state. Older manifests are refused, and so is another history of the same
    /// sequence. The state itself has to be loaded again.
    pub fn resume(&mut self, marks: Marks) {
        self.replaced = marks.last;
        self.high_water = marks.high_water;
    }

    /// Whether the subject is revoked.
    #[must_use]
    pub fn status(&self, subject: &Subject<'_>) -> Status {
        self.active.as_ref().map_or(Status::SectionUnavailable, |state| state.status(self.realm, subject))
    }

    /// Whether the key with this RFC 7638 thumbprint is banned.
    #[must_use]
    pub fn bans(&self, thumbprint: &[u8; 32]) -> bool {
        self.active.as_ref().is_some_and(|state| state.exact.bans.contains_key(thumbprint))
    }

    /// The bounds in force: the smallest of the edge's own, the manifest's and those of later deltas.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.active.as_ref().map_or(self.own, |state| self.own.within(&state.bounds.and(&state.new_bounds)))
    }

    /// The state's position; `None` until something is loaded.
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

    /// The digests of the policy that the origin records with, if it has stated them.
    #[must_use]
    pub fn stated_policy(&self) -> Option<&StatedPolicy> {
        self.active.as_ref()?.policy.as_ref()
    }

    /// The lowest form of the statements that the state was built from; `None` until something is loaded.
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.active.as_ref().map(|state| state.form)
    }

    /// Checks a manifest or delta and applies it, all or nothing. Once a minute this also drops expired entries, so
    /// `now` must never go back.
    ///
    /// # Errors
    /// The message is refused; the state is unchanged.
    pub fn apply(&mut self, bytes: &[u8], now: UnixSeconds) -> Result<Applied, FeedError> {
        let statement = Statement::verify(bytes, self.realm, &self.feed_keys)?;
        statement.check_time(now, self.own.skew)?;
        let mut effect = match statement.kind {
            StatementKind::Manifest => self.apply_manifest(Manifest::decode(&statement)?, statement.key)?,
            StatementKind::Delta => self.apply_delta(Delta::decode(&statement, bytes.len())?, statement.key)?,
        };
        if now >= self.forget_at && self.forget_expired(now) {
            effect = Effect::Changed;
        }
        Ok(Applied { sequence: self.position().map_or(0, |position| position.sequence), effect })
    }

    /// Checks a section's length, hash and contents and stores it.
    ///
    /// # Errors
    /// The section is not missing here, or broken; the state is unchanged.
    pub fn provide_section(&mut self, bytes: impl Into<Vec<u8>>) -> Result<Provided, FeedError> {
        let bytes = bytes.into();
        if bytes.len() > MAX_SECTION_BYTES {
            return Err(FeedError::TooLong { length: bytes.len(), limit: MAX_SECTION_BYTES });
        }
        let name = section_name(&bytes);
        self.provide_section_hashed_by_host(bytes, name)
    }

    /// Like [`Revocations::provide_section`], for bytes whose SHA-256 the host has computed, which is faster there.
    ///
    /// # Errors
    /// As for [`Revocations::provide_section`].
    pub fn provide_section_hashed_by_host(&mut self, bytes: Vec<u8>, name: [u8; 32]) -> Result<Provided, FeedError> {
        let mut wanted = self.wanted_as(&name);
        let last = wanted.pop().ok_or(FeedError::UnknownSection)?;
        let mut decoded = Vec::with_capacity(wanted.len() + 1);
        for (entry, wanted_by) in wanted {
            decoded.push(self.decode(bytes.clone(), entry, wanted_by)?);
        }
        let (entry, wanted_by) = last;
        decoded.push(self.decode(bytes, entry, wanted_by)?);
        decoded.into_iter().for_each(|section| self.store_section(section));
        Ok(if self.commit_if_ready() { Provided::Committed } else { Provided::Stored })
    }

    /// Drops entries whose tokens have all expired. `now` must never go back. Returns whether this completed an
    /// incoming manifest, because all sections that it still lacked had expired.
    pub fn forget_expired(&mut self, now: UnixSeconds) -> bool {
        self.forget_at = now.plus(FORGET_EVERY);
        if let Some(active) = &mut self.active {
            active.forget_expired(now);
        }
        if let Some(incoming) = &mut self.incoming {
            incoming.forget_expired(now);
        }
        self.commit_if_ready()
    }

    /// Whether a manifest should be fetched: changes held outside the sections have outgrown them, the origin has
    /// changed its bounds, or it makes statements of a later form than those that the state was built from.
    #[must_use]
    pub fn wants_manifest(&self) -> bool {
        let wanted = self.active.as_ref().is_some_and(State::wants_manifest);
        self.needs_manifest || (self.incoming.is_none() && wanted)
    }

    /// Sizes and counts.
    #[must_use]
    pub fn stats(&self) -> StateStats {
        self.active.as_ref().map(State::stats).unwrap_or_default()
    }
}

impl fmt::Debug for Revocations {
    /// Prints the position and no names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Revocations");
        shown.field("realm", &self.realm).field("position", &self.position()).finish_non_exhaustive()
    }
}
