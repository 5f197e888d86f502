//! Decodes a section into a plain map: a second decoder, written bit by bit from the layouts in the core's sources,
//! with no regard for speed. It accepts exactly the sections that the core must accept.

use std::collections::BTreeMap;

const HEAD_BYTES: usize = 32;
const MAX_SECONDS: u64 = (1 << 53) - 1;
const MAX_SHARDS: u64 = 8_192;

/// The head of a section, without the contents.
#[derive(Clone, Copy)]
pub struct Head {
    pub kind: u16,
    pub form: u8,
    pub width: u8,
    pub bucket: u32,
    pub generation: u32,
    pub count: u32,
    pub capacity: u32,
    pub base: u64,
}

impl Head {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        (bytes.len() >= HEAD_BYTES && bytes.starts_with(b"PCLS")).then(|| Self {
            kind: u16::from_le_bytes([bytes[4], bytes[5]]),
            form: bytes[6],
            width: bytes[7],
            bucket: u32_at(8),
            generation: u32_at(12),
            count: u32_at(16),
            capacity: u32_at(20),
            base: u64::from_le_bytes(bytes[24..32].try_into().unwrap()),
        })
    }
}

/// The contents of a section.
pub enum SectionMap {
    Filter(Filter),
    NotBefores(NotBefores),
    Versions(BTreeMap<[u8; 16], u64>),
}

impl SectionMap {
    /// Decodes a section. `shards`: the number of sections of its kind.
    pub fn read(head: &Head, bytes: &[u8], shards: u64) -> Option<Self> {
        let is_one_of = |log2: u8| 1_u64.checked_shl(log2.into()) == Some(shards) && shards <= MAX_SHARDS;
        match head.kind {
            1 | 2 => Filter::read(head, &bytes[HEAD_BYTES..]).map(Self::Filter),
            3 | 5 => NotBefores::read(head, bytes).filter(|_| is_one_of(head.form)).map(Self::NotBefores),
            4 => versions(head, &bytes[HEAD_BYTES..]).filter(|_| is_one_of(head.form)).map(Self::Versions),
            _ => None,
        }
    }
}

/// A Bloom filter.
pub struct Filter {
    bits: Vec<bool>,
    hashes: u8,
}

impl Filter {
    fn read(head: &Head, body: &[u8]) -> Option<Self> {
        let fits = head.base > 0 && head.base % 64 == 0 && head.base == body.len() as u64 * 8;
        let is_filter = (1..=48).contains(&head.form) && head.width == 0 && head.count <= head.capacity;
        (fits && is_filter).then(|| Self { bits: bits_of(body), hashes: head.form })
    }

