//! One consistent state: everything up to a sequence, ready for lookups.

mod levels;

use super::bounds::Bounds;
use super::lookup::bucket::{bucket_is_over, Bucket, BUCKET_SECONDS, CATCH_ALL_SECONDS};
use super::lookup::changes::{Changes, EpochKind};
use super::lookup::exact::Exact;
use super::lookup::filter::Filter;
use super::lookup::fingerprint::Generations;
use super::lookup::shards::{Epochs, Versions};
use super::lookup::slot::{Body, Slot};
use super::lookup::sorted_map::SortedMap;
use super::message::delta::{Delta, Reach};
use super::message::form::Form;
use super::message::manifest::Manifest;
use super::position::{Position, INCARNATION_SHIFT};
use super::stats::StateStats;
use super::wire::reader::MAX_GENERATIONS;
use super::wire::section::{SectionEntry, SectionKind};
use super::wire::stated_policy::StatedPolicy;
use crate::error::FeedError;
use crate::time::UnixSeconds;

/// Maximum number of entries outside the sections, about 50 MB; beyond that, a manifest is needed.
pub const MAX_LIVE_ENTRIES: usize = 1 << 20;

/// Number of live entries below which a manifest is not worth fetching; small deployments never exceed it.
const LIVE_SLACK: usize = 1_024;
/// Beyond the slack, one live entry is allowed for this many in sections.
const LIVE_SHARE: usize = 8;

#[derive(Clone)]
pub(crate) struct State {
    pub(crate) position: Position,
    /// The manifest's bounds, by which entries expire.
    pub(crate) bounds: Bounds,
    /// The bounds of the latest delta that has bounds, otherwise the manifest's.
    pub(crate) new_bounds: Bounds,
    pub(crate) generations: Generations,
    pub(crate) exact: Exact,
    pub(crate) buckets: SortedMap<u32, Bucket>,
    pub(crate) catch_alls: SortedMap<u32, Bucket>,
    pub(crate) epochs: Epochs,
    pub(crate) versions: Versions,
    pub(crate) grants: Epochs,
    /// `None`: not stated.
    pub(crate) policy: Option<StatedPolicy>,
    /// The lowest form of the statements that the state was built from. With an earlier form than the origin's newest,
    /// it refuses more than necessary.
    pub(crate) form: Form,
    /// The highest form of these statements and of those that have renewed the state since.
    pub(crate) offered: Form,
}

impl State {
    /// Checks whether the changes can be applied; applying them afterwards cannot fail.
    pub(crate) fn check(&self, changes: &Changes) -> Result<(), FeedError> {
        let mut generations = self.generations.clone();
        for (generation, hash) in changes.generations.iter() {
            generations.declare(*generation, *hash)?;
        }
        for generation in changes.generations_used() {
            if generations.hash(generation).is_none() {
                return Err(FeedError::UnknownGeneration { generation });
            }
        }
        if self.live_count().saturating_add(changes.entries()) > MAX_LIVE_ENTRIES {
            return Err(FeedError::TooManyChanges { limit: MAX_LIVE_ENTRIES });
        }
        Ok(())
    }

    /// Applies a delta that [`State::check`] has passed.
    pub(crate) fn apply(&mut self, delta: &Delta) {
        let changes = &delta.changes;
        for (generation, hash) in changes.generations.iter() {
            // Checked before: the generation is known with this key, or new and within the limit.
            let _declared = self.generations.declare(*generation, *hash);
        }
        for change in &changes.buckets {
            self.buckets.update(change.bucket, |bucket| bucket.add(change));
        }
        for change in &changes.catch_alls {
            self.catch_alls.update(change.bucket, |bucket| bucket.add(change));
        }
        for change in &changes.epochs {
            let table = match change.kind {
                EpochKind::Names => &mut self.epochs,
                EpochKind::Grants => &mut self.grants,
            };
            table.add(change);
        }
        self.versions.add(&changes.versions);
        self.exact.merge(&changes.exact);
        self.new_bounds = changes.bounds.unwrap_or(self.new_bounds);
        if changes.policy.is_some() {
            self.policy.clone_from(&changes.policy);
        }
        self.form = self.form.min(delta.form);
        self.note_form(delta.form);
        let stated = delta.position;
        self.position = Position { sequence: stated.sequence, chain: stated.chain, ..self.position };
        match delta.reach {
            Reach::Head => self.renew(&stated),
            Reach::Partial => {}
        }
    }

