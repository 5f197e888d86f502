//! Merges changes into the blocks of a delta, up to the longest delta.

use std::collections::{BTreeMap, BTreeSet};

use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::lookup::versions::UserKey;
use crate::revocation::message::delta::FINGERPRINT_BYTES;
use crate::revocation::message::statement::BlockKind;
use crate::revocation::wire::reader::MAX_DELTA_BYTES;
use crate::revocation::wire::section::{SectionKind, UNKNOWN_ISSUE_TIME};
use crate::revocation::Form;
use crate::time::UnixSeconds;

use super::blocks::{exact_blocks, key_not_befores_block};
use super::change_log::Change;
use super::record::Place;
use super::writer::Writer;

/// Merged changes of a delta.
#[derive(Clone)]
pub(crate) struct DeltaBuilder {
    form: Form,
    ids: BTreeMap<Place, (u64, BTreeSet<Fingerprint>)>,
    epochs: BTreeMap<Fingerprint, u64>,
    grants: BTreeMap<Fingerprint, u64>,
    versions: BTreeMap<UserKey, u64>,
    exact: Exact,
    /// Whether the published bounds may have changed.
    pub(crate) bounds_changed: bool,
    /// Upper bound of the delta's length on the wire.
    bytes: usize,
}

impl DeltaBuilder {
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            ids: BTreeMap::new(),
            epochs: BTreeMap::new(),
            grants: BTreeMap::new(),
            versions: BTreeMap::new(),
            exact: Exact::default(),
            bounds_changed: false,
            bytes: 0,
        }
    }

    /// Adds a change unless the delta would become too long. A single change always fits.
    pub(crate) fn takes(&mut self, change: &Change, latest: &Exact) -> bool {
        const VARINT_BYTES: usize = 10;
        const HEAD_BYTES: usize = 1_024;
        let bytes = match change {
            Change::TokenId { place, .. } if self.ids.contains_key(place) => FINGERPRINT_BYTES,
            Change::TokenId { .. } => FINGERPRINT_BYTES + 3 * VARINT_BYTES,
            Change::Epoch { .. } | Change::Grant { .. } => FINGERPRINT_BYTES + VARINT_BYTES,
            Change::Version { key, minimum } => key.len() + varint_length(*minimum),
            Change::Exact(exact) => {
                let clients: usize = exact.clients.keys().map(|client| client.len() + 2 * VARINT_BYTES).sum();
                clients + exact.bans.len() * 32 + exact.key_not_befores.len() * (32 + VARINT_BYTES) + VARINT_BYTES
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
            Change::Epoch { fingerprint, not_before } => raise(&mut self.epochs, *fingerprint, *not_before),
            Change::Grant { fingerprint, user, not_before } => match self.form {
                Form::V1_0 => raise(&mut self.epochs, *user, *not_before),
                Form::V1_1 => raise(&mut self.grants, *fingerprint, *not_before),
            },
            Change::Version { key, minimum } => raise(&mut self.versions, *key, *minimum),
            Change::Exact(exact) => self.exact.merge(exact),
            Change::Keys => self.exact.jwks.clone_from(&latest.jwks),
            Change::Bounds => self.bounds_changed = true,
        }
        true
    }

    /// Writes the blocks that every form has.
    pub(crate) fn write(&self, writer: &mut Writer, of_tokens: u32, of_epochs: u32, now: UnixSeconds) {
        exact_blocks(writer, &self.exact, self.form);
        for (block, kind) in
            [(BlockKind::TokenIds, SectionKind::Bucket), (BlockKind::CatchAllIds, SectionKind::CatchAll)]
        {
            writer.block(block, &self.ids_block(kind, of_tokens, now));
        }
        writer.block(BlockKind::Epochs, &epochs_block(&self.epochs, of_epochs));
        let mut versions = Writer::default();
        for (key, minimum) in &self.versions {
            versions.bytes(key).varint(*minimum);
        }
        writer.block(BlockKind::Versions, &versions);
    }

    /// Writes the blocks that only form 1.1 has, after all others.
    pub(crate) fn write_newer(&self, writer: &mut Writer, of_epochs: u32) {
        match self.form {
            Form::V1_0 => {}
            Form::V1_1 => {
                writer.block(BlockKind::KeyNotBefores, &key_not_befores_block(&self.exact));
                writer.block(BlockKind::Grants, &epochs_block(&self.grants, of_epochs));
            }
        }
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
}

fn raise<K: Ord>(values: &mut BTreeMap<K, u64>, key: K, value: u64) {
    let known = values.entry(key).or_default();
    *known = (*known).max(value);
}

fn epochs_block(not_befores: &BTreeMap<Fingerprint, u64>, generation: u32) -> Writer {
    let mut block = Writer::default();
    let Some(base) = not_befores.values().min() else { return block };
    block.u32(generation).count(not_befores.len()).varint(*base);
    for (fingerprint, not_before) in not_befores {
        block.u48(*fingerprint).varint(not_before - base);
    }
    block
}

fn varint_length(value: u64) -> usize {
    usize::try_from((u64::BITS - value.leading_zeros()).div_ceil(7)).unwrap_or(0).max(1)
}

/// 0 if unknown, else 1 + zigzag of the distance from the statement's time.
const fn issue_time_code(greatest: u64, issued_at: u64) -> u64 {
    if greatest == UNKNOWN_ISSUE_TIME {
        0
    } else if greatest <= issued_at {
        1 + (issued_at - greatest) * 2
    } else {
        1 + (greatest - issued_at - 1) * 2 + 1
    }
}
