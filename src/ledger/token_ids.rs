//! Revoked token ids at the origin: fingerprints by bucket, and the filters built from them.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use crate::revocation::lookup::bucket::{bucket_is_over, BUCKET_SECONDS, CATCH_ALL_SECONDS};
use crate::revocation::lookup::filter::{set_bits, MAX_FILTER_BITS, MAX_HASHES};
use crate::revocation::lookup::fingerprint::Fingerprint;
use crate::revocation::wire::section::{SectionEntry, SectionKind, SECTION_HEAD_BYTES};
use crate::revocation::Bounds;
use crate::time::UnixSeconds;

use super::published_sections::PublishedSections;
use super::record::Place;
use super::section_build::HeadFields;

/// Up to this many catch-alls are probed besides a token's own bucket, so each has this fraction of the error rate.
const CATCH_ALL_SHARE: f64 = 8.0;

#[derive(Clone, Debug, Default)]
pub(crate) struct TokenIds {
    filters: BTreeMap<Place, TokenFilter>,
}

#[derive(Clone, Debug, Default)]
struct TokenFilter {
    fingerprints: HashSet<Fingerprint, BuildHasherDefault<FingerprintHasher>>,
    greatest_issued_at: u64,
    covers: u64,
    built: Option<Built>,
}

/// A published filter, and the ids added since.
#[derive(Clone, Debug)]
struct Built {
    entry: SectionEntry,
    head: HeadFields,
    added: Vec<Fingerprint>,
}

impl TokenIds {
    /// Whether edges that are up to date refuse the id already, issue time included.
    pub(crate) fn refuses(&self, place: Place, fingerprint: Fingerprint, issued_at: u64) -> bool {
        self.filters
            .get(&place)
            .is_some_and(|filter| issued_at <= filter.greatest_issued_at && filter.fingerprints.contains(&fingerprint))
    }

