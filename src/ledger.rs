//! The origin's side of one realm: revocation events in, rows for the store and signed feed bytes out.
//!
//! ```text
//! stage(event) -> Row, for the store -> commit() or abort()
//! restore(row) ... or restore_page(rows) ..., restore_head()    after a start, from the store
//! manifest(), section(), delta(), heartbeat() -> signed bytes  only of what was committed
//! ```
//! The ledger has neither clock nor store: `now` is an argument, and rows are durable when the caller says so by committing.

mod blocks;
mod bounds_history;
mod chain;
mod change_log;
mod delta_builder;
mod dirty_shards;
mod entropy;
mod event;
mod event_time;
pub mod key;
mod minimum_versions;
mod not_befores;
mod page;
mod publish;
mod published_sections;
mod record;
mod section_build;
mod settings;
mod stage;
mod state;
mod stats;
mod token_ids;
mod writer;

pub use crate::name::MAX_NAME_BYTES;
pub use change_log::RECENT_CHANGES;
pub use event::{Correction, Event, NotBefore};
pub use event_time::{Clocks, TimeTaken, MAX_SOURCE_LEAD_SECONDS, SESSION_GRACE_SECONDS};
pub use page::RowPage;
pub use publish::Stretch;
pub use published_sections::{RECENT_SECTIONS_BYTES, RECENT_SECTIONS_SECONDS};
pub use settings::{LedgerSettings, MAX_LIFETIME_SECONDS};
pub use stage::MAX_CLIENTS_BYTES;
pub use stats::LedgerStats;

use core::fmt;
use std::collections::BTreeMap;

use change_log::{ChangeLog, Head};
use key::SigningKey;
use published_sections::PublishedSections;
use record::Record;
use stage::{About, StagedEvent};
use state::{Generation, LedgerState, Recorded};

use crate::error::LedgerError;
use crate::revocation::lookup::fingerprint::{HashKey, NameHash};
use crate::revocation::lookup::versions::user_key;
use crate::revocation::position::INCARNATION_SHIFT;
use crate::revocation::wire::reader::MAX_SEQUENCE;
use crate::revocation::{Chain, Level, RealmId, Subject};
use crate::time::UnixSeconds;

/// One realm's revocations, exact, with everything needed to publish them.
pub struct Ledger {
    settings: LedgerSettings,
    state: LedgerState,
    head: Head,
    /// The last row restored, and whether anything was committed since the start.
    last_row: Option<Head>,
    phase: Phase,
    changes: ChangeLog,
    staged: Vec<StagedEvent>,
    /// The greatest staged value for each subject.
    staged_values: BTreeMap<About, u64>,
    sections: PublishedSections,
}

/// Rows are restored first; from the first event on, none are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Restoring,
    Running,
}

impl fmt::Debug for Ledger {
    /// Where it stands; none of the names in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ledger").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A recorded event, for the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number, one more than the row before.
    pub sequence: u64,
    /// From then on the store may drop it; `None`: never.
    pub keep_until: Option<UnixSeconds>,
    /// The event in canonical form, everything decided. Contains names (token ids, subjects).
    pub payload: Vec<u8>,
    /// The ledger's chain hash after it.
    pub chain: Chain,
}

/// An event that is staged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// The row to store; `None`: it refuses nothing that is not refused already, or that could still be accepted anywhere.
    pub row: Option<Row>,
    /// How the time that came with it was used.
    pub time: TimeTaken,
}

impl fmt::Debug for Row {
    /// All but the payload, which has names in it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Row");
        shown.field("sequence", &self.sequence).field("keep_until", &self.keep_until).field("chain", &self.chain);
        shown.finish_non_exhaustive()
    }
}

impl Ledger {
    /// An empty ledger. Draws the hash key under which this run's sections are built.
    ///
    /// # Errors
    /// A setting out of range, or no random bytes from the host.
    pub fn new(settings: LedgerSettings) -> Result<Self, LedgerError> {
        settings.check()?;
        let realm = RealmId::of(&settings.issuer);
        let base = base_of(realm, settings.incarnation);
        let state = LedgerState::new(realm, draw_generation(realm, base.sequence, &[])?);
        Ok(Self {
            settings,
            state,
            head: base,
            last_row: None,
            phase: Phase::Restoring,
            changes: ChangeLog::new(base),
            staged: Vec::new(),
            staged_values: BTreeMap::new(),
            sections: PublishedSections::default(),
        })
    }

