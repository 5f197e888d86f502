//! Not-befores of users, sessions and client sessions at the origin: exact, and the tables built from them.

use std::collections::BTreeMap;

use crate::revocation::lookup::epochs::{Shape, HIGHS_PER_HINT};
use crate::revocation::lookup::fingerprint::{Fingerprint, NameHash, NameKind, FINGERPRINT_BITS};
use crate::revocation::lookup::shards::epoch_shard;
use crate::revocation::wire::section::{SectionEntry, SectionKind, SECTION_HEAD_BYTES};
use crate::time::{Seconds, UnixSeconds};

use super::dirty_shards::{DirtyShards, ShardState};
use super::published_sections::PublishedSections;
use super::record::SubjectName;
use super::section_build::HeadFields;

/// Entries of a shard before it is split in two: about 90 kB, rebuilt in half a millisecond. An edge's first token looks up
/// three names, and the shard of each has to be fetched first.
const SHARD_ENTRIES: usize = 1 << 14;
/// Maximum number of shards: beyond eight million entries they grow. A manifest has room for them besides other sections.
const MAX_SHARDS: usize = 512;
/// A shard is rebuilt without an event once this fraction of it has expired.
const STALE_SHARE: usize = 8;

/// Sorted like a section, so that a shard is a range.
#[derive(Clone, Default)]
pub(crate) struct NotBefores {
    entries: BTreeMap<(Fingerprint, EpochName), u64>,
    shards: DirtyShards,
}

/// The subject of a not-before in this table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EpochName {
    User(Box<str>),
    Session(Box<str>),
    ClientSession(Box<str>, Box<str>),
}

impl EpochName {
    /// `None` for subjects of other tables.
    pub(crate) fn of(subject: SubjectName<'_>) -> Option<Self> {
        match subject {
            SubjectName::User(user) => Some(Self::User(user.into())),
            SubjectName::Session(sid) => Some(Self::Session(sid.into())),
            SubjectName::ClientSession(sid, azp) => Some(Self::ClientSession(sid.into(), azp.into())),
            SubjectName::Client(_) | SubjectName::Realm => None,
        }
    }

    fn subject(&self) -> SubjectName<'_> {
        match self {
            Self::User(user) => SubjectName::User(user),
            Self::Session(sid) => SubjectName::Session(sid),
            Self::ClientSession(sid, azp) => SubjectName::ClientSession(sid, azp),
        }
    }

    /// The least name in their order.
    fn least() -> Self {
        Self::User(Box::default())
    }
}

/// The fingerprint of a subject of this table.
pub(crate) fn fingerprint_of(hash: &NameHash, subject: SubjectName<'_>) -> Fingerprint {
    match subject {
        SubjectName::User(user) => hash.fingerprint(NameKind::User, &[user]),
        SubjectName::Session(sid) => hash.fingerprint(NameKind::Session, &[sid]),
        SubjectName::ClientSession(sid, azp) => hash.fingerprint(NameKind::ClientSession, &[sid, azp]),
        // Never called: these are kept elsewhere.
        SubjectName::Client(_) | SubjectName::Realm => 0,
    }
}

impl NotBefores {
    pub(crate) fn get(&self, fingerprint: Fingerprint, subject: SubjectName<'_>) -> Option<u64> {
        let same =
            self.entries.range((fingerprint, EpochName::least())..).take_while(|((at, _), _)| *at == fingerprint);
        same.into_iter().find(|((_, name), _)| name.subject() == subject).map(|(_, not_before)| *not_before)
    }

    /// Replaces a value; `None` removes it.
    pub(crate) fn set(&mut self, fingerprint: Fingerprint, name: EpochName, not_before: Option<u64>, sequence: u64) {
        match not_before {
            Some(not_before) => self.entries.insert((fingerprint, name), not_before),
            None => self.entries.remove(&(fingerprint, name)),
        };
        let shard = epoch_shard(fingerprint, self.shards.0.len().max(1));
        self.shards.mark_dirty(shard, sequence);
    }

