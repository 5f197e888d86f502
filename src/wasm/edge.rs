//! The gate, as JavaScript sees it.

use super::marks::{marks_object, read_marks, MarksObject};
use super::options::GateOptions;
use super::{error, hex, number, object, time};
use crate::error::FeedError;
use crate::explain::Check;
#[cfg(feature = "origin")]
use crate::gate::IntakeProgress;
use crate::gate::{Gate, Progress};
use crate::keys::{KeyError, KeySource};
use crate::revocation::{Effect, Provided};
use crate::signature::Algorithms;
use crate::time::UnixSeconds;
use crate::verdict::{Basis, Entry, Finding, Handle, HostOutcome, RealmKeys, Reason, Signature};
#[cfg(feature = "origin")]
use crate::verdict::{Identified, IntakeError, WithdrawnKeys, WithdrawnToken};
use js_sys::Array;
use wasm_bindgen::prelude::*;

/// Finding codes: 0 in the low byte is acceptance, any other value one more than a reason's place in `reasons()`.
const REALM_SHIFT: u32 = 8;
/// The token's `rsq` is beyond our sequence.
const BEHIND: u32 = 1 << 24;
/// The signature was known to be good.
const REMEMBERED: u32 = 1 << 25;
/// Nothing is found yet: the host is to check the signature, and then call `finish`.
const AT_HOST: u32 = 1 << 26;
/// There is no such handle or entry any more.
const GONE: u32 = 1 << 27;
/// The token is refused because neither this module nor the host could check its signature.
const UNDECIDED: u32 = 1 << 28;

/// The edge's verifier. Tokens come in and errands for the host go out through memory that it owns and JavaScript sees: no
/// text is converted and no object made for a token.
#[wasm_bindgen(js_name = Gate)]
pub struct JsGate {
    gate: Gate,
    host: Algorithms,
    exchange: Box<[u8]>,
    /// Handle, key number, length of the signing input, length of the signature. Or of a remembered token's entry: place, the
    /// lower half of the number, the upper half.
    errand: Box<[u32; 4]>,
}

