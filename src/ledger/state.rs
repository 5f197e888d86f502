//! The ledger's state in memory: the exact result of folding all events.

use crate::revocation::lookup::exact::Exact;
use crate::revocation::lookup::fingerprint::{Fingerprint, NameHash, NameKind};
use crate::revocation::lookup::versions::user_key;
use crate::revocation::{Level, RealmId, Subject};

use super::bounds_history::BoundsHistory;
use super::change_log::Change;
use super::minimum_versions::MinimumVersions;
use super::not_befores::{fingerprint_of, EpochName, NotBefores};
use super::record::{Fact, FilterKind, Merge, Place, Record, SubjectName};
use super::token_ids::TokenIds;

/// A numbered hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) hash: NameHash,
    /// The head when it was drawn: edges beyond it know of it.
    pub(crate) born_at: u64,
}

#[derive(Clone)]
pub(crate) struct LedgerState {
    pub(crate) realm: RealmId,
    pub(crate) of_tokens: Generation,
    pub(crate) of_epochs: Generation,
    pub(crate) token_ids: TokenIds,
    pub(crate) not_befores: NotBefores,
    pub(crate) minimum_versions: MinimumVersions,
    pub(crate) exact: Exact,
    pub(crate) bounds_history: BoundsHistory,
}

/// How an event changed the state that edges hold.
#[derive(Clone)]
pub(crate) enum Recorded {
    /// It adds something.
    Added(Change),
    /// It takes something back, which deltas cannot express.
    TakenBack,
}

