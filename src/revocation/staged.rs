//! A manifest whose sections are still arriving, and how it becomes the state.

use std::collections::BTreeMap;

use super::bucket::{bucket_is_over, Bucket, BUCKET_SECONDS, CATCH_ALL_SECONDS};
use super::delta::Changes;
use super::fingerprint::Generations;
use super::manifest::Manifest;
use super::section::{SectionEntry, SectionKind, SectionName};
use super::shards::{Epochs, Versions};
use super::slot::{Body, Slot};
use super::state::{State, MAX_LIVE_ENTRIES};
use crate::error::FeedError;
use crate::time::UnixSeconds;

/// Leading bits of a sequence number that count the ledger's incarnations: they start at this bit.
pub(crate) const INCARNATION_SHIFT: u32 = 40;
/// Live entries up to which a state is not worth folding: what small deployments never exceed.
const LIVE_SLACK: usize = 1_024;
/// Beyond the slack: this fraction of what the sections hold.
const LIVE_SHARE: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Staged {
    pub(crate) manifest: Manifest,
    /// Sections that have arrived for it.
    pub(crate) arrived: BTreeMap<SectionName, Body>,
}

impl Staged {
    /// The sections that neither arrived nor are held in the active state.
    pub(crate) fn missing<'a>(&'a self, active: Option<&'a State>) -> impl Iterator<Item = &'a SectionEntry> {
        self.manifest.sections.iter().filter(move |entry| {
            let held = active.is_some_and(|active| active.offers(entry, &self.manifest));
            !held && !self.arrived.contains_key(&entry.name)
        })
    }

    /// Whether it can take over: nothing is missing, or nothing that the active state could answer.
    pub(crate) fn is_ready(&self, active: Option<&State>) -> bool {
        let Some(active) = active else { return true };
        self.missing(Some(active))
            .all(|wanted| active.missing().any(|entry| (entry.kind, entry.bucket) == (wanted.kind, wanted.bucket)))
    }

    /// Whether these changes, one after the other, could be applied to what this becomes.
    pub(crate) fn check<'a>(&self, all: impl Iterator<Item = &'a Changes>) -> Result<(), FeedError> {
        let mut generations = self.manifest.generations.clone();
        let mut entries = 0_usize;
        for changes in all {
            for (generation, key) in changes.generations.iter() {
                generations.declare(*generation, *key)?;
            }
            let unknown = changes.generations_used().find(|generation| generations.key(*generation).is_none());
            if let Some(generation) = unknown {
                return Err(FeedError::UnknownGeneration { generation });
            }
            entries = entries.saturating_add(changes.entries());
        }
        if entries > MAX_LIVE_ENTRIES {
            return Err(FeedError::TooManyChanges { limit: MAX_LIVE_ENTRIES });
        }
        Ok(())
    }

    /// Wants no more sections of buckets that are over.
    pub(crate) fn forget_expired(&mut self, now: UnixSeconds) {
        let bounds = self.manifest.bounds;
        self.manifest.sections.retain(|entry| match entry.kind {
            SectionKind::Bucket => !bucket_is_over(entry.bucket, BUCKET_SECONDS, &bounds, now),
            SectionKind::CatchAll => !bucket_is_over(entry.bucket, CATCH_ALL_SECONDS, &bounds, now),
            SectionKind::Epochs | SectionKind::Versions => true,
        });
    }

    /// The state that the manifest describes, out of what arrived and what the earlier state offers.
    pub(crate) fn into_state(self, mut earlier: Option<State>) -> State {
        let Self { manifest, mut arrived } = self;
        let mut buckets = BTreeMap::new();
        let mut catch_alls = BTreeMap::new();
        let mut epochs = Epochs::default();
        let mut versions = Versions::default();
        for entry in &manifest.sections {
            let body = arrived.remove(&entry.name);
            let offered = body.is_none() && earlier.as_ref().is_some_and(|earlier| earlier.offers(entry, &manifest));
            let earlier = earlier.as_mut().filter(|_| offered);
            match entry.kind {
                SectionKind::Bucket => {
                    let earlier = earlier.and_then(|earlier| earlier.buckets.remove(&entry.bucket));
                    buckets.insert(entry.bucket, filter_bucket(entry, body, earlier));
                }
                SectionKind::CatchAll => {
                    let earlier = earlier.and_then(|earlier| earlier.catch_alls.remove(&entry.bucket));
                    catch_alls.insert(entry.bucket, filter_bucket(entry, body, earlier));
                }
                SectionKind::Epochs => {
                    let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
                    let earlier = earlier.map(|earlier| {
                        epochs.keep_live(&earlier.epochs, shard);
                        take_shard(&mut earlier.epochs.shards, shard)
                    });
                    epochs.shards.push(match (body, earlier.flatten()) {
                        (Some(Body::Epochs(body)), _) => Slot::Held { entry: *entry, body },
                        (_, Some(slot)) => slot.renamed(*entry),
                        (_, None) => Slot::Absent(*entry),
                    });
                }
                SectionKind::Versions => {
                    let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
                    let earlier = earlier.map(|earlier| {
                        versions.keep_live(&earlier.versions, entry.bucket);
                        take_shard(&mut earlier.versions.shards, shard)
                    });
                    versions.shards.push(match (body, earlier.flatten()) {
                        (Some(Body::Versions(body)), _) => Slot::Held { entry: *entry, body },
                        (_, Some(slot)) => slot.renamed(*entry),
                        (_, None) => Slot::Absent(*entry),
                    });
                }
            }
        }
        let Manifest { position, bounds, generations, exact, sections: _ } = manifest;
        State { position, bounds, generations, exact, buckets, catch_alls, epochs, versions }
    }
}

