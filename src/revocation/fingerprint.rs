//! From names to 48-bit fingerprints: SipHash-2-4 under a key that the feed carries.

use core::cell::Cell;
use core::fmt;
use core::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::realm::RealmId;
use super::wire::{check_order, Reader, MAX_GENERATIONS};
use crate::error::FeedError;

/// Bits of a fingerprint. Deltas carry all of them, a section as many as its size needs.
pub(crate) const FINGERPRINT_BITS: u32 = 48;

/// The keyed hash of a name, below 2^48.
pub(crate) type Fingerprint = u64;

/// What kind of name is hashed; the tag keeps equal strings of different kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameKind {
    TokenId = 1,
    Session = 2,
    ClientSession = 3,
    User = 4,
}

/// A SipHash key. Whoever has it can test guesses of names, so it is not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKey(pub(crate) [u8; 16]);

impl HashKey {
    /// Top 48 bits of SipHash-2-4 over tag, realm id and the parts, each after its length in 4 bytes.
    pub(crate) fn fingerprint(&self, realm: RealmId, kind: NameKind, parts: &[&str]) -> Fingerprint {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        // No name is without parts.
        let [first, others @ ..] = parts else { return 0 };
        hasher.write(&head_of(kind, realm, first));
        hasher.write(first.as_bytes());
        for part in others {
            hasher.write(&length_of(part));
            hasher.write(part.as_bytes());
        }
        hasher.finish() >> (u64::BITS - FINGERPRINT_BITS)
    }
}

/// What comes before the first part, in one piece: each that is written apart takes as long as two blocks.
fn head_of(kind: NameKind, realm: RealmId, first: &str) -> [u8; HEAD_BYTES] {
    let mut head = [0; HEAD_BYTES];
    let [tag, rest @ ..] = &mut head;
    *tag = kind as u8;
    if let Some((id, length)) = rest.split_first_chunk_mut() {
        *id = *realm.as_bytes();
        length.copy_from_slice(&length_of(first));
    }
    head
}

/// Tag, realm id and the first part's length.
const HEAD_BYTES: usize = 1 + 16 + 4;

/// Names come out of tokens and requests of bounded size, far below 4 GiB.
fn length_of(part: &str) -> [u8; 4] {
    u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes()
}

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey([elided])")
    }
}

/// The hash keys in use, by the number of their generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generations(Vec<(u32, HashKey)>);

impl Generations {
    pub(crate) fn key(&self, generation: u32) -> Option<&HashKey> {
        self.0
            .binary_search_by_key(&generation, |(number, _)| *number)
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, key)| key)
    }

    /// Adds a generation; declaring a known one again is fine as long as its key is the same.
    pub(crate) fn declare(&mut self, generation: u32, key: HashKey) -> Result<(), FeedError> {
        match self.0.binary_search_by_key(&generation, |(number, _)| *number) {
            Ok(at) if self.0.get(at).is_some_and(|(_, known)| *known == key) => Ok(()),
            Ok(_) => Err(FeedError::GenerationConflict { generation }),
            Err(_) if self.0.len() >= MAX_GENERATIONS => Err(FeedError::TooManyGenerations { limit: MAX_GENERATIONS }),
            Err(at) => {
                self.0.insert(at, (generation, key));
                Ok(())
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(u32, HashKey)> {
        self.0.iter()
    }

    /// Block GENERATIONS: `{ u32 generation, [u8; 16] key }`, strictly increasing.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, FeedError> {
        let mut reader = Reader::new(bytes);
        let mut generations = Self::default();
        while !reader.is_empty() {
            let generation = reader.u32()?;
            check_order(generations.0.last().map(|(number, _)| number), &generation, "order of generations")?;
            generations.declare(generation, HashKey(reader.array()?))?;
        }
        Ok(generations)
    }
}

/// One name, hashed under whichever generation a section asks for; the last result is remembered, since most state is of
/// one generation.
pub(crate) struct Name<'a> {
    realm: RealmId,
    generations: &'a Generations,
    kind: NameKind,
    parts: &'a [&'a str],
    last: Cell<Option<(u32, Fingerprint)>>,
}

impl<'a> Name<'a> {
    pub(crate) const fn new(
        realm: RealmId,
        generations: &'a Generations,
        kind: NameKind,
        parts: &'a [&'a str],
    ) -> Self {
        Self { realm, generations, kind, parts, last: Cell::new(None) }
    }

    /// `None` when the generation is unknown, which a decoded state rules out.
    pub(crate) fn under(&self, generation: u32) -> Option<Fingerprint> {
        if let Some((number, fingerprint)) = self.last.get() {
            if number == generation {
                return Some(fingerprint);
            }
        }
        let fingerprint = self.generations.key(generation)?.fingerprint(self.realm, self.kind, self.parts);
        self.last.set(Some((generation, fingerprint)));
        Some(fingerprint)
    }
}