    /// Records that the origin makes statements of this form.
    pub(crate) fn note_form(&mut self, form: Form) {
        self.offered = self.offered.max(form);
    }

    /// Whether all statements that the state was built from have this form, so that its tables of not-befores are
    /// divided in the same way.
    pub(crate) fn is_wholly_of(&self, form: Form) -> bool {
        self.form == form && self.offered == form
    }

    /// Renews the state's age by a later statement of the same head.
    pub(crate) fn renew(&mut self, stated: &Position) {
        if stated.issued_at > self.position.issued_at {
            self.position.issued_at = stated.issued_at;
            self.position.not_after = stated.not_after;
        }
    }

    /// Drops entries that cannot refuse any acceptable token any more.
    pub(crate) fn forget_expired(&mut self, now: UnixSeconds) {
        let bounds = self.bounds;
        self.buckets.retain(|bucket, _| !bucket_is_over(*bucket, BUCKET_SECONDS, &bounds, now));
        self.catch_alls.retain(|bucket, _| !bucket_is_over(*bucket, CATCH_ALL_SECONDS, &bounds, now));
        let kept_for = bounds.kept_for();
        self.epochs.forget_expired(kept_for, now);
        self.grants.forget_expired(kept_for, now);
    }

    /// Entries held outside the sections.
    pub(crate) fn live_count(&self) -> usize {
        let buckets = self.buckets.values().chain(self.catch_alls.values()).map(Bucket::live_count);
        buckets.sum::<usize>() + self.epochs.live_count() + self.versions.live.len() + self.grants.live_count()
    }

    /// Entries held in sections.
    pub(crate) fn section_count(&self) -> usize {
        let count = |entry: &SectionEntry| usize::try_from(entry.count).unwrap_or(0);
        self.entries().map(count).sum()
    }

    /// Sizes and counts.
    pub(crate) fn stats(&self) -> StateStats {
        let count = |kinds: &[SectionKind]| -> u64 {
            self.entries().filter(|entry| kinds.contains(&entry.kind)).map(|entry| u64::from(entry.count)).sum()
        };
        let filters = || self.buckets.values().chain(self.catch_alls.values());
        let bodies = || filters().filter_map(Bucket::slot).filter_map(Slot::body);
        let in_filters: u64 = bodies().map(|filter| u64::from(filter.count())).sum();
        let absent: u64 = self
            .missing()
            .filter(|entry| entry.kind <= SectionKind::CatchAll)
            .map(|entry| u64::from(entry.count))
            .sum();
        let live_ids: usize = filters().map(Bucket::live_count).sum();
        let as_count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let tables = [self.epochs.byte_length(), self.grants.byte_length(), self.versions.byte_length()];
        let bytes = bodies().map(Filter::byte_length).chain(tables);
        StateStats {
            token_ids: in_filters + absent + as_count(live_ids),
            epochs: count(&[SectionKind::Epochs]) + as_count(self.epochs.live_count()),
            clients: as_count(self.exact.clients.len()),
            bans: as_count(self.exact.bans.len()),
            versions: count(&[SectionKind::Versions]) + as_count(self.versions.live.len()),
            grants: count(&[SectionKind::Grants]) + as_count(self.grants.live_count()),
            key_not_befores: as_count(self.exact.key_not_befores.len()),
            sections: as_count(self.entries().count()),
            missing_sections: as_count(self.missing().count()),
            section_bytes: as_count(bytes.sum()),
            live_entries: as_count(self.live_count()),
            error_rate: bodies().map(Filter::error_rate).fold(0.0, f64::max),
        }
    }

    /// Whether a manifest should be fetched: the origin has new bounds, enough entries are outside the sections to be
    /// worth the bytes, the state was built from an earlier form than the origin's, or deltas may soon exceed the
    /// number of hash keys.
    pub(crate) fn wants_manifest(&self) -> bool {
        self.new_bounds != self.bounds
            || self.offered > self.form
            || self.is_outgrown()
            || self.generations.len() > MAX_GENERATIONS / 2
    }