fn filter_bucket(entry: &SectionEntry, body: Option<Body>, earlier: Option<Bucket>) -> Bucket {
    match (body, earlier) {
        (Some(Body::Filter(body)), _) => Bucket::new(Slot::Held { entry: *entry, body }),
        (_, Some(bucket)) => bucket.renamed(*entry),
        (_, None) => Bucket::new(Slot::Absent(*entry)),
    }
}

/// Leaves an absent slot behind, so that the shards after it keep their places.
fn take_shard<T>(shards: &mut [Slot<T>], shard: usize) -> Option<Slot<T>> {
    let slot = shards.get_mut(shard)?;
    let entry = *slot.entry();
    Some(core::mem::replace(slot, Slot::Absent(entry)))
}

impl State {
    /// Whether it holds this section of a later manifest: the same bytes, or the same section kept up to date by deltas.
    pub(crate) fn offers(&self, entry: &SectionEntry, manifest: &Manifest) -> bool {
        let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
        match entry.kind {
            SectionKind::Bucket => {
                self.buckets.get(&entry.bucket).is_some_and(|held| self.offers_bucket(held, entry, manifest))
            }
            SectionKind::CatchAll => {
                self.catch_alls.get(&entry.bucket).is_some_and(|held| self.offers_bucket(held, entry, manifest))
            }
            SectionKind::Epochs => {
                let shards = manifest.of_kind(SectionKind::Epochs).count();
                self.epochs.shards.len() == shards
                    && self.agrees_on(self.epochs.live.keys().copied(), &manifest.generations)
                    && self.epochs.shards.get(shard).is_some_and(|slot| {
                        self.offers_slot(slot, entry, manifest, self.epochs.live_count() <= LIVE_SLACK)
                    })
            }
            SectionKind::Versions => {
                let shards = manifest.of_kind(SectionKind::Versions).count();
                self.versions.shards.len() == shards
                    && self.versions.shards.get(shard).is_some_and(|slot| {
                        self.offers_slot(slot, entry, manifest, self.versions.live.len() <= LIVE_SLACK)
                    })
            }
        }
    }

    /// Whether so much is held outside the sections that a manifest is worth its bytes.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.live_count() > LIVE_SLACK.saturating_add(self.section_count() / LIVE_SHARE)
    }

    fn offers_bucket(&self, bucket: &Bucket, entry: &SectionEntry, manifest: &Manifest) -> bool {
        // A filter of another size is a reissue: it has room for what is live here.
        let same_size = bucket.slot().is_some_and(|slot| slot.entry().length == entry.length);
        self.agrees_on(bucket.live_generations(), &manifest.generations)
            && bucket.slot().is_some_and(|slot| self.offers_slot(slot, entry, manifest, same_size))
    }

    fn offers_slot<T>(&self, slot: &Slot<T>, entry: &SectionEntry, manifest: &Manifest, worth_keeping: bool) -> bool {
        let Slot::Held { entry: held, .. } = slot else { return false };
        let same_key = match entry.kind {
            SectionKind::Versions => true,
            SectionKind::Bucket | SectionKind::CatchAll | SectionKind::Epochs => {
                held.generation == entry.generation
                    && self.agrees_on(core::iter::once(entry.generation), &manifest.generations)
            }
        };
        let ours = self.position.sequence;
        // Under other bounds things were forgotten at other times.
        let up_to_date = ours >= entry.covers
            && ours >> INCARNATION_SHIFT == manifest.position.sequence >> INCARNATION_SHIFT
            && self.bounds == manifest.bounds;
        same_key && (held.name == entry.name || (up_to_date && worth_keeping))
    }

    fn agrees_on(&self, mut numbers: impl Iterator<Item = u32>, generations: &Generations) -> bool {
        numbers.all(|number| {
            let key = generations.key(number);
            key.is_some() && key == self.generations.key(number)
        })
    }
}
