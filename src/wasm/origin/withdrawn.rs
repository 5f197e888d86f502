//! Keys that issuers have withdrawn, separate from those that verify tokens.

use super::identify::identify_error;
use super::object::write;
use crate::base64url;
use crate::keys::{KeyRules, KeySource, Keys};
use crate::verdict::{WithdrawnKeys, WithdrawnToken};
use crate::wasm::edge::JsGate;
use crate::wasm::{number, time};
use serde::Serialize;
use wasm_bindgen::prelude::*;

/// The withdrawn keys of a gate's realms. They only identify tokens that are to be revoked by id.
#[wasm_bindgen(js_name = WithdrawnKeys)]
pub struct JsWithdrawnKeys {
    realms: Vec<WithdrawnKeys>,
}

#[wasm_bindgen(js_class = WithdrawnKeys)]
impl JsWithdrawnKeys {
    /// Creates an empty set for a gate with this number of realms.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(realms: usize) -> JsWithdrawnKeys {
        JsWithdrawnKeys { realms: (0..realms).map(|_| WithdrawnKeys::default()).collect() }
    }

    /// Adds the usable keys of a JWK set (JSON) that a realm's issuer has withdrawn at `withdrawnAt` (unix seconds).
    pub fn add(&mut self, gate: &JsGate, realm: usize, jwks: &[u8], withdrawn_at: f64) {
        let rules = gate.gate.realm(realm).map(|realm| KeyRules {
            // The keys were in the realm's set, whose source was checked.
            source: KeySource::Configuration,
            rsa_default: realm.policy.rsa_default,
        });
        let read = rules.and_then(|rules| Keys::read(jwks, rules).ok());
        if let (Some(read), Some(keys)) = (read, self.realms.get_mut(realm)) {
            keys.add(&read.keys, time(withdrawn_at));
        }
    }

    /// Drops a realm's withdrawn keys.
    pub fn clear(&mut self, realm: usize) {
        if let Some(keys) = self.realms.get_mut(realm) {
            keys.clear();
        }
    }

    /// Identifies an access token, with only the claims that its revocation by id needs. Throws `invalid_token` or
    /// `unexpected_token_use`.
    pub fn identify(&self, gate: &mut JsGate, token: &str, now: f64) -> Result<JsValue, JsValue> {
        let identified = gate.gate.identify_withdrawn(token, &self.realms, time(now));
        let token: WithdrawnToken = identified.map_err(identify_error)?;
        write(&WithdrawnTokenResult {
            realm: token.realm,
            thumbprint: base64url::encode(&token.thumbprint),
            token_id: token.token_id,
            issued_at: number(token.issued_at.get()),
            expires_at: number(token.expires_at.get()),
            authorized_party: token.authorized_party,
            client_id: token.client_id,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WithdrawnTokenResult {
    realm: usize,
    thumbprint: String,
    token_id: String,
    issued_at: f64,
    expires_at: f64,
    authorized_party: Option<String>,
    client_id: Option<String>,
}
