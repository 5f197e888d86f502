//! Events from JavaScript.

use crate::base64url;
use crate::ledger::{Correction, Event, NotBefore};
use crate::time::UnixSeconds;
use crate::wasm::error;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// An event. `issuer`: the issuer name of the subject, as for
/// [`Ledger::stage_under`](crate::ledger::Ledger::stage_under).
///
/// Times are `NumericDate`s, possibly fractional. A number that is not finite is refused: read as 0, it would make a
/// revocation look expired.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum EventOption {
    Token {
        issuer: Option<String>,
        token_id: String,
        expires_at: Option<f64>,
        issued_at: Option<f64>,
    },
    Session {
        issuer: Option<String>,
        session: String,
        occurred_at: Option<f64>,
        issued_at: Option<f64>,
    },
    ClientSession {
        issuer: Option<String>,
        session: String,
        authorized_party: String,
        occurred_at: Option<f64>,
        issued_at: Option<f64>,
    },
    User {
        issuer: Option<String>,
        subject: String,
        not_before: Option<f64>,
        occurred_at: Option<f64>,
    },
    Client {
        client: String,
        not_before: Option<f64>,
        occurred_at: Option<f64>,
    },
    Realm {
        not_before: Option<f64>,
        occurred_at: Option<f64>,
    },
    Grant {
        issuer: Option<String>,
        subject: String,
        client: String,
        not_before: Option<f64>,
        occurred_at: Option<f64>,
    },
    KeyBanned {
        thumbprint: String,
    },
    KeyNotBefore {
        thumbprint: String,
        not_before: Option<f64>,
        occurred_at: Option<f64>,
    },
    TokenVersion {
        issuer: Option<String>,
        subject: String,
        minimum: u64,
    },
    Keys {
        jwks: String,
    },
    KeysWithdrawn,
    Bounds,
    Correction {
        issuer: Option<String>,
        correction: CorrectionOption,
    },
}

/// A correction; without `notBefore` the value is removed.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub(super) enum CorrectionOption {
    Session { session: String, not_before: Option<f64> },
    ClientSession { session: String, authorized_party: String, not_before: Option<f64> },
    User { subject: String, not_before: Option<f64> },
    Client { client: String, not_before: Option<f64> },
    Realm { not_before: Option<f64> },
    Grant { subject: String, client: String, not_before: Option<f64> },
    KeyNotBefore { thumbprint: String, not_before: Option<f64> },
    KeyBanned { thumbprint: String },
    TokenVersion { subject: String, minimum: u64 },
}

impl EventOption {
    /// Returns the event and its issuer name.
    pub(super) fn build(mut self) -> Result<(Option<String>, Event), JsValue> {
        let issuer = self.take_issuer();
        self.event().map(|event| (issuer, event))
    }

    fn take_issuer(&mut self) -> Option<String> {
        match self {
            Self::Token { issuer, .. }
            | Self::Session { issuer, .. }
            | Self::ClientSession { issuer, .. }
            | Self::User { issuer, .. }
            | Self::Grant { issuer, .. }
            | Self::TokenVersion { issuer, .. }
            | Self::Correction { issuer, .. } => issuer.take(),
            Self::Client { .. } | Self::Realm { .. } | Self::KeyBanned { .. } | Self::KeyNotBefore { .. } => None,
            Self::Keys { .. } | Self::KeysWithdrawn | Self::Bounds => None,
        }
    }

    fn event(self) -> Result<Event, JsValue> {
        let at = |value: Option<f64>| value.map(event_time).transpose();
        Ok(match self {
            Self::Token { token_id, expires_at, issued_at, .. } => {
                Event::Token { id: token_id, expires_at: at(expires_at)?, issued_at: at(issued_at)? }
            }
            Self::Session { session, occurred_at, issued_at, .. } => {
                Event::Session { sid: session, occurred_at: at(occurred_at)?, issued_at: at(issued_at)? }
            }
            Self::ClientSession { session, authorized_party, occurred_at, issued_at, .. } => Event::ClientSession {
                sid: session,
                azp: authorized_party,
                occurred_at: at(occurred_at)?,
                issued_at: at(issued_at)?,
            },
            Self::User { subject, not_before, occurred_at, .. } => {
                Event::User { sub: subject, not_before: NotBefore::of(at(not_before)?, at(occurred_at)?) }
            }
            Self::Client { client, not_before, occurred_at } => {
                Event::Client { client, not_before: NotBefore::of(at(not_before)?, at(occurred_at)?) }
            }
            Self::Realm { not_before, occurred_at } => {
                Event::Realm { not_before: NotBefore::of(at(not_before)?, at(occurred_at)?) }
            }
            Self::Grant { subject, client, not_before, occurred_at, .. } => {
                Event::Grant { sub: subject, client, not_before: NotBefore::of(at(not_before)?, at(occurred_at)?) }
            }
            Self::KeyBanned { thumbprint } => Event::KeyBanned { thumbprint: thumbprint_bytes(&thumbprint)? },
            Self::KeyNotBefore { thumbprint, not_before, occurred_at } => Event::KeyNotBefore {
                thumbprint: thumbprint_bytes(&thumbprint)?,
                not_before: NotBefore::of(at(not_before)?, at(occurred_at)?),
            },
            Self::TokenVersion { subject, minimum, .. } => Event::TokenVersion { sub: subject, minimum },
            Self::Keys { jwks } => Event::Keys { jwks: jwks.into_bytes() },
            Self::KeysWithdrawn => Event::KeysWithdrawn,
            Self::Bounds => Event::Bounds,
            Self::Correction { correction, .. } => Event::Correction(correction.build()?),
        })
    }
}

impl CorrectionOption {
    fn build(self) -> Result<Correction, JsValue> {
        let at = |value: Option<f64>| value.map(event_time).transpose();
        Ok(match self {
            Self::Session { session, not_before } => Correction::Session { sid: session, not_before: at(not_before)? },
            Self::ClientSession { session, authorized_party, not_before } => {
                Correction::ClientSession { sid: session, azp: authorized_party, not_before: at(not_before)? }
            }
            Self::User { subject, not_before } => Correction::User { sub: subject, not_before: at(not_before)? },
            Self::Client { client, not_before } => Correction::Client { client, not_before: at(not_before)? },
            Self::Realm { not_before } => Correction::Realm { not_before: at(not_before)? },
            Self::Grant { subject, client, not_before } => {
                Correction::Grant { sub: subject, client, not_before: at(not_before)? }
            }
            Self::KeyNotBefore { thumbprint, not_before } => {
                Correction::KeyNotBefore { thumbprint: thumbprint_bytes(&thumbprint)?, not_before: at(not_before)? }
            }
            Self::KeyBanned { thumbprint } => Correction::KeyBanned { thumbprint: thumbprint_bytes(&thumbprint)? },
            Self::TokenVersion { subject, minimum } => Correction::TokenVersion { sub: subject, minimum },
        })
    }
}

fn event_time(value: f64) -> Result<UnixSeconds, JsValue> {
    UnixSeconds::from_numeric_date(value)
        .ok_or_else(|| error("invalid_event", "a time must be a finite number of seconds"))
}

pub(super) fn thumbprint_bytes(text: &str) -> Result<[u8; 32], JsValue> {
    base64url::decode_array(text)
        .ok_or_else(|| error("invalid_event", "a key must be given as its RFC 7638 thumbprint, 43 characters"))
}
