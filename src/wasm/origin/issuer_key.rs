//! Keys of an issuer, as JWKs.

use crate::keys;
use wasm_bindgen::prelude::*;

/// The members that determine a key, as JSON in the one spelling that its thumbprint is over. `undefined` where they
/// cannot be read.
#[wasm_bindgen(js_name = canonicalJwk)]
#[must_use]
pub fn canonical_jwk(jwk: &str) -> Option<String> {
    keys::canonical_jwk(jwk)
}
