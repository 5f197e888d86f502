//! The common parts of manifest and delta: head, blocks and signature.

use super::feed_key::{FeedKey, KeyId};
use super::form::Form;
use crate::error::FeedError;
use crate::revocation::position::{Chain, Position};
use crate::revocation::realm_id::RealmId;
use crate::revocation::wire::reader::{Reader, MAX_DELTA_BYTES, MAX_MANIFEST_BYTES, MAX_SEQUENCE};
use crate::time::{Seconds, UnixSeconds, MAX_SECONDS};

/// Major version of the format: a greater one cannot be read safely and is refused.
pub(crate) const MAJOR: u8 = 1;
/// Minor version: a greater one may have unknown blocks; those not marked critical are skipped.
pub(crate) const MINOR: u8 = Form::NEWEST.minor();

/// Manifest or delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementKind {
    Manifest,
    Delta,
}

impl StatementKind {
    pub(crate) const fn magic(self) -> [u8; 4] {
        match self {
            Self::Manifest => *b"PCLM",
            Self::Delta => *b"PCLD",
        }
    }

    /// Prefix of the signed bytes, so that one kind can never be mistaken for the other.
    pub(crate) const fn domain(self) -> &'static [u8] {
        match self {
            Self::Manifest => b"portcullis/v1/manifest\0",
            Self::Delta => b"portcullis/v1/delta\0",
        }
    }

    const fn limit(self) -> usize {
        match self {
            Self::Manifest => MAX_MANIFEST_BYTES,
            Self::Delta => MAX_DELTA_BYTES,
        }
    }

    fn from_magic(magic: [u8; 4]) -> Option<Self> {
        [Self::Manifest, Self::Delta].into_iter().find(|kind| kind.magic() == magic)
    }
}

// struct Statement {
//      0  [u8; 4]   magic           "PCLM" manifest, "PCLD" delta
//      4  u8        major           1
//      5  u8        minor           that of the statement's form, 0 or 1
//      6  u16       flags           bit 0, delta only: PARTIAL, the ledger's head lies further on
//      8  [u8; 16]  realm
//     24  u64       sequence        the state's after it was applied
//     32  u64       issued_at
//     40  [u8; 16]  chain           at that sequence
//     56  u32       valid_for       seconds; not_after = issued_at + valid_for
//     60  u32       span            delta only: it starts at sequence - span
//     64  [u8; 16]  chain_from      delta only: chain where it starts
//         Block[]                   strictly increasing by kind, none twice
//         [u8; 8]   key             first bytes of the feed key's thumbprint
//         [u8; 64]  signature       Ed25519 over the kind's domain and everything before
// }
// struct Block { u16 kind, u16 flags: bit 0 CRITICAL, u32 length, [u8; length] }
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement<'a> {
    pub(crate) kind: StatementKind,
    pub(crate) realm: RealmId,
    pub(crate) minor: u8,
    pub(crate) flags: u16,
    pub(crate) position: Position,
    pub(crate) key: KeyId,
    /// Everything after the head common to both kinds, up to the key id.
    pub(crate) body: &'a [u8],
}

/// Flag: more changes follow. The delta advances the sequence, but does not renew the state's age.
pub(crate) const PARTIAL: u16 = 1;
/// Flag of a block that a reader must understand.
pub(crate) const CRITICAL: u16 = 1;
const KEY_ID_BYTES: usize = 8;
const SIGNATURE_BYTES: usize = 64;

/// Reads realm and sequence of a message without checking its signature: only to decide whether to verify it at all.
///
/// # Errors
/// Not a feed message, too long, or of a later major version.
pub fn peek_realm(bytes: &[u8]) -> Result<(RealmId, u64), FeedError> {
    let (_, mut reader) = open(bytes)?;
    let (_minor, _flags) = (reader.u8()?, reader.u16()?);
    Ok((RealmId::from_bytes(reader.array()?), reader.u64()?))
}

impl<'a> Statement<'a> {
    /// Checks kind, realm and signature, in this order, and only then reads the rest of the head.
    pub(crate) fn verify(bytes: &'a [u8], realm: RealmId, keys: &[FeedKey]) -> Result<Self, FeedError> {
        let (kind, mut reader) = open(bytes)?;
        let (minor, flags) = (reader.u8()?, reader.u16()?);
        if RealmId::from_bytes(reader.array()?) != realm {
            return Err(FeedError::WrongRealm);
        }
        let (signed, signature) = bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(FeedError::Truncated)?;
        let (_, id) = signed.split_last_chunk::<KEY_ID_BYTES>().ok_or(FeedError::Truncated)?;
        let key = keys.iter().find(|key| key.id() == KeyId(*id)).ok_or(FeedError::UnknownKey)?;
        key.verify(&[kind.domain(), signed].concat(), signature)?;

        let (sequence, issued_at, chain) = (reader.u64()?, reader.u64()?, Chain(reader.array()?));
        let valid_for = Seconds::new(reader.u32()?.into());
        if sequence > MAX_SEQUENCE || issued_at > MAX_SECONDS {
            return Err(FeedError::Malformed { part: "head" });
        }
        let issued_at = UnixSeconds::new(issued_at);
        let position = Position { sequence, chain, issued_at, not_after: issued_at.plus(valid_for) };
        let body_length = reader.remaining().checked_sub(KEY_ID_BYTES + SIGNATURE_BYTES).ok_or(FeedError::Truncated)?;
        Ok(Self { kind, realm, minor, flags, position, key: key.id(), body: reader.take(body_length)? })
    }