#[wasm_bindgen(js_class = Gate)]
impl JsGate {
    /// Takes the options, every default filled in. Throws `invalid_option`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &GateOptions) -> Result<JsGate, JsValue> {
        let maximum = options.max_token_bytes();
        Ok(JsGate {
            gate: options.gate()?,
            host: options.host()?,
            // One byte more than the longest token, so that a longer one is seen to be.
            exchange: vec![0; maximum.saturating_add(1)].into(),
            errand: [0; 4].into(),
        })
    }

    /// Where a token's bytes are to be written before `begin`: one more than `maxTokenBytes`. Where there is an errand after
    /// that, it begins with the signing input, and the signature follows at once.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn exchange(&self) -> *const u8 {
        self.exchange.as_ptr()
    }

    /// Where four numbers stand that say what the host is to check: handle, key number, length of the signing input,
    /// length of the signature. After a `begin` that found a signature remembered, they name the token to `recheck`: place, the
    /// lower half of the number, the upper half.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn errand(&self) -> *const u32 {
        self.errand.as_ptr()
    }

    /// Judges the token that stands in the first `length` bytes of the exchange, at `now` (unix seconds), and answers a finding
    /// code. With `help` an algorithm of `hostAlgorithms` is left to the host.
    pub fn begin(&mut self, length: usize, now: f64, help: bool) -> u32 {
        let token = self.exchange.get(..length).unwrap_or(&self.exchange);
        let host = if help { self.host } else { Algorithms::of(&[]) };
        match self.gate.begin(token, host, time(now)) {
            Progress::Decided(finding) => {
                self.write_entry(finding);
                finding_code(finding)
            }
            Progress::AtHost { handle, key_number } => {
                self.write_errand(handle, key_number);
                AT_HOST
            }
        }
    }

    /// Judges a token that was remembered, by its entry, and answers a finding code.
    pub fn recheck(&mut self, place: u32, lower: u32, upper: u32, now: f64) -> u32 {
        let number = u64::from(upper) << u32::BITS | u64::from(lower);
        self.gate.recheck(Entry { place, number }, time(now)).map_or(GONE, finding_code)
    }

    /// Takes back what the host found: 0 a bad signature, 1 a good one, otherwise it could not tell. Answers a finding code.
    pub fn finish(&mut self, handle: u32, outcome: u32, now: f64) -> u32 {
        let found = self.gate.finish(Handle::from_number(handle), host_outcome(outcome), time(now));
        found.map_or(GONE, finding_code)
    }

    /// Algorithm and public JWK of the key that a handle's token is to be checked with; empty when there is none to give.
    #[wasm_bindgen(js_name = hostKey)]
    #[must_use]
    pub fn host_key(&self, handle: u32) -> Vec<String> {
        let pending = self.gate.pending(Handle::from_number(handle));
        let told = pending.and_then(|pending| Some((pending.algorithm(), pending.key().public_jwk()?)));
        told.map(|(algorithm, jwk)| vec![algorithm.name().to_owned(), jwk.to_owned()]).unwrap_or_default()
    }

    /// The algorithm of a token that cannot be judged without the host.
    #[wasm_bindgen(js_name = hostNeeded)]
    pub fn host_needed(&mut self, token: &str, now: f64) -> Option<String> {
        self.gate.host_needed(token, time(now)).map(|algorithm| algorithm.name().to_owned())
    }

    /// Every check with its outcome.
    pub fn explain(&mut self, token: &str, now: f64) -> Vec<JsValue> {
        checks(self.gate.explain(token, time(now)))
    }

    /// Whether the host must look at the signature of the token in the exchange before it can be explained; then there is an
    /// errand, and `finishToExplain` is to be called.
    #[wasm_bindgen(js_name = beginToExplain)]
    pub fn begin_to_explain(&mut self, length: usize, now: f64) -> bool {
        let token = self.exchange.get(..length).and_then(|token| core::str::from_utf8(token).ok()).unwrap_or_default();
        let begun = self.gate.begin_to_explain(token, self.host, time(now));
        begun.map(|(handle, key_number)| self.write_errand(handle, key_number)).is_some()
    }

    /// Every check with its outcome, with what the host found, as for `finish`. `undefined`: there is no such handle any more.
    #[wasm_bindgen(js_name = finishToExplain)]
    pub fn finish_to_explain(&mut self, handle: u32, outcome: u32, now: f64) -> Option<Vec<JsValue>> {
        self.gate.finish_to_explain(Handle::from_number(handle), host_outcome(outcome), time(now)).map(checks)
    }

    /// The digest of what a realm's gate and origin must agree on.
    pub fn policy(&self, realm: usize) -> Result<String, JsValue> {
        self.gate.realm(realm).map(|realm| realm.policy.digest().to_string()).ok_or_else(no_realm)
    }

    /// Replaces a realm's keys. `source` is `configuration` or `url`. Throws `invalid_jwks`; then the keys before stay.
    #[wasm_bindgen(js_name = setKeys)]
    pub fn set_keys(&mut self, realm: usize, jwks: &[u8], usable_until: f64, source: &str) -> Result<JsValue, JsValue> {
        let source = match source {
            "configuration" => KeySource::Configuration,
            _ => KeySource::Url,
        };
        let report = self.gate.set_keys(realm, jwks, source, time(usable_until)).ok_or_else(no_realm)?;
        let report = report.map_err(|cause| key_error(&cause))?;
        let skipped = report
            .skipped
            .iter()
            .map(|one| object([("index", one.index.into()), ("reason", one.reason.code().into())]));
        Ok(object([("accepted", report.accepted.into()), ("skipped", skipped.collect::<Array>().into())]))
    }

    /// Takes a realm's keys away.
    #[wasm_bindgen(js_name = clearKeys)]
    pub fn clear_keys(&mut self, realm: usize) {
        self.gate.clear_keys(realm);
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
        Ok(object([("sequence", number(applied.sequence).into()), ("effect", effect.into())]))
    }

    /// Realm and sequence of a feed message, before its signature is looked at.
    #[wasm_bindgen(js_name = peekFeed)]
    pub fn peek_feed(&self, bytes: &[u8]) -> Result<JsValue, JsValue> {
        let (realm, sequence) = self.gate.peek_feed(bytes).map_err(|cause| feed_error(&cause))?;
        Ok(object([("realm", realm.into()), ("sequence", number(sequence).into())]))
    }

    /// SHA-256 names, in hex, of the sections to fetch.
    #[wasm_bindgen(js_name = missingSections)]
    #[must_use]
    pub fn missing_sections(&self, realm: usize) -> Vec<String> {
        let names = self.gate.realm(realm).map(|realm| realm.revocations.missing_sections()).unwrap_or_default();
        names.iter().map(|name| hex(name)).collect()
    }

    /// Those of them, of whichever realm issued a token, in which the answer about it lies.
    #[wasm_bindgen(js_name = missingFor)]
    #[must_use]
    pub fn missing_for(&self, token: &str) -> Vec<String> {
        self.gate.missing_sections(token).iter().map(|name| hex(name)).collect()
    }

    /// Takes in a section: `stored`, or `committed` when it was the last one of a staged manifest. `sha256`: its hash, 32 bytes,
    /// where the host has computed it.
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

    /// How far a realm's state has come, for `resume` of the gate that replaces this one.
    pub fn marks(&self, realm: usize) -> Result<JsValue, JsValue> {
        self.gate.marks(realm).map(marks_object).ok_or_else(no_realm)
    }

    /// Makes a realm start where a lost gate's ended: nothing older is taken for news, and the clock does not go back.
    pub fn resume(&mut self, realm: usize, marks: &MarksObject) -> Result<(), JsValue> {
        let (marks, latest) = read_marks(marks)?;
        self.gate.resume(realm, marks, latest);
        Ok(())
    }

    /// Where a realm's state stands.
    pub fn state(&self, realm: usize) -> Result<JsValue, JsValue> {
        let realm = self.gate.realm(realm).ok_or_else(no_realm)?;
        let (position, facts) = (realm.revocations.position(), realm.revocations.facts());
        let of = |value: Option<UnixSeconds>| number(value.map_or(0, UnixSeconds::get));
        Ok(object([
            ("loaded", position.is_some().into()),
            ("sequence", number(position.map_or(0, |position| position.sequence)).into()),
            ("chain", position.map(|position| hex(&position.chain.0)).unwrap_or_default().into()),
            ("issuedAt", of(position.map(|position| position.issued_at)).into()),
            ("notAfter", of(position.map(|position| position.not_after)).into()),
            ("wantsManifest", realm.revocations.wants_manifest().into()),
            ("hasKeys", matches!(realm.keys, RealmKeys::Loaded { .. }).into()),
            ("tokenIds", number(facts.token_ids).into()),
            ("epochs", number(facts.epochs).into()),
            ("sectionBytes", number(facts.section_bytes).into()),
            ("liveEntries", number(facts.live_entries).into()),
            ("errorRate", facts.error_rate.into()),
        ]))
    }
}

