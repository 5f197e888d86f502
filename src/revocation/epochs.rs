//! The query half of the epoch table: Elias-Fano coded sorted fingerprints, each with a packed not-before.

use super::fingerprint::{Fingerprint, FINGERPRINT_BITS};
use super::section::{SectionEntry, SectionHead, SECTION_HEAD_BYTES};
use super::wire::MAX_SECTIONS;
use crate::error::FeedError;
use crate::time::MAX_SECONDS;

/// Bits of a fingerprint beyond log2 of the count: a name that is not in the table matches one of its entries by chance
/// at most once in 2^25, three names of one token less than once in 10^7.
pub(crate) const SPARE_BITS: u32 = 25;
/// High parts between two hints: one hint costs 32 bits, a look-up walks half of this.
pub(crate) const HIGHS_PER_HINT: u32 = 128;

// struct EpochSection {                   f = fingerprint after its shard bits, cut to high_bits + low_bits
//      0  SectionHead                     form = shard_bits, width = value_bits, base = least not-before
//     32  [u32; ceil(highs / 128)]        hints: how many entries have a high part below 128, 256, ... (first: 0)
//         bits[count + highs]             for each high part: one 1 per entry, then a 0
//         bits[count * low_bits]          low parts
//         bits[count * value_bits]        not-before - base
//         [u8; 8]                         zero, so that eight bytes can be read anywhere
// }                                       each part padded with zero bits to 8 bytes
// high_bits = ceil(log2(count)), highs = 2^high_bits, low_bits = min(25, 48 - shard_bits - high_bits),
// value_bits = length of the greatest offset. Sorted by f, strictly.
#[derive(Clone, Debug)]
pub(crate) struct EpochTable {
    bytes: Vec<u8>,
    base: u64,
    shape: Shape,
}

/// Where the parts are, all of it a function of the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) count: u32,
    pub(crate) shard_bits: u32,
    pub(crate) high_bits: u32,
    pub(crate) low_bits: u32,
    pub(crate) value_bits: u32,
    /// First bit of each part, counted from the start of the section.
    pub(crate) upper: u64,
    pub(crate) lower: u64,
    pub(crate) values: u64,
    pub(crate) length: u64,
}

impl Shape {
    /// `None` when the numbers fit no fingerprint.
    pub(crate) fn new(count: u32, shard_bits: u32, value_bits: u32) -> Option<Self> {
        let high_bits = count.max(1).checked_next_power_of_two()?.trailing_zeros();
        let low_bits = SPARE_BITS.min(FINGERPRINT_BITS.checked_sub(shard_bits)?.checked_sub(high_bits)?);
        if value_bits > MAX_SECONDS.count_ones() || 1_usize.checked_shl(shard_bits)? > MAX_SECTIONS {
            return None;
        }
        let highs = 1_u64 << high_bits;
        let entries = u64::from(count);
        let after = |start: u64, bits: u64| start + bits.next_multiple_of(64);
        let upper = after(SECTION_HEAD_BYTES as u64 * 8, highs.div_ceil(HIGHS_PER_HINT.into()) * 32);
        let lower = after(upper, entries + highs);
        let values = after(lower, entries * u64::from(low_bits));
        let length = after(values, entries * u64::from(value_bits)) / 8 + 8;
        Some(Self { count, shard_bits, high_bits, low_bits, value_bits, upper, lower, values, length })
    }

    /// The part of a fingerprint that the table knows it by.
    pub(crate) const fn cut(&self, fingerprint: Fingerprint) -> u64 {
        let without_shard = fingerprint << (u64::BITS - FINGERPRINT_BITS + self.shard_bits);
        // Two shifts, since one by 64 would be none.
        (without_shard >> 1) >> (u64::BITS - 1 - self.high_bits - self.low_bits)
    }

    pub(crate) const fn low_mask(&self) -> u64 {
        (1 << self.low_bits) - 1
    }

    /// Bit at which the hint stands that serves this high part.
    #[allow(clippy::unused_self)]
    pub(crate) const fn hint(&self, high: u64) -> u64 {
        SECTION_HEAD_BYTES as u64 * 8 + high / HIGHS_PER_HINT as u64 * 32
    }
}

impl EpochTable {
    pub(crate) fn decode(bytes: Vec<u8>, entry: &SectionEntry) -> Result<Self, FeedError> {
        let head = SectionHead::decode(&bytes, entry)?;
        let malformed = FeedError::Malformed { part: "head of epoch table" };
        let shape = Shape::new(head.count, head.form.into(), head.width.into()).ok_or(malformed)?;
        if head.capacity != 0 || head.base > MAX_SECONDS || usize::try_from(shape.length) != Ok(bytes.len()) {
            return Err(malformed);
        }
        let table = Self { bytes, base: head.base, shape };
        table.check_contents()?;
        Ok(table)
    }