    /// The latest not-before; 0 if there is none.
    pub(crate) fn latest(&self) -> u64 {
        self.entries.values().copied().max().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Drops not-befores older than every acceptable token; returns how many.
    pub(crate) fn drop_over(&mut self, kept_for: Seconds, now: UnixSeconds) -> usize {
        let before = self.entries.len();
        let shards = self.shards.0.len().max(1);
        let dirty_shards = &mut self.shards;
        self.entries.retain(|(fingerprint, _), not_before| {
            let is_over = UnixSeconds::new(*not_before).plus(kept_for) <= now;
            if is_over {
                dirty_shards.drop_one(epoch_shard(*fingerprint, shards));
            }
            !is_over
        });
        before - self.entries.len()
    }

    /// Hashes all names again with another key.
    pub(crate) fn rekey(&mut self, hash: &NameHash) {
        let entries = core::mem::take(&mut self.entries);
        self.entries = entries
            .into_iter()
            .map(|((_, name), not_before)| ((fingerprint_of(hash, name.subject()), name), not_before))
            .collect();
        self.shards.mark_all_dirty();
    }

    /// Rebuilds dirty shards; returns the manifest's entries of all shards in order.
    pub(crate) fn publish(
        &mut self,
        generation: u32,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> Vec<SectionEntry> {
        for entry in self.shards.fit(self.entries.len(), SHARD_ENTRIES, MAX_SHARDS) {
            sections.retire(&entry.name, now);
        }
        let shard_bits = self.shards.shard_bits();
        let entries = &self.entries;
        let mut published = Vec::with_capacity(self.shards.0.len());
        for (shard, state) in (0_u32..).zip(&mut self.shards.0) {
            let is_stale =
                |entry: &SectionEntry| state.dropped > usize::try_from(entry.count).unwrap_or(usize::MAX) / STALE_SHARE;
            if let Some(entry) = state.entry.filter(|entry| !state.is_dirty && !is_stale(entry)) {
                published.push(entry);
                continue;
            }
            if let Some(earlier) = state.entry {
                sections.retire(&earlier.name, now);
            }
            let first = u64::from(shard) << (FINGERPRINT_BITS - shard_bits);
            let of_shard = entries
                .range((first, EpochName::least())..)
                .map(|((fingerprint, _), not_before)| (*fingerprint, *not_before))
                .take_while(|(fingerprint, _)| fingerprint >> (FINGERPRINT_BITS - shard_bits) == u64::from(shard));
            let (head, bytes) = build(generation, shard, shard_bits, of_shard.collect());
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let entry = head.entry(length, sections.publish(bytes), state.covers, 0);
            *state = ShardState { covers: state.covers, is_dirty: false, dropped: 0, entry: Some(entry) };
            published.push(entry);
        }
        published
    }
}

/// Encodes one shard; the layout is described above [`EpochTable`](crate::revocation::lookup::epochs::EpochTable). `entries` are sorted by
/// fingerprint.
fn build(generation: u32, shard: u32, shard_bits: u32, entries: Vec<(Fingerprint, u64)>) -> (HeadFields, Vec<u8>) {
    let entries = cut(entries, shard_bits);
    let values = || entries.iter().map(|(_, not_before)| *not_before);
    let base = values().min().unwrap_or(0);
    let value_bits = u64::BITS - (values().max().unwrap_or(0) - base).leading_zeros();
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let head = HeadFields {
        kind: SectionKind::Epochs,
        form: shard_bits,
        width: value_bits,
        bucket: shard,
        generation,
        count,
        capacity: 0,
        base,
    };
    // Always fits: shards are split long before, and times have 53 bits. An edge would refuse a section without contents.
    let Some(shape) = Shape::new(count, shard_bits, value_bits) else { return (head, head.encode()) };
    let mut bits = BitWriter(head.encode());
    bits.0.resize(usize::try_from(shape.length).unwrap_or(SECTION_HEAD_BYTES), 0);
    let mut next_hint = 0;
    for (index, (cut, not_before)) in (0_u64..).zip(&entries) {
        let high = cut >> shape.low_bits;
        bits.set_hints(&shape, &mut next_hint, high, index);
        bits.set(shape.upper + high + index, 1, 1);
        bits.set(shape.lower + index * u64::from(shape.low_bits), shape.low_bits, cut & shape.low_mask());
        bits.set(shape.values + index * u64::from(shape.value_bits), shape.value_bits, not_before - base);
    }
    bits.set_hints(&shape, &mut next_hint, (1 << shape.high_bits) - 1, count.into());
    (head, bits.0)
}

/// Cuts fingerprints to the width for this number of entries. Where two become equal, the later not-before is kept, which can
/// only refuse more.
fn cut(mut entries: Vec<(Fingerprint, u64)>, shard_bits: u32) -> Vec<(u64, u64)> {
    loop {
        let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let Some(shape) = Shape::new(count, shard_bits, 0) else { return Vec::new() };
        let before = entries.len();
        entries.dedup_by(|next, kept| {
            let is_same = shape.cut(next.0) == shape.cut(kept.0);
            if is_same {
                kept.1 = kept.1.max(next.1);
            }
            is_same
        });
        if entries.len() == before {
            return entries.into_iter().map(|(fingerprint, not_before)| (shape.cut(fingerprint), not_before)).collect();
        }
        // Fewer entries may need fewer bits, so cut again.
    }
}

struct BitWriter(Vec<u8>);

impl BitWriter {
    /// Writes a value to bits that are still zero.
    fn set(&mut self, at: u64, width: u32, value: u64) {
        let mut value = u128::from(value) << (at % 8);
        let bytes = (at % 8 + u64::from(width)).div_ceil(8);
        let from = usize::try_from(at / 8).unwrap_or(usize::MAX);
        let places = self.0.get_mut(from..).unwrap_or_default().iter_mut();
        for (byte, _) in places.zip(0..bytes) {
            let [low, ..] = value.to_le_bytes();
            *byte |= low;
            value >>= 8;
        }
    }

    /// Writes the hints up to this high part, before its first entry.
    fn set_hints(&mut self, shape: &Shape, next: &mut u64, high: u64, index: u64) {
        while *next <= high {
            self.set(shape.hint(*next), 32, index);
            *next += u64::from(HIGHS_PER_HINT);
        }
    }
}
