//! A bitmap over fingerprint prefixes. Most lookups miss; this rejects 7 of 8 misses with one memory access instead of
//! four.

/// Bits of a prefix beyond log2 of the number of entries: 8 to 16 prefixes for each entry, one or two bytes.
const SPARE_BITS: u32 = 3;

#[derive(Clone, Debug)]
pub(crate) struct PrefixBitmap {
    words: Box<[u64]>,
    /// How many trailing bits of a fingerprint are ignored.
    shift: u32,
}

impl PrefixBitmap {
    /// An empty bitmap for fingerprints of `high_bits + low_bits` bits and about `2^high_bits` entries.
    pub(crate) fn new(high_bits: u32, low_bits: u32) -> Self {
        let spare_bits = SPARE_BITS.min(low_bits);
        let parts = 1_usize << (high_bits + spare_bits);
        Self { words: vec![0; parts.div_ceil(64)].into(), shift: low_bits - spare_bits }
    }

    pub(crate) fn set(&mut self, fingerprint: u64) {
        let (word, mask) = self.place(fingerprint);
        if let Some(word) = self.words.get_mut(word) {
            *word |= mask;
        }
    }

    /// Whether there may be an entry for the fingerprint.
    pub(crate) fn has(&self, fingerprint: u64) -> bool {
        let (word, mask) = self.place(fingerprint);
        // Never out of range; if it were, consulting the table would be the safe choice.
        self.words.get(word).is_none_or(|word| word & mask != 0)
    }

    fn place(&self, fingerprint: u64) -> (usize, u64) {
        let part = fingerprint >> self.shift;
        (usize::try_from(part / 64).unwrap_or(usize::MAX), 1 << (part % 64))
    }
}
