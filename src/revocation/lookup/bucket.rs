//! Revoked token ids of one expiry bucket, or of unknown expiry: a filter and, over it, an exact live set.

use super::changes::BucketChange;
use super::chunked_map::ChunkedMap;
use super::filter::{Filter, Inserted};
use super::fingerprint::{Fingerprint, Name};
use super::slot::Slot;
use super::sorted_map::SortedMap;
use crate::revocation::bounds::Bounds;
use crate::revocation::wire::section::SectionEntry;
use crate::time::UnixSeconds;

/// Seconds of `exp` that share a filter.
pub(crate) const BUCKET_SECONDS: u64 = 512;
/// Seconds of latest possible expiry that share a catch-all. A lifetime of a day has six of them; every lookup probes
/// all.
pub(crate) const CATCH_ALL_SECONDS: u64 = 16_384;

/// The bucket of a token with this `exp`.
pub(crate) fn bucket_of(expires_at: UnixSeconds) -> u32 {
    u32::try_from(expires_at.get() / BUCKET_SECONDS).unwrap_or(u32::MAX)
}

/// Whether no edge accepts a token of the bucket any more. The last bucket never ends: it has all later expiries.
pub(crate) fn bucket_is_over(bucket: u32, seconds: u64, bounds: &Bounds, now: UnixSeconds) -> bool {
    let end = UnixSeconds::new((u64::from(bucket) + 1).saturating_mul(seconds));
    bucket != u32::MAX && end.plus(bounds.margin()) <= now
}

/// The result of a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Hit,
    Miss,
    /// Not known: the section has not arrived.
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    /// `None`: the manifest has no section for it.
    slot: Option<Slot<Filter>>,
    /// No token issued later is in this bucket. Raised before an id is added.
    greatest_issued_at: u64,
    /// By generation: ids that arrived while there was no filter, a full one, or one with another hash key.
    live: SortedMap<u32, ChunkedMap<Fingerprint, ()>>,
}

impl Bucket {
    pub(crate) fn new(slot: Slot<Filter>) -> Self {
        Self { greatest_issued_at: slot.entry().greatest_issued_at, slot: Some(slot), live: SortedMap::default() }
    }

    /// Looks a token id up; `issued_at` is the token's.
    pub(crate) fn find(&self, id: &Name<'_>, issued_at: u64) -> Lookup {
        if !self.may_have(issued_at) {
            return Lookup::Miss;
        }
        for (generation, fingerprints) in self.live.iter() {
            if id.under(*generation).is_none_or(|fingerprint| fingerprints.contains_key(&fingerprint)) {
                return Lookup::Hit;
            }
        }
        match &self.slot {
            None => Lookup::Miss,
            Some(Slot::Absent(_)) => Lookup::Unknown,
            Some(Slot::Held { entry, body }) => match id.under(entry.generation) {
                Some(fingerprint) if body.has(fingerprint) => Lookup::Hit,
                Some(_) => Lookup::Miss,
                None => Lookup::Unknown,
            },
        }
    }

    /// Whether the bucket can hold the id of a token issued at this time.
    pub(crate) const fn may_have(&self, issued_at: u64) -> bool {
        issued_at <= self.greatest_issued_at
    }

    /// Adds ids to the filter unless it is full, otherwise to the live set.
    pub(crate) fn add(&mut self, change: &BucketChange) {
        self.greatest_issued_at = self.greatest_issued_at.max(change.greatest_issued_at);
        for fingerprint in &change.fingerprints {
            self.insert(change.generation, *fingerprint);
        }
    }

    /// Fills the slot that the manifest named, and moves live ids into the filter.
    pub(crate) fn fill(&mut self, filter: Filter) {
        if let Some(slot) = &self.slot {
            self.reissue(*slot.entry(), filter);
        }
    }

    /// Replaces the filter by a later issue, which has all ids of the earlier one, and moves live ids into it.
    pub(crate) fn reissue(&mut self, entry: SectionEntry, filter: Filter) {
        self.greatest_issued_at = self.greatest_issued_at.max(entry.greatest_issued_at);
        self.slot = Some(Slot::Held { entry, body: filter });
        for (fingerprint, ()) in self.live.remove(&entry.generation).unwrap_or_default().iter() {
            self.insert(entry.generation, *fingerprint);
        }
    }

    /// Carries the ids over to a later manifest.
    pub(crate) fn carried_over(mut self, entry: &SectionEntry) -> Self {
        self.greatest_issued_at = self.greatest_issued_at.max(entry.greatest_issued_at);
        self
    }

    /// Keeps the filter only.
    pub(crate) fn without_live(mut self) -> Self {
        self.live.clear();
        self
    }

    pub(crate) const fn slot(&self) -> Option<&Slot<Filter>> {
        self.slot.as_ref()
    }

    /// Generations of the ids outside the filter.
    pub(crate) fn live_generations(&self) -> impl Iterator<Item = u32> + '_ {
        self.live.keys().copied()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.live.values().map(ChunkedMap::len).sum()
    }

    fn insert(&mut self, generation: u32, fingerprint: Fingerprint) {
        if let Some(Slot::Held { entry, body }) = &mut self.slot {
            if entry.generation == generation {
                match body.insert(fingerprint) {
                    Inserted::Added | Inserted::AlreadyThere => return,
                    Inserted::Full => {}
                }
            }
        }
        self.live.update(generation, |live| live.insert(fingerprint, ()));
    }
}
