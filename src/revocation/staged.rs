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
use super::wire::MAX_GENERATIONS;
use crate::error::FeedError;
use crate::time::UnixSeconds;

/// Leading bits of a sequence number that count the ledger's incarnations: they start at this bit.
pub(crate) const INCARNATION_SHIFT: u32 = 40;
/// Live entries up to which a state is not worth folding: what small deployments never exceed.
const LIVE_SLACK: usize = 1_024;
/// Beyond the slack: this fraction of what the sections hold.
const LIVE_SHARE: usize = 8;

#[derive(Clone)]
pub(crate) struct Staged {
    pub(crate) manifest: Manifest,
    /// Sections that have arrived for it.
    pub(crate) arrived: BTreeMap<SectionName, Body>,
}

impl Staged {
    /// The sections that neither arrived nor are held in the active state.
    pub(crate) fn missing<'a>(&'a self, active: Option<&'a State>) -> impl Iterator<Item = &'a SectionEntry> {
        self.manifest.sections.iter().filter(move |entry| {
            let offer = active.map_or(Offer::Nothing, |active| active.offers(entry, &self.manifest));
            offer == Offer::Nothing && !self.arrived.contains_key(&entry.name)
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
        // Decided before anything is taken out of the earlier state, as it was when this was found to be ready.
        let offer = |entry| earlier.as_ref().map_or(Offer::Nothing, |earlier| earlier.offers(entry, &manifest));
        let offers: Vec<Offer> = manifest.sections.iter().map(offer).collect();
        for (entry, offer) in manifest.sections.iter().zip(offers) {
            let body = arrived.remove(&entry.name);
            let earlier = earlier.as_mut().filter(|_| body.is_none() && offer != Offer::Nothing);
            let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
            match entry.kind {
                SectionKind::Bucket => {
                    let earlier = earlier.and_then(|earlier| earlier.buckets.remove(&entry.bucket));
                    buckets.insert(entry.bucket, filter_bucket(entry, body, earlier, offer));
                }
                SectionKind::CatchAll => {
                    let earlier = earlier.and_then(|earlier| earlier.catch_alls.remove(&entry.bucket));
                    catch_alls.insert(entry.bucket, filter_bucket(entry, body, earlier, offer));
                }
                SectionKind::Epochs => {
                    if let Some(earlier) = earlier.as_ref().filter(|_| offer == Offer::UpToDate) {
                        epochs.keep_live(&earlier.epochs, shard);
                    }
                    let earlier = earlier.and_then(|earlier| take_shard(&mut earlier.epochs.shards, shard));
                    epochs.shards.push(match (body, earlier) {
                        (Some(Body::Epochs(body)), _) => Slot::Held { entry: *entry, body },
                        (_, Some(slot)) => slot,
                        (_, None) => Slot::Absent(*entry),
                    });
                }
                SectionKind::Versions => {
                    if let Some(earlier) = earlier.as_ref().filter(|_| offer == Offer::UpToDate) {
                        versions.keep_live(&earlier.versions, entry.bucket);
                    }
                    let earlier = earlier.and_then(|earlier| take_shard(&mut earlier.versions.shards, shard));
                    versions.shards.push(match (body, earlier) {
                        (Some(Body::Versions(body)), _) => Slot::Held { entry: *entry, body },
                        (_, Some(slot)) => slot,
                        (_, None) => Slot::Absent(*entry),
                    });
                }
            }
        }
        let Manifest { position, bounds, generations, exact, sections: _ } = manifest;
        State { position, bounds, new_bounds: bounds, generations, exact, buckets, catch_alls, epochs, versions }
    }
}

fn filter_bucket(entry: &SectionEntry, body: Option<Body>, earlier: Option<Bucket>, offer: Offer) -> Bucket {
    match (body, earlier) {
        (Some(Body::Filter(body)), _) => Bucket::new(Slot::Held { entry: *entry, body }),
        (_, Some(bucket)) if offer == Offer::UpToDate => bucket.carried_over(entry),
        (_, Some(bucket)) => bucket.carried_over(entry).without_live(),
        (_, None) => Bucket::new(Slot::Absent(*entry)),
    }
}

/// Leaves an absent slot behind, so that the shards after it keep their places.
fn take_shard<T>(shards: &mut [Slot<T>], shard: usize) -> Option<Slot<T>> {
    let slot = shards.get_mut(shard)?;
    let entry = *slot.entry();
    Some(core::mem::replace(slot, Slot::Absent(entry)))
}

/// What a state has for a section of a later manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Nothing,
    /// The very section: whatever is live over it is in it, or in the deltas that follow the manifest.
    Same,
    /// An earlier one that deltas have brought up to date, together with what is live over it. It keeps its own name, since
    /// it is not the section that the manifest names.
    UpToDate,
}

impl State {
    /// What it has for this section of a later manifest.
    pub(crate) fn offers(&self, entry: &SectionEntry, manifest: &Manifest) -> Offer {
        let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
        let shards = || manifest.of_kind(entry.kind).count();
        match entry.kind {
            SectionKind::Bucket => self.offers_bucket(self.buckets.get(&entry.bucket), entry, manifest),
            SectionKind::CatchAll => self.offers_bucket(self.catch_alls.get(&entry.bucket), entry, manifest),
            SectionKind::Epochs => {
                let agrees = self.agrees_on(self.epochs.live.keys().copied(), &manifest.generations);
                let keeps_live = agrees && (self.epochs.live_count() == 0 || !self.is_outgrown());
                let slot = self.epochs.shards.get(shard).filter(|_| self.epochs.shards.len() == shards());
                self.offers_slot(slot, entry, manifest, keeps_live)
            }
            SectionKind::Versions => {
                let keeps_live = self.versions.live.is_empty() || !self.is_outgrown();
                let slot = self.versions.shards.get(shard).filter(|_| self.versions.shards.len() == shards());
                self.offers_slot(slot, entry, manifest, keeps_live)
            }
        }
    }

