//! Revoked token ids of one expiry bucket, or of unknown expiry: a filter and, over it, an exact live set.

use std::collections::BTreeSet;

use super::changes::BucketChange;
use super::filter::{Filter, Inserted};
use super::fingerprint::{Fingerprint, Name};
use super::slot::Slot;
use super::sorted_map::SortedMap;
use crate::revocation::bounds::Bounds;
use crate::revocation::wire::section::SectionEntry;
use crate::time::UnixSeconds;

/// Seconds of `exp` that share a filter.
pub(crate) const BUCKET_SECONDS: u64 = 512;
/// Seconds of latest possible expiry that share a catch-all: a day's lifetime makes six of them, all probed.
pub(crate) const CATCH_ALL_SECONDS: u64 = 16_384;

/// The bucket of a token that expires then.
pub(crate) fn bucket_of(expires_at: UnixSeconds) -> u32 {
    u32::try_from(expires_at.get() / BUCKET_SECONDS).unwrap_or(u32::MAX)
}

/// From when on no token of the bucket is accepted anywhere. The last one never ends: it takes all that is beyond.
pub(crate) fn bucket_is_over(bucket: u32, seconds: u64, bounds: &Bounds, now: UnixSeconds) -> bool {
    let end = UnixSeconds::new((u64::from(bucket) + 1).saturating_mul(seconds));
    bucket != u32::MAX && end.plus(bounds.margin()) <= now
}

/// Whether an id is in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Hit,
    Miss,
    /// The section that knows has not arrived.
    Unknown,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bucket {
    /// `None`: the manifest had no ids for it.
    slot: Option<Slot<Filter>>,
    /// A token issued later is in none of this. Raised before an id is added.
    greatest_issued_at: u64,
    /// Ids that came when there was no filter, a full one or one of another hash key, by generation.
    live: SortedMap<u32, BTreeSet<Fingerprint>>,
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
            if id.under(*generation).is_none_or(|fingerprint| fingerprints.contains(&fingerprint)) {
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

    /// Whether the id of a token issued then can be here.
    pub(crate) const fn may_have(&self, issued_at: u64) -> bool {
        issued_at <= self.greatest_issued_at
    }

    /// Adds ids: into the filter's bits if it has room for them, else into the live set.
    pub(crate) fn add(&mut self, change: &BucketChange) {
        self.greatest_issued_at = self.greatest_issued_at.max(change.greatest_issued_at);
        for fingerprint in &change.fingerprints {
            self.insert(change.generation, *fingerprint);
        }
    }

    /// Takes the section in that the manifest named, and moves live ids into it.
    pub(crate) fn fill(&mut self, filter: Filter) {
        if let Some(slot) = &self.slot {
            self.reissue(*slot.entry(), filter);
        }
    }

    /// Takes a later issue of its filter in, which holds all that the one before held, and moves live ids into it.
    pub(crate) fn reissue(&mut self, entry: SectionEntry, filter: Filter) {
        self.greatest_issued_at = self.greatest_issued_at.max(entry.greatest_issued_at);
        self.slot = Some(Slot::Held { entry, body: filter });
        for fingerprint in self.live.remove(&entry.generation).unwrap_or_default() {
            self.insert(entry.generation, fingerprint);
        }
    }

    /// The same ids for a later manifest.
    pub(crate) fn carried_over(mut self, entry: &SectionEntry) -> Self {
        self.greatest_issued_at = self.greatest_issued_at.max(entry.greatest_issued_at);
        self
    }

    /// Only what is in the filter.
    pub(crate) fn without_live(mut self) -> Self {
        self.live.clear();
        self
    }

    pub(crate) const fn slot(&self) -> Option<&Slot<Filter>> {
        self.slot.as_ref()
    }

    /// Hash keys of the ids outside the filter.
    pub(crate) fn live_generations(&self) -> impl Iterator<Item = u32> + '_ {
        self.live.keys().copied()
    }

    pub(crate) fn live_count(&self) -> usize {
        self.live.values().map(BTreeSet::len).sum()
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
        self.live.update(generation, |live| {
            live.insert(fingerprint);
        });
    }
}
