//! Identification by an origin's gate.

use super::object::write;
use crate::revocation::Revocations;
use crate::verdict::{Handle, Identified, IdentifyError, Progress, Reason};
use crate::wasm::edge::{host_outcome, JsGate};
use crate::wasm::{error, number, time};
use js_sys::Reflect;
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_class = Gate)]
impl JsGate {
    /// The sequence of a realm's state; -1 if it has no state yet, or needs a manifest.
    #[must_use]
    pub fn sequence(&self, realm: usize) -> f64 {
        let state = self.gate.realm(realm).map(|realm| &realm.revocations).filter(|state| !state.wants_manifest());
        state.and_then(Revocations::position).map_or(-1.0, |position| number(position.sequence))
    }

    /// The options in which the policies of two realms differ although an origin and its gates must agree on them.
    #[wasm_bindgen(js_name = policyDifferences)]
    #[must_use]
    pub fn policy_differences(&self, one: usize, other: usize) -> Vec<String> {
        let policy = |realm| self.gate.realm(realm).map(|realm| &realm.policy);
        let differences = policy(one).zip(policy(other)).map(|(one, other)| one.differences(other));
        differences.unwrap_or_default().into_iter().map(|field| field.name().to_owned()).collect()
    }

    /// The index of the realm of the token in the first `length` bytes of the token buffer, by its issuer; -1: no
    /// realm.
    #[wasm_bindgen(js_name = realmOf)]
    #[must_use]
    pub fn realm_of(&self, length: usize) -> i32 {
        let token = core::str::from_utf8(self.token_buffer.get(..length).unwrap_or(&self.token_buffer));
        let realm = token.ok().and_then(|token| self.gate.realm_of(token));
        realm.and_then(|realm| i32::try_from(realm).ok()).unwrap_or(-1)
    }

    /// Identifies the access token in the first `length` bytes of the token buffer: checks only form, realm, key,
    /// signature and use. Throws `invalid_token`, `unexpected_token_use` or `keys_unavailable`, with the `reason` of a
    /// verdict and the index of the token's `realm`. `now` (unix seconds) determines whether the keys are still usable.
    /// Returns `undefined` if there is a signature request, as after `begin`; pass its outcome to `finishToIdentify`.
    #[wasm_bindgen(js_name = beginToIdentify)]
    pub fn begin_to_identify(&mut self, length: usize, now: f64) -> Result<JsValue, JsValue> {
        let token = core::str::from_utf8(self.token_buffer.get(..length).unwrap_or(&self.token_buffer));
        let Ok(token) = token else {
            return identified_result(Err(IdentifyError::InvalidToken { realm: None, reason: Reason::Malformed }));
        };
        match self.gate.begin_to_identify(token, self.host, time(now)) {
            Progress::Decided(identified) => identified_result(identified),
            Progress::AwaitingSignature { handle, key_number } => {
                self.write_request(handle, key_number);
                Ok(JsValue::UNDEFINED)
            }
        }
    }

    /// Finishes with the host's outcome, like `finish`, and returns or throws like `beginToIdentify`. Returns
    /// `undefined` if the handle has expired.
    #[wasm_bindgen(js_name = finishToIdentify)]
    pub fn finish_to_identify(&mut self, handle: u32, outcome: u32, now: f64) -> Result<JsValue, JsValue> {
        match self.gate.finish_to_identify(Handle::from_number(handle), host_outcome(outcome), time(now)) {
            Some(identified) => identified_result(identified),
            None => Ok(JsValue::UNDEFINED),
        }
    }
}

/// Creates an error with the reason and, if the token belongs to one of the realms, its index.
pub(super) fn identify_error(cause: IdentifyError) -> JsValue {
    let thrown = error(cause.code(), &cause.to_string());
    let realm = cause.realm().and_then(|realm| u32::try_from(realm).ok());
    for (name, value) in [("reason", cause.reason().code().into()), ("realm", realm.into())] {
        // Setting a property of a new error cannot fail.
        let _ = Reflect::set(&thrown, &name.into(), &value);
    }
    thrown
}

fn identified_result(identified: Result<Identified, IdentifyError>) -> Result<JsValue, JsValue> {
    let identified = identified.map_err(identify_error)?;
    write(&IdentifiedResult {
        realm: identified.realm,
        token_id: identified.token_id,
        subject: identified.subject,
        session: identified.session,
        authorized_party: identified.authorized_party,
        client_id: identified.client_id,
        expires_at: identified.expires_at.map(|at| number(at.get())),
        issued_at: identified.issued_at.map(|at| number(at.get())),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdentifiedResult {
    realm: usize,
    token_id: Option<String>,
    subject: Option<String>,
    session: Option<String>,
    authorized_party: Option<String>,
    client_id: Option<String>,
    expires_at: Option<f64>,
    issued_at: Option<f64>,
}