    /// Whether enough entries are outside the sections to make a manifest worth its bytes.
    pub(crate) fn is_outgrown(&self) -> bool {
        self.live_count() > LIVE_SLACK.saturating_add(self.section_count() / LIVE_SHARE)
    }

    /// The manifest's entries of all sections.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &SectionEntry> {
        self.sections().map(|(entry, _)| entry)
    }

    /// The sections that have not arrived.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &SectionEntry> {
        self.sections().filter_map(|(entry, is_held)| (!is_held).then_some(entry))
    }

    /// Every section's entry, and whether the section is held.
    fn sections(&self) -> impl Iterator<Item = (&SectionEntry, bool)> {
        let filters = self.buckets.values().chain(self.catch_alls.values()).filter_map(Bucket::slot).map(Slot::held);
        let epochs = self.epochs.shards.iter().chain(&self.grants.shards).map(Slot::held);
        let mut all = filters.chain(epochs).chain(self.versions.shards.iter().map(Slot::held));
        // `from_fn` makes all uses share one traversal of the chain, which would otherwise be compiled for each of
        // them.
        core::iter::from_fn(move || all.next())
    }

    /// Replaces a filter by its successor in a later manifest, so that memory never holds both for all buckets. The new
    /// one serves at once: ids are only added, so it refuses every id that the old one refused. Returns a body that has
    /// to wait for the whole manifest.
    pub(crate) fn reissue(&mut self, entry: &SectionEntry, body: Body, manifest: &Manifest) -> Option<Body> {
        let ours = self.position.sequence;
        let leads_on = manifest.position.sequence >= ours
            && manifest.position.sequence >> INCARNATION_SHIFT == ours >> INCARNATION_SHIFT;
        let bucket = match entry.kind {
            SectionKind::Bucket => self.buckets.get_mut(&entry.bucket),
            SectionKind::CatchAll => self.catch_alls.get_mut(&entry.bucket),
            SectionKind::Epochs | SectionKind::Versions | SectionKind::Grants => None,
        };
        match (bucket.filter(|_| leads_on), body, manifest.generations.hash(entry.generation)) {
            (Some(bucket), Body::Filter(filter), Some(hash)) => {
                if self.generations.declare(entry.generation, *hash).is_err() {
                    return Some(Body::Filter(filter));
                }
                bucket.reissue(*entry, filter);
                None
            }
            (_, body, _) => Some(body),
        }
    }

    /// Puts a section into its empty slot.
    pub(crate) fn fill(&mut self, entry: &SectionEntry, body: Body) {
        let shard = usize::try_from(entry.bucket).unwrap_or(usize::MAX);
        match (entry.kind, body) {
            (SectionKind::Bucket, Body::Filter(filter)) => fill_bucket(&mut self.buckets, entry.bucket, filter),
            (SectionKind::CatchAll, Body::Filter(filter)) => fill_bucket(&mut self.catch_alls, entry.bucket, filter),
            (SectionKind::Epochs, Body::Epochs(table)) => fill_shard(&mut self.epochs.shards, shard, table),
            (SectionKind::Versions, Body::Versions(table)) => fill_shard(&mut self.versions.shards, shard, table),
            (SectionKind::Grants, Body::Epochs(table)) => fill_shard(&mut self.grants.shards, shard, table),
            // Unreachable: a body is decoded according to its entry's kind.
            (_, Body::Filter(_) | Body::Epochs(_) | Body::Versions(_)) => {}
        }
    }
}

fn fill_bucket(buckets: &mut SortedMap<u32, Bucket>, number: u32, filter: Filter) {
    if let Some(bucket) = buckets.get_mut(&number) {
        bucket.fill(filter);
    }
}

fn fill_shard<T>(shards: &mut [Slot<T>], shard: usize, body: T) {
    if let Some(slot) = shards.get_mut(shard) {
        *slot = Slot::Held { entry: *slot.entry(), body };
    }
}
