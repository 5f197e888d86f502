//! The signed head of a state: bounds, hash keys, the exact parts, and the names of the sections.

use super::form::Form;
use super::statement::{BlockKind, Statement};
use crate::error::FeedError;
use crate::revocation::bounds::Bounds;
use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::Generations;
use crate::revocation::position::Position;
use crate::revocation::wire::reader::{Reader, MAX_SECTIONS};
use crate::revocation::wire::section::{SectionEntry, SectionKind, ENTRY_BYTES, UNKNOWN_ISSUE_TIME};
use crate::revocation::wire::stated_policy::StatedPolicy;
use crate::time::{Seconds, MAX_SECONDS};

/// A manifest with a valid signature and valid contents.
#[derive(Clone)]
pub(crate) struct Manifest {
    pub(crate) position: Position,
    pub(crate) bounds: Bounds,
    pub(crate) generations: Generations,
    pub(crate) exact: Exact,
    /// The stated policy; `None`: not stated, as in form 1.0.
    pub(crate) policy: Option<StatedPolicy>,
    /// The form of the manifest.
    pub(crate) form: Form,
    /// Strictly increasing by kind and bucket.
    pub(crate) sections: Vec<SectionEntry>,
}

// struct Manifest { Statement with blocks BOUNDS (always), GENERATIONS, REALM, CLIENTS, BANS, KEYS, SECTIONS,
//                   KEY_NOT_BEFORES, POLICY }
// BOUNDS: varint leeway, varint skew, varint max_lifetime, varint max_session + 1 or 0
// SECTIONS: [Entry], strictly increasing by kind and bucket; epochs, versions and grants: shards 0, 1, .. 2^n - 1 of
// one
//           generation
impl Manifest {
    pub(crate) fn decode(statement: &Statement<'_>) -> Result<Self, FeedError> {
        if statement.flags != 0 {
            return Err(FeedError::Malformed { part: "flags" });
        }
        let mut bounds = None;
        let mut generations = Generations::default();
        let mut exact = Exact::default();
        let mut policy = None;
        let mut sections = Vec::new();
        for block in statement.blocks(Reader::new(statement.body)) {
            let (kind, bytes) = block?;
            match kind {
                BlockKind::Bounds => bounds = Some(decode_bounds(bytes)?),
                BlockKind::Generations => generations = Generations::decode(bytes, statement.realm)?,
                BlockKind::Realm => exact.decode_realm(bytes)?,
                BlockKind::Clients => exact.decode_clients(bytes)?,
                BlockKind::Bans => exact.decode_bans(bytes)?,
                BlockKind::Keys => exact.decode_keys(bytes)?,
                BlockKind::Sections => sections = decode_sections(bytes)?,
                BlockKind::KeyNotBefores => exact.decode_key_not_befores(bytes)?,
                BlockKind::Policy => policy = Some(StatedPolicy::decode(bytes)?),
                BlockKind::TokenIds
                | BlockKind::CatchAllIds
                | BlockKind::Epochs
                | BlockKind::Versions
                | BlockKind::NewBounds
                | BlockKind::Grants => {
                    return Err(FeedError::Malformed { part: "delta block in manifest" });
                }
            }
        }
        let bounds = bounds.ok_or(FeedError::Malformed { part: "bounds" })?;
        let (position, form) = (statement.position, statement.form());
        let manifest = Self { position, bounds, generations, exact, policy, form, sections };
        manifest.sections.iter().try_for_each(|entry| manifest.check_entry(entry))?;
        manifest.check_shards(SectionKind::Epochs)?;
        manifest.check_shards(SectionKind::Versions)?;
        manifest.check_shards(SectionKind::Grants)?;
        Ok(manifest)
    }

    pub(crate) fn of_kind(&self, kind: SectionKind) -> impl Iterator<Item = &SectionEntry> {
        self.sections.iter().filter(move |entry| entry.kind == kind)
    }

    fn check_entry(&self, entry: &SectionEntry) -> Result<(), FeedError> {
        if form_of(entry.kind) > self.form {
            return Err(FeedError::Malformed { part: "section of a later form" });
        }
        if entry.covers > self.position.sequence {
            return Err(FeedError::Malformed { part: "cover of section" });
        }
        let (keyed, gated) = match entry.kind {
            SectionKind::Bucket | SectionKind::CatchAll => (true, true),
            SectionKind::Epochs | SectionKind::Grants => (true, false),
            SectionKind::Versions => (false, false),
        };
        if keyed && self.generations.hash(entry.generation).is_none() {
            return Err(FeedError::UnknownGeneration { generation: entry.generation });
        }
        let issue_time_fits = if gated {
            entry.greatest_issued_at <= MAX_SECONDS || entry.greatest_issued_at == UNKNOWN_ISSUE_TIME
        } else {
            entry.greatest_issued_at == 0
        };
        if !issue_time_fits || (!keyed && entry.generation != 0) {
            return Err(FeedError::Malformed { part: "section entry" });
        }
        Ok(())
    }

    fn check_shards(&self, kind: SectionKind) -> Result<(), FeedError> {
        let mut shards = 0_u32;
        let mut generation = None;
        for entry in self.of_kind(kind) {
            if entry.bucket != shards || generation.is_some_and(|first| first != entry.generation) {
                return Err(FeedError::Malformed { part: "shards" });
            }
            generation = Some(entry.generation);
            shards += 1;
        }
        if shards == 0 || shards.is_power_of_two() {
            Ok(())
        } else {
            Err(FeedError::Malformed { part: "number of shards" })
        }
    }
}

/// The first form that has such sections.
const fn form_of(kind: SectionKind) -> Form {
    match kind {
        SectionKind::Bucket | SectionKind::CatchAll | SectionKind::Epochs | SectionKind::Versions => Form::V1_0,
        SectionKind::Grants => Form::V1_1,
    }
}

pub(crate) fn decode_bounds(bytes: &[u8]) -> Result<Bounds, FeedError> {
    let mut reader = Reader::new(bytes);
    let mut seconds = || match reader.varint()? {
        value @ 0..=MAX_SECONDS => Ok(value),
        _ => Err(FeedError::Malformed { part: "bounds" }),
    };
    let (leeway, skew, max_lifetime) = (seconds()?, seconds()?, seconds()?);
    let max_session = seconds()?.checked_sub(1).map(Seconds::new);
    reader.end("bounds")?;
    Ok(Bounds {
        leeway: Seconds::new(leeway),
        skew: Seconds::new(skew),
        max_lifetime: Seconds::new(max_lifetime),
        max_session,
    })
}

fn decode_sections(bytes: &[u8]) -> Result<Vec<SectionEntry>, FeedError> {
    if bytes.len() / ENTRY_BYTES > MAX_SECTIONS {
        return Err(FeedError::Malformed { part: "number of sections" });
    }
    let mut reader = Reader::new(bytes);
    let mut sections: Vec<SectionEntry> = Vec::with_capacity(bytes.len() / ENTRY_BYTES);
    while !reader.is_empty() {
        let entry = SectionEntry::decode(&mut reader)?;
        if sections.last().is_some_and(|last| (last.kind, last.bucket) >= (entry.kind, entry.bucket)) {
            return Err(FeedError::Malformed { part: "order of sections" });
        }
        sections.push(entry);
    }
    Ok(sections)
}