    /// The catch-alls in use.
    pub(crate) fn catch_alls(&self) -> impl Iterator<Item = Place> + '_ {
        self.filters.keys().copied().filter(|place| place.kind == SectionKind::CatchAll)
    }

    pub(crate) fn add(&mut self, place: Place, fingerprint: Fingerprint, issued_at: u64, sequence: u64) {
        let filter = self.filters.entry(place).or_default();
        filter.greatest_issued_at = filter.greatest_issued_at.max(issued_at);
        filter.covers = filter.covers.max(sequence);
        if filter.fingerprints.insert(fingerprint) {
            if let Some(built) = &mut filter.built {
                built.added.push(fingerprint);
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.filters.values().map(|filter| filter.fingerprints.len()).sum()
    }

    /// Number of expiry buckets, without catch-alls.
    pub(crate) fn buckets(&self) -> usize {
        self.filters.keys().filter(|place| place.kind == SectionKind::Bucket).count()
    }

    /// The fill of the fullest filter of an expiry bucket, from 0 to 1. A filter that is not published yet counts with
    /// the capacity that it will have.
    pub(crate) fn fill(&self) -> f64 {
        let buckets = self.filters.iter().filter(|(place, _)| place.kind == SectionKind::Bucket);
        let fills = buckets.map(|(_, filter)| {
            let count = u32::try_from(filter.fingerprints.len()).unwrap_or(u32::MAX);
            let capacity = filter.built.as_ref().map_or_else(|| capacity_for(count), |built| built.head.capacity);
            f64::from(count) / f64::from(capacity)
        });
        fills.fold(0.0, f64::max).min(1.0)
    }

    /// Drops the buckets whose tokens have all expired; returns the number of ids.
    pub(crate) fn drop_over(&mut self, bounds: &Bounds, now: UnixSeconds, sections: &mut PublishedSections) -> usize {
        let before = self.count();
        self.filters.retain(|place, filter| {
            let seconds = if place.kind == SectionKind::CatchAll { CATCH_ALL_SECONDS } else { BUCKET_SECONDS };
            let is_over = bucket_is_over(place.bucket, seconds, bounds, now);
            if let Some(built) = filter.built.as_ref().filter(|_| is_over) {
                sections.retire(&built.entry.name, now);
            }
            !is_over
        });
        before.saturating_sub(self.count())
    }

    /// Rebuilds changed filters; returns the manifest's entries of all filters in order.
    pub(crate) fn publish(
        &mut self,
        generation: u32,
        error_rate: f64,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> Vec<SectionEntry> {
        let publish =
            |(place, filter): (&Place, &mut TokenFilter)| filter.publish(*place, generation, error_rate, sections, now);
        self.filters.iter_mut().map(publish).collect()
    }
}

impl TokenFilter {
    fn publish(
        &mut self,
        place: Place,
        generation: u32,
        error_rate: f64,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> SectionEntry {
        let count = u32::try_from(self.fingerprints.len()).unwrap_or(u32::MAX);
        let earlier = self.built.take();
        if let Some(mut built) = earlier.clone().filter(|built| built.added.is_empty()) {
            built.entry.covers = self.covers;
            built.entry.greatest_issued_at = self.greatest_issued_at;
            return self.built.insert(built).entry;
        }
        // A filter that is not full is extended; a full one is rebuilt bigger from the fingerprints.
        let extended = earlier.as_ref().filter(|built| count <= built.head.capacity).and_then(|built| {
            let head = HeadFields { count, ..built.head };
            let bytes = sections.get(&built.entry.name)?;
            Some((head, extend(head, bytes, &built.added)))
        });
        let (head, bytes) = extended.unwrap_or_else(|| {
            let shape = FilterShape::new(self.fingerprints.len(), rate_of(place.kind, error_rate));
            let head = HeadFields {
                kind: place.kind,
                form: shape.hashes.into(),
                width: 0,
                bucket: place.bucket,
                generation,
                count,
                capacity: shape.capacity,
                base: shape.bits.into(),
            };
            (head, build(head, &shape, self.fingerprints.iter().copied()))
        });
        if let Some(built) = earlier {
            sections.retire(&built.entry.name, now);
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let entry = head.entry(length, sections.publish(bytes), self.covers, self.greatest_issued_at);
        self.built.insert(Built { entry, head, added: Vec::new() }).entry
    }
}

fn rate_of(kind: SectionKind, error_rate: f64) -> f64 {
    if kind == SectionKind::CatchAll {
        error_rate / CATCH_ALL_SHARE
    } else {
        error_rate
    }
}

/// Size of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FilterShape {
    capacity: u32,
    bits: u32,
    hashes: u8,
}

impl FilterShape {
    // Sizes are positive and far below 2^53; conversions from float saturate, and the result is clamped.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn new(count: usize, error_rate: f64) -> Self {
        let capacity = capacity_for(u32::try_from(count).unwrap_or(u32::MAX));
        let hashes = (-error_rate.log2()).round().clamp(1.0, f64::from(MAX_HASHES));
        // With m bits the error rate is (1 - e^(-kn/m))^k; this is m for the given rate. k bits are added, because the
        // number of bits set varies, which matters a little in small filters.
        let bits = -hashes * f64::from(capacity) / (1.0 - error_rate.powf(1.0 / hashes)).ln() + hashes;
        let bits = (bits.ceil() as u32).min(MAX_FILTER_BITS).next_multiple_of(64);
        Self { capacity, bits, hashes: hashes as u8 }
    }
}

/// The first capacity that holds `count` ids: 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, ... (ISO 3, series
/// R10). A filter is reissued after growing by a quarter; on average an eighth of it is unused.
fn capacity_for(count: u32) -> u32 {
    const STEPS: [u64; 10] = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800];
    const SMALLEST: [u32; 3] = [50, 63, 80];
    let mut decade = 1_u64;
    loop {
        let steps = STEPS.iter().map(|step| u32::try_from(step * decade).unwrap_or(u32::MAX));
        let small = SMALLEST.into_iter().filter(|_| decade == 1);
        if let Some(capacity) = small.chain(steps).find(|capacity| *capacity >= count) {
            return capacity;
        }
        decade *= 10;
    }
}

fn build(head: HeadFields, shape: &FilterShape, fingerprints: impl Iterator<Item = Fingerprint>) -> Vec<u8> {
    let mut bytes = head.encode();
    bytes.resize(SECTION_HEAD_BYTES + usize::try_from(shape.bits / 8).unwrap_or(0), 0);
    let body = bytes.get_mut(SECTION_HEAD_BYTES..).unwrap_or_default();
    for fingerprint in fingerprints {
        set_bits(body, fingerprint, shape.bits, shape.hashes);
    }
    bytes
}

fn extend(head: HeadFields, bytes: &[u8], added: &[Fingerprint]) -> Vec<u8> {
    let (Ok(bits), Ok(hashes)) = (u32::try_from(head.base), u8::try_from(head.form)) else { return bytes.to_vec() };
    let mut extended = head.encode();
    extended.extend_from_slice(bytes.get(SECTION_HEAD_BYTES..).unwrap_or_default());
    let body = extended.get_mut(SECTION_HEAD_BYTES..).unwrap_or_default();
    for fingerprint in added {
        set_bits(body, *fingerprint, bits, hashes);
    }
    extended
}

/// A hasher for fingerprints, which are hashes already: one multiplication spreads their 48 bits over the 64 bits that
/// a hash set uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FingerprintHasher(u64);

impl Hasher for FingerprintHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_grow_by_a_quarter() {
        assert_eq!([0, 50, 51, 100, 101, 9_999, 100_000].map(capacity_for), [50, 50, 63, 100, 125, 10_000, 100_000]);
        assert_eq!(capacity_for(u32::MAX), u32::MAX);
    }

    #[test]
    fn one_in_a_million_costs_under_29_bits() {
        let shape = FilterShape::new(100_000, 1e-6);
        assert_eq!((shape.hashes, shape.capacity), (20, 100_000));
        assert!((28.7..28.8).contains(&(f64::from(shape.bits) / 100_000.0)), "{shape:?}");
    }
}
