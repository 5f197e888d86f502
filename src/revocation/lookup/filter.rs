//! A Bloom filter of token ids, queried in place in its section's bytes.

use super::fingerprint::Fingerprint;
use crate::error::FeedError;
use crate::revocation::wire::section::{SectionEntry, SectionHead, SECTION_HEAD_BYTES};

/// Maximum number of probes for an id: enough for an error rate of 2^-48, the limit of a 48-bit fingerprint.
pub(crate) const MAX_HASHES: u8 = 48;
/// Maximum number of bits: the longest section without its head.
pub(crate) const MAX_FILTER_BITS: u32 = (1 << 28) - 256;

// struct FilterSection {
//      0  SectionHead              form = hashes per id, base = number of bits, a multiple of 64
//     32  [u8; bits / 8]           bit i is bit i % 8 of byte i / 8
// }
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    bytes: Vec<u8>,
    bits: u32,
    hashes: u8,
    capacity: u32,
    count: u32,
}

/// The result of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    Added,
    AlreadyThere,
    /// Not inserted: one more would raise the error rate above the filter's design.
    Full,
}

impl Filter {
    pub(crate) fn decode(bytes: Vec<u8>, entry: &SectionEntry) -> Result<Self, FeedError> {
        let head = SectionHead::decode(&bytes, entry)?;
        let bits = u32::try_from(head.base).map_err(|_| FeedError::Malformed { part: "bits of filter" })?;
        let body = bytes.len().saturating_sub(SECTION_HEAD_BYTES);
        if bits == 0 || bits > MAX_FILTER_BITS || bits % 64 != 0 || usize::try_from(bits / 8) != Ok(body) {
            return Err(FeedError::Malformed { part: "bits of filter" });
        }
        if head.form == 0 || head.form > MAX_HASHES || head.width != 0 || head.count > head.capacity {
            return Err(FeedError::Malformed { part: "head of filter" });
        }
        Ok(Self { bytes, bits, hashes: head.form, capacity: head.capacity, count: head.count })
    }

    /// Whether the id is in the filter. For an absent id this is true at the filter's error rate.
    pub(crate) fn has(&self, fingerprint: Fingerprint) -> bool {
        positions(fingerprint, self.bits, self.hashes).all(|at| self.bit(at))
    }

    /// Sets an id's bits unless the filter is full.
    pub(crate) fn insert(&mut self, fingerprint: Fingerprint) -> Inserted {
        if self.has(fingerprint) {
            return Inserted::AlreadyThere;
        }
        if self.count >= self.capacity {
            return Inserted::Full;
        }
        set_bits(self.bytes.get_mut(SECTION_HEAD_BYTES..).unwrap_or_default(), fingerprint, self.bits, self.hashes);
        self.count = self.count.saturating_add(1);
        Inserted::Added
    }

    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn byte_length(&self) -> usize {
        self.bytes.len()
    }

    /// The rate of false matches when full: (1 - e^(-kn/m))^k.
    pub(crate) fn error_rate(&self) -> f64 {
        let hashes = f64::from(self.hashes);
        (1.0 - (-hashes * f64::from(self.capacity) / f64::from(self.bits)).exp()).powi(self.hashes.into())
    }

    fn bit(&self, at: u32) -> bool {
        let (byte, mask) = place(at);
        // Never out of range; if it were, refusing would be the safe choice.
        self.bytes.get(SECTION_HEAD_BYTES.saturating_add(byte)).is_none_or(|bits| bits & mask != 0)
    }
}

/// Sets the bits of one id in a filter's body.
pub(crate) fn set_bits(body: &mut [u8], fingerprint: Fingerprint, bits: u32, hashes: u8) {
    for at in positions(fingerprint, bits, hashes) {
        let (byte, mask) = place(at);
        if let Some(bits) = body.get_mut(byte) {
            *bits |= mask;
        }
    }
}

/// The positions of an id's bits: two 32-bit draws from each word of a splitmix64 stream seeded with the fingerprint,
/// each scaled to the number of bits. Independent draws, because the error of double hashing shows in small filters.
fn positions(fingerprint: Fingerprint, bits: u32, hashes: u8) -> impl Iterator<Item = u32> {
    let mut state = fingerprint;
    let mut word = 0_u64;
    (0..hashes).map(move |draw| {
        if draw % 2 == 0 {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            word = mix(state);
        } else {
            word >>= 32;
        }
        // The high half of a 32 by 32 bit product is below `bits`.
        #[allow(clippy::cast_possible_truncation)]
        let at = (((word & 0xFFFF_FFFF) * u64::from(bits)) >> 32) as u32;
        at
    })
}

/// The output function of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn mix(state: u64) -> u64 {
    let word = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

const fn place(at: u32) -> (usize, u8) {
    ((at / 8) as usize, 1 << (at % 8))
}
