//! An issuer's keys, as JWKs.

use crate::keys;
use wasm_bindgen::prelude::*;

/// The members that determine a key, in the canonical JSON that its thumbprint hashes. `undefined` if they are invalid.
#[wasm_bindgen(js_name = canonicalJwk)]
#[must_use]
pub fn canonical_jwk(jwk: &str) -> Option<String> {
    keys::canonical_jwk(jwk)
}
