//! Finds the sections of a newer manifest that the current state already covers, so they need no download.

use crate::revocation::lookup::bucket::Bucket;
use crate::revocation::lookup::fingerprint::Generations;
use crate::revocation::lookup::shards::Epochs;
use crate::revocation::lookup::slot::Slot;
use crate::revocation::message::manifest::Manifest;
use crate::revocation::position::INCARNATION_SHIFT;
use crate::revocation::state::State;
use crate::revocation::wire::section::{SectionEntry, SectionKind};

/// The part of the current state that covers one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    Nothing,
    /// The same section. Its live entries are in the new manifest's sections, or in deltas after it.
    Same,
    /// An earlier section that deltas have updated, with its live entries. It keeps its own name, since it is not the
    /// section in the manifest.
    UpToDate,
}

/// Compares the current state with a newer manifest, with rules for all sections.
pub(crate) struct Reusable<'a> {
    state: &'a State,
    manifest: &'a Manifest,
    is_outgrown: bool,
    epochs: TableRules,
    versions: TableRules,
    grants: TableRules,
}

/// Rules for every shard of a table.
#[derive(Clone, Copy)]
struct TableRules {
    /// Both have the same number of shards, so they divide the names in the same way.
    is_divided_alike: bool,
    /// Its live entries may stay live.
    keeps_live: bool,
}

impl<'a> Reusable<'a> {
    pub(crate) fn of(state: &'a State, manifest: &'a Manifest) -> Self {
        let is_outgrown = state.is_outgrown();
        let shards = |kind| manifest.of_kind(kind).count();
        // The forms put grants into different tables, so deltas of one form do not update sections of another.
        let is_of_its_form = state.is_wholly_of(manifest.form);
        let epoch_rules = |table: &Epochs, kind| {
            let agrees = agree_on(table.live.keys().copied(), &state.generations, &manifest.generations);
            TableRules {
                is_divided_alike: table.shards.len() == shards(kind),
                keeps_live: agrees && is_of_its_form && (table.live_count() == 0 || !is_outgrown),
            }
        };
        Self {
            state,
            manifest,
            is_outgrown,
            epochs: epoch_rules(&state.epochs, SectionKind::Epochs),
            grants: epoch_rules(&state.grants, SectionKind::Grants),
            versions: TableRules {
                is_divided_alike: state.versions.shards.len() == shards(SectionKind::Versions),
                keeps_live: state.versions.live.is_empty() || !is_outgrown,
            },
        }
    }

    pub(crate) fn reuse(&self, entry: &SectionEntry) -> Reuse {
        let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
        match entry.kind {
            SectionKind::Bucket => self.bucket(self.state.buckets.get(&entry.bucket), entry),
            SectionKind::CatchAll => self.bucket(self.state.catch_alls.get(&entry.bucket), entry),
            SectionKind::Epochs => self.shard(self.epochs, self.state.epochs.shards.get(shard), entry),
            SectionKind::Versions => self.shard(self.versions, self.state.versions.shards.get(shard), entry),
            SectionKind::Grants => self.shard(self.grants, self.state.grants.shards.get(shard), entry),
        }
    }

    fn bucket(&self, bucket: Option<&Bucket>, entry: &SectionEntry) -> Reuse {
        let Some(bucket) = bucket else { return Reuse::Nothing };
        // A filter of another size is a reissue that has our live entries.
        let same_size = bucket.slot().is_some_and(|slot| slot.entry().length == entry.length);
        let agrees = agree_on(bucket.live_generations(), &self.state.generations, &self.manifest.generations);
        let keeps_live = agrees && same_size && (bucket.live_count() == 0 || !self.is_outgrown);
        self.slot(bucket.slot(), entry, keeps_live)
    }

    fn shard<T>(&self, table: TableRules, slot: Option<&Slot<T>>, entry: &SectionEntry) -> Reuse {
        self.slot(slot.filter(|_| table.is_divided_alike), entry, table.keeps_live)
    }

    fn slot<T>(&self, slot: Option<&Slot<T>>, entry: &SectionEntry, keeps_live: bool) -> Reuse {
        let Some(Slot::Held { entry: held, .. }) = slot else { return Reuse::Nothing };
        let (state, manifest) = (self.state, self.manifest);
        let same_key = match entry.kind {
            SectionKind::Versions => true,
            SectionKind::Bucket | SectionKind::CatchAll | SectionKind::Epochs | SectionKind::Grants => {
                let used = core::iter::once(entry.generation);
                held.generation == entry.generation && agree_on(used, &state.generations, &manifest.generations)
            }
        };
        let ours = state.position.sequence;
        // With other bounds, entries expire at other times.
        let is_up_to_date = ours >= entry.covers
            && ours >> INCARNATION_SHIFT == manifest.position.sequence >> INCARNATION_SHIFT
            && state.bounds == manifest.bounds;
        if same_key && held.name == entry.name {
            Reuse::Same
        } else if same_key && is_up_to_date && keeps_live {
            Reuse::UpToDate
        } else {
            Reuse::Nothing
        }
    }
}

/// Whether both have the same hash key for each of these generations.
fn agree_on(mut numbers: impl Iterator<Item = u32>, ours: &Generations, theirs: &Generations) -> bool {
    numbers.all(|number| {
        let key = theirs.key(number);
        key.is_some() && key == ours.key(number)
    })
}
