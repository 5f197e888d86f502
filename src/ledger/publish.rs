//! From the book to signed bytes: manifests, sections, deltas.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{DeltaUnavailable, LedgerError};
use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::lookup::versions::UserKey;
use crate::revocation::message::delta::FINGERPRINT_BYTES;
use crate::revocation::message::statement::{BlockKind, StatementKind, MAJOR, MINOR, PARTIAL};
use crate::revocation::wire::reader::{MAX_DELTA_BYTES, MAX_MANIFEST_BYTES, MAX_SECTIONS};
use crate::revocation::wire::section::{SectionEntry, SectionKind, UNKNOWN_ISSUE_TIME};
use crate::revocation::Bounds;
use crate::time::UnixSeconds;

use super::book::Generation;
use super::recent::{Change, Head};
use super::record::Place;
use super::section_build::encode_entry;
use super::writer::Writer;
use super::{Ledger, Phase};

/// From where to where a delta leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The sequence to start at or before.
    pub start: u64,
    /// What the reader has.
    pub after: u64,
    /// The sequence to end at or before.
    pub until: u64,
}

impl Ledger {
    /// A signed manifest of everything committed. Builds the sections that changed since the last one.
    ///
    /// # Errors
    /// The state does not fit into a manifest.
    pub fn manifest(&mut self, now: UnixSeconds) -> Result<Vec<u8>, LedgerError> {
        self.phase = Phase::Running;
        let sections = self.publish_sections(now);
        if sections.len() > MAX_SECTIONS {
            return Err(LedgerError::TooMany { limit: MAX_SECTIONS });
        }
        let mut entries = Writer::default();
        sections.iter().for_each(|entry| encode_entry(entry, &mut entries));
        let mut writer = self.head_of(StatementKind::Manifest, 0, self.head, now);
        writer.block(BlockKind::Bounds, &bounds_block(&self.told_bounds()));
        writer.block(BlockKind::Generations, &generations_block([self.book.of_tokens, self.book.of_epochs]));
        exact_blocks(&mut writer, &self.book.exact);
        writer.block(BlockKind::Sections, &entries);
        let manifest = self.sign(StatementKind::Manifest, writer);
        if manifest.len() > MAX_MANIFEST_BYTES {
            return Err(LedgerError::ManifestTooLong { length: manifest.len(), limit: MAX_MANIFEST_BYTES });
        }
        Ok(manifest)
    }

    /// The bytes of a section of a recent manifest.
    #[must_use]
    pub fn section(&self, sha256: &[u8; 32]) -> Option<&[u8]> {
        self.shelf.get(sha256)
    }

    /// A signed delta that starts at or before `after` and leads to the head, or as far as a delta may be long; a heartbeat
    /// if that is the head.
    ///
    /// # Errors
    /// `after` is too far back, or beyond the head.
    pub fn delta(&self, after: u64, now: UnixSeconds) -> Result<Vec<u8>, DeltaUnavailable> {
        self.delta_over(Stretch { start: after, after, until: self.head.sequence }, now)
    }

    /// The head from which on nothing was recorded that changes what an earlier delta says: a delta that ends before the head
    /// and was signed at this head or a later one can be sent again as it is.
    #[must_use]
    pub const fn settled_since(&self) -> u64 {
        self.recent.settled_since()
    }

    /// The stretch that a reader at `after` shares with those at other sequences, so that however many there are, few deltas
    /// are made: 128 of its own near the head, 56 that lead from further back to the head, and beyond that one for each
    /// 16,384 changes, which ends before the head and is made once.
    ///
    /// # Errors
    /// `after` is too far back, or beyond the head.
    pub fn shared_stretch(&self, after: u64) -> Result<Stretch, DeltaUnavailable> {
        if after > self.head.sequence {
            return Err(DeltaUnavailable::Ahead { sequence: after, head: self.head.sequence });
        }
        let Some((start, until)) = self.recent.shared_stretch(after) else {
            return Err(DeltaUnavailable::Pruned { earliest: self.recent.floor().sequence });
        };
        Ok(Stretch { start, after, until: until.unwrap_or(self.head.sequence) })
    }

    /// From where one delta leads to the head all who are behind by no more than 16,384 changes.
    #[must_use]
    pub fn widest_start(&self) -> u64 {
        self.recent.widest_start()
    }

