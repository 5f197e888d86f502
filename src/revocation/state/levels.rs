//! Whether a state refuses a token, level by level.

use super::State;
use crate::revocation::lookup::bucket::{bucket_of, Lookup};
use crate::revocation::lookup::fingerprint::{Name, NameKind};
use crate::revocation::lookup::shards::{Epochs, Known};
use crate::revocation::lookup::versions::user_key;
use crate::revocation::realm_id::RealmId;
use crate::revocation::status::{Level, Pairs, Status, Subject};

impl State {
    /// The widest level that refuses the subject, in the order of [`Level`].
    pub(crate) fn status(&self, realm: RealmId, subject: &Subject<'_>) -> Status {
        let compared_at = subject.compared_at.get();
        if self.exact.realm_not_before.is_some_and(|not_before| compared_at <= not_before) {
            return Status::Revoked(Level::Realm);
        }
        let client_not_before = |client: &str| self.exact.clients.get(client).copied();
        if subject.clients().filter_map(client_not_before).any(|not_before| compared_at <= not_before) {
            return Status::Revoked(Level::Client);
        }
        if self.key_not_before(subject).is_some_and(|not_before| compared_at <= not_before) {
            return Status::Revoked(Level::Key);
        }
        let mut answer = Status::NotRevoked;
        for (level, found) in [
            (Level::User, self.user(subject)),
            (Level::Session, self.session(subject)),
            (Level::ClientSession, self.client_session(subject)),
            (Level::Grant, self.grant(subject)),
            (Level::Version, self.version(realm, subject)),
            (Level::Token, self.token(subject)),
        ] {
            match found {
                Lookup::Hit => return Status::Revoked(level),
                Lookup::Miss => {}
                Lookup::Unknown => answer = Status::SectionUnavailable,
            }
        }
        answer
    }

    fn key_not_before(&self, subject: &Subject<'_>) -> Option<u64> {
        self.exact.key_not_befores.get(subject.signing_key?).copied()
    }

    fn user(&self, subject: &Subject<'_>) -> Lookup {
        let Some(user) = subject.user else { return Lookup::Miss };
        let not_before = self.not_before(&self.epochs, NameKind::User, subject, &[user]);
        // An issue time equal to the not-before is refused; a last logout is refused only if it is earlier.
        let by_logout = subject.logged_out_at.map_or(Lookup::Miss, |at| refused_up_to(not_before, at.get() + 1));
        stricter(refused_up_to(not_before, subject.compared_at.get()), by_logout)
    }

    fn session(&self, subject: &Subject<'_>) -> Lookup {
        let Some(session) = subject.session else { return Lookup::Miss };
        let not_before = self.not_before(&self.epochs, NameKind::Session, subject, &[session]);
        refused_up_to(not_before, subject.compared_at.get())
    }

    fn client_session(&self, subject: &Subject<'_>) -> Lookup {
        self.pairs(&self.epochs, NameKind::ClientSession, subject, subject.client_sessions())
    }

    fn grant(&self, subject: &Subject<'_>) -> Lookup {
        // Usually a realm has no grants, and then no name is hashed.
        if self.grants.is_empty() {
            Lookup::Miss
        } else {
            self.look_up_grant(subject)
        }
    }

    #[cold]
    fn look_up_grant(&self, subject: &Subject<'_>) -> Lookup {
        self.pairs(&self.grants, NameKind::Grant, subject, subject.grants())
    }

    fn pairs(&self, table: &Epochs, kind: NameKind, subject: &Subject<'_>, pairs: Pairs<'_>) -> Lookup {
        let compared_at = subject.compared_at.get();
        let refused = |pair: [&str; 2]| refused_up_to(self.not_before(table, kind, subject, &pair), compared_at);
        pairs.map(refused).fold(Lookup::Miss, stricter)
    }

    fn not_before(&self, table: &Epochs, kind: NameKind, subject: &Subject<'_>, parts: &[&str]) -> Known {
        table.not_before(&Name::new(&self.generations, kind, subject.issuer, parts))
    }

    fn version(&self, realm: RealmId, subject: &Subject<'_>) -> Lookup {
        let Some(user) = subject.user.filter(|_| !self.versions.is_empty()) else { return Lookup::Miss };
        match self.versions.minimum(&user_key(realm, subject.issuer, user)) {
            Known::Exactly(minimum) | Known::AtLeast(minimum) if subject.token_version < minimum => Lookup::Hit,
            Known::Exactly(_) => Lookup::Miss,
            Known::AtLeast(_) => Lookup::Unknown,
        }
    }

    fn token(&self, subject: &Subject<'_>) -> Lookup {
        let Some(id) = subject.token_id else { return Lookup::Miss };
        let parts = [id];
        let name = Name::new(&self.generations, NameKind::TokenId, subject.issuer, &parts);
        let own = self.buckets.get(&bucket_of(subject.expires_at));
        let buckets = own.into_iter().chain(self.catch_alls.values());
        buckets.map(|bucket| bucket.find(&name, subject.issued_at.get())).fold(Lookup::Miss, stricter)
    }
}

/// Compares a time with a not-before, which refuses this time and earlier ones. A not-before is never recorded as 0.
const fn refused_up_to(not_before: Known, time: u64) -> Lookup {
    match not_before {
        Known::Exactly(not_before) | Known::AtLeast(not_before) if not_before > 0 && time <= not_before => Lookup::Hit,
        Known::Exactly(_) => Lookup::Miss,
        Known::AtLeast(_) => Lookup::Unknown,
    }
}

const fn stricter(one: Lookup, other: Lookup) -> Lookup {
    match (one, other) {
        (Lookup::Hit, _) | (_, Lookup::Hit) => Lookup::Hit,
        (Lookup::Unknown, _) | (_, Lookup::Unknown) => Lookup::Unknown,
        (Lookup::Miss, Lookup::Miss) => Lookup::Miss,
    }
}