    /// Takes a row back in. Rows come in order of sequence; gaps are rows that have expired. The chain is verified wherever
    /// the row before is there.
    ///
    /// # Errors
    /// Names the row that does not fit; the ledger is of no use then.
    pub fn restore(&mut self, row: &Row) -> Result<(), LedgerError> {
        self.restore_row(row.sequence, &row.payload, row.chain)
    }

    /// Takes a page of rows back in, one after the other as [`Ledger::restore`] does.
    ///
    /// # Errors
    /// Names the row that does not fit, or the page contradicts itself; the ledger is of no use then.
    pub fn restore_page(&mut self, page: RowPage<'_>) -> Result<(), LedgerError> {
        page.rows()?.try_for_each(|(sequence, payload, chain)| self.restore_row(sequence, payload, chain))
    }

    fn restore_row(&mut self, sequence: u64, payload: &[u8], chain: Chain) -> Result<(), LedgerError> {
        self.check_order(sequence)?;
        let incarnation = sequence >> INCARNATION_SHIFT;
        let base = base_of(self.state.realm, incarnation);
        let previous = self.last_row.into_iter().chain([base]).find(|previous| previous.sequence + 1 == sequence);
        if previous.is_some_and(|previous| chain::next(previous.chain, payload) != chain) {
            return Err(LedgerError::BrokenChain { sequence });
        }
        let record = Record::decode(payload).map_err(|_| LedgerError::UnreadableRow { sequence })?;
        let row = Head { sequence, chain };
        let recorded = self.state.record(&record, sequence);
        self.last_row = Some(row);
        if incarnation == self.settings.incarnation {
            self.advance(row, recorded);
            self.start_generations_here();
        }
        Ok(())
    }

    /// Takes the head back in, after the rows: rows at the end may have expired.
    ///
    /// # Errors
    /// The head is below the last row, contradicts it, or is of a later incarnation.
    pub fn restore_head(&mut self, sequence: u64, chain: Chain) -> Result<(), LedgerError> {
        let incarnation = sequence >> INCARNATION_SHIFT;
        let base = base_of(self.state.realm, incarnation);
        let head = Head { sequence, chain };
        match self.last_row.filter(|last| last.sequence >= sequence) {
            Some(last) if last == head => {}
            Some(last) if last.sequence == sequence => return Err(LedgerError::BrokenChain { sequence }),
            Some(last) => return Err(LedgerError::OutOfOrder { sequence, last: last.sequence }),
            None => self.check_order(sequence)?,
        }
        if sequence == base.sequence && chain != base.chain {
            return Err(LedgerError::BrokenChain { sequence });
        }
        if incarnation == self.settings.incarnation {
            self.head = head;
            self.start_generations_here();
        }
        Ok(())
    }

    /// Puts everything staged in force. Call it once the rows are durable.
    pub fn commit(&mut self) {
        self.staged_values.clear();
        for StagedEvent { head, payload, generation } in core::mem::take(&mut self.staged) {
            // It was encoded here.
            let Ok(record) = Record::decode(&payload) else { continue };
            let recorded = self.state.record(&record, head.sequence);
            if let Some(generation) = generation {
                self.state.rekey_epochs(generation);
            }
            self.advance(head, recorded);
        }
    }

    /// Forgets everything staged. Call it when the rows could not be stored.
    pub fn abort(&mut self) {
        self.staged.clear();
        self.staged_values.clear();
    }

    /// Sequence and chain hash of the last committed event.
    #[must_use]
    pub const fn head(&self) -> (u64, Chain) {
        (self.head.sequence, self.head.chain)
    }

    /// The chain hash at a sequence of the past, or at the head; `None` when it is not known any more, or never was. What
    /// an edge acknowledges is held against it.
    #[must_use]
    pub fn chain_at(&self, sequence: u64) -> Option<Chain> {
        let is_head = sequence == self.head.sequence;
        is_head.then_some(self.head.chain).or_else(|| self.changes.chain_at(sequence))
    }