    /// A signed delta over a stretch; a heartbeat if its reader is at the head. It is shorter where a delta may not be as long,
    /// and longer where there is no change in the stretch.
    ///
    /// # Errors
    /// The start is too far back, or `after` beyond the head.
    pub fn delta_over(&self, stretch: Stretch, now: UnixSeconds) -> Result<Vec<u8>, DeltaUnavailable> {
        let Stretch { start, after, until } = stretch;
        if after > self.head.sequence {
            return Err(DeltaUnavailable::Ahead { sequence: after, head: self.head.sequence });
        }
        if after == self.head.sequence {
            return Ok(self.heartbeat(now));
        }
        let Some((from, changes)) = self.recent.since(start.min(after)) else {
            return Err(DeltaUnavailable::Pruned { earliest: self.recent.floor().sequence });
        };
        let mut gathered = Gathered::default();
        let mut to = self.head;
        let mut flags = 0;
        let mut last = from;
        for (head, change) in changes {
            let is_beyond = head.sequence > until && last.sequence > from.sequence;
            if is_beyond || !gathered.takes(change, &self.book.exact) {
                (to, flags) = (last, PARTIAL);
                break;
            }
            last = *head;
        }
        let generations = [self.book.of_tokens, self.book.of_epochs];
        // Over expired rows a delta may lead far, but not further than its span can say.
        let Ok(span) = u32::try_from(to.sequence - from.sequence) else {
            return Err(DeltaUnavailable::Pruned { earliest: to.sequence });
        };
        // Whoever is beyond the head at which a key was drawn got there by a delta that declared it, or by a manifest.
        let unknown = generations.into_iter().filter(|generation| from.sequence <= generation.born_at);
        let mut writer = self.head_of(StatementKind::Delta, flags, to, now);
        writer.u32(span).bytes(&from.chain.0);
        writer.block(BlockKind::Generations, &generations_block(unknown));
        gathered.write(&mut writer, self.book.of_tokens.number, self.book.of_epochs.number, now);
        // The token ids' key is drawn at the start: whoever is not beyond that may know of other bounds.
        if gathered.bounds || from.sequence <= self.book.of_tokens.born_at {
            writer.block(BlockKind::NewBounds, &bounds_block(&self.told_bounds()));
        }
        Ok(self.sign(StatementKind::Delta, writer))
    }

    /// A signed statement that the head is still where it is.
    #[must_use]
    pub fn heartbeat(&self, now: UnixSeconds) -> Vec<u8> {
        let mut writer = self.head_of(StatementKind::Delta, 0, self.head, now);
        writer.u32(0).bytes(&self.head.chain.0);
        self.sign(StatementKind::Delta, writer)
    }

    fn publish_sections(&mut self, now: UnixSeconds) -> Vec<SectionEntry> {
        let (book, shelf) = (&mut self.book, &mut self.shelf);
        book.tokens.drop_over(&self.settings.bounds, now, shelf);
        let mut sections = book.tokens.publish(book.of_tokens.number, self.settings.error_rate, shelf, now);
        sections.extend(book.epochs.publish(book.of_epochs.number, shelf, now));
        sections.extend(book.versions.publish(shelf, now));
        shelf.sweep(now);
        sections
    }