impl LedgerState {
    pub(crate) fn new(realm: RealmId, generation: Generation) -> Self {
        Self {
            realm,
            of_tokens: generation,
            of_epochs: generation,
            token_ids: TokenIds::default(),
            not_befores: NotBefores::default(),
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

    /// The greatest value recorded for the fact's subject; 0 if there is none.
    pub(crate) fn value(&self, fact: Fact<'_>) -> u64 {
        match fact {
            // Whether edges refuse the id depends on the issue time as well.
            Fact::TokenId { filter, latest_expiry, issued_at, id } => {
                let place = Place::of(filter, latest_expiry);
                u64::from(self.token_ids.refuses(place, self.token_fingerprint(id), issued_at))
            }
            Fact::NotBefore { subject, .. } => self.not_before(subject),
            Fact::Version { user, .. } => self.minimum_versions.get(&user_key(self.realm, user)),
            Fact::Ban { thumbprint } => u64::from(self.exact.bans.contains_key(thumbprint)),
            Fact::Keys { jwks } => u64::from(self.exact.jwks.as_deref().unwrap_or_default() == jwks),
            Fact::Bounds { retention, published, .. } => u64::from(self.bounds_history.says(&retention, &published)),
        }
    }

    pub(crate) fn not_before(&self, subject: SubjectName<'_>) -> u64 {
        match subject {
            SubjectName::User(_) | SubjectName::Session(_) | SubjectName::ClientSession(..) => {
                self.not_befores.get(self.epoch_fingerprint(subject), subject).unwrap_or(0)
            }
            SubjectName::Client(client) => self.exact.clients.get(client).copied().unwrap_or(0),
            SubjectName::Realm => self.exact.realm_not_before.unwrap_or(0),
        }
    }

    /// The widest level at which edges refuse a token, without their filters' false matches.
    pub(crate) fn refuses(&self, subject: &Subject<'_>) -> Option<Level> {
        let clients = [subject.authorized_party, subject.client_id];
        let clients = || clients.into_iter().flatten();
        let is_refused = |name: SubjectName<'_>| {
            let not_before = self.not_before(name);
            not_before > 0 && subject.compared_at.get() <= not_before
        };
        let user = |user: &str| {
            let not_before = self.not_before(SubjectName::User(user));
            let missed_logout = subject.logged_out_at.is_some_and(|at| at.get() < not_before);
            missed_logout || is_refused(SubjectName::User(user))
        };
        let session = |session: &str| is_refused(SubjectName::Session(session));
        let client_session =
            |session: &str| clients().any(|client| is_refused(SubjectName::ClientSession(session, client)));
        let version = |user: &str| subject.token_version < self.minimum_versions.get(&user_key(self.realm, user));
        let levels = [
            (Level::Realm, is_refused(SubjectName::Realm)),
            (Level::Client, clients().any(|client| is_refused(SubjectName::Client(client)))),
            (Level::User, subject.user.is_some_and(user)),
            (Level::Session, subject.session.is_some_and(session)),
            (Level::ClientSession, subject.session.is_some_and(client_session)),
            (Level::Version, subject.user.is_some_and(version)),
            (Level::Token, subject.token_id.is_some_and(|id| self.refuses_token(id, subject))),
        ];
        levels.into_iter().find(|(_, is_refused)| *is_refused).map(|(level, _)| level)
    }

    /// Hashes users and sessions with a new key.
    pub(crate) fn rekey_epochs(&mut self, generation: Generation) {
        self.of_epochs = generation;
        self.not_befores.rekey(&generation.hash);
    }

    fn refuses_token(&self, id: &str, subject: &Subject<'_>) -> bool {
        let fingerprint = self.token_fingerprint(id);
        let own = Place::of(FilterKind::Bucket, subject.expires_at);
        let mut places = core::iter::once(own).chain(self.token_ids.catch_alls());
        places.any(|place| self.token_ids.refuses(place, fingerprint, subject.issued_at.get()))
    }

    fn add(&mut self, fact: Fact<'_>, sequence: u64) -> Change {
        match fact {
            Fact::TokenId { filter, latest_expiry, issued_at, id } => {
                let place = Place::of(filter, latest_expiry);
                let fingerprint = self.token_fingerprint(id);
                self.token_ids.add(place, fingerprint, issued_at, sequence);
                Change::TokenId { place, fingerprint, issued_at }
            }
            Fact::NotBefore { subject, not_before } => {
                let not_before = not_before.max(self.not_before(subject));
                self.set_not_before(subject, not_before, sequence)
            }
            Fact::Version { user, minimum } => {
                let key = user_key(self.realm, user);
                let minimum = minimum.max(self.minimum_versions.get(&key));
                self.minimum_versions.set(key, minimum, sequence);
                Change::Version { key, minimum }
            }
            Fact::Ban { thumbprint } => {
                self.exact.bans.insert(*thumbprint, ());
                Change::Exact(Box::new(Exact { bans: [(*thumbprint, ())].into(), ..Exact::default() }))
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
        match (EpochName::of(subject), subject) {
            (Some(name), _) => {
                let fingerprint = self.epoch_fingerprint(subject);
                self.not_befores.set(fingerprint, name, Some(not_before), sequence);
                Change::Epoch { fingerprint, not_before }
            }
            (None, SubjectName::Client(client)) => {
                let clients = [(client.into(), not_before)].into();
                let change = Exact { clients, ..Exact::default() };
                self.exact.merge(&change);
                Change::Exact(Box::new(change))
            }
            (None, _) => {
                let change = Exact { realm_not_before: Some(not_before), ..Exact::default() };
                self.exact.merge(&change);
                Change::Exact(Box::new(change))
            }
        }
    }

    fn replace(&mut self, fact: Fact<'_>, sequence: u64) {
        match fact {
            Fact::NotBefore { subject, not_before } => {
                let value = Some(not_before).filter(|not_before| *not_before > 0);
                match (EpochName::of(subject), subject) {
                    (Some(name), _) => self.not_befores.set(self.epoch_fingerprint(subject), name, value, sequence),
                    (None, SubjectName::Client(client)) => {
                        self.exact.clients.remove(client);
                        if let Some(not_before) = value {
                            self.exact.clients.insert(client.into(), not_before);
                        }
                    }
                    (None, _) => self.exact.realm_not_before = value,
                }
            }
            Fact::Version { user, minimum } => self.minimum_versions.set(user_key(self.realm, user), minimum, sequence),
            Fact::Ban { thumbprint } => {
                self.exact.bans.remove(thumbprint);
            }
            Fact::Keys { jwks } => self.exact.jwks = Some(jwks.to_vec()).filter(|jwks| !jwks.is_empty()),
            // These have no corrections; a row that says so is applied as it is.
            Fact::TokenId { .. } | Fact::Bounds { .. } => {
                self.add(fact, sequence);
            }
        }
    }

    pub(crate) fn token_fingerprint(&self, id: &str) -> Fingerprint {
        self.of_tokens.hash.fingerprint(NameKind::TokenId, &[id])
    }

    fn epoch_fingerprint(&self, subject: SubjectName<'_>) -> Fingerprint {
        fingerprint_of(&self.of_epochs.hash, subject)
    }
}
