//! Feed signing keys, as JWKs.

use super::object::write;
use crate::ledger::key::SigningKey;
use crate::wasm::error;
use serde::Serialize;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::*;

/// The members of a JWK, all strings.
type Jwk = BTreeMap<String, String>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FeedKeyResult {
    signing_key: Jwk,
    public_key: Jwk,
}

/// Generates an Ed25519 key pair for a feed, as JWKs.
#[wasm_bindgen(js_name = generateFeedKey)]
pub fn generate_feed_key_pair() -> Result<JsValue, JsValue> {
    let key = SigningKey::generate().map_err(|cause| error(cause.code(), &cause.to_string()))?;
    write(&FeedKeyResult { signing_key: object(&key.to_jwk())?, public_key: object(&key.public_jwk())? })
}

/// Reads a private JWK. Throws `invalid_option`.
pub(super) fn signing_key(jwk: &serde_json::Value) -> Result<SigningKey, JsValue> {
    let key = SigningKey::from_jwk(jwk.to_string().as_bytes());
    key.map_err(|cause| error("invalid_option", &format!("signingKey: {cause}")))
}

fn object(jwk: &str) -> Result<Jwk, JsValue> {
    serde_json::from_str(jwk).map_err(|cause| error("internal", &cause.to_string()))
}
