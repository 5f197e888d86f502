//! The JavaScript boundary of a gate's realm: sets keys, applies feed messages and reports the state.

use super::edge::JsGate;
use super::marks::{marks_object, read_marks, MarksObject};
use super::{error, hex, number, object, time};
use crate::error::FeedError;
use crate::keys::KeySource;
use crate::revocation::{Effect, Form, Provided};
use crate::time::UnixSeconds;
use crate::verdict::RealmKeys;
use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_class = Gate)]
impl JsGate {
    /// The digest of the policy that a realm's gate and origin must agree on.
    pub fn policy(&self, realm: usize) -> Result<String, JsValue> {
        self.gate.realm(realm).map(|realm| realm.policy.digest().to_string()).ok_or_else(no_realm)
    }

    /// Replaces a realm's keys. `source` is `configuration` or `url`. Throws `invalid_jwks`; then the previous keys
    /// stay.
    #[wasm_bindgen(js_name = setKeys)]
    pub fn set_keys(&mut self, realm: usize, jwks: &[u8], usable_until: f64, source: &str) -> Result<(), JsValue> {
        let source = match source {
            "configuration" => KeySource::Configuration,
            _ => KeySource::Url,
        };
        let outcome = self.gate.set_keys(realm, jwks, source, time(usable_until)).ok_or_else(no_realm)?;
        outcome.map_err(|cause| error("invalid_jwks", &cause.to_string()))
    }

    /// Returns the keys skipped in the last set read, from the caller or the feed, including a refused set.
    #[wasm_bindgen(js_name = skippedKeys)]
    #[must_use]
    pub fn skipped_keys(&self, realm: usize) -> Array {
        let skipped = self.gate.skipped_keys(realm).iter();
        skipped.map(|one| object(&[("index", one.index.into()), ("reason", one.reason.code().into())])).collect()
    }

    /// Applies a manifest or delta of this realm. Throws a feed refusal; then nothing has changed.
    #[wasm_bindgen(js_name = applyFeed)]
    pub fn apply_feed(&mut self, realm: usize, bytes: &[u8], now: f64) -> Result<JsValue, JsValue> {
        let applied = self.gate.apply_feed(realm, bytes, time(now)).map_err(|cause| feed_error(&cause))?;
        let effect = match applied.effect {
            Effect::Changed => "changed",
            Effect::ChangedInPart => "partial",
            Effect::Renewed => "renewed",
            Effect::AlreadyKnown => "known",
            Effect::Staged => "staged",
        };
        Ok(object(&[("sequence", number(applied.sequence).into()), ("effect", effect.into())]))
    }

    /// Returns realm and sequence of a feed message without verifying its signature.
    #[wasm_bindgen(js_name = peekFeed)]
    pub fn peek_feed(&self, bytes: &[u8]) -> Result<JsValue, JsValue> {
        let (realm, sequence) = self.gate.peek_feed(bytes).map_err(|cause| feed_error(&cause))?;
        Ok(object(&[("realm", realm.into()), ("sequence", number(sequence).into())]))
    }

    /// SHA-256 names, in hex, of the sections to fetch.
    #[wasm_bindgen(js_name = missingSections)]
    #[must_use]
    pub fn missing_sections(&self, realm: usize) -> Vec<String> {
        let names = self.gate.realm(realm).map(|realm| realm.revocations.missing_sections()).unwrap_or_default();
        names.iter().map(|name| hex(name)).collect()
    }

    /// Returns the missing sections on which a token's verdict depends.
    #[wasm_bindgen(js_name = missingFor)]
    #[must_use]
    pub fn missing_for(&self, token: &str) -> Vec<String> {
        self.gate.missing_sections(token).iter().map(|name| hex(name)).collect()
    }

    /// Stores a section. Returns `stored`, or `committed` if it was the last one of a staged manifest. `sha256`: its
    /// hash, 32 bytes, if the host has computed it.
    #[wasm_bindgen(js_name = provideSection)]
    pub fn provide_section(
        &mut self,
        realm: usize,
        bytes: Vec<u8>,
        sha256: Option<Vec<u8>>,
    ) -> Result<String, JsValue> {
        let name = sha256.and_then(|sha256| sha256.try_into().ok());
        let provided = self.gate.provide_section(realm, bytes, name).map_err(|cause| feed_error(&cause))?;
        Ok(match provided {
            Provided::Stored => "stored".to_owned(),
            Provided::Committed => "committed".to_owned(),
        })
    }

    /// Returns the position of a realm's state, for `resume` of the gate that replaces this one.
    pub fn marks(&self, realm: usize) -> Result<JsValue, JsValue> {
        self.gate.marks(realm).map(marks_object).ok_or_else(no_realm)
    }

    /// Resumes a realm from the marks of a lost gate: older messages are refused, and the clock does not go back.
    pub fn resume(&mut self, realm: usize, marks: &MarksObject) -> Result<(), JsValue> {
        let (marks, latest) = read_marks(marks)?;
        self.gate.resume(realm, marks, latest);
        Ok(())
    }

    /// Returns the options in which a realm's policy differs from the one stated by its origin.
    #[wasm_bindgen(js_name = differencesFromOrigin)]
    #[must_use]
    pub fn differences_from_origin(&self, realm: usize) -> Vec<String> {
        let differences = self.gate.realm(realm).map(|realm| realm.policy_differences()).unwrap_or_default();
        differences.into_iter().map(str::to_owned).collect()
    }

    /// Returns the status of a realm's state.
    pub fn state(&self, realm: usize) -> Result<JsValue, JsValue> {
        let realm = self.gate.realm(realm).ok_or_else(no_realm)?;
        let (position, stats) = (realm.revocations.position(), realm.revocations.stats());
        let of = |value: Option<UnixSeconds>| number(value.map_or(0, UnixSeconds::get));
        Ok(object(&[
            ("loaded", position.is_some().into()),
            ("sequence", number(position.map_or(0, |position| position.sequence)).into()),
            ("chain", position.map(|position| hex(&position.chain.0)).unwrap_or_default().into()),
            ("issuedAt", of(position.map(|position| position.issued_at)).into()),
            ("notAfter", of(position.map(|position| position.not_after)).into()),
            ("minor", realm.revocations.form().map_or(0, Form::minor).into()),
            ("policy", realm.agreement().code().into()),
            ("wantsManifest", realm.revocations.wants_manifest().into()),
            ("hasKeys", matches!(realm.keys, RealmKeys::Loaded { .. }).into()),
            ("tokenIds", number(stats.token_ids).into()),
            ("epochs", number(stats.epochs).into()),
            ("sectionBytes", number(stats.section_bytes).into()),
            ("liveEntries", number(stats.live_entries).into()),
            ("errorRate", stats.error_rate.into()),
        ]))
    }
}

fn feed_error(cause: &FeedError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn no_realm() -> JsValue {
    error("unknown_realm", "no realm has this index")
}