    /// The realm whose ledger this is.
    #[must_use]
    pub const fn realm(&self) -> RealmId {
        self.state.realm
    }

    /// The key that signs the feed.
    #[must_use]
    pub const fn signing_key(&self) -> &SigningKey {
        &self.settings.signing_key
    }

    /// Signs by another key from now on. Edges must have both pinned until everything signed by the one before has expired.
    pub fn set_signing_key(&mut self, key: SigningKey) {
        self.settings.signing_key = key;
    }

    /// The widest level at which a token is refused: exact but for token ids, which are known by 48 bits of a keyed hash
    /// within their bucket.
    #[must_use]
    pub fn refuses(&self, subject: &Subject<'_>) -> Option<Level> {
        self.state.refuses(subject)
    }

    /// The user's not-before: an issuer mints tokens with a later `iat` only.
    #[must_use]
    pub fn user_not_before(&self, sub: &str) -> Option<UnixSeconds> {
        Some(self.state.not_before(record::SubjectName::User(sub))).filter(|at| *at > 0).map(UnixSeconds::new)
    }

    /// The least version of the user's tokens that still counts; 0 when none was set. An issuer mints no lower one.
    #[must_use]
    pub fn minimum_version(&self, sub: &str) -> u64 {
        self.state.minimum_versions.get(&user_key(self.state.realm, sub))
    }

    /// Whether the key with this RFC 7638 thumbprint is banned.
    #[must_use]
    pub fn bans(&self, thumbprint: &[u8; 32]) -> bool {
        self.state.exact.bans.contains_key(thumbprint)
    }

    /// The realm's JWKS in the feed; `None`: the feed carries none.
    #[must_use]
    pub fn jwks(&self) -> Option<&[u8]> {
        self.state.exact.jwks.as_deref()
    }

    /// Drops from memory what can no longer refuse anything; answers how many entries. The store drops rows by their
    /// `keep_until`.
    pub fn prune(&mut self, now: UnixSeconds) -> usize {
        let bounds = self.settings.bounds;
        let not_befores = self.state.not_befores.drop_over(bounds.kept_for(), now);
        let token_ids = self.state.token_ids.drop_over(&bounds, now, &mut self.sections);
        self.sections.sweep(now);
        not_befores + token_ids
    }

    fn advance(&mut self, head: Head, recorded: Recorded) {
        self.head = head;
        match recorded {
            Recorded::Added(change) => self.changes.push(head, change),
            Recorded::TakenBack => self.changes.restart(head),
        }
    }

    fn check_order(&self, sequence: u64) -> Result<(), LedgerError> {
        let last = self.last_row.map_or(0, |last| last.sequence);
        let is_first = self.last_row.is_none() && self.phase == Phase::Restoring;
        if sequence > MAX_SEQUENCE || sequence >> INCARNATION_SHIFT > self.settings.incarnation {
            return Err(LedgerError::LaterIncarnation { sequence });
        }
        if self.phase == Phase::Running || (sequence <= last && !is_first) {
            return Err(LedgerError::OutOfOrder { sequence, last });
        }
        Ok(())
    }

    /// Edges beyond the head cannot be: nothing was published in this run yet.
    fn start_generations_here(&mut self) {
        self.state.of_tokens.born_at = self.head.sequence;
        self.state.of_epochs.born_at = self.head.sequence;
    }
}

/// Where an incarnation begins.
fn base_of(realm: RealmId, incarnation: u64) -> Head {
    Head { sequence: incarnation << INCARNATION_SHIFT, chain: chain::genesis(realm, incarnation) }
}

/// A new hash key, under a number not `taken`.
fn draw_generation(realm: RealmId, born_at: u64, taken: &[u32]) -> Result<Generation, LedgerError> {
    loop {
        // Random too, so that two runs never call two keys by one number.
        let number = u32::from_le_bytes(entropy::random()?);
        if number != 0 && !taken.contains(&number) {
            let hash = NameHash::new(HashKey(entropy::random()?), realm);
            return Ok(Generation { number, hash, born_at });
        }
    }
}
