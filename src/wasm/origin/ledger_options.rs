//! The options of a ledger.

use super::feed_key::signing_key;
use crate::ledger::LedgerSettings;
use crate::policy::Policy;
use crate::revocation::Bounds;
use crate::verdict::state_policy;
use crate::wasm::options::RealmOptions;
use crate::wasm::{error, span};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LedgerOptions {
    issuer: String,
    signing_key: serde_json::Value,
    leeway_seconds: u64,
    skew_seconds: u64,
    max_lifetime_seconds: u64,
    max_session_seconds: Option<u64>,
    issuer_skew_seconds: u64,
    #[serde(default)]
    source_skew_seconds: u64,
    error_rate: f64,
    valid_for_seconds: u64,
    incarnation: u64,
    /// `CorePolicy` of the package; absent: the policy is not stated.
    #[serde(default, with = "serde_wasm_bindgen::preserve")]
    policy: JsValue,
}

impl LedgerOptions {
    /// Reads the policy like a gate's. Throws `invalid_option`.
    pub(super) fn policy(&self) -> Result<Option<Policy>, JsValue> {
        if self.policy.is_undefined() {
            return Ok(None);
        }
        let policy = self.policy.unchecked_ref::<RealmOptions>().policy()?;
        if policy.issuer.id() != self.issuer {
            return Err(error("invalid_option", "policy: it belongs to another issuer"));
        }
        Ok(Some(policy))
    }

    /// The settings of a ledger that states this policy. Throws `invalid_option`.
    pub(super) fn settings(self, policy: Option<&Policy>) -> Result<LedgerSettings, JsValue> {
        Ok(LedgerSettings {
            issuer: self.issuer,
            signing_key: signing_key(&self.signing_key)?,
            bounds: Bounds {
                leeway: span(self.leeway_seconds),
                skew: span(self.skew_seconds),
                max_lifetime: span(self.max_lifetime_seconds),
                max_session: self.max_session_seconds.map(span),
            },
            issuer_skew: span(self.issuer_skew_seconds),
            source_skew: span(self.source_skew_seconds),
            error_rate: self.error_rate,
            valid_for: span(self.valid_for_seconds),
            policy: policy.map(state_policy),
            incarnation: self.incarnation,
        })
    }
}