    /// Refuses a statement that is too old to be forwarded, or from the future.
    pub(crate) fn check_time(&self, now: UnixSeconds, skew: Seconds) -> Result<(), FeedError> {
        let Position { issued_at, not_after, .. } = self.position;
        if now > not_after {
            return Err(FeedError::Expired { not_after: not_after.get(), now: now.get() });
        }
        if issued_at > now.plus(skew) {
            return Err(FeedError::FromFuture { issued_at: issued_at.get(), now: now.get() });
        }
        Ok(())
    }

    /// The statement's form, or the newest one that this build knows.
    pub(crate) const fn form(&self) -> Form {
        Form::for_reader(self.minor)
    }

    /// Iterates over the known blocks in order; skips unknown ones if the version policy allows it.
    pub(crate) fn blocks(&self, reader: Reader<'a>) -> Blocks<'a> {
        Blocks { reader, form: self.form(), newer_minor: self.minor > MINOR, last_kind: None }
    }
}

/// Checks size, magic and major version.
fn open(bytes: &[u8]) -> Result<(StatementKind, Reader<'_>), FeedError> {
    let mut reader = Reader::new(bytes);
    let kind = StatementKind::from_magic(reader.array()?).ok_or(FeedError::UnknownKind)?;
    if bytes.len() > kind.limit() {
        return Err(FeedError::TooLong { length: bytes.len(), limit: kind.limit() });
    }
    match reader.u8()? {
        MAJOR => Ok((kind, reader)),
        major => Err(FeedError::UnsupportedVersion { major }),
    }
}

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BlockKind {
    Bounds,
    Generations,
    Realm,
    Clients,
    Bans,
    Keys,
    Sections,
    TokenIds,
    CatchAllIds,
    Epochs,
    Versions,
    /// In a delta: the origin's new bounds.
    NewBounds,
    /// Not-befores of signing keys; only in form 1.1.
    KeyNotBefores,
    /// In a delta: not-befores of grants; only in form 1.1.
    Grants,
    /// The digests of the origin's policy; only in form 1.1.
    Policy,
}

impl BlockKind {
    /// All kinds in the order of their numbers, from 1.
    const ALL: [Self; 15] = [
        Self::Bounds,
        Self::Generations,
        Self::Realm,
        Self::Clients,
        Self::Bans,
        Self::Keys,
        Self::Sections,
        Self::TokenIds,
        Self::CatchAllIds,
        Self::Epochs,
        Self::Versions,
        Self::NewBounds,
        Self::KeyNotBefores,
        Self::Grants,
        Self::Policy,
    ];

    pub(crate) const fn number(self) -> u16 {
        self as u16 + 1
    }

    fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number.checked_sub(1)?)).copied().filter(|kind| kind.number() == number)
    }

    /// The first form that has such blocks.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Bounds
            | Self::Generations
            | Self::Realm
            | Self::Clients
            | Self::Bans
            | Self::Keys
            | Self::Sections
            | Self::TokenIds
            | Self::CatchAllIds
            | Self::Epochs
            | Self::Versions
            | Self::NewBounds => Form::V1_0,
            Self::KeyNotBefores | Self::Grants | Self::Policy => Form::V1_1,
        }
    }
}

/// Iterator over a statement's blocks; ends after the first error.
pub(crate) struct Blocks<'a> {
    reader: Reader<'a>,
    form: Form,
    newer_minor: bool,
    last_kind: Option<u16>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<(BlockKind, &'a [u8]), FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.reader.is_empty() {
            match self.read() {
                Ok(None) => {}
                Ok(Some(block)) => return Some(Ok(block)),
                Err(error) => {
                    self.reader = Reader::new(&[]);
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<'a> Blocks<'a> {
    fn read(&mut self) -> Result<Option<(BlockKind, &'a [u8])>, FeedError> {
        let (number, flags, length) = (self.reader.u16()?, self.reader.u16()?, self.reader.u32()?);
        let bytes = self.reader.take(usize::try_from(length).map_err(|_| FeedError::Truncated)?)?;
        if self.last_kind.is_some_and(|last| last >= number) {
            return Err(FeedError::Malformed { part: "order of blocks" });
        }
        self.last_kind = Some(number);
        match BlockKind::from_number(number) {
            Some(_) if flags != CRITICAL || bytes.is_empty() => Err(FeedError::Malformed { part: "block" }),
            Some(kind) if kind.form() > self.form => Err(FeedError::Malformed { part: "block of a later form" }),
            Some(kind) => Ok(Some((kind, bytes))),
            None if flags & CRITICAL != 0 => Err(FeedError::UnknownCriticalBlock { kind: number }),
            None if self.newer_minor => Ok(None),
            None => Err(FeedError::Malformed { part: "block of no version known" }),
        }
    }
}
