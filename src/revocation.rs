//! What an edge holds of one realm's ledger: manifest and deltas in, one [`Status`] out.

mod bounds;
mod feed_key;
mod position;
mod realm;
mod status;

pub use bounds::Bounds;
pub use feed_key::{FeedKey, KeyId};
pub use position::{Chain, Position};
pub use realm::RealmId;
pub use status::{Level, Status, Subject};

use crate::error::FeedError;
use crate::time::UnixSeconds;

/// One realm's revocation state at an edge. Starts never loaded.
#[derive(Debug)]
pub struct Revocations {
    realm: RealmId,
    own: Bounds,
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

/// Reads realm and sequence of a message without checking its signature: only good for deciding whether to look closer.
///
/// # Errors
/// No feed message, or one of a later major version.
pub fn peek_realm(_bytes: &[u8]) -> Result<(RealmId, u64), FeedError> {
    Err(FeedError::Truncated)
}

impl Revocations {
    /// A state for the realm that accepts messages signed under `feed_keys`. Nothing is loaded yet.
    #[must_use]
    pub fn new(realm: RealmId, _feed_keys: Vec<FeedKey>, own: Bounds) -> Self {
        Self { realm, own }
    }

    /// The realm it belongs to.
    #[must_use]
    pub const fn realm(&self) -> RealmId {
        self.realm
    }

    /// Whether the subject is revoked.
    #[must_use]
    pub fn status(&self, _subject: &Subject<'_>) -> Status {
        Status::SectionUnavailable
    }

    /// Whether the key with this RFC 7638 thumbprint is banned.
    #[must_use]
    pub fn bans(&self, _thumbprint: &[u8; 32]) -> bool {
        false
    }

    /// The bounds to judge by: the smaller of the edge's own and the manifest's.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.own
    }

    /// Where the state stands; `None` as long as nothing was loaded.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        None
    }

    /// Checks a manifest or delta and applies it, all or nothing.
    ///
    /// # Errors
    /// Whatever is wrong with the message; the state is as before.
    pub fn apply(&mut self, _bytes: &[u8], _now: UnixSeconds) -> Result<Applied, FeedError> {
        Err(FeedError::Truncated)
    }

    /// SHA-256 names of the sections to fetch, those of a staged manifest first.
    #[must_use]
    pub fn missing_sections(&self) -> Vec<[u8; 32]> {
        Vec::new()
    }

    /// Checks a section's length, hash and contents and takes it in.
    ///
    /// # Errors
    /// It is not wanted or broken; the state is as before.
    pub fn provide_section(&mut self, _bytes: &[u8]) -> Result<Provided, FeedError> {
        Err(FeedError::UnknownSection)
    }

    /// Drops what can no longer refuse anything.
    pub fn forget_expired(&mut self, _now: UnixSeconds) {}

    /// Whether it is time to pull a manifest: changes held outside the sections have outgrown them.
    #[must_use]
    pub fn wants_manifest(&self) -> bool {
        false
    }

    /// The realm's JWKS, if the feed carries one.
    #[must_use]
    pub fn jwks(&self) -> Option<&[u8]> {
        None
    }

    /// Sizes and counts.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::default()
    }
}
