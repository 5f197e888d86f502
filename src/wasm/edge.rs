//! The JavaScript boundary of the gate: takes tokens and returns findings.

use super::finding::{finding_code, AWAITING_HOST, GONE};
use super::options::{GateOptions, RealmOptions};
use super::{object, time};
use crate::gate::Gate;
use crate::signature::Algorithms;
use crate::verdict::{Check, Entry, Finding, Handle, HostOutcome, Progress, Reason, Signature};
use wasm_bindgen::prelude::*;

/// The edge's verifier. Tokens and signature requests pass through memory that it owns and JavaScript can access, so a
/// token needs no string conversion and no object.
#[wasm_bindgen(js_name = Gate)]
pub struct JsGate {
    pub(super) gate: Gate,
    pub(super) host: Algorithms,
    pub(super) token_buffer: Box<[u8]>,
    /// Handle, key number, length of the signing input, length of the signature. For a cached token's entry: place, and
    /// lower and upper half of the number.
    signature_request: Box<[u32; 4]>,
}

#[wasm_bindgen(js_class = Gate)]
impl JsGate {
    /// Creates a gate from options with all defaults filled in. Throws `invalid_option`.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &GateOptions) -> Result<JsGate, JsValue> {
        let maximum = options.max_token_bytes()?;
        Ok(JsGate {
            gate: options.gate()?,
            host: options.host()?,
            // One byte more than the maximum token length, so that a longer token is detected.
            token_buffer: vec![0; maximum.saturating_add(1)].into(),
            signature_request: [0; 4].into(),
        })
    }

    /// Puts a realm in a free or new slot. `options`: the gate's options. Throws `invalid_option`.
    #[wasm_bindgen(js_name = putRealm)]
    pub fn put_realm(&mut self, index: usize, options: &GateOptions, realm: &RealmOptions) -> Result<(), JsValue> {
        options.put_realm(&mut self.gate, index, realm)
    }

    /// Removes a realm, with everything that refers to its index.
    #[wasm_bindgen(js_name = removeRealm)]
    pub fn remove_realm(&mut self, realm: usize) {
        self.gate.remove_realm(realm);
    }

    /// Address of the token buffer, `maxTokenBytes` + 1 bytes, to be filled before `begin`. For a signature request it
    /// has the signing input, followed by the signature.
    #[wasm_bindgen(getter = tokenBuffer)]
    #[must_use]
    pub fn token_buffer(&self) -> *const u8 {
        self.token_buffer.as_ptr()
    }

    /// Address of the four numbers of a signature request: handle, key number, length of the signing input, length of
    /// the signature. After a `begin` that found a cached token, they are its entry for `recheck`: place, and lower and
    /// upper half of the number.
    #[wasm_bindgen(getter = signatureRequest)]
    #[must_use]
    pub fn signature_request(&self) -> *const u32 {
        self.signature_request.as_ptr()
    }

    /// Judges the token in the first `length` bytes of the token buffer, at `now` (unix seconds), and returns a finding
    /// code. With `help`, the host verifies signatures of the `hostAlgorithms`.
    pub fn begin(&mut self, length: usize, now: f64, help: bool) -> u32 {
        let token = self.token_buffer.get(..length).unwrap_or(&self.token_buffer);
        let host = if help { self.host } else { Algorithms::of(&[]) };
        match self.gate.begin(token, host, time(now)) {
            Progress::Decided(finding) => {
                self.write_entry(finding);
                finding_code(finding)
            }
            Progress::AwaitingSignature { handle, key_number } => {
                self.write_request(handle, key_number);
                AWAITING_HOST
            }
        }
    }

    /// Judges a cached token by its entry and returns a finding code.
    pub fn recheck(&mut self, place: u32, lower: u32, upper: u32, now: f64) -> u32 {
        let number = u64::from(upper) << u32::BITS | u64::from(lower);
        self.gate.recheck(Entry { place, number }, time(now)).map_or(GONE, finding_code)
    }

    /// Finishes with the host's outcome: 0 for an invalid signature, 1 for a valid one, otherwise undecided. Returns a
    /// finding code.
    pub fn finish(&mut self, handle: u32, outcome: u32, now: f64) -> u32 {
        let found = self.gate.finish(Handle::from_number(handle), host_outcome(outcome), time(now));
        found.map_or(GONE, finding_code)
    }

    /// Algorithm and public JWK of the key that verifies a handle's token; empty if it cannot be exported.
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

    /// Returns every check with its outcome.
    pub fn explain(&mut self, token: &str, now: f64) -> Vec<JsValue> {
        checks(self.gate.explain(token, time(now)))
    }

    /// Returns whether the host must verify the signature of the token in the token buffer before it can be explained.
    /// Then there is a signature request, and `finishToExplain` must be called.
    #[wasm_bindgen(js_name = beginToExplain)]
    pub fn begin_to_explain(&mut self, length: usize, now: f64) -> bool {
        let token =
            self.token_buffer.get(..length).and_then(|token| core::str::from_utf8(token).ok()).unwrap_or_default();
        match self.gate.begin_to_explain(token, self.host, time(now)) {
            Progress::Decided(()) => false,
            Progress::AwaitingSignature { handle, key_number } => {
                self.write_request(handle, key_number);
                true
            }
        }
    }

    /// Returns every check with its outcome, given the host's outcome as for `finish`. Returns `undefined` if the
    /// handle has expired.
    #[wasm_bindgen(js_name = finishToExplain)]
    pub fn finish_to_explain(&mut self, handle: u32, outcome: u32, now: f64) -> Option<Vec<JsValue>> {
        self.gate.finish_to_explain(Handle::from_number(handle), host_outcome(outcome), time(now)).map(checks)
    }
}

impl JsGate {
    fn write_entry(&mut self, finding: Finding) {
        match finding.map(|acceptance| acceptance.signature) {
            Ok(Signature::Remembered(Entry { place, number })) => {
                let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or(u32::MAX);
                *self.signature_request = [place, half(number), half(number >> u32::BITS), 0];
            }
            Ok(Signature::Checked) | Err(_) => {}
        }
    }

    pub(super) fn write_request(&mut self, handle: Handle, key_number: u32) {
        let Some(pending) = self.gate.pending(handle) else { return };
        let (input, signature) = (pending.signing_input(), pending.signature());
        // Overwrites the token, which is longer.
        if let Some(room) = self.token_buffer.get_mut(input.len()..input.len() + signature.len()) {
            room.copy_from_slice(signature);
        }
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        *self.signature_request = [handle.number(), key_number, length(input.len()), length(signature.len())];
    }
}

pub(super) const fn host_outcome(code: u32) -> HostOutcome {
    match code {
        0 => HostOutcome::Bad,
        1 => HostOutcome::Good,
        _ => HostOutcome::Unknown,
    }
}

fn checks(checks: Vec<Check>) -> Vec<JsValue> {
    let checks = checks.into_iter().map(|check| {
        object(&[
            ("check", check.name.code().into()),
            ("outcome", check.outcome.code().into()),
            ("reason", check.outcome.reason().map(Reason::code).into()),
            ("detail", check.detail.into()),
        ])
    });
    checks.collect()
}
