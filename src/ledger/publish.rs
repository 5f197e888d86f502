//! Encodes the state as signed bytes: manifests, sections, deltas.

use crate::error::{DeltaUnavailable, LedgerError};
use crate::revocation::message::statement::{BlockKind, StatementKind, MAJOR, PARTIAL};
use crate::revocation::wire::reader::{MAX_MANIFEST_BYTES, MAX_SECTIONS};
use crate::revocation::wire::section::SectionEntry;
use crate::revocation::Form;
use crate::time::UnixSeconds;

use super::blocks::{bounds_block, exact_blocks, generations_block, key_not_befores_block, policy_block};
use super::change_log::Head;
use super::delta_builder::DeltaBuilder;
use super::section_build::encode_entry;
use super::writer::Writer;
use super::{Ledger, Phase};

/// The range of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The sequence to start at or before.
    pub start: u64,
    /// The reader's sequence.
    pub after: u64,
    /// The sequence to end at or before.
    pub until: u64,
}

/// A signed delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedDelta {
    /// The message.
    pub bytes: Vec<u8>,
    /// The sequence that it leads to. It may be less than requested: the length of a delta is limited.
    pub sequence: u64,
}

impl Ledger {
    /// Signs a manifest of everything committed, for readers of this form. Builds the sections that have changed since
    /// the last one.
    ///
    /// # Errors
    /// The state does not fit into a manifest.
    pub fn manifest(&mut self, form: Form, now: UnixSeconds) -> Result<Vec<u8>, LedgerError> {
        self.phase = Phase::Running;
        let entries = self.publish_sections(form, now);
        if entries.len() > MAX_SECTIONS {
            return Err(LedgerError::TooMany { limit: MAX_SECTIONS });
        }
        let mut sections = Writer::default();
        entries.iter().for_each(|entry| encode_entry(entry, &mut sections));
        let mut writer = self.head_of(StatementKind::Manifest, form, 0, self.head, now);
        writer.block(BlockKind::Bounds, &bounds_block(&self.published_bounds()));
        writer.block(BlockKind::Generations, &generations_block([self.state.of_tokens, self.state.of_epochs]));
        exact_blocks(&mut writer, &self.state.exact, form);
        writer.block(BlockKind::Sections, &sections);
        match form {
            Form::V1_0 => {}
            Form::V1_1 => {
                writer.block(BlockKind::KeyNotBefores, &key_not_befores_block(&self.state.exact));
                writer.block(BlockKind::Policy, &policy_block(self.settings.policy.as_ref()));
            }
        }
        let manifest = self.sign(StatementKind::Manifest, writer);
        if manifest.len() > MAX_MANIFEST_BYTES {
            return Err(LedgerError::ManifestTooLong { length: manifest.len(), limit: MAX_MANIFEST_BYTES });
        }
        Ok(manifest)
    }

    /// The bytes of a section of a recent manifest.
    #[must_use]
    pub fn section(&self, sha256: &[u8; 32]) -> Option<&[u8]> {
        self.sections.get(sha256)
    }

    /// Signs a delta, for readers of this form, that starts at or before `after` and leads to the head, or as far as
    /// its length allows; at the head, a heartbeat.
    ///
    /// # Errors
    /// `after` is too far back, or beyond the head.
    pub fn delta(&self, form: Form, after: u64, now: UnixSeconds) -> Result<SignedDelta, DeltaUnavailable> {
        self.delta_over(form, Stretch { start: after, after, until: self.head.sequence }, now)
    }

    /// The head after which no event changed earlier deltas: a delta that ends before the head and was signed at this
    /// head or later can be sent again unchanged.
    #[must_use]
    pub const fn settled_since(&self) -> u64 {
        self.changes.settled_since()
    }

    /// The range that a reader at `after` shares with others, so that few deltas are signed for any number of readers:
    /// one for each of the 128 sequences near the head, 56 from further back to the head, and beyond that one for each
    /// 16,384 changes, which ends before the head and is signed once.
    ///
    /// # Errors
    /// `after` is too far back, or beyond the head.
    pub fn shared_stretch(&self, after: u64) -> Result<Stretch, DeltaUnavailable> {
        if after > self.head.sequence {
            return Err(DeltaUnavailable::Ahead { sequence: after, head: self.head.sequence });
        }
        let Some((start, until)) = self.changes.shared_stretch(after) else {
            return Err(DeltaUnavailable::Pruned { earliest: self.changes.floor().sequence });
        };
        Ok(Stretch { start, after, until: until.unwrap_or(self.head.sequence) })
    }

    /// Start of the delta to the head that serves all readers behind by at most 16,384 changes.
    #[must_use]
    pub fn widest_start(&self) -> u64 {
        self.changes.widest_start()
    }

