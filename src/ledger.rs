//! The origin's side of one realm: turns revocation events into rows for the store and signed feed bytes.
//!
//! ```text
//! stage(event) -> Row, for the store -> commit() or abort()
//! restore(row) ... or restore_page(rows) ..., restore_head()    after a start, from the store
//! manifest(), section(), delta(), heartbeat() -> signed bytes  of the committed state only
//! ```
//! The ledger has neither a clock nor a store: `now` is an argument, and by committing the caller states that the rows
//! are durable.

mod blocks;
mod bounds_history;
mod chain;
mod change_log;
mod delta_builder;
mod dirty_shards;
mod entropy;
mod epoch_section;
mod event;
mod event_time;
mod grant_users;
pub mod key;
mod lookup;
mod minimum_versions;
mod not_befores;
mod page;
mod publish;
mod published_sections;
mod record;
mod room;
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
pub use publish::{SignedDelta, Stretch};
pub use published_sections::{RECENT_SECTIONS_BYTES, RECENT_SECTIONS_SECONDS};
pub use room::MAX_CLIENTS_BYTES;
pub use settings::{LedgerSettings, MAX_LIFETIME_SECONDS};
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
use crate::revocation::position::INCARNATION_SHIFT;
use crate::revocation::wire::reader::MAX_SEQUENCE;
use crate::revocation::{Chain, RealmId};
use crate::time::UnixSeconds;

/// One realm's revocations, exact, and everything needed to publish them.
pub struct Ledger {
    settings: LedgerSettings,
    state: LedgerState,
    head: Head,
    /// The last restored row.
    last_row: Option<Head>,
    phase: Phase,
    changes: ChangeLog,
    staged: Vec<StagedEvent>,
    /// The greatest staged value for each subject.
    staged_values: BTreeMap<About, u64>,
    sections: PublishedSections,
}

/// Rows are restored first. From the first event on, none are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Restoring,
    Running,
}

impl fmt::Debug for Ledger {
    /// Prints the head and no names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ledger").field("head", &self.head).finish_non_exhaustive()
    }
}

/// A recorded event, for the store.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's number, one more than the previous row's.
    pub sequence: u64,
    /// When the store may drop it; `None`: never.
    pub keep_until: Option<UnixSeconds>,
    /// The event in canonical form, with every decision made. Contains names (token ids, subjects).
    pub payload: Vec<u8>,
    /// The ledger's chain hash after it.
    pub chain: Chain,
}

/// The result of staging an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// The row to store; `None`: the event would refuse no acceptable token that is not refused already.
    pub row: Option<Row>,
    /// How the event's own time was used.
    pub time: TimeTaken,
}

impl fmt::Debug for Row {
    /// Leaves out the payload, which contains names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Row");
        shown.field("sequence", &self.sequence).field("keep_until", &self.keep_until).field("chain", &self.chain);
        shown.finish_non_exhaustive()
    }
}

impl Ledger {
    /// Creates an empty ledger. Draws the hash key of this run's sections.
    ///
    /// # Errors
    /// A setting is out of range, or the host has no random bytes.
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

    /// Restores a row. Rows come in order of sequence; a gap means that rows have expired. The chain is verified
    /// wherever the previous row is present.
    ///
    /// # Errors
    /// Names the invalid row; the ledger must not be used then.
    pub fn restore(&mut self, row: &Row) -> Result<(), LedgerError> {
        self.restore_row(row.sequence, &row.payload, row.chain)
    }

    /// Restores a page of rows, each as [`Ledger::restore`] does.
    ///
    /// # Errors
    /// Names the invalid row, or the page is inconsistent; the ledger must not be used then.
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

    /// Restores the head, after the rows: the last rows may have expired.
    ///
    /// # Errors
    /// The head is below the last row, contradicts it, or belongs to a later incarnation.
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

    /// Puts all staged events in force. Call it once their rows are durable.
    pub fn commit(&mut self) {
        self.staged_values.clear();
        for StagedEvent { head, payload, generation } in core::mem::take(&mut self.staged) {
            // The ledger encoded the payload itself, so it decodes.
            let Ok(record) = Record::decode(&payload) else { continue };
            let recorded = self.state.record(&record, head.sequence);
            if let Some(generation) = generation {
                self.state.rekey_epochs(generation);
            }
            self.advance(head, recorded);
        }
    }

    /// Discards all staged events. Call it if their rows could not be stored.
    pub fn abort(&mut self) {
        self.staged.clear();
        self.staged_values.clear();
    }

    /// Sequence and chain hash of the last committed event.
    #[must_use]
    pub const fn head(&self) -> (u64, Chain) {
        (self.head.sequence, self.head.chain)
    }

    /// The chain hash at the head or at a past sequence; `None` if it is unknown or no longer kept. Edges'
    /// acknowledgements are checked against it.
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

    /// Signs with another key from now on. Edges must have both pinned until everything signed with the old one has
    /// expired.
    pub fn set_signing_key(&mut self, key: SigningKey) {
        self.settings.signing_key = key;
    }

    /// Drops expired entries from memory and returns their number. The store drops rows by their `keep_until`.
    pub fn prune(&mut self, now: UnixSeconds) -> usize {
        let bounds = self.settings.bounds;
        let kept_for = bounds.kept_for();
        let not_befores = self.state.not_befores.drop_over(kept_for, now) + self.state.grants.drop_over(kept_for, now);
        let token_ids = self.state.token_ids.drop_over(&bounds, now, &mut self.sections);
        self.state.prune_grant_users(kept_for, &mut self.sections, now);
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

    /// Sets the birth of both hash keys to the head. No edge can be beyond it, since this run has published nothing
    /// yet.
    fn start_generations_here(&mut self) {
        self.state.of_tokens.born_at = self.head.sequence;
        self.state.of_epochs.born_at = self.head.sequence;
    }
}

/// The position before an incarnation's first event.
fn base_of(realm: RealmId, incarnation: u64) -> Head {
    Head { sequence: incarnation << INCARNATION_SHIFT, chain: chain::genesis(realm, incarnation) }
}

/// Draws a new hash key with a number that is not `taken`.
fn draw_generation(realm: RealmId, born_at: u64, taken: &[u32]) -> Result<Generation, LedgerError> {
    loop {
        // The number is random, too, so that two runs do not use one number for two keys.
        let number = u32::from_le_bytes(entropy::random()?);
        if number != 0 && !taken.contains(&number) {
            let hash = NameHash::new(HashKey(entropy::random()?), realm);
            return Ok(Generation { number, hash, born_at });
        }
    }
}
