//! The cache of tokens with a verified signature. Nothing else is cached: keys, bans, time, revocation and freshness
//! are checked at each use.

use core::fmt;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use super::cached_token::CachedToken;
use super::entry::Entry;
use super::realm::{Realm, RealmKeys};
use crate::name;

/// Limits of the cache. Zero in either field turns it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Maximum number of tokens.
    pub entries: usize,
    /// Maximum bytes, including overhead.
    pub bytes: usize,
}

impl CacheLimits {
    /// Nothing is cached.
    pub const NOTHING: Self = Self { entries: 0, bytes: 0 };
}

/// Tokens with a verified signature. Only these are inserted, so forged tokens evict nothing. At capacity, CLOCK
/// (Corbató 1968) evicts the first token not used since the hand last passed it.
pub struct VerifiedTokenCache {
    limits: CacheLimits,
    /// Number of tokens inserted so far.
    inserted: u64,
    /// Maps a digest of the encoded signature to an index in `slots`.
    places: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    hand: usize,
    bytes: usize,
}

struct Slot {
    digest: u64,
    number: u64,
    recently_used: bool,
    record: Option<CachedToken>,
}

/// Bytes of an entry besides its record: the slot, the map entry (the map is at most 7/8 full and doubles when it
/// grows), and the allocator's header.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Slot>() - size_of::<CachedToken>() + 2 * size_of::<(u64, u32)>() + 32;

impl VerifiedTokenCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let (places, slots, free) = (HashMap::default(), Vec::new(), Vec::new());
        Self { limits, inserted: 0, places, slots, free, hand: 0, bytes: 0 }
    }

    /// The number of cached tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Its size in bytes, never above its limit.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether caching is enabled.
    pub(super) fn is_on(&self) -> bool {
        self.limits.entries > 0 && self.limits.bytes > 0
    }

    /// Finds the entry of exactly this token: by digest, then by comparing the whole token.
    pub(super) fn find(&self, token: &[u8]) -> Option<Entry> {
        let place = *self.places.get(&digest(token))?;
        let slot = self.slots.get(place as usize)?;
        let record = slot.record.as_ref()?;
        is_same(record.token().as_bytes(), token).then_some(Entry { place, number: slot.number })
    }

    /// Returns the record of an entry, unless it was evicted, and marks it as used.
    pub(super) fn record(&mut self, entry: Entry) -> Option<&CachedToken> {
        let slot = self.slots.get_mut(entry.place as usize).filter(|slot| slot.number == entry.number)?;
        slot.recently_used = true;
        slot.record.as_ref()
    }

    /// Inserts a token whose signature was verified. A token that is too large is not cached; of two with the same
    /// digest, the later one stays.
    pub(super) fn insert(&mut self, record: CachedToken) {
        let size = record.size() + ENTRY_OVERHEAD_BYTES;
        if self.limits.entries == 0 || size > self.limits.bytes / LARGEST_SHARE {
            return;
        }
        let digest = digest(record.token().as_bytes());
        if let Some(place) = self.places.get(&digest).copied() {
            self.clear(place);
        }
        while self.places.len() >= self.limits.entries || self.bytes + size > self.limits.bytes {
            self.evict_one();
        }
        self.inserted += 1;
        let slot = Slot { digest, number: self.inserted, recently_used: false, record: Some(record) };
        let place = match self.free.pop().and_then(|place| Some((place, self.slots.get_mut(place as usize)?))) {
            Some((place, empty)) => {
                *empty = slot;
                place
            }
            None => {
                let Ok(place) = u32::try_from(self.slots.len()) else { return };
                self.slots.push(slot);
                place
            }
        };
        self.places.insert(digest, place);
        self.bytes += size;
    }

    /// Drops a token, if it is still cached.
    pub(super) fn forget(&mut self, entry: Entry) {
        if self.record(entry).is_some() {
            self.clear(entry.place);
        }
    }

    /// Drops the tokens of a realm whose key was removed, is ambiguous or is banned.
    pub fn drop_unvouched(&mut self, index: usize, realm: &Realm) {
        let is_vouched = |record: &CachedToken| match &realm.keys {
            RealmKeys::Loaded { keys, .. } => {
                let key = keys.only_candidate(record.algorithm(), record.key_id());
                key.is_some_and(|key| record.is_signed_by(key)) && !realm.revocations.bans(record.thumbprint())
            }
            RealmKeys::Unavailable => false,
        };
        let leaves = |record: &CachedToken| record.realm() == index && !is_vouched(record);
        let leaving = |slot: &Slot| slot.record.as_ref().is_some_and(leaves);
        let leaving: Vec<usize> =
            self.slots.iter().enumerate().filter(|(_, slot)| leaving(slot)).map(|(place, _)| place).collect();
        for place in leaving {
            self.clear(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    /// Moves the hand to the next token not used since the last pass, and evicts it.
    fn evict_one(&mut self) {
        // At most two rounds, since the first clears every mark.
        for _ in 0..=2 * self.slots.len() {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            let Some(slot) = self.slots.get_mut(self.hand) else { return };
            if slot.record.is_some() && !core::mem::take(&mut slot.recently_used) {
                return self.clear(u32::try_from(self.hand).unwrap_or(u32::MAX));
            }
        }
    }

    fn clear(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        if let Some(record) = slot.record.take() {
            self.bytes = self.bytes.saturating_sub(record.size() + ENTRY_OVERHEAD_BYTES);
            self.places.remove(&slot.digest);
            self.free.push(place);
        }
    }
}

impl fmt::Debug for VerifiedTokenCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("VerifiedTokenCache");
        shown.field("len", &self.len()).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// A single token may use at most this fraction of the limit.
const LARGEST_SHARE: usize = 8;

/// Number of signature characters hashed: 24 characters of base64url carry 144 bits, enough to distinguish signatures.
const DIGESTED_BYTES: usize = 24;

/// A digest of the token's last characters, part of the signature, which only the signer controls.
fn digest(token: &[u8]) -> u64 {
    name::digest(token.get(token.len().saturating_sub(DIGESTED_BYTES)..).unwrap_or(token))
}

/// Whether two strings are equal, compared in words, because `==` in wasm compares byte by byte and tokens are long.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (words, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let word = |chunk: &[u8]| chunk.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    one.len() == other.len()
        && words.remainder() == others.remainder()
        && words.zip(others).all(|(one, other)| word(one) == word(other))
}

/// The identity: digests are already well distributed.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}