    fn head_of(&self, kind: StatementKind, flags: u16, head: Head, now: UnixSeconds) -> Writer {
        let valid_for = u32::try_from(self.settings.valid_for.get()).unwrap_or(u32::MAX);
        let mut writer = Writer::default();
        writer.bytes(&kind.magic()).u8(MAJOR).u8(MINOR).u16(flags).bytes(self.book.realm.as_bytes());
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

fn bounds_block(bounds: &Bounds) -> Writer {
    let mut block = Writer::default();
    block.varint(bounds.leeway.get()).varint(bounds.skew.get()).varint(bounds.max_lifetime.get());
    block.varint(bounds.max_session.map_or(0, |session| session.get().saturating_add(1)));
    block
}

fn generations_block(generations: impl IntoIterator<Item = Generation>) -> Writer {
    let by_number: BTreeMap<u32, Generation> =
        generations.into_iter().map(|generation| (generation.number, generation)).collect();
    let mut block = Writer::default();
    for generation in by_number.values() {
        block.u32(generation.number).bytes(&generation.hash.key().0);
    }
    block
}

fn exact_blocks(writer: &mut Writer, exact: &Exact) {
    let mut realm = Writer::default();
    exact.realm_not_before.iter().for_each(|not_before| {
        realm.varint(*not_before);
    });
    writer.block(BlockKind::Realm, &realm);
    let mut clients = Writer::default();
    for (client, not_before) in exact.clients.iter() {
        clients.count(client.len()).bytes(client.as_bytes()).varint(*not_before);
    }
    writer.block(BlockKind::Clients, &clients);
    let mut bans = Writer::default();
    exact.bans.keys().for_each(|thumbprint| {
        bans.bytes(thumbprint);
    });
    writer.block(BlockKind::Bans, &bans);
    writer.block(BlockKind::Keys, &Writer(exact.jwks.clone().unwrap_or_default()));
}

/// Changes on their way into a delta, merged.
#[derive(Clone, Default)]
struct Gathered {
    ids: BTreeMap<Place, (u64, BTreeSet<Fingerprint>)>,
    epochs: BTreeMap<Fingerprint, u64>,
    versions: BTreeMap<UserKey, u64>,
    exact: Exact,
    /// Whether they may have changed.
    bounds: bool,
    /// Never less than what it takes on the wire.
    bytes: usize,
}

impl Gathered {
    /// Takes a change in unless the delta would become too long. One change always fits.
    fn takes(&mut self, change: &Change, latest: &Exact) -> bool {
        const VARINT_BYTES: usize = 10;
        const HEAD_BYTES: usize = 1_024;
        let bytes = match change {
            Change::TokenId { place, .. } if self.ids.contains_key(place) => FINGERPRINT_BYTES,
            Change::TokenId { .. } => FINGERPRINT_BYTES + 3 * VARINT_BYTES,
            Change::Epoch { .. } => FINGERPRINT_BYTES + VARINT_BYTES,
            Change::Version { key, minimum } => key.len() + varint_length(*minimum),
            Change::Exact(exact) => {
                let clients: usize = exact.clients.keys().map(|client| client.len() + 2 * VARINT_BYTES).sum();
                clients + exact.bans.len() * 32 + VARINT_BYTES
            }
            Change::Keys if self.exact.jwks.is_some() => 0,
            Change::Keys => latest.jwks.as_ref().map_or(0, Vec::len),
            Change::Bounds => 4 * VARINT_BYTES,
        };
        if self.bytes + bytes > MAX_DELTA_BYTES - HEAD_BYTES {
            return false;
        }
        self.bytes += bytes;
        match change {
            Change::TokenId { place, fingerprint, issued_at } => {
                let (greatest, fingerprints) = self.ids.entry(*place).or_default();
                *greatest = (*greatest).max(*issued_at);
                fingerprints.insert(*fingerprint);
            }
            Change::Epoch { fingerprint, not_before } => {
                let known = self.epochs.entry(*fingerprint).or_default();
                *known = (*known).max(*not_before);
            }
            Change::Version { key, minimum } => {
                let known = self.versions.entry(*key).or_default();
                *known = (*known).max(*minimum);
            }
            Change::Exact(exact) => self.exact.merge(exact),
            Change::Keys => self.exact.jwks.clone_from(&latest.jwks),
            Change::Bounds => self.bounds = true,
        }
        true
    }

    fn write(&self, writer: &mut Writer, of_tokens: u32, of_epochs: u32, now: UnixSeconds) {
        exact_blocks(writer, &self.exact);
        for (block, kind) in
            [(BlockKind::TokenIds, SectionKind::Bucket), (BlockKind::CatchAllIds, SectionKind::CatchAll)]
        {
            writer.block(block, &self.ids_block(kind, of_tokens, now));
        }
        writer.block(BlockKind::Epochs, &self.epochs_block(of_epochs));
        let mut versions = Writer::default();
        for (key, minimum) in &self.versions {
            versions.bytes(key).varint(*minimum);
        }
        writer.block(BlockKind::Versions, &versions);
    }

    fn ids_block(&self, kind: SectionKind, generation: u32, now: UnixSeconds) -> Writer {
        let mut block = Writer::default();
        let of_kind = || self.ids.iter().filter(|(place, _)| place.kind == kind);
        if of_kind().next().is_none() {
            return block;
        }
        block.u32(generation).count(of_kind().count());
        let mut previous = 0;
        for (place, (greatest, fingerprints)) in of_kind() {
            block.varint((place.bucket - previous).into());
            previous = place.bucket;
            block.varint(issue_time_code(*greatest, now.get())).count(fingerprints.len());
            for fingerprint in fingerprints {
                block.u48(*fingerprint);
            }
        }
        block
    }

    fn epochs_block(&self, generation: u32) -> Writer {
        let mut block = Writer::default();
        let Some(base) = self.epochs.values().min() else { return block };
        block.u32(generation).count(self.epochs.len()).varint(*base);
        for (fingerprint, not_before) in &self.epochs {
            block.u48(*fingerprint).varint(not_before - base);
        }
        block
    }
}

fn varint_length(value: u64) -> usize {
    usize::try_from((u64::BITS - value.leading_zeros()).div_ceil(7)).unwrap_or(0).max(1)
}

/// 0 when unknown, else 1 + zigzag of the distance from the time of the statement.
const fn issue_time_code(greatest: u64, issued_at: u64) -> u64 {
    if greatest == UNKNOWN_ISSUE_TIME {
        0
    } else if greatest <= issued_at {
        1 + (issued_at - greatest) * 2
    } else {
        1 + (greatest - issued_at - 1) * 2 + 1
    }
}
