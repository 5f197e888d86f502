//! Encodes a shard of not-befores as a section of epochs or grants.

use crate::revocation::lookup::epochs::{Shape, HIGHS_PER_HINT};
use crate::revocation::lookup::fingerprint::{Fingerprint, FINGERPRINT_BITS};
use crate::revocation::wire::section::{SectionKind, SECTION_HEAD_BYTES};

use super::section_build::HeadFields;

/// The position of a shard in its table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochShard {
    /// [`SectionKind::Epochs`] or [`SectionKind::Grants`].
    pub(crate) kind: SectionKind,
    pub(crate) number: u32,
    /// log2 of the number of shards.
    pub(crate) bits: u32,
}

impl EpochShard {
    /// The least fingerprint in the shard.
    pub(crate) fn first(&self) -> Fingerprint {
        Fingerprint::from(self.number) << (FINGERPRINT_BITS - self.bits)
    }

    /// Whether a fingerprint is in the shard.
    pub(crate) fn has(&self, fingerprint: Fingerprint) -> bool {
        fingerprint >> (FINGERPRINT_BITS - self.bits) == Fingerprint::from(self.number)
    }
}

/// Encodes one shard; the layout is described above [`EpochTable`](crate::revocation::lookup::epochs::EpochTable).
/// `entries` are sorted by fingerprint.
pub(crate) fn build(shard: EpochShard, generation: u32, entries: Vec<(Fingerprint, u64)>) -> (HeadFields, Vec<u8>) {
    let shard_bits = shard.bits;
    let entries = cut(entries, shard_bits);
    let values = || entries.iter().map(|(_, not_before)| *not_before);
    let base = values().min().unwrap_or(0);
    let value_bits = u64::BITS - (values().max().unwrap_or(0) - base).leading_zeros();
    let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let head = HeadFields {
        kind: shard.kind,
        form: shard_bits,
        width: value_bits,
        bucket: shard.number,
        generation,
        count,
        capacity: 0,
        base,
    };
    // There is always a shape: shards are split long before they are too large, and times have 53 bits. Edges would
    // refuse the section without contents that is returned otherwise.
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

/// Truncates fingerprints to the width for this number of entries. If two become equal, the later not-before is kept,
/// which can only refuse more.
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
