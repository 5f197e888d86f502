//! The model: tokens, and all recorded events, in plain maps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portcullis::revocation::{GrantNames, Subject};

use crate::pair::at;

/// The issuer's names. The same users, sessions and token ids exist under each.
pub(super) const ISSUERS: [Option<&str>; 3] =
    [None, Some("https://b.example"), Some("https://b.example/realms/\u{e9}")];

#[derive(Clone)]
pub(super) struct Token {
    /// The name under which it was issued; `None`: the first.
    pub(super) issuer: Option<&'static str>,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) client: String,
    /// `client_id`, if it differs from `azp`.
    pub(super) client_id: Option<String>,
    /// The key that signed it.
    pub(super) key: [u8; 32],
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
    pub(super) version: u64,
}

impl Token {
    pub(super) fn clients(&self) -> impl Iterator<Item = &str> {
        core::iter::once(self.client.as_str()).chain(self.client_id.as_deref())
    }

    /// The map key of a subject that exists only under the token's issuer.
    pub(super) fn own(&self, subject: &str) -> String {
        format!("{subject} of {:?}", self.issuer)
    }

    pub(super) fn own_user(&self) -> String {
        self.own(&format!("user {}", self.user))
    }

    pub(super) fn own_version(&self) -> String {
        self.own(&format!("version {}", self.user))
    }

    pub(super) fn own_session(&self) -> String {
        self.own(&format!("session {}", self.session))
    }

    pub(super) fn own_client_session(&self, client: &str) -> String {
        self.own(&format!("client session {} {client}", self.session))
    }

    pub(super) fn own_grant(&self, client: &str) -> String {
        self.own(&format!("grant {} {client}", self.user))
    }

    pub(super) fn own_id(&self) -> String {
        self.own(&self.id)
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            issuer: self.issuer,
            token_id: Some(&self.id),
            user: Some(&self.user),
            session: Some(&self.session),
            authorized_party: Some(&self.client),
            client_id: self.client_id.as_deref(),
            grant: GrantNames::Clients,
            signing_key: Some(&self.key),
            issued_at: at(self.issued_at),
            compared_at: at(self.issued_at),
            logged_out_at: None,
            expires_at: at(self.expires_at),
            token_version: self.version,
        }
    }
}

/// All recorded events, by sequence. Values only grow, except for corrections.
#[derive(Default)]
pub(super) struct Records {
    values: HashMap<String, Vec<(u64, u64)>>,
    /// Sequence, expiry if known, issue time if known.
    pub(super) tokens: HashMap<String, Vec<(u64, Option<u64>)>>,
    pub(super) bans: BTreeMap<u8, Vec<(u64, u64)>>,
    /// The clients of all grants that were ended, by user and issuer.
    grants: HashMap<String, BTreeSet<String>>,
}

impl Records {
    pub(super) fn value(&self, key: &str, sequence: u64) -> u64 {
        let known = self.values.get(key).and_then(|values| values.iter().rev().find(|(at, _)| *at <= sequence));
        known.map_or(0, |(_, value)| *value)
    }

    /// Notes that a grant may have a not-before.
    pub(super) fn name_grant(&mut self, token: &Token, client: &str) {
        self.grants.entry(token.own_user()).or_default().insert(client.into());
    }

    pub(super) fn set(&mut self, key: &str, sequence: u64, value: u64) {
        self.values.entry(key.into()).or_default().push((sequence, value));
    }

    pub(super) fn refuses(&self, token: &Token, sequence: u64) -> bool {
        not_befores_of(token).iter().any(|key| token.issued_at <= self.value(key, sequence))
            || token.version < self.value(&token.own_version(), sequence)
            || self.revokes(token, sequence)
    }

    /// Whether form 1.0 refuses the token although no event does: another grant of its user was ended, or another key
    /// has a not-before.
    pub(super) fn over_kills(&self, token: &Token, sequence: u64) -> bool {
        let is_refused = |key: &String| token.issued_at <= self.value(key, sequence);
        let of_user = self.grants.get(&token.own_user()).into_iter().flatten();
        let mut clients = of_user.map(|client| token.own_grant(client));
        clients.any(|key| is_refused(&key)) || (0..KEYS).map(|number| key(&[number; 32])).any(|key| is_refused(&key))
    }

    /// Whether the token itself was revoked up to `sequence`.
    pub(super) fn revokes(&self, token: &Token, sequence: u64) -> bool {
        self.tokens.get(&token.own_id()).is_some_and(|all| {
            all.iter().any(|(at, expires_at)| {
                *at <= sequence && expires_at.is_none_or(|expires_at| expires_at == token.expires_at)
            })
        })
    }

    pub(super) fn explain(&self, token: &Token, sequence: u64) -> String {
        let mut keys = not_befores_of(token);
        keys.push(token.own_version());
        let values: Vec<_> = keys.iter().map(|key| (key, self.value(key, sequence), self.values.get(key))).collect();
        let Token { issued_at, expires_at, version, .. } = token;
        format!("{issued_at} .. {expires_at}, version {version}, {values:?}, {:?}", self.tokens.get(&token.own_id()))
    }

    /// Drops all later events, which a restored backup has lost.
    pub(super) fn lose(&mut self, after: u64) {
        self.values.values_mut().chain(self.bans.values_mut()).for_each(|all| all.retain(|(at, _)| *at <= after));
        self.tokens.values_mut().for_each(|all| all.retain(|(at, _)| *at <= after));
    }
}

/// The keys that sign tokens.
pub(super) const KEYS: u8 = 8;

pub(super) fn key(thumbprint: &[u8; 32]) -> String {
    format!("key {}", thumbprint[0])
}

/// The subjects whose not-befores refuse the token.
fn not_befores_of(token: &Token) -> Vec<String> {
    let mut subjects = vec!["realm".into(), token.own_user(), token.own_session(), key(&token.key)];
    for client in token.clients() {
        subjects.push(format!("client {client}"));
        subjects.push(token.own_client_session(client));
        subjects.push(token.own_grant(client));
    }
    subjects
}
