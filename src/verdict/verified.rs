//! Tokens whose signature was good. What is remembered is that, and nothing of what may change: every use of it looks at
//! keys, bans, time, revocation and freshness again.

use core::fmt;
use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use super::facts::Imprint;
use super::{Realm, RealmKeys};

/// How much may be remembered. Zero of either: nothing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Tokens.
    pub entries: usize,
    /// Bytes, those of the book-keeping included.
    pub bytes: usize,
}

impl CacheLimits {
    /// Nothing is remembered.
    pub const NOTHING: Self = Self { entries: 0, bytes: 0 };
}

/// Tokens that verified. Only a signature that was found good brings one in, so garbage cannot push anything out; beyond
/// the limits one goes that was not asked for since the hand last passed it (CLOCK, Corbató 1968).
pub struct VerifiedTokens {
    limits: CacheLimits,
    /// Tokens taken in so far.
    taken_in: u64,
    /// From a digest of the signature's text to a place in `slots`.
    places: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    hand: usize,
    bytes: usize,
}

/// Names one token that is remembered, once: when it has gone, the name is no other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub place: u32,
    /// Which of all that were ever taken in it is.
    pub number: u64,
}

struct Slot {
    digest: u64,
    number: u64,
    asked_for: bool,
    imprint: Option<Imprint>,
}

/// What an entry costs beyond its imprint: its slot, its place in the map (7/8 full at the most, doubled when it grows), the
/// allocator's head.
const ENTRY_OVERHEAD_BYTES: usize = size_of::<Slot>() - size_of::<Imprint>() + 2 * size_of::<(u64, u32)>() + 32;

impl VerifiedTokens {
    /// An empty memory.
    #[must_use]
    pub fn new(limits: CacheLimits) -> Self {
        let (places, slots, free) = (HashMap::default(), Vec::new(), Vec::new());
        Self { limits, taken_in: 0, places, slots, free, hand: 0, bytes: 0 }
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
        let imprint = slot.imprint.as_ref()?;
        is_same(imprint.token().as_bytes(), token).then_some(Entry { place, number: slot.number })
    }

    /// The imprint of an entry that is still there. It counts as asked for.
    pub(super) fn imprint(&mut self, entry: Entry) -> Option<&Imprint> {
        let slot = self.slots.get_mut(entry.place as usize).filter(|slot| slot.number == entry.number)?;
        slot.asked_for = true;
        slot.imprint.as_ref()
    }

    /// Takes in a token whose signature was found good. One that is too big is left out; of two with the same digest the later
    /// stays.
    pub(super) fn insert(&mut self, imprint: Imprint) {
        let size = imprint.size() + ENTRY_OVERHEAD_BYTES;
        if self.limits.entries == 0 || size > self.limits.bytes / LARGEST_SHARE {
            return;
        }
        let digest = digest(imprint.token().as_bytes());
        if let Some(place) = self.places.get(&digest).copied() {
            self.clear(place);
        }
        while self.places.len() >= self.limits.entries || self.bytes + size > self.limits.bytes {
            self.clear_one();
        }
        self.taken_in += 1;
        let slot = Slot { digest, number: self.taken_in, asked_for: false, imprint: Some(imprint) };
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
        if self.imprint(entry).is_some() {
            self.clear(entry.place);
        }
    }

    /// Drops the tokens of a realm that were verified under a key which is no longer there or is banned.
    pub fn drop_unvouched(&mut self, index: usize, realm: &Realm) {
        let is_vouched = |imprint: &Imprint| match &realm.keys {
            RealmKeys::Loaded { keys, .. } => {
                let key = keys.only_candidate(imprint.algorithm(), imprint.key_id());
                key.is_some_and(|key| imprint.is_signed_by(key)) && !realm.revocations.bans(imprint.thumbprint())
            }
            RealmKeys::Unavailable => false,
        };
        let leaves = |imprint: &Imprint| imprint.realm() == index && !is_vouched(imprint);
        let leaving = |slot: &Slot| slot.imprint.as_ref().is_some_and(leaves);
        let leaving: Vec<usize> =
            self.slots.iter().enumerate().filter(|(_, slot)| leaving(slot)).map(|(place, _)| place).collect();
        for place in leaving {
            self.clear(u32::try_from(place).unwrap_or(u32::MAX));
        }
    }

    /// Moves the hand on to the next token that was not asked for since it last came by, and drops that.
    fn clear_one(&mut self) {
        // Twice round at the most: the first time clears every mark.
        for _ in 0..=2 * self.slots.len() {
            self.hand = if self.hand + 1 < self.slots.len() { self.hand + 1 } else { 0 };
            let Some(slot) = self.slots.get_mut(self.hand) else { return };
            if slot.imprint.is_some() && !core::mem::take(&mut slot.asked_for) {
                return self.clear(u32::try_from(self.hand).unwrap_or(u32::MAX));
            }
        }
    }

    fn clear(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        if let Some(imprint) = slot.imprint.take() {
            self.bytes = self.bytes.saturating_sub(imprint.size() + ENTRY_OVERHEAD_BYTES);
            self.places.remove(&slot.digest);
            self.free.push(place);
        }
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("VerifiedTokens");
        shown.field("len", &self.len()).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// No token may take more than this part of all the room.
const LARGEST_SHARE: usize = 8;

/// Enough of the signature's text to tell signatures apart: 24 characters of base64url carry 144 bits.
const DIGESTED_BYTES: usize = 24;

/// A number from the end of the token, where its signature stands, which its signer alone determines. Whoever could make two
/// alike gains nothing: the whole token is compared.
fn digest(token: &[u8]) -> u64 {
    let tail = token.get(token.len().saturating_sub(DIGESTED_BYTES)..).unwrap_or(token);
    tail.chunks(8).fold(0, |digest, chunk| {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        // Knuth's MMIX multiplier spreads every character over the upper half, the rotation brings that down again.
        (digest ^ u64::from_le_bytes(word)).wrapping_mul(6_364_136_223_846_793_005).rotate_left(29)
    })
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