    /// Whether a manifest would say something that deltas cannot, or so much is held outside the sections that it is worth
    /// its bytes, or deltas may soon bring more hash keys than there is room for.
    pub(crate) fn wants_manifest(&self) -> bool {
        self.new_bounds != self.bounds || self.is_outgrown() || self.generations.len() > MAX_GENERATIONS / 2
    }

    /// Whether so much is held outside the sections that a manifest is worth its bytes.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.live_count() > LIVE_SLACK.saturating_add(self.section_count() / LIVE_SHARE)
    }

    fn offers_bucket(&self, bucket: Option<&Bucket>, entry: &SectionEntry, manifest: &Manifest) -> Offer {
        let Some(bucket) = bucket else { return Offer::Nothing };
        // A filter of another size is a reissue: it has room for what is live here.
        let same_size = bucket.slot().is_some_and(|slot| slot.entry().length == entry.length);
        let agrees = self.agrees_on(bucket.live_generations(), &manifest.generations);
        let keeps_live = agrees && same_size && (bucket.live_count() == 0 || !self.is_outgrown());
        self.offers_slot(bucket.slot(), entry, manifest, keeps_live)
    }

    fn offers_slot<T>(
        &self,
        slot: Option<&Slot<T>>,
        entry: &SectionEntry,
        manifest: &Manifest,
        keeps_live: bool,
    ) -> Offer {
        let Some(Slot::Held { entry: held, .. }) = slot else { return Offer::Nothing };
        let same_key = match entry.kind {
            SectionKind::Versions => true,
            SectionKind::Bucket | SectionKind::CatchAll | SectionKind::Epochs => {
                held.generation == entry.generation
                    && self.agrees_on(core::iter::once(entry.generation), &manifest.generations)
            }
        };
        let ours = self.position.sequence;
        // Under other bounds things were forgotten at other times.
        let is_up_to_date = ours >= entry.covers
            && ours >> INCARNATION_SHIFT == manifest.position.sequence >> INCARNATION_SHIFT
            && self.bounds == manifest.bounds;
        if same_key && held.name == entry.name {
            Offer::Same
        } else if same_key && is_up_to_date && keeps_live {
            Offer::UpToDate
        } else {
            Offer::Nothing
        }
    }

    fn agrees_on(&self, mut numbers: impl Iterator<Item = u32>, generations: &Generations) -> bool {
        numbers.all(|number| {
            let key = generations.key(number);
            key.is_some() && key == self.generations.key(number)
        })
    }
}
