//! An origin and a gate with a token cache that follows it, for tests of the cache.

#![allow(dead_code, clippy::unwrap_used, clippy::panic)] // Each test binary uses only a part of this.

use portcullis::gate::{Gate, KeysFrom};
use portcullis::keys::KeySource;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings, Row};
use portcullis::revocation::{Bounds, Form};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{CacheLimits, Entry, Finding, Handle, Progress, Realm, Signature};
use serde_json::json;

use crate::fixtures::{self, base64url, realm, NOW};

pub(crate) const ROOM: CacheLimits = CacheLimits { entries: 1000, bytes: 1 << 22 };

/// Returns a reason code or, for an accepted token, the evidence for its signature.
pub(crate) fn outcome(finding: Finding) -> &'static str {
    match finding {
        Ok(standing) => match standing.signature {
            Signature::Checked => "checked",
            Signature::Remembered(_) => "remembered",
        },
        Err(refused) => refused.reason.code(),
    }
}

/// Returns the outcome without the evidence for the signature.
pub(crate) fn verdict(finding: Finding) -> &'static str {
    finding.map_or_else(|refused| refused.reason.code(), |_| "accepted")
}

/// An origin and a gate that follows it.
pub(crate) struct Pair {
    pub(crate) ledger: Ledger,
    pub(crate) gate: Gate,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with_room(ROOM)
    }

    pub(crate) fn with_room(room: CacheLimits) -> Self {
        Self::restored(room, &[])
    }

    /// Creates a pair whose origin has these rows in its store.
    pub(crate) fn restored(room: CacheLimits, rows: &[Row]) -> Self {
        let signing_key = SigningKey::generate().unwrap();
        let feed_keys = vec![signing_key.public().clone()];
        let policy = realm().policy;
        let mut ledger = ledger(signing_key, policy.issuer.id());
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        let realm = Realm::new("acme", policy, feed_keys, Bounds::default());
        let mut pair = Self { ledger, gate: Gate::new(vec![(realm, KeysFrom::Caller)], room) };
        pair.set_keys(&[fixtures::SECRET]);
        pair.publish(NOW);
        pair
    }

    pub(crate) fn set_keys(&mut self, secrets: &[&[u8]]) {
        self.gate.set_keys(0, &key_set(secrets), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    }

    pub(crate) fn record(&mut self, event: &Event) {
        self.ledger.stage(event, NOW).unwrap();
        self.ledger.commit();
        self.publish(NOW);
    }

    pub(crate) fn publish(&mut self, now: UnixSeconds) {
        self.gate.apply_feed(0, &self.ledger.manifest(Form::NEWEST, now).unwrap(), now).unwrap();
        for name in self.gate.realm(0).unwrap().revocations.missing_sections() {
            self.gate.provide_section(0, self.ledger.section(&name).unwrap().to_vec(), None).unwrap();
        }
    }

    pub(crate) fn find(&mut self, token: &str) -> &'static str {
        outcome(self.gate.find(token.as_bytes(), NOW))
    }

    /// Returns the cache entry of a token.
    pub(crate) fn entry(&mut self, token: &str) -> Entry {
        match self.gate.find(token.as_bytes(), NOW).map(|standing| standing.signature) {
            Ok(Signature::Remembered(entry)) => entry,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn recheck(&mut self, entry: Entry) -> Option<&'static str> {
        self.gate.recheck(entry, NOW).map(outcome)
    }

    pub(crate) fn hand_over(&mut self, token: &str) -> Handle {
        match self.gate.begin(token.as_bytes(), Algorithms::of(&[Algorithm::HS256]), NOW) {
            Progress::AwaitingSignature { handle, .. } => handle,
            Progress::Decided(finding) => panic!("{finding:?}"),
        }
    }
}

pub(crate) fn ledger(signing_key: SigningKey, issuer: &str) -> Ledger {
    let settings = LedgerSettings {
        issuer: issuer.into(),
        signing_key,
        bounds: Bounds::default(),
        issuer_skew: Seconds::new(0),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy: None,
        incarnation: 1,
    };
    Ledger::new(settings).unwrap()
}

/// Builds a key set. The first key has the `kid` of the fixtures' tokens.
pub(crate) fn key_set(secrets: &[&[u8]]) -> Vec<u8> {
    let key = |(at, secret): (usize, &&[u8])| {
        let kid = if at == 0 { "test".to_owned() } else { format!("test-{at}") };
        json!({ "kty": "oct", "kid": kid, "k": base64url(secret) })
    };
    json!({ "keys": secrets.iter().enumerate().map(key).collect::<Vec<_>>() }).to_string().into_bytes()
}

pub(crate) fn thumbprint(gate: &Gate) -> [u8; 32] {
    let portcullis::verdict::RealmKeys::Loaded { keys, .. } = &gate.realm(0).unwrap().keys else { panic!() };
    let thumbprint = *keys.iter().next().unwrap().thumbprint();
    thumbprint
}
