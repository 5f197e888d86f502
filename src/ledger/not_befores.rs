//! Exact not-befores of users, sessions and client sessions, or of grants, at the origin, and the tables built from
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::revocation::lookup::fingerprint::{Fingerprint, NameHash, NameKind};
use crate::revocation::lookup::shards::epoch_shard;
use crate::revocation::wire::section::{SectionEntry, SectionKind};
use crate::time::{Seconds, UnixSeconds};

use super::dirty_shards::{DirtyShards, ShardState};
use super::epoch_section::{build, EpochShard};
use super::published_sections::PublishedSections;
use super::record::SubjectName;

/// Entries of a shard before it is split in two: about 90 kB, rebuilt in half a millisecond. An edge's first token
/// looks up three names, and the shard of each has to be fetched first.
pub(crate) const SHARD_ENTRIES: usize = 1 << 14;
/// Maximum number of shards: beyond eight million entries they grow. A manifest has room for them besides other
/// sections.
pub(crate) const MAX_SHARDS: usize = 512;
/// Maximum number of shards of grants: beyond four million entries they grow.
const MAX_GRANT_SHARDS: usize = 256;

/// Sorted like a section, so that a shard is a range.
#[derive(Clone)]
pub(crate) struct NotBefores {
    /// [`SectionKind::Epochs`] or [`SectionKind::Grants`].
    kind: SectionKind,
    entries: BTreeMap<(Fingerprint, EpochName), u64>,
    /// The issuer's names in `entries`, each kept once: a realm has at most a few, or one for each tenant.
    issuers: BTreeSet<Arc<str>>,
    shards: DirtyShards,
}

/// The subject of a not-before in such a table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EpochName {
    User(Box<str>),
    Session(Box<str>),
    ClientSession(Box<str>, Box<str>),
    Grant(Box<str>, Box<str>),
    /// One of these under a further issuer name. A separate variant, since most realms have one name.
    Under(Arc<str>, Box<EpochName>),
}

impl EpochName {
    /// `None` for subjects that are kept exactly.
    fn of(subject: SubjectName<'_>, issuer: Option<Arc<str>>) -> Option<Self> {
        let name = match subject {
            SubjectName::User(_, user) => Self::User(user.into()),
            SubjectName::Session(_, sid) => Self::Session(sid.into()),
            SubjectName::ClientSession(_, sid, azp) => Self::ClientSession(sid.into(), azp.into()),
            SubjectName::Grant(_, user, client) => Self::Grant(user.into(), client.into()),
            SubjectName::Client(_) | SubjectName::Realm | SubjectName::Key(_) => return None,
        };
        Some(match issuer {
            None => name,
            Some(issuer) => Self::Under(issuer, Box::new(name)),
        })
    }

    fn subject(&self) -> SubjectName<'_> {
        match self {
            Self::User(user) => SubjectName::User(None, user),
            Self::Session(sid) => SubjectName::Session(None, sid),
            Self::ClientSession(sid, azp) => SubjectName::ClientSession(None, sid, azp),
            Self::Grant(user, client) => SubjectName::Grant(None, user, client),
            Self::Under(issuer, name) => name.subject().under(Some(issuer)),
        }
    }

    /// The least name in the order.
    fn least() -> Self {
        Self::User(Box::default())
    }
}

/// The fingerprint of a subject of such a table.
pub(crate) fn fingerprint_of(hash: &NameHash, subject: SubjectName<'_>) -> Fingerprint {
    match subject {
        SubjectName::User(issuer, user) => hash.fingerprint(NameKind::User, issuer, &[user]),
        SubjectName::Session(issuer, sid) => hash.fingerprint(NameKind::Session, issuer, &[sid]),
        SubjectName::ClientSession(issuer, sid, azp) => hash.fingerprint(NameKind::ClientSession, issuer, &[sid, azp]),
        SubjectName::Grant(issuer, user, client) => hash.fingerprint(NameKind::Grant, issuer, &[user, client]),
        // Never called: these are kept elsewhere.
        SubjectName::Client(_) | SubjectName::Realm | SubjectName::Key(_) => 0,
    }
}

impl NotBefores {
    /// An empty table for sections of this kind.
    pub(crate) fn new(kind: SectionKind) -> Self {
        Self { kind, entries: BTreeMap::new(), issuers: BTreeSet::new(), shards: DirtyShards::default() }
    }

