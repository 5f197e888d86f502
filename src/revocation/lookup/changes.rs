//! The changes of a delta to the tables. Changes only add.

use super::exact::Exact;
use super::fingerprint::{Fingerprint, Generations};
use super::versions::UserKey;
use crate::revocation::bounds::Bounds;
use crate::revocation::wire::stated_policy::StatedPolicy;

/// Everything that a delta adds.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pub(crate) generations: Generations,
    pub(crate) buckets: Vec<BucketChange>,
    pub(crate) catch_alls: Vec<BucketChange>,
    /// Changes of both tables of not-befores.
    pub(crate) epochs: Vec<EpochChange>,
    pub(crate) versions: Vec<(UserKey, u64)>,
    pub(crate) exact: Exact,
    /// The origin's new bounds; `None`: unchanged.
    pub(crate) bounds: Option<Bounds>,
    /// The digests of the origin's policy; `None`: as stated before.
    pub(crate) policy: Option<StatedPolicy>,
}

/// Token ids of one bucket under one hash key.
#[derive(Clone, Debug)]
pub(crate) struct BucketChange {
    pub(crate) generation: u32,
    pub(crate) bucket: u32,
    pub(crate) greatest_issued_at: u64,
    pub(crate) fingerprints: Vec<Fingerprint>,
}

/// A table of not-befores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EpochKind {
    /// Not-befores of users, sessions and client sessions.
    Names,
    /// Not-befores of grants.
    Grants,
}

/// Not-befores of one table under one hash key.
#[derive(Clone, Debug)]
pub(crate) struct EpochChange {
    pub(crate) kind: EpochKind,
    pub(crate) generation: u32,
    pub(crate) not_befores: Vec<(Fingerprint, u64)>,
}

impl Changes {
    /// The number of entries that may have to be kept outside the sections.
    pub(crate) fn entries(&self) -> usize {
        let ids = self.buckets.iter().chain(&self.catch_alls).map(|change| change.fingerprints.len());
        let epochs = self.epochs.iter().map(|change| change.not_befores.len());
        ids.chain(epochs).sum::<usize>().saturating_add(self.versions.len())
    }

    /// The generations of its fingerprints.
    pub(crate) fn generations_used(&self) -> impl Iterator<Item = u32> + '_ {
        let ids = self.buckets.iter().chain(&self.catch_alls).map(|change| change.generation);
        ids.chain(self.epochs.iter().map(|change| change.generation))
    }
}