    /// Whether the filter has the fingerprint: two 32-bit draws from each word of splitmix64, seeded with the
    /// fingerprint, each scaled to the number of bits.
    pub fn has(&self, fingerprint: u64) -> bool {
        let mut draws = Vec::new();
        for step in 1..=u64::from(self.hashes).div_ceil(2) {
            let mut word = fingerprint.wrapping_add(step.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            word ^= word >> 31;
            draws.extend([word & 0xFFFF_FFFF, word >> 32]);
        }
        let mut places = draws.into_iter().take(self.hashes.into()).map(|draw| draw * self.bits.len() as u64 >> 32);
        places.all(|place| self.bits[place as usize])
    }
}

/// Not-befores by the part of the fingerprint that the section stores.
pub struct NotBefores {
    pub entries: BTreeMap<u64, u64>,
    shard_bits: u32,
    /// Number of bits of that part.
    held: u32,
}

impl NotBefores {
    fn read(head: &Head, bytes: &[u8]) -> Option<Self> {
        let (count, shard_bits) = (u64::from(head.count), u32::from(head.form));
        let high_bits = count.max(1).next_power_of_two().trailing_zeros();
        if head.capacity != 0 || head.base > MAX_SECONDS || head.width > 53 || high_bits > 31 || shard_bits > 13 {
            return None;
        }
        let low_bits = 25.min(48_u32.checked_sub(shard_bits + high_bits)?);
        let highs = 1_u64 << high_bits;
        let hints = highs.div_ceil(128);
        let lengths = [hints * 32, count + highs, count * u64::from(low_bits), count * u64::from(head.width), 64];
        let padded = lengths.map(|bits| bits.div_ceil(64) * 64);
        if bytes.len() as u64 * 8 != HEAD_BYTES as u64 * 8 + padded.iter().sum::<u64>() {
            return None;
        }
        // Each part, and whether its padding is zero.
        let mut rest = &bits_of(&bytes[HEAD_BYTES..])[..];
        let mut parts = Vec::new();
        for (length, padded) in lengths.into_iter().zip(padded) {
            let (part, after) = rest.split_at(padded as usize);
            let (part, padding) = part.split_at(length as usize);
            parts.push(part);
            rest = after;
            if padding.contains(&true) {
                return None;
            }
        }
        let [hint_bits, upper, lows, offsets, end] = parts[..] else { unreachable!() };
        if end.contains(&true) {
            return None;
        }
        let numbers = |bits: &[bool], width: u32| -> Vec<u64> {
            match width {
                0 => vec![0; count as usize],
                width => bits.chunks(width as usize).map(number).collect(),
            }
        };
        // For each high part, one 1 per entry, then a 0.
        let (mut high, mut high_parts) = (0, Vec::new());
        for bit in upper {
            match bit {
                true => high_parts.push(high),
                false => high += 1,
            }
        }
        if high != highs || high_parts.len() as u64 != count || high_parts.iter().any(|part| *part >= highs) {
            return None;
        }
        let (lows, offsets) = (numbers(lows, low_bits), numbers(offsets, head.width.into()));
        let held: Vec<u64> = high_parts.iter().zip(&lows).map(|(high, low)| high << low_bits | low).collect();
        let before = |high: u64| high_parts.iter().filter(|part| **part < high).count() as u64;
        let is_canonical = held.windows(2).all(|pair| pair[0] < pair[1])
            && (0..hints).zip(hint_bits.chunks(32)).all(|(hint, bits)| number(bits) == before(hint * 128))
            && offsets.iter().min().map_or(head.base == 0, |least| *least == 0)
            && u64::BITS - offsets.iter().max().unwrap_or(&0).leading_zeros() == u32::from(head.width);
        let entries = held.into_iter().zip(offsets.into_iter().map(|offset| head.base + offset)).collect();
        is_canonical.then_some(Self { entries, shard_bits, held: high_bits + low_bits })
    }

    /// Returns the not-before of a name; 0 unless its fingerprint is in this shard.
    pub fn get(&self, fingerprint: u64) -> u64 {
        let after_shard = fingerprint & ((1 << (48 - self.shard_bits)) - 1);
        let held = after_shard >> (48 - self.shard_bits - self.held);
        self.entries.get(&held).copied().unwrap_or(0)
    }
}

fn versions(head: &Head, body: &[u8]) -> Option<BTreeMap<[u8; 16], u64>> {
    let is_table = head.width == 0 && head.capacity == 0 && head.base == 0 && head.form <= 13;
    if !is_table || body.len() as u64 != u64::from(head.count) * 24 {
        return None;
    }
    let entries: Vec<([u8; 16], u64)> = body
        .chunks(24)
        .map(|entry| (entry[..16].try_into().unwrap(), u64::from_le_bytes(entry[16..].try_into().unwrap())))
        .collect();
    let is_in_order = entries.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let belongs = |key: &[u8; 16]| shard(key, head.form) == head.bucket;
    (is_in_order && entries.iter().all(|(key, minimum)| *minimum > 0 && belongs(key)))
        .then(|| entries.into_iter().collect())
}

/// Returns the shard of a user's key among 2^`log2`: the key's leading bits.
pub fn shard(key: &[u8; 16], log2: u8) -> u32 {
    let leading = u32::from_be_bytes(key[..4].try_into().unwrap());
    (u64::from(leading) >> (32 - u32::from(log2))) as u32
}

fn bits_of(bytes: &[u8]) -> Vec<bool> {
    bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect()
}

/// Reads a number, low bits first.
fn number(bits: &[bool]) -> u64 {
    bits.iter().rev().fold(0, |number, bit| number << 1 | u64::from(*bit))
}
