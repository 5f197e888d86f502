//! The epoch table: sorted fingerprints in Elias-Fano coding, each with a packed not-before, queried in place.

use super::fingerprint::{Fingerprint, FINGERPRINT_BITS};
use super::prefix_bitmap::PrefixBitmap;
use crate::error::FeedError;
use crate::revocation::wire::reader::MAX_SECTIONS;
use crate::revocation::wire::section::{SectionEntry, SectionHead, SECTION_HEAD_BYTES};
use crate::time::MAX_SECONDS;

/// Bits of a fingerprint beyond log2 of the count: an absent name matches an entry by chance at most once in 2^25, the
/// three names of a token less than once in 10^7.
pub(crate) const SPARE_BITS: u32 = 25;
/// Number of high parts between two hints. A hint costs 32 bits; a lookup walks half the distance on average.
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
    prefixes: PrefixBitmap,
}

/// The layout of the parts, derived from the head.
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
    /// Computes the layout. `None` if the numbers do not fit a fingerprint.
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

    /// The part of a fingerprint that the table stores.
    pub(crate) const fn cut(&self, fingerprint: Fingerprint) -> u64 {
        let without_shard = fingerprint << (u64::BITS - FINGERPRINT_BITS + self.shard_bits);
        // Two shifts, since a single one by 64 would overflow.
        (without_shard >> 1) >> (u64::BITS - 1 - self.high_bits - self.low_bits)
    }

    pub(crate) const fn low_mask(&self) -> u64 {
        (1 << self.low_bits) - 1
    }

    /// First bit of the hint for this high part.
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
        let prefixes = PrefixBitmap::new(shape.high_bits, shape.low_bits);
        let mut table = Self { bytes, base: head.base, shape, prefixes };
        table.check_contents()?;
        table.note_entries();
        Ok(table)
    }

    /// The not-before of this name, if it is in the table.
    pub(crate) fn get(&self, fingerprint: Fingerprint) -> Option<u64> {
        let cut = self.shape.cut(fingerprint);
        if !self.prefixes.has(cut) {
            return None;
        }
        let (high, low) = (cut >> self.shape.low_bits, cut & self.shape.low_mask());
        let mut at = self.start_of(high);
        // Ones before a position are entries, zeros are high parts.
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

    /// The position in the upper bits at which the entries of a high part begin: after `high` zeros.
    fn start_of(&self, high: u64) -> u64 {
        let mut at =
            high / u64::from(HIGHS_PER_HINT) * u64::from(HIGHS_PER_HINT) + self.bits(self.shape.hint(high), 32);
        let mut zeros_to_go = high % u64::from(HIGHS_PER_HINT);
        let end = self.lower_end();
        while zeros_to_go > 0 && at < end {
            let zeros = !self.bits(self.shape.upper + at, CHUNK_BITS) & ((1 << CHUNK_BITS) - 1);
            let found = u64::from(zeros.count_ones());
            if found >= zeros_to_go {
                return at + u64::from(place_of_one(zeros, zeros_to_go)) + 1;
            }
            zeros_to_go -= found;
            at += u64::from(CHUNK_BITS);
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
        (self.word(from) >> (from % 8)) & ((1 << width) - 1)
    }

    /// Checks everything that `get` relies on, and that the encoding is canonical.
    fn check_contents(&self) -> Result<(), FeedError> {
        self.check_upper()?;
        self.check_values()?;
        self.check_padding()
    }

    /// Checks the upper bits word by word: hints, number of entries and of high parts, order within a high part.
    fn check_upper(&self) -> Result<(), FeedError> {
        let shape = &self.shape;
        let length = u64::from(shape.count) + (1 << shape.high_bits);
        let (mut entries, mut highs, mut last_was_entry) = (0, 0, false);
        for at in (0..length).step_by(64) {
            let width = 64.min(length - at);
            let word = self.word(shape.upper + at) & (u64::MAX >> (64 - width));
            // Entries with no zero between them have the same high part.
            let mut neighbours = word & (word << 1 | u64::from(last_was_entry));
            while neighbours != 0 {
                let index = entries + u64::from((word & (neighbours - 1) & !neighbours).count_ones());
                if self.low(index - 1) >= self.low(index) {
                    return Err(FeedError::Malformed { part: "order of epoch table" });
                }
                neighbours &= neighbours - 1;
            }
            let zeros = width - u64::from(word.count_ones());
            self.check_hints(!word, entries, highs..highs + zeros)?;
            entries += u64::from(word.count_ones());
            highs += zeros;
            last_was_entry = word >> (width - 1) & 1 == 1;
        }
        // Every high part ends with a zero, including the last one.
        if entries != u64::from(shape.count) || last_was_entry {
            return Err(FeedError::Malformed { part: "upper bits of epoch table" });
        }
        Ok(())
    }

    /// Checks the hints of the high parts that begin after a zero of this word. `ends` has a one for each such zero,
    /// which end the high parts `ended`; `entries` precede the word.
    fn check_hints(&self, ends: u64, entries: u64, ended: core::ops::Range<u64>) -> Result<(), FeedError> {
        let per_hint = u64::from(HIGHS_PER_HINT);
        let mut high = if entries + ended.start == 0 { 0 } else { (ended.start + 1).next_multiple_of(per_hint) };
        while high <= ended.end && high < 1 << self.shape.high_bits {
            let begins = if high > 0 { u64::from(place_of_one(ends, high - ended.start)) + 1 } else { 0 };
            let known = entries + begins - high.saturating_sub(ended.start);
            if self.bits(self.shape.hint(high), 32) != known {
                return Err(FeedError::Malformed { part: "hints of epoch table" });
            }
            high += per_hint;
        }
        Ok(())
    }

    /// Checks that values have no more bits than the greatest needs, and that the base is the least.
    fn check_values(&self) -> Result<(), FeedError> {
        let shape = &self.shape;
        let (mut all, mut least) = (0, u64::MAX);
        let from = usize::try_from(shape.values / 8).unwrap_or(usize::MAX);
        let mut offsets = BitReader::new(self.bytes.get(from..).unwrap_or_default());
        for _ in 0..shape.count {
            let offset = offsets.take(shape.value_bits);
            all |= offset;
            least = least.min(offset);
        }
        let base_fits = if shape.count == 0 { self.base == 0 } else { least == 0 };
        let width_fits = u64::BITS - all.leading_zeros() == shape.value_bits;
        (base_fits && width_fits).then_some(()).ok_or(FeedError::Malformed { part: "values of epoch table" })
    }

    /// Sets the prefix of every entry in the bitmap. The contents have been checked.
    fn note_entries(&mut self) {
        let (mut index, length) = (0, u64::from(self.shape.count) + (1 << self.shape.high_bits));
        for at in (0..length).step_by(64) {
            let mut entries = self.word(self.shape.upper + at) & (u64::MAX >> (64 - 64.min(length - at)));
            while entries != 0 {
                let high = at + u64::from(entries.trailing_zeros()) - index;
                self.prefixes.set(high << self.shape.low_bits | self.low(index));
                entries &= entries - 1;
                index += 1;
            }
        }
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

    /// The 64 bits from the byte of this bit on; zeros beyond the end.
    fn word(&self, from: u64) -> u64 {
        let bytes = usize::try_from(from / 8).ok().and_then(|byte| self.bytes.get(byte..)?.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn bit(&self, at: u64) -> u8 {
        let byte = usize::try_from(at / 8).ok().and_then(|byte| self.bytes.get(byte));
        byte.map_or(0, |byte| (byte >> (at % 8)) & 1)
    }
}

/// The position of the `number`-th one of a word, counted from 1, by binary search over the number of ones below.
const fn place_of_one(word: u64, number: u64) -> u32 {
    let (mut place, mut before, mut half) = (0, number - 1, u64::BITS / 2);
    while half > 0 {
        let below = ((word >> place) & ((1 << half) - 1)).count_ones() as u64;
        if before >= below {
            before -= below;
            place += half;
        }
        half /= 2;
    }
    place
}

/// Bits that an eight-byte read yields at any bit offset.
const CHUNK_BITS: u32 = 56;

/// Reads packed numbers in sequence.
struct BitReader<'a> {
    words: core::slice::ChunksExact<'a, u8>,
    word: u64,
    left: u32,
}

impl<'a> BitReader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { words: bytes.chunks_exact(8), word: 0, left: 0 }
    }

    /// The next number of `width` bits, fewer than 64; zeros beyond the end.
    fn take(&mut self, width: u32) -> u64 {
        let mask = (1 << width) - 1;
        if width <= self.left {
            let number = self.word & mask;
            self.word >>= width;
            self.left -= width;
            return number;
        }
        let next =
            self.words.next().and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let number = (self.word | next << self.left) & mask;
        self.word = next >> (width - self.left);
        self.left += u64::BITS - width;
        number
    }
}