    /// Signs a delta over a range, for readers of this form; a heartbeat if the reader is at the head. It ends earlier
    /// if its length would exceed the limit, and later if the range has no change.
    ///
    /// # Errors
    /// The start is too far back, or `after` beyond the head.
    pub fn delta_over(&self, form: Form, stretch: Stretch, now: UnixSeconds) -> Result<SignedDelta, DeltaUnavailable> {
        let Stretch { start, after, until } = stretch;
        if after > self.head.sequence {
            return Err(DeltaUnavailable::Ahead { sequence: after, head: self.head.sequence });
        }
        if after == self.head.sequence {
            return Ok(SignedDelta { bytes: self.heartbeat(form, now), sequence: after });
        }
        let Some((from, changes)) = self.changes.since(start.min(after)) else {
            return Err(DeltaUnavailable::Pruned { earliest: self.changes.floor().sequence });
        };
        let mut builder = DeltaBuilder::new(form);
        let mut to = self.head;
        let mut flags = 0;
        let mut last = from;
        for (head, change) in changes {
            let is_beyond = head.sequence > until && last.sequence > from.sequence;
            if is_beyond || !builder.takes(change, &self.state.exact) {
                (to, flags) = (last, PARTIAL);
                break;
            }
            last = *head;
        }
        let generations = [self.state.of_tokens, self.state.of_epochs];
        // Over expired rows a delta may lead far, but not further than its span can encode.
        let Ok(span) = u32::try_from(to.sequence - from.sequence) else {
            return Err(DeltaUnavailable::Pruned { earliest: to.sequence });
        };
        // A reader beyond the head at which a key was drawn has a delta that declared it, or a manifest.
        let unknown = generations.into_iter().filter(|generation| from.sequence <= generation.born_at);
        let mut writer = self.head_of(StatementKind::Delta, form, flags, to, now);
        writer.u32(span).bytes(&from.chain.0);
        writer.block(BlockKind::Generations, &generations_block(unknown));
        builder.write(&mut writer, self.state.of_tokens.number, self.state.of_epochs.number, now);
        // The token ids' key is drawn at start. A reader that is not beyond that head may have other bounds and another
        // policy.
        let is_from_before = from.sequence <= self.state.of_tokens.born_at;
        if builder.bounds_changed || is_from_before {
            writer.block(BlockKind::NewBounds, &bounds_block(&self.published_bounds()));
        }
        builder.write_newer(&mut writer, self.state.of_epochs.number);
        match form {
            Form::V1_1 if is_from_before => {
                writer.block(BlockKind::Policy, &policy_block(self.settings.policy.as_ref()));
            }
            Form::V1_0 | Form::V1_1 => {}
        }
        Ok(SignedDelta { bytes: self.sign(StatementKind::Delta, writer), sequence: to.sequence })
    }

    /// Signs a statement that the head is unchanged, for readers of this form.
    #[must_use]
    pub fn heartbeat(&self, form: Form, now: UnixSeconds) -> Vec<u8> {
        let mut writer = self.head_of(StatementKind::Delta, form, 0, self.head, now);
        writer.u32(0).bytes(&self.head.chain.0);
        self.sign(StatementKind::Delta, writer)
    }

    fn publish_sections(&mut self, form: Form, now: UnixSeconds) -> Vec<SectionEntry> {
        let (state, sections) = (&mut self.state, &mut self.sections);
        state.token_ids.drop_over(&self.settings.bounds, now, sections);
        let mut entries = state.token_ids.publish(state.of_tokens.number, self.settings.error_rate, sections, now);
        let generation = state.of_epochs.number;
        let epochs = state.not_befores.publish(generation, sections, now);
        let versions = state.minimum_versions.publish(sections, now);
        match form {
            Form::V1_0 => {
                entries.extend(state.publish_as_users(epochs, self.head.sequence, sections, now));
                entries.extend(versions);
            }
            Form::V1_1 => {
                entries.extend(epochs.into_iter().chain(versions));
                entries.extend(state.grants.publish(generation, sections, now));
            }
        }
        sections.sweep(now);
        entries
    }

    fn head_of(&self, kind: StatementKind, form: Form, flags: u16, head: Head, now: UnixSeconds) -> Writer {
        let valid_for = u32::try_from(self.settings.valid_for.get()).unwrap_or(u32::MAX);
        let mut writer = Writer::default();
        writer.bytes(&kind.magic()).u8(MAJOR).u8(form.minor()).u16(flags).bytes(self.state.realm.as_bytes());
        writer.u64(head.sequence).u64(now.get()).bytes(&head.chain.0).u32(valid_for);
        writer
    }

    fn sign(&self, kind: StatementKind, mut writer: Writer) -> Vec<u8> {
        let key = &self.settings.signing_key;
        writer.bytes(&key.id().0);
        let signature = key.sign(&[kind.domain(), &writer.0].concat());
        writer.bytes(&signature);
        writer.0
    }
}
