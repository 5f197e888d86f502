//! A signed series of changes from one sequence to another. It only adds.

use super::form::Form;
use super::manifest::decode_bounds;
use super::statement::{BlockKind, Statement, PARTIAL};
use crate::error::FeedError;
use crate::revocation::lookup::changes::{BucketChange, Changes, EpochChange, EpochKind};
use crate::revocation::lookup::fingerprint::{Fingerprint, Generations};
use crate::revocation::lookup::versions::UserKey;
use crate::revocation::position::{Chain, Position};
use crate::revocation::wire::reader::{check_order, Reader};
use crate::revocation::wire::section::UNKNOWN_ISSUE_TIME;
use crate::revocation::wire::stated_policy::StatedPolicy;
use crate::time::MAX_SECONDS;

/// Bytes of a fingerprint on the wire.
pub(crate) const FINGERPRINT_BYTES: usize = 6;

/// A delta with a valid signature and valid contents.
#[derive(Clone)]
pub(crate) struct Delta {
    pub(crate) position: Position,
    pub(crate) reach: Reach,
    /// The form of the delta.
    pub(crate) form: Form,
    pub(crate) from: u64,
    pub(crate) chain_from: Chain,
    /// Length of the message in bytes.
    pub(crate) length: usize,
    pub(crate) changes: Changes,
}

/// Whether the delta leads to the ledger's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Head,
    Partial,
}

// struct Delta { Statement with blocks GENERATIONS (new ones), REALM, CLIENTS, BANS, KEYS, TOKEN_IDS, CATCH_ALL_IDS,
// EPOCHS,
//                VERSIONS, NEW_BOUNDS (as the manifest's BOUNDS), KEY_NOT_BEFORES, GRANTS, POLICY }
// Without any block and with span 0 it is a heartbeat.
// TOKEN_IDS, CATCH_ALL_IDS:
//     { u32 generation, varint buckets, [{ varint step, varint greatest, varint count, [u48 fingerprint; count] };
//     buckets] }
//     step = bucket - the one before (the first: - 0); greatest = 0 when unknown, else 1 + zigzag(issued_at - greatest
//     iat) EPOCHS, GRANTS:
//     { u32 generation, varint count, varint base, [{ u48 fingerprint, varint not_before - base }; count] }, base =
//     least VERSIONS: { [u8; 16] user key, varint minimum }
// Everything strictly increasing by generation, bucket, fingerprint or key; no group is empty.
impl Delta {
    pub(crate) fn decode(statement: &Statement<'_>, length: usize) -> Result<Self, FeedError> {
        let reach = match statement.flags {
            0 => Reach::Head,
            PARTIAL => Reach::Partial,
            _ => return Err(FeedError::Malformed { part: "flags" }),
        };
        let mut reader = Reader::new(statement.body);
        let (span, chain_from) = (reader.u32()?, Chain(reader.array()?));
        let position = statement.position;
        let from = position.sequence.checked_sub(span.into()).ok_or(FeedError::Malformed { part: "span" })?;
        let mut changes = Changes::default();
        let mut has_blocks = false;
        for block in statement.blocks(reader) {
            let (kind, bytes) = block?;
            has_blocks = true;
            match kind {
                BlockKind::Generations => changes.generations = Generations::decode(bytes, statement.realm)?,
                BlockKind::Realm => changes.exact.decode_realm(bytes)?,
                BlockKind::Clients => changes.exact.decode_clients(bytes)?,
                BlockKind::Bans => changes.exact.decode_bans(bytes)?,
                BlockKind::Keys => changes.exact.decode_keys(bytes)?,
                BlockKind::TokenIds => changes.buckets = decode_buckets(bytes, position.issued_at.get())?,
                BlockKind::CatchAllIds => changes.catch_alls = decode_buckets(bytes, position.issued_at.get())?,
                BlockKind::Versions => changes.versions = decode_versions(bytes)?,
                BlockKind::NewBounds => changes.bounds = Some(decode_bounds(bytes)?),
                BlockKind::KeyNotBefores => changes.exact.decode_key_not_befores(bytes)?,
                BlockKind::Epochs | BlockKind::Grants => decode_epochs(kind, bytes, &mut changes.epochs)?,
                BlockKind::Policy => changes.policy = Some(StatedPolicy::decode(bytes)?),
                BlockKind::Bounds | BlockKind::Sections => {
                    return Err(FeedError::Malformed { part: "manifest block in delta" });
                }
            }
        }
        if span == 0 && (has_blocks || reach == Reach::Partial || chain_from != position.chain) {
            return Err(FeedError::Malformed { part: "heartbeat" });
        }
        Ok(Self { position, reach, form: statement.form(), from, chain_from, length, changes })
    }
}