    /// The not-before of this name, if the table has it.
    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<u64> {
        let cut = self.shape.cut(fingerprint);
        let (high, low) = (cut >> self.shape.low_bits, cut & self.shape.low_mask());
        let mut at = self.start_of(high);
        // One bits before a place are entries, zero bits are high parts.
        while self.bits(self.shape.upper + at, 1) == 1 {
            let index = at - high;
            match self.low(index).cmp(&low) {
                core::cmp::Ordering::Less => at += 1,
                core::cmp::Ordering::Equal => return Some(self.value(index)),
                core::cmp::Ordering::Greater => return None,
            }
        }
        None
    }

    pub(crate) const fn shard_bits(&self) -> u32 {
        self.shape.shard_bits
    }

    pub(crate) fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    /// Place in the upper bits where the entries of a high part begin: just after as many zero bits.
    fn start_of(&self, high: u64) -> u64 {
        let mut at =
            high / u64::from(HIGHS_PER_HINT) * u64::from(HIGHS_PER_HINT) + self.bits(self.shape.hint(high), 32);
        let mut zeros_to_go = high % u64::from(HIGHS_PER_HINT);
        let end = self.lower_end();
        while zeros_to_go > 0 && at < end {
            let mut zeros = !self.bits(self.shape.upper + at, CHUNK_BITS) & ((1 << CHUNK_BITS) - 1);
            let found = u64::from(zeros.count_ones());
            if found < zeros_to_go {
                zeros_to_go -= found;
                at += u64::from(CHUNK_BITS);
                continue;
            }
            for _ in 1..zeros_to_go {
                zeros &= zeros - 1;
            }
            return at + u64::from(zeros.trailing_zeros()) + 1;
        }
        at
    }

    const fn lower_end(&self) -> u64 {
        self.shape.lower - self.shape.upper
    }

    fn low(&self, index: u64) -> u64 {
        self.bits(self.shape.lower + index * u64::from(self.shape.low_bits), self.shape.low_bits)
    }

    fn value(&self, index: u64) -> u64 {
        let offset = self.bits(self.shape.values + index * u64::from(self.shape.value_bits), self.shape.value_bits);
        self.base.saturating_add(offset)
    }

    /// Reads up to [`CHUNK_BITS`] bits from any bit of the section; zeros beyond its end.
    fn bits(&self, from: u64, width: u32) -> u64 {
        let bytes = usize::try_from(from / 8).ok().and_then(|byte| self.bytes.get(byte..)?.first_chunk::<8>());
        let word = bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        (word >> (from % 8)) & ((1 << width) - 1)
    }

    /// Walks the whole table once: everything that `get` relies on, and that no other bytes say the same.
    fn check_contents(&self) -> Result<(), FeedError> {
        let shape = &self.shape;
        let (mut at, mut index) = (0, 0_u64);
        let (mut least, mut greatest) = (u64::MAX, 0);
        for high in 0..1_u64 << shape.high_bits {
            if high % u64::from(HIGHS_PER_HINT) == 0 && self.bits(self.shape.hint(high), 32) != index {
                return Err(FeedError::Malformed { part: "hints of epoch table" });
            }
            let mut previous = None;
            while self.bits(shape.upper + at, 1) == 1 && index < u64::from(shape.count) {
                let low = self.low(index);
                if previous.is_some_and(|previous| previous >= low) {
                    return Err(FeedError::Malformed { part: "order of epoch table" });
                }
                previous = Some(low);
                let offset = self.value(index) - self.base;
                (least, greatest) = (offset.min(least), offset.max(greatest));
                at += 1;
                index += 1;
            }
            if self.bits(shape.upper + at, 1) == 1 {
                return Err(FeedError::Malformed { part: "upper bits of epoch table" });
            }
            at += 1;
        }
        let value_bits = u64::BITS - greatest.leading_zeros();
        let values_fit = if shape.count == 0 { self.base == 0 } else { least == 0 };
        if index != u64::from(shape.count) || value_bits != shape.value_bits || !values_fit {
            return Err(FeedError::Malformed { part: "values of epoch table" });
        }
        self.check_padding()
    }

    fn check_padding(&self) -> Result<(), FeedError> {
        let shape = &self.shape;
        let highs = 1_u64 << shape.high_bits;
        let entries = u64::from(shape.count);
        let ends = [
            (SECTION_HEAD_BYTES as u64 * 8 + highs.div_ceil(HIGHS_PER_HINT.into()) * 32, shape.upper),
            (shape.upper + entries + highs, shape.lower),
            (shape.lower + entries * u64::from(shape.low_bits), shape.values),
            (shape.values + entries * u64::from(shape.value_bits), shape.length * 8),
        ];
        let clean = ends.iter().all(|&(from, to)| (from..to).all(|bit| self.bit(bit) == 0));
        clean.then_some(()).ok_or(FeedError::Malformed { part: "padding of epoch table" })
    }

    fn bit(&self, at: u64) -> u8 {
        let byte = usize::try_from(at / 8).ok().and_then(|byte| self.bytes.get(byte));
        byte.map_or(0, |byte| (byte >> (at % 8)) & 1)
    }
}

/// Bits that an eight-byte read at any bit offset is sure to hold.
const CHUNK_BITS: u32 = 56;
