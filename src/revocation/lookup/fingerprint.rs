//! Hashes names to 48-bit fingerprints: SipHash-2-4 with a key from the feed.

use core::cell::Cell;
use core::fmt;
use core::hash::Hasher as _;

use siphasher::sip::SipHasher24;

use super::sorted_map::SortedMap;
use crate::error::FeedError;
use crate::revocation::realm_id::RealmId;
use crate::revocation::wire::reader::{check_order, Reader, MAX_GENERATIONS};

/// Bits of a fingerprint. Deltas carry all of them, a section as many as its size calls for.
pub(crate) const FINGERPRINT_BITS: u32 = 48;

/// The keyed hash of a name, below 2^48.
pub(crate) type Fingerprint = u64;

/// The kind of a name; its tag keeps equal strings of different kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NameKind {
    TokenId = 1,
    Session = 2,
    ClientSession = 3,
    User = 4,
    Grant = 5,
}

/// A SipHash key. It allows guesses of names to be tested, so it is not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HashKey(pub(crate) [u8; 16]);

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey([elided])")
    }
}

/// SipHash states for one realm and key, one per [`NameKind`], with the common prefix (kind tag, realm id) already
/// absorbed. Saves about a third of the work for a UUID-sized name.
#[derive(Clone, Copy)]
pub(crate) struct NameHash {
    key: HashKey,
    token_id: SipHasher24,
    session: SipHasher24,
    client_session: SipHasher24,
    user: SipHasher24,
    grant: SipHasher24,
}

impl NameHash {
    pub(crate) fn new(key: HashKey, realm: RealmId) -> Self {
        let begun = |kind: NameKind| {
            let mut hasher = SipHasher24::new_with_key(&key.0);
            hasher.write_u8(kind as u8);
            hasher.write(realm.as_bytes());
            hasher
        };
        Self {
            key,
            token_id: begun(NameKind::TokenId),
            session: begun(NameKind::Session),
            client_session: begun(NameKind::ClientSession),
            user: begun(NameKind::User),
            grant: begun(NameKind::Grant),
        }
    }

    /// The top 48 bits of SipHash-2-4 over tag, realm id and the parts, each prefixed with its length in 4 bytes. For
    /// an issuer name other than the realm's first, that name is the first part.
    pub(crate) fn fingerprint(&self, kind: NameKind, issuer: Option<&str>, parts: &[&str]) -> Fingerprint {
        let mut hasher = match kind {
            NameKind::TokenId => self.token_id,
            NameKind::Session => self.session,
            NameKind::ClientSession => self.client_session,
            NameKind::User => self.user,
            NameKind::Grant => self.grant,
        };
        for part in issuer.iter().chain(parts) {
            // Names come from tokens and requests of bounded size, far below 4 GiB. The hasher reads a number in the
            // machine's byte order, which must not matter.
            hasher.write_u32(u32::try_from(part.len()).unwrap_or(u32::MAX).to_le());
            hasher.write(part.as_bytes());
        }
        hasher.finish() >> (u64::BITS - FINGERPRINT_BITS)
    }

    pub(crate) const fn key(&self) -> &HashKey {
        &self.key
    }
}

impl fmt::Debug for NameHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NameHash([elided])")
    }
}

/// The hashes in use, by generation number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generations(SortedMap<u32, NameHash>);

impl Generations {
    pub(crate) fn hash(&self, generation: u32) -> Option<&NameHash> {
        self.0.get(&generation)
    }

    pub(crate) fn key(&self, generation: u32) -> Option<&HashKey> {
        self.hash(generation).map(NameHash::key)
    }

    /// Adds a generation; declaring a known one again is allowed with the same key only.
    pub(crate) fn declare(&mut self, generation: u32, hash: NameHash) -> Result<(), FeedError> {
        match self.key(generation) {
            Some(known) if known == hash.key() => Ok(()),
            Some(_) => Err(FeedError::GenerationConflict { generation }),
            None if self.len() >= MAX_GENERATIONS => Err(FeedError::TooManyGenerations { limit: MAX_GENERATIONS }),
            None => {
                self.0.insert(generation, hash);
                Ok(())
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&u32, &NameHash)> {
        self.0.iter()
    }

    /// Block GENERATIONS: `{ u32 generation, [u8; 16] key }`, strictly increasing.
    pub(crate) fn decode(bytes: &[u8], realm: RealmId) -> Result<Self, FeedError> {
        let mut reader = Reader::new(bytes);
        let mut generations = Self::default();
        while !reader.is_empty() {
            let generation = reader.u32()?;
            check_order(generations.0.last_key(), &generation, "order of generations")?;
            generations.declare(generation, NameHash::new(HashKey(reader.array()?), realm))?;
        }
        Ok(generations)
    }
}

/// One name, hashed for the generation of each section. Caches the last result, since most of a state is of one
/// generation.
pub(crate) struct Name<'a> {
    generations: &'a Generations,
    kind: NameKind,
    issuer: Option<&'a str>,
    parts: &'a [&'a str],
    last: Cell<Option<(u32, Fingerprint)>>,
}

impl<'a> Name<'a> {
    pub(crate) const fn new(
        generations: &'a Generations,
        kind: NameKind,
        issuer: Option<&'a str>,
        parts: &'a [&'a str],
    ) -> Self {
        Self { generations, kind, issuer, parts, last: Cell::new(None) }
    }

    /// The fingerprint in a generation; `None` if that is unknown, which a decoded state rules out.
    pub(crate) fn under(&self, generation: u32) -> Option<Fingerprint> {
        if let Some((number, fingerprint)) = self.last.get() {
            if number == generation {
                return Some(fingerprint);
            }
        }
        let fingerprint = self.generations.hash(generation)?.fingerprint(self.kind, self.issuer, self.parts);
        self.last.set(Some((generation, fingerprint)));
        Some(fingerprint)
    }
}