/// What an origin's gate does besides judging; its boundary is in `wasm/origin/identify.rs`.
#[cfg(feature = "origin")]
impl JsGate {
    pub(super) fn inner(&self) -> &Gate {
        &self.gate
    }

    pub(super) fn identify_withdrawn(
        &mut self,
        token: &str,
        withdrawn: &[WithdrawnKeys],
        now: UnixSeconds,
    ) -> Result<WithdrawnToken, IntakeError> {
        self.gate.identify_withdrawn(token, withdrawn, now)
    }

    /// `None`: there is an errand.
    pub(super) fn begin_intake(&mut self, length: usize, now: UnixSeconds) -> Option<Result<Identified, IntakeError>> {
        let token = core::str::from_utf8(self.exchange.get(..length).unwrap_or(&self.exchange));
        let Ok(token) = token else { return Some(Err(IntakeError::InvalidToken)) };
        match self.gate.begin_to_identify(token, self.host, now) {
            IntakeProgress::Decided(identified) => Some(identified),
            IntakeProgress::AtHost { handle, key_number } => {
                self.write_errand(handle, key_number);
                None
            }
        }
    }

    /// `None`: there is no such handle any more.
    pub(super) fn finish_intake(
        &mut self,
        handle: u32,
        outcome: u32,
        now: UnixSeconds,
    ) -> Option<Result<Identified, IntakeError>> {
        self.gate.finish_to_identify(Handle::from_number(handle), host_outcome(outcome), now)
    }
}

impl JsGate {
    fn write_entry(&mut self, finding: Finding) {
        match finding.map(|standing| standing.signature) {
            Ok(Signature::Remembered(Entry { place, number })) => {
                let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(u32::MAX);
                *self.errand = [place, half(number), half(number >> u32::BITS), 0];
            }
            Ok(Signature::Checked) | Err(_) => {}
        }
    }

    fn write_errand(&mut self, handle: Handle, key_number: u32) {
        let Some(pending) = self.gate.pending(handle) else { return };
        let (input, signature) = (pending.signing_input(), pending.signature());
        // In the place of its own text, which is longer.
        if let Some(room) = self.exchange.get_mut(input.len()..input.len() + signature.len()) {
            room.copy_from_slice(signature);
        }
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        *self.errand = [handle.number(), key_number, length(input.len()), length(signature.len())];
    }
}

const fn host_outcome(code: u32) -> HostOutcome {
    match code {
        0 => HostOutcome::Bad,
        1 => HostOutcome::Good,
        _ => HostOutcome::Unknown,
    }
}

fn checks(checks: Vec<Check>) -> Vec<JsValue> {
    let checks = checks.into_iter().map(|check| {
        object([
            ("check", check.name.code().into()),
            ("outcome", check.outcome.code().into()),
            ("reason", check.outcome.reason().map(Reason::code).into()),
            ("detail", check.detail.into()),
        ])
    });
    checks.collect()
}

/// A finding as a number.
fn finding_code(finding: Finding) -> u32 {
    match finding {
        Ok(standing) => {
            let behind = if standing.behind { BEHIND } else { 0 };
            let remembered = match standing.signature {
                Signature::Remembered(_) => REMEMBERED,
                Signature::Checked => 0,
            };
            realm_bits(Some(standing.realm)) | behind | remembered
        }
        Err(refused) => {
            let undecided = match refused.basis {
                Basis::Checked => 0,
                Basis::Undecided => UNDECIDED,
            };
            realm_bits(refused.realm) | reason_bits(refused.reason) | undecided
        }
    }
}

fn realm_bits(realm: Option<usize>) -> u32 {
    let number = realm.and_then(|index| u16::try_from(index + 1).ok()).unwrap_or_default();
    u32::from(number) << REALM_SHIFT
}

fn reason_bits(reason: Reason) -> u32 {
    // The list is in the order of the enum; a test says so.
    reason as u32 + 1
}

fn feed_error(cause: &FeedError) -> JsValue {
    error(cause.code(), &cause.to_string())
}

fn key_error(cause: &KeyError) -> JsValue {
    error("invalid_jwks", &cause.to_string())
}

fn no_realm() -> JsValue {
    error("unknown_realm", "there is no realm at that place")
}
