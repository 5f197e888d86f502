//! A manifest whose sections are still arriving, until it becomes the state.

use super::reuse::{Reusable, Reuse};
use crate::error::FeedError;
use crate::revocation::lookup::bucket::{bucket_is_over, Bucket, BUCKET_SECONDS, CATCH_ALL_SECONDS};
use crate::revocation::lookup::changes::Changes;
use crate::revocation::lookup::chunked_map::ChunkedMap;
use crate::revocation::lookup::shards::{Epochs, Versions};
use crate::revocation::lookup::slot::{Body, Slot};
use crate::revocation::lookup::sorted_map::SortedMap;
use crate::revocation::message::form::Form;
use crate::revocation::message::manifest::Manifest;
use crate::revocation::state::{State, MAX_LIVE_ENTRIES};
use crate::revocation::wire::section::{SectionEntry, SectionKind, SectionName};
use crate::time::UnixSeconds;

#[derive(Clone)]
pub(crate) struct IncomingManifest {
    pub(crate) manifest: Manifest,
    /// Sections that have arrived.
    pub(crate) arrived: ChunkedMap<SectionName, Body>,
}

impl IncomingManifest {
    /// The sections that have not arrived and cannot be reused from the active state.
    pub(crate) fn missing<'a>(
        &'a self,
        active: Option<&'a State>,
    ) -> impl DoubleEndedIterator<Item = &'a SectionEntry> {
        let reusable = active.map(|active| Reusable::of(active, &self.manifest));
        self.manifest.sections.iter().filter(move |entry| {
            let reuse = reusable.as_ref().map_or(Reuse::Nothing, |reusable| reusable.reuse(entry));
            reuse == Reuse::Nothing && !self.arrived.contains_key(&entry.name)
        })
    }

    /// Whether the manifest can become the state: no section is missing, except those that the active state lacks as
    /// well.
    pub(crate) fn is_ready(&self, active: Option<&State>) -> bool {
        let Some(active) = active else { return true };
        // Sections arrive in order, so the last one is the most likely to be missing.
        self.missing(Some(active))
            .rev()
            .all(|wanted| active.missing().any(|entry| (entry.kind, entry.bucket) == (wanted.kind, wanted.bucket)))
    }

    /// Checks whether these changes could be applied in sequence to the resulting state.
    pub(crate) fn check<'a>(&self, all: impl Iterator<Item = &'a Changes>) -> Result<(), FeedError> {
        let mut generations = self.manifest.generations.clone();
        let mut entries = 0_usize;
        for changes in all {
            for (generation, hash) in changes.generations.iter() {
                generations.declare(*generation, *hash)?;
            }
            let unknown = changes.generations_used().find(|generation| generations.hash(*generation).is_none());
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

    /// Drops the sections of buckets that have expired.
    pub(crate) fn forget_expired(&mut self, now: UnixSeconds) {
        let bounds = self.manifest.bounds;
        self.manifest.sections.retain(|entry| match entry.kind {
            SectionKind::Bucket => !bucket_is_over(entry.bucket, BUCKET_SECONDS, &bounds, now),
            SectionKind::CatchAll => !bucket_is_over(entry.bucket, CATCH_ALL_SECONDS, &bounds, now),
            SectionKind::Epochs | SectionKind::Versions | SectionKind::Grants => true,
        });
    }

    /// Builds the manifest's state from the arrived sections and the reusable parts of the earlier state.
    pub(crate) fn into_state(self, mut earlier: Option<State>) -> State {
        let Self { manifest, mut arrived } = self;
        let mut buckets = SortedMap::default();
        let mut catch_alls = SortedMap::default();
        let mut epochs = Epochs::default();
        let mut grants = Epochs::default();
        let mut versions = Versions::default();
        // Computed before anything is moved out of the earlier state, so that the result is the same as in `is_ready`.
        let reusable = earlier.as_ref().map(|earlier| Reusable::of(earlier, &manifest));
        let reuse = |entry| reusable.as_ref().map_or(Reuse::Nothing, |reusable| reusable.reuse(entry));
        let reuses: Vec<Reuse> = manifest.sections.iter().map(reuse).collect();
        for (entry, reuse) in manifest.sections.iter().zip(reuses) {
            let body = arrived.remove(&entry.name);
            let earlier = earlier.as_mut().filter(|_| body.is_none() && reuse != Reuse::Nothing);
            match entry.kind {
                SectionKind::Bucket => {
                    let earlier = earlier.and_then(|earlier| earlier.buckets.remove(&entry.bucket));
                    buckets.insert(entry.bucket, filter_bucket(entry, body, earlier, reuse));
                }
                SectionKind::CatchAll => {
                    let earlier = earlier.and_then(|earlier| earlier.catch_alls.remove(&entry.bucket));
                    catch_alls.insert(entry.bucket, filter_bucket(entry, body, earlier, reuse));
                }
                SectionKind::Epochs => {
                    let earlier = earlier.map(|earlier| &mut earlier.epochs);
                    add_shard(&mut epochs, entry, body, earlier, reuse);
                }
                SectionKind::Grants => {
                    let earlier = earlier.map(|earlier| &mut earlier.grants);
                    add_shard(&mut grants, entry, body, earlier, reuse);
                }
                SectionKind::Versions => {
                    if let Some(earlier) = earlier.as_ref().filter(|_| reuse == Reuse::UpToDate) {
                        versions.keep_live(&earlier.versions, entry.bucket);
                    }
                    let earlier = earlier.and_then(|earlier| take_shard(&mut earlier.versions.shards, entry));
                    versions.shards.push(match (body, earlier) {
                        (Some(Body::Versions(body)), _) => Slot::Held { entry: *entry, body },
                        (_, Some(slot)) => slot,
                        (_, None) => Slot::Absent(*entry),
                    });
                }
            }
        }
        let Manifest { position, bounds, generations, exact, policy: stated, form, sections: _ } = manifest;
        // Form 1.0 cannot state a policy, so it does not remove one: otherwise refused tokens would be accepted.
        let policy = match form {
            Form::V1_0 => earlier.and_then(|earlier| earlier.policy),
            Form::V1_1 => stated,
        };
        State {
            position,
            bounds,
            new_bounds: bounds,
            generations,
            exact,
            buckets,
            catch_alls,
            epochs,
            versions,
            grants,
            policy,
            form,
            offered: form,
        }
    }
}

/// Adds the next shard to a table of not-befores: the arrived one, or the earlier state's if it can be reused.
fn add_shard(
    table: &mut Epochs,
    entry: &SectionEntry,
    body: Option<Body>,
    mut earlier: Option<&mut Epochs>,
    reuse: Reuse,
) {
    if let Some(earlier) = earlier.as_deref().filter(|_| reuse == Reuse::UpToDate) {
        table.keep_live(earlier, usize::try_from(entry.bucket).unwrap_or(usize::MAX));
    }
    let slot = earlier.as_mut().and_then(|earlier| take_shard(&mut earlier.shards, entry));
    table.shards.push(match (body, slot) {
        (Some(Body::Epochs(body)), _) => Slot::Held { entry: *entry, body },
        (_, Some(slot)) => slot,
        (_, None) => Slot::Absent(*entry),
    });
}

fn filter_bucket(entry: &SectionEntry, body: Option<Body>, earlier: Option<Bucket>, reuse: Reuse) -> Bucket {
    match (body, earlier) {
        (Some(Body::Filter(body)), _) => Bucket::new(Slot::Held { entry: *entry, body }),
        (_, Some(bucket)) if reuse == Reuse::UpToDate => bucket.carried_over(entry),
        (_, Some(bucket)) => bucket.carried_over(entry).without_live(),
        (_, None) => Bucket::new(Slot::Absent(*entry)),
    }
}

/// Removes a shard and leaves an absent slot, so that the others keep their indices.
fn take_shard<T>(shards: &mut [Slot<T>], entry: &SectionEntry) -> Option<Slot<T>> {
    let slot = shards.get_mut(usize::try_from(entry.bucket).ok()?)?;
    let entry = *slot.entry();
    Some(core::mem::replace(slot, Slot::Absent(entry)))
}
