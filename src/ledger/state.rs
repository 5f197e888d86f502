//! The ledger's state in memory: the exact result of folding all events.

use crate::revocation::lookup::exact::{Exact, BANNED};
use crate::revocation::lookup::fingerprint::{Fingerprint, NameHash, NameKind};
use crate::revocation::lookup::versions::user_key;
use crate::revocation::wire::section::{SectionEntry, SectionKind};
use crate::revocation::{Level, RealmId, Subject};
use crate::time::{Seconds, UnixSeconds};

use super::bounds_history::BoundsHistory;
use super::change_log::Change;
use super::grant_users::GrantUsers;
use super::minimum_versions::MinimumVersions;
use super::not_befores::{fingerprint_of, NotBefores};
use super::published_sections::PublishedSections;
use super::record::{Fact, FilterKind, IssuerName, Merge, Place, Record, SubjectName};
use super::token_ids::TokenIds;

/// A numbered hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) hash: NameHash,
    /// The head when it was drawn; edges beyond it know it.
    pub(crate) born_at: u64,
}

#[derive(Clone)]
pub(crate) struct LedgerState {
    pub(crate) realm: RealmId,
    pub(crate) of_tokens: Generation,
    pub(crate) of_epochs: Generation,
    pub(crate) token_ids: TokenIds,
    pub(crate) not_befores: NotBefores,
    pub(crate) grants: NotBefores,
    /// Only while manifests of form 1.0 are requested.
    pub(crate) grant_users: Option<GrantUsers>,
    pub(crate) minimum_versions: MinimumVersions,
    pub(crate) exact: Exact,
    pub(crate) bounds_history: BoundsHistory,
}

/// How an event changed the state that edges hold.
#[derive(Clone)]
pub(crate) enum Recorded {
    /// It adds something.
    Added(Change),
    /// It removes something, which deltas cannot express.
    TakenBack,
}

impl LedgerState {
    pub(crate) fn new(realm: RealmId, generation: Generation) -> Self {
        Self {
            realm,
            of_tokens: generation,
            of_epochs: generation,
            token_ids: TokenIds::default(),
            not_befores: NotBefores::new(SectionKind::Epochs),
            grants: NotBefores::new(SectionKind::Grants),
            grant_users: None,
            minimum_versions: MinimumVersions::default(),
            exact: Exact::default(),
            bounds_history: BoundsHistory::default(),
        }
    }

    /// Records an event.
    pub(crate) fn record(&mut self, record: &Record<'_>, sequence: u64) -> Recorded {
        match record.merge {
            Merge::Maximum => Recorded::Added(self.add(record.fact, sequence)),
            Merge::Replace => {
                self.replace(record.fact, sequence);
                Recorded::TakenBack
            }
        }
    }

    /// The greatest value recorded for the fact's subject; default 0.
    pub(crate) fn value(&self, fact: Fact<'_>) -> u64 {
        match fact {
            // The issue time also determines whether edges refuse the id.
            Fact::TokenId { issuer, filter, latest_expiry, issued_at, id } => {
                let place = Place::of(filter, latest_expiry);
                u64::from(self.token_ids.refuses(place, self.token_fingerprint(issuer, id), issued_at))
            }
            Fact::NotBefore { subject, .. } => self.not_before(subject),
            Fact::Version { issuer, user, .. } => self.minimum_version(issuer, user),
            Fact::Ban { thumbprint } => u64::from(self.exact.bans.contains_key(thumbprint)),
            Fact::Keys { jwks } => u64::from(self.exact.jwks.as_deref().unwrap_or_default() == jwks),
            Fact::Bounds { retention, published, .. } => u64::from(self.bounds_history.says(&retention, &published)),
        }
    }

    pub(crate) fn not_before(&self, subject: SubjectName<'_>) -> u64 {
        match subject {
            SubjectName::User(..) | SubjectName::Session(..) | SubjectName::ClientSession(..) => {
                self.not_befores.get(self.epoch_fingerprint(subject), subject).unwrap_or(0)
            }
            SubjectName::Grant(..) if self.grants.is_empty() => 0,
            SubjectName::Grant(..) => self.grants.get(self.epoch_fingerprint(subject), subject).unwrap_or(0),
            SubjectName::Client(client) => self.exact.clients.get(client).copied().unwrap_or(0),
            SubjectName::Realm => self.exact.realm_not_before.unwrap_or(0),
            SubjectName::Key(thumbprint) => self.exact.key_not_befores.get(thumbprint).copied().unwrap_or(0),
        }
    }

    /// The lowest accepted version of the user's tokens; 0 if none was set.
    pub(crate) fn minimum_version(&self, issuer: IssuerName<'_>, user: &str) -> u64 {
        self.minimum_versions.get(&user_key(self.realm, issuer, user))
    }