fn decode_buckets(bytes: &[u8], issued_at: u64) -> Result<Vec<BucketChange>, FeedError> {
    const LEAST_BUCKET_BYTES: usize = 3 + FINGERPRINT_BYTES;
    let mut reader = Reader::new(bytes);
    let mut changes = Vec::new();
    let mut last_generation = None;
    while !reader.is_empty() {
        let generation = reader.u32()?;
        check_order(last_generation.as_ref(), &generation, "order of generations")?;
        last_generation = Some(generation);
        let buckets = reader.count(LEAST_BUCKET_BYTES)?;
        let mut bucket = 0_u64;
        for index in 0..buckets {
            let step = reader.varint()?;
            bucket = bucket.checked_add(step).ok_or(FeedError::Malformed { part: "bucket" })?;
            if step == 0 && index > 0 {
                return Err(FeedError::Malformed { part: "order of buckets" });
            }
            changes.push(BucketChange {
                generation,
                bucket: u32::try_from(bucket).map_err(|_| FeedError::Malformed { part: "bucket" })?,
                greatest_issued_at: decode_issue_time(reader.varint()?, issued_at)?,
                fingerprints: decode_fingerprints(&mut reader)?,
            });
        }
        refuse_empty(buckets)?;
    }
    Ok(changes)
}

fn decode_issue_time(code: u64, issued_at: u64) -> Result<u64, FeedError> {
    let Some(zigzag) = code.checked_sub(1) else { return Ok(UNKNOWN_ISSUE_TIME) };
    let distance = zigzag / 2;
    let time = if zigzag % 2 == 0 { issued_at.checked_sub(distance) } else { issued_at.checked_add(distance + 1) };
    time.filter(|time| *time <= MAX_SECONDS).ok_or(FeedError::Malformed { part: "issue time" })
}

fn decode_fingerprints(reader: &mut Reader<'_>) -> Result<Vec<Fingerprint>, FeedError> {
    let count = reader.count(FINGERPRINT_BYTES)?;
    refuse_empty(count)?;
    let mut fingerprints = Vec::with_capacity(count);
    for _ in 0..count {
        let fingerprint = reader.u48()?;
        check_order(fingerprints.last(), &fingerprint, "order of fingerprints")?;
        fingerprints.push(fingerprint);
    }
    Ok(fingerprints)
}

fn decode_epochs(block: BlockKind, bytes: &[u8], changes: &mut Vec<EpochChange>) -> Result<(), FeedError> {
    let mut reader = Reader::new(bytes);
    let kind = if block == BlockKind::Grants { EpochKind::Grants } else { EpochKind::Names };
    let mut last_generation = None;
    while !reader.is_empty() {
        let generation = reader.u32()?;
        check_order(last_generation.as_ref(), &generation, "order of generations")?;
        last_generation = Some(generation);
        let (count, base) = (reader.varint()?, reader.varint()?);
        let count = usize::try_from(count).map_err(|_| FeedError::Truncated)?;
        refuse_empty(count)?;
        if count > reader.remaining() / (FINGERPRINT_BYTES + 1) {
            return Err(FeedError::Truncated);
        }
        let mut not_befores: Vec<(Fingerprint, u64)> = Vec::with_capacity(count);
        let mut least = u64::MAX;
        for _ in 0..count {
            let (fingerprint, offset) = (reader.u48()?, reader.varint()?);
            check_order(not_befores.last().map(|(last, _)| last), &fingerprint, "order of fingerprints")?;
            let not_before = base.checked_add(offset).filter(|time| *time <= MAX_SECONDS);
            not_befores.push((fingerprint, not_before.ok_or(FeedError::Malformed { part: "not-before" })?));
            least = least.min(offset);
        }
        if least != 0 {
            return Err(FeedError::Malformed { part: "base of not-befores" });
        }
        changes.push(EpochChange { kind, generation, not_befores });
    }
    Ok(())
}

fn decode_versions(bytes: &[u8]) -> Result<Vec<(UserKey, u64)>, FeedError> {
    let mut reader = Reader::new(bytes);
    let mut versions: Vec<(UserKey, u64)> = Vec::new();
    while !reader.is_empty() {
        let (key, minimum) = (reader.array()?, reader.varint()?);
        check_order(versions.last().map(|(last, _)| last), &key, "order of versions")?;
        if minimum == 0 {
            return Err(FeedError::Malformed { part: "version" });
        }
        versions.push((key, minimum));
    }
    Ok(versions)
}

fn refuse_empty(count: usize) -> Result<(), FeedError> {
    if count == 0 {
        Err(FeedError::Malformed { part: "empty group" })
    } else {
        Ok(())
    }
}
