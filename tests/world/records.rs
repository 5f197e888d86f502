//! The model: tokens, and everything that was recorded, in plain maps.

use std::collections::{BTreeMap, HashMap};

use portcullis::revocation::{GrantNames, Subject};

use crate::pair::at;

#[derive(Clone)]
pub(super) struct Token {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) session: String,
    pub(super) client: String,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
    pub(super) version: u64,
}

impl Token {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            token_id: Some(&self.id),
            user: Some(&self.user),
            session: Some(&self.session),
            authorized_party: Some(&self.client),
            client_id: None,
            grant: GrantNames::Clients,
            signing_key: None,
            issued_at: at(self.issued_at),
            compared_at: at(self.issued_at),
            logged_out_at: None,
            expires_at: at(self.expires_at),
            token_version: self.version,
        }
    }
}

/// Everything recorded, by sequence. Values only ever grow, but for corrections.
#[derive(Default)]
pub(super) struct Records {
    values: HashMap<String, Vec<(u64, u64)>>,
    /// Sequence, expiry if known, issue time if known.
    pub(super) tokens: HashMap<String, Vec<(u64, Option<u64>)>>,
    pub(super) bans: BTreeMap<u8, Vec<(u64, u64)>>,
}

impl Records {
    pub(super) fn value(&self, key: &str, sequence: u64) -> u64 {
        let known = self.values.get(key).and_then(|values| values.iter().rev().find(|(at, _)| *at <= sequence));
        known.map_or(0, |(_, value)| *value)
    }

    pub(super) fn set(&mut self, key: &str, sequence: u64, value: u64) {
        self.values.entry(key.into()).or_default().push((sequence, value));
    }

    pub(super) fn refuses(&self, token: &Token, sequence: u64) -> bool {
        let not_before = |key: String| token.issued_at <= self.value(&key, sequence);
        not_before("realm".into())
            || not_before(format!("client {}", token.client))
            || not_before(format!("user {}", token.user))
            || not_before(format!("session {}", token.session))
            || not_before(format!("client session {} {}", token.session, token.client))
            || token.version < self.value(&format!("version {}", token.user), sequence)
            || self.revokes(token, sequence)
    }

    /// Whether the token itself was revoked by then.
    pub(super) fn revokes(&self, token: &Token, sequence: u64) -> bool {
        self.tokens.get(&token.id).is_some_and(|all| {
            all.iter().any(|(at, expires_at)| {
                *at <= sequence && expires_at.is_none_or(|expires_at| expires_at == token.expires_at)
            })
        })
    }

    pub(super) fn explain(&self, token: &Token, sequence: u64) -> String {
        let keys = [
            "realm".into(),
            format!("client {}", token.client),
            format!("user {}", token.user),
            format!("session {}", token.session),
            format!("client session {} {}", token.session, token.client),
            format!("version {}", token.user),
        ];
        let values: Vec<_> = keys.iter().map(|key| (key, self.value(key, sequence), self.values.get(key))).collect();
        let Token { issued_at, expires_at, version, .. } = token;
        format!("{issued_at} .. {expires_at}, version {version}, {values:?}, {:?}", self.tokens.get(&token.id))
    }

    /// A restored backup has lost all later events.
    pub(super) fn lose(&mut self, after: u64) {
        self.values.values_mut().chain(self.bans.values_mut()).for_each(|all| all.retain(|(at, _)| *at <= after));
        self.tokens.values_mut().for_each(|all| all.retain(|(at, _)| *at <= after));
    }
}
