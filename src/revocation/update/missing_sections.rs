//! Lists the sections that have not arrived: all of them, or those needed for one token.

use crate::revocation::lookup::bucket::{bucket_of, Bucket};
use crate::revocation::lookup::fingerprint::{Name, NameKind};
use crate::revocation::lookup::shards::Epochs;
use crate::revocation::lookup::slot::Slot;
use crate::revocation::lookup::versions::user_key;
use crate::revocation::realm_id::RealmId;
use crate::revocation::state::State;
use crate::revocation::status::Subject;
use crate::revocation::wire::section::SectionEntry;
use crate::revocation::Revocations;

impl Revocations {
    /// Returns the SHA-256 names of the sections to fetch, those of an incoming manifest first.
    #[must_use]
    pub fn missing_sections(&self) -> Vec<[u8; 32]> {
        let active = self.active.as_ref();
        let incoming: Vec<_> = self.incoming.iter().flat_map(|incoming| incoming.missing(active)).collect();
        // `incoming` is sorted by this key.
        let is_incoming = |entry: &SectionEntry| {
            let found =
                incoming.binary_search_by_key(&(entry.kind, entry.bucket), |incoming| (incoming.kind, incoming.bucket));
            found.is_ok_and(|place| incoming.get(place).is_some_and(|incoming| incoming.name == entry.name))
        };
        let only_active = active.into_iter().flat_map(State::missing).filter(|entry| !is_incoming(entry));
        incoming.iter().copied().chain(only_active).map(|entry| entry.name).collect()
    }

    /// Returns the missing sections that [`Revocations::status`] needs for this subject, to fetch first while a state
    /// is loading.
    #[must_use]
    pub fn missing_for(&self, subject: &Subject<'_>) -> Vec<[u8; 32]> {
        let entries = self.active.as_ref().map(|active| active.missing_for(self.realm, subject)).unwrap_or_default();
        let mut names = Vec::with_capacity(entries.len());
        for entry in entries {
            if !names.contains(&entry.name) {
                names.push(entry.name);
            }
        }
        names
    }
}

impl State {
    fn missing_for<'s>(&'s self, realm: RealmId, subject: &Subject<'_>) -> Vec<&'s SectionEntry> {
        let mut missing = Vec::new();
        if subject.token_id.is_some() {
            let own = self.buckets.get(&bucket_of(subject.expires_at)).into_iter();
            let asked = own.chain(self.catch_alls.values());
            let asked = asked.filter(|bucket| bucket.may_have(subject.issued_at.get()));
            missing.extend(asked.filter_map(Bucket::slot).filter_map(Slot::absent));
        }
        let user = subject.user.map(|user| self.absent(&self.epochs, NameKind::User, subject, &[user]));
        let session = subject.session.map(|session| self.absent(&self.epochs, NameKind::Session, subject, &[session]));
        missing.extend([user, session].into_iter().flatten().flatten());
        for (table, kind, pairs) in [
            (&self.epochs, NameKind::ClientSession, subject.client_sessions()),
            (&self.grants, NameKind::Grant, subject.grants()),
        ] {
            missing.extend(pairs.filter_map(|pair| self.absent(table, kind, subject, &pair)));
        }
        if let Some(user) = subject.user {
            missing.extend(self.versions.shard(&user_key(realm, subject.issuer, user)).and_then(Slot::absent));
        }
        missing
    }

    /// The entry of the section that a name's not-before would be in, if it is missing.
    #[inline(never)]
    fn absent<'s>(
        &self,
        table: &'s Epochs,
        kind: NameKind,
        subject: &Subject<'_>,
        parts: &[&str],
    ) -> Option<&'s SectionEntry> {
        table.shard(&Name::new(&self.generations, kind, subject.issuer, parts))?.0.absent()
    }
}