    pub(crate) fn get(&self, fingerprint: Fingerprint, subject: SubjectName<'_>) -> Option<u64> {
        let same =
            self.entries.range((fingerprint, EpochName::least())..).take_while(|((at, _), _)| *at == fingerprint);
        same.into_iter().find(|((_, name), _)| name.subject() == subject).map(|(_, not_before)| *not_before)
    }

    /// Replaces a value; `None` removes it. Subjects that are kept exactly have none here.
    pub(crate) fn set(
        &mut self,
        fingerprint: Fingerprint,
        subject: SubjectName<'_>,
        not_before: Option<u64>,
        sequence: u64,
    ) {
        let issuer = subject.issuer().map(|issuer| self.shared(issuer));
        let Some(name) = EpochName::of(subject, issuer) else { return };
        match not_before {
            Some(not_before) => self.entries.insert((fingerprint, name), not_before),
            None => self.entries.remove(&(fingerprint, name)),
        };
        let shard = epoch_shard(fingerprint, self.shards.0.len().max(1));
        self.shards.mark_dirty(shard, sequence);
    }

    fn shared(&mut self, issuer: &str) -> Arc<str> {
        if let Some(known) = self.issuers.get(issuer) {
            return Arc::clone(known);
        }
        let issuer: Arc<str> = issuer.into();
        self.issuers.insert(Arc::clone(&issuer));
        issuer
    }

    /// The latest not-before; default 0.
    pub(crate) fn latest(&self) -> u64 {
        self.entries.values().copied().max().unwrap_or(0)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every subject with its not-before.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SubjectName<'_>, u64)> {
        self.entries.iter().map(|((_, name), not_before)| (name.subject(), *not_before))
    }

    /// The entries of a shard, in order.
    pub(crate) fn of_shard(&self, shard: EpochShard) -> impl Iterator<Item = (Fingerprint, u64)> + '_ {
        let from_there = self.entries.range((shard.first(), EpochName::least())..);
        let entries = from_there.map(|((fingerprint, _), not_before)| (*fingerprint, *not_before));
        entries.take_while(move |(fingerprint, _)| shard.has(*fingerprint))
    }

    /// Drops not-befores older than every acceptable token; returns how many.
    pub(crate) fn drop_over(&mut self, kept_for: Seconds, now: UnixSeconds) -> usize {
        let before = self.entries.len();
        let shards = self.shards.0.len().max(1);
        let dirty_shards = &mut self.shards;
        self.entries.retain(|(fingerprint, _), not_before| {
            let is_over = UnixSeconds::new(*not_before).plus(kept_for) <= now;
            if is_over {
                dirty_shards.drop_one(epoch_shard(*fingerprint, shards));
            }
            !is_over
        });
        before - self.entries.len()
    }

    /// Hashes all names again with another key.
    pub(crate) fn rekey(&mut self, hash: &NameHash) {
        let entries = core::mem::take(&mut self.entries);
        self.entries = entries
            .into_iter()
            .map(|((_, name), not_before)| ((fingerprint_of(hash, name.subject()), name), not_before))
            .collect();
        self.shards.mark_all_dirty();
    }

    /// Rebuilds dirty shards; returns the manifest's entries of all shards in order.
    pub(crate) fn publish(
        &mut self,
        generation: u32,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> Vec<SectionEntry> {
        let most = if self.kind == SectionKind::Grants { MAX_GRANT_SHARDS } else { MAX_SHARDS };
        for entry in self.shards.fit(self.entries.len(), SHARD_ENTRIES, most) {
            sections.retire(&entry.name, now);
        }
        let bits = self.shards.shard_bits();
        let mut states = core::mem::take(&mut self.shards.0);
        let mut published = Vec::with_capacity(states.len());
        for (number, state) in (0_u32..).zip(&mut states) {
            if let Some(entry) = state.current() {
                published.push(entry);
                continue;
            }
            if let Some(earlier) = state.entry {
                sections.retire(&earlier.name, now);
            }
            let shard = EpochShard { kind: self.kind, number, bits };
            let (head, bytes) = build(shard, generation, self.of_shard(shard).collect());
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let entry = head.entry(length, sections.publish(bytes), state.covers, 0);
            *state = ShardState { covers: state.covers, is_dirty: false, dropped: 0, entry: Some(entry) };
            published.push(entry);
        }
        self.shards.0 = states;
        published
    }
}