    /// The widest level at which edges refuse a token, without their filters' false matches.
    pub(crate) fn refuses(&self, subject: &Subject<'_>) -> Option<Level> {
        let clients = || subject.clients();
        let issuer = subject.issuer;
        let is_refused = |name: SubjectName<'_>| {
            let not_before = self.not_before(name);
            not_before > 0 && subject.compared_at.get() <= not_before
        };
        let user = |user: &str| {
            let not_before = self.not_before(SubjectName::User(issuer, user));
            let missed_logout = subject.logged_out_at.is_some_and(|at| at.get() < not_before);
            missed_logout || is_refused(SubjectName::User(issuer, user))
        };
        let session = |session: &str| is_refused(SubjectName::Session(issuer, session));
        let client_session =
            |session: &str| clients().any(|client| is_refused(SubjectName::ClientSession(issuer, session, client)));
        let is_disconnected =
            subject.grants().any(|[user, client]| is_refused(SubjectName::Grant(issuer, user, client)));
        let version = |user: &str| subject.token_version < self.minimum_version(issuer, user);
        let levels = [
            (Level::Realm, is_refused(SubjectName::Realm)),
            (Level::Client, clients().any(|client| is_refused(SubjectName::Client(client)))),
            (Level::Key, subject.signing_key.is_some_and(|key| is_refused(SubjectName::Key(key)))),
            (Level::User, subject.user.is_some_and(user)),
            (Level::Session, subject.session.is_some_and(session)),
            (Level::ClientSession, subject.session.is_some_and(client_session)),
            (Level::Grant, is_disconnected),
            (Level::Version, subject.user.is_some_and(version)),
            (Level::Token, subject.token_id.is_some_and(|id| self.refuses_token(id, subject))),
        ];
        levels.into_iter().find(|(_, is_refused)| *is_refused).map(|(level, _)| level)
    }

    /// Hashes users, sessions and grants with a new key.
    pub(crate) fn rekey_epochs(&mut self, generation: Generation) {
        self.of_epochs = generation;
        self.not_befores.rekey(&generation.hash);
        self.grants.rekey(&generation.hash);
        if let Some(users) = &mut self.grant_users {
            users.rekey(&self.grants, &generation.hash);
        }
    }

    /// Publishes the entries of form 1.0, in which grants are not-befores of their users. `published`: the table's
    /// entries of form 1.1.
    pub(crate) fn publish_as_users(
        &mut self,
        published: Vec<SectionEntry>,
        sequence: u64,
        sections: &mut PublishedSections,
        now: UnixSeconds,
    ) -> Vec<SectionEntry> {
        if self.grants.is_empty() {
            self.release_grant_users(sections, now);
            return published;
        }
        let Generation { number, hash, .. } = self.of_epochs;
        let users = self.grant_users.get_or_insert_with(|| GrantUsers::of(&self.grants, &hash, sequence));
        users.publish((&self.not_befores, &published), number, sections, now)
    }

    /// Drops expired entries, or the whole layer once form 1.0 is no longer requested.
    pub(crate) fn prune_grant_users(&mut self, kept_for: Seconds, sections: &mut PublishedSections, now: UnixSeconds) {
        let Some(users) = &mut self.grant_users else { return };
        users.drop_over(kept_for, now);
        if users.is_idle(now) || self.grants.is_empty() {
            self.release_grant_users(sections, now);
        }
    }

    /// Drops the layer of form 1.0. The next request rebuilds it.
    pub(crate) fn release_grant_users(&mut self, sections: &mut PublishedSections, now: UnixSeconds) {
        if let Some(mut users) = self.grant_users.take() {
            users.retire(sections, now);
        }
    }

    fn refuses_token(&self, id: &str, subject: &Subject<'_>) -> bool {
        let fingerprint = self.token_fingerprint(subject.issuer, id);
        let own = Place::of(FilterKind::Bucket, subject.expires_at);
        let mut places = core::iter::once(own).chain(self.token_ids.catch_alls());
        places.any(|place| self.token_ids.refuses(place, fingerprint, subject.issued_at.get()))
    }

    fn add(&mut self, fact: Fact<'_>, sequence: u64) -> Change {
        match fact {
            Fact::TokenId { issuer, filter, latest_expiry, issued_at, id } => {
                let place = Place::of(filter, latest_expiry);
                let fingerprint = self.token_fingerprint(issuer, id);
                self.token_ids.add(place, fingerprint, issued_at, sequence);
                Change::TokenId { place, fingerprint, issued_at }
            }
            Fact::NotBefore { subject, not_before } => {
                let not_before = not_before.max(self.not_before(subject));
                self.set_not_before(subject, not_before, sequence)
            }
            Fact::Version { issuer, user, minimum } => {
                let key = user_key(self.realm, issuer, user);
                let minimum = minimum.max(self.minimum_versions.get(&key));
                self.minimum_versions.set(key, minimum, sequence);
                Change::Version { key, minimum }
            }
            Fact::Ban { thumbprint } => {
                self.exact.bans.insert(*thumbprint, BANNED);
                Change::Exact(Box::new(Exact { bans: [(*thumbprint, BANNED)].into(), ..Exact::default() }))
            }
            Fact::Keys { jwks } => {
                self.exact.jwks = Some(jwks.to_vec());
                Change::Keys
            }
            Fact::Bounds { retention, published, refused_up_to } => {
                self.bounds_history.record(retention, published, refused_up_to);
                Change::Bounds
            }
        }
    }

    fn set_not_before(&mut self, subject: SubjectName<'_>, not_before: u64, sequence: u64) -> Change {
        let exact = match subject {
            SubjectName::User(..) | SubjectName::Session(..) | SubjectName::ClientSession(..) => {
                let fingerprint = self.set_epoch(subject, Some(not_before), sequence);
                return Change::Epoch { fingerprint, not_before };
            }
            SubjectName::Grant(issuer, user, _) => {
                let fingerprint = self.set_epoch(subject, Some(not_before), sequence);
                let user = self.epoch_fingerprint(SubjectName::User(issuer, user));
                if let Some(users) = &mut self.grant_users {
                    users.raise(user, not_before, sequence);
                }
                return Change::Grant { fingerprint, user, not_before };
            }
            SubjectName::Client(client) => Exact { clients: [(client.into(), not_before)].into(), ..Exact::default() },
            SubjectName::Realm => Exact { realm_not_before: Some(not_before), ..Exact::default() },
            SubjectName::Key(thumbprint) => {
                Exact { key_not_befores: [(*thumbprint, not_before)].into(), ..Exact::default() }
            }
        };
        self.exact.merge(&exact);
        Change::Exact(Box::new(exact))
    }

    /// Sets a not-before in the table of its subject; `None` removes it. Returns the subject's fingerprint.
    fn set_epoch(&mut self, subject: SubjectName<'_>, not_before: Option<u64>, sequence: u64) -> Fingerprint {
        let fingerprint = self.epoch_fingerprint(subject);
        let table = match subject {
            SubjectName::Grant(..) => &mut self.grants,
            SubjectName::User(..) | SubjectName::Session(..) | SubjectName::ClientSession(..) => &mut self.not_befores,
            // Never called: these are kept exactly.
            SubjectName::Client(_) | SubjectName::Realm | SubjectName::Key(_) => return fingerprint,
        };
        table.set(fingerprint, subject, not_before, sequence);
        fingerprint
    }

    fn replace_not_before(&mut self, subject: SubjectName<'_>, not_before: Option<u64>, sequence: u64) {
        match subject {
            SubjectName::User(..) | SubjectName::Session(..) | SubjectName::ClientSession(..) => {
                self.set_epoch(subject, not_before, sequence);
            }
            // A new hash key follows, with which the users of grants are hashed again.
            SubjectName::Grant(..) => {
                self.set_epoch(subject, not_before, sequence);
            }
            SubjectName::Client(client) => {
                self.exact.clients.remove(client);
                if let Some(not_before) = not_before {
                    self.exact.clients.insert(client.into(), not_before);
                }
            }
            SubjectName::Realm => self.exact.realm_not_before = not_before,
            SubjectName::Key(thumbprint) => {
                self.exact.key_not_befores.remove(thumbprint);
                if let Some(not_before) = not_before {
                    self.exact.key_not_befores.insert(*thumbprint, not_before);
                }
            }
        }
    }

    fn replace(&mut self, fact: Fact<'_>, sequence: u64) {
        match fact {
            Fact::NotBefore { subject, not_before } => {
                let value = Some(not_before).filter(|not_before| *not_before > 0);
                self.replace_not_before(subject, value, sequence);
            }
            Fact::Version { issuer, user, minimum } => {
                self.minimum_versions.set(user_key(self.realm, issuer, user), minimum, sequence);
            }
            Fact::Ban { thumbprint } => {
                self.exact.bans.remove(thumbprint);
            }
            Fact::Keys { jwks } => self.exact.jwks = Some(jwks.to_vec()).filter(|jwks| !jwks.is_empty()),
            // These have no corrections; such a row is applied unchanged.
            Fact::TokenId { .. } | Fact::Bounds { .. } => {
                self.add(fact, sequence);
            }
        }
    }

    pub(crate) fn token_fingerprint(&self, issuer: IssuerName<'_>, id: &str) -> Fingerprint {
        self.of_tokens.hash.fingerprint(NameKind::TokenId, issuer, &[id])
    }

    fn epoch_fingerprint(&self, subject: SubjectName<'_>) -> Fingerprint {
        fingerprint_of(&self.of_epochs.hash, subject)
    }
}
