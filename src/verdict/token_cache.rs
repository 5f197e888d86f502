//! Tokens whose signature was good. Only that is cached: keys, bans, time, revocation and freshness are checked at each
//! use.

use core::fmt;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use super::cached_token::CachedToken;
use super::entry::Entry;
use super::realm::{Realm, RealmKeys};
use crate::name;

/// How much may be cached. Zero of either: nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Tokens.
    pub entries: usize,
    /// Bytes, overhead included.
    pub bytes: usize,
}

impl CacheLimits {
    /// Nothing is cached.
    pub const NOTHING: Self = Self { entries: 0, bytes: 0 };
}

/// Tokens whose signature was good. No other is inserted, so forged tokens evict nothing. Beyond the limits a token is
/// evicted that was not used since the hand last passed it (CLOCK, Corbató 1968).
pub struct VerifiedTokenCache {
    limits: CacheLimits,
    /// Tokens inserted so far.
    inserted: u64,
    /// From a digest of the signature's text to a place in `slots`.
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

/// Bytes of an entry beyond its record: slot, place in the map (7/8 full at the most, doubled when it grows),
/// allocator's header.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Slot>() - size_of::<CachedToken>() + 2 * size_of::<(u64, u32)>() + 32;

impl VerifiedTokenCache {
    /// An empty cache.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let (places, slots, free) = (HashMap::default(), Vec::new(), Vec::new());
        Self { limits, inserted: 0, places, slots, free, hand: 0, bytes: 0 }
    }

    /// How many tokens it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes it takes up, never more than its limit.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it may hold anything.
    pub(super) fn is_on(&self) -> bool {
        self.limits.entries > 0 && self.limits.bytes > 0
    }

    /// The entry of exactly this token: the digest only finds it, the whole text decides.
    pub(super) fn find(&self, token: &[u8]) -> Option<Entry> {
        let place = *self.places.get(&digest(token))?;
        let slot = self.slots.get(place as usize)?;
        let record = slot.record.as_ref()?;
        is_same(record.token().as_bytes(), token).then_some(Entry { place, number: slot.number })
    }

    /// The record of an entry that is still there. It counts as used.
    pub(super) fn record(&mut self, entry: Entry) -> Option<&CachedToken> {
        let slot = self.slots.get_mut(entry.place as usize).filter(|slot| slot.number == entry.number)?;
        slot.recently_used = true;
        slot.record.as_ref()
    }

    /// Inserts a token whose signature was found good. One that is too big is left out; of two with the same digest the
    /// later stays.
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

    /// Drops one token, if it is still there.
    pub(super) fn forget(&mut self, entry: Entry) {
        if self.record(entry).is_some() {
            self.clear(entry.place);
        }
    }

    /// Drops the tokens of a realm that were verified under a key which is no longer there or is banned.
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

    /// Moves the hand on to the next token that was not used since it last came by, and evicts that.
    fn evict_one(&mut self) {
        // Twice round at the most: the first time clears every mark.
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

/// No token may take more than this part of all the room.
const LARGEST_SHARE: usize = 8;

/// Enough of the signature's text to tell signatures apart: 24 characters of base64url carry 144 bits.
const DIGESTED_BYTES: usize = 24;

/// A number from the end of the token, where its signature stands, which its signer alone determines.
fn digest(token: &[u8]) -> u64 {
    name::digest(token.get(token.len().saturating_sub(DIGESTED_BYTES)..).unwrap_or(token))
}

/// Whether two texts are one. In wasm `==` goes byte by byte; a token is long.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (words, others) = (one.chunks_exact(8), other.chunks_exact(8));
    let word = |chunk: &[u8]| chunk.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    one.len() == other.len()
        && words.remainder() == others.remainder()
        && words.zip(others).all(|(one, other)| word(one) == word(other))
}

/// A digest is spread already.
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
