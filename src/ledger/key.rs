//! The private key that signs a feed.

use core::fmt;

use ed25519_dalek::Signer as _;
use serde::Deserialize;
use serde_json::json;

use super::entropy::random;
use crate::base64url;
use crate::error::{FeedKeyError, LedgerError};
use crate::revocation::{FeedKey, KeyId};

/// An Ed25519 private key (RFC 8032), kept by the origin. Its public half is pinned at the edges.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: FeedKey,
}

impl SigningKey {
    /// Draws a new key.
    ///
    /// # Errors
    /// [`LedgerError::NoEntropy`].
    pub fn generate() -> Result<Self, LedgerError> {
        Self::from_seed(&random()?).map_err(|_| LedgerError::NoEntropy)
    }

    /// Reads a JWK (RFC 7517, RFC 8037) in JSON: `kty` OKP, `crv` Ed25519, `d` and `x`, which must match. Other members
    /// are ignored.
    ///
    /// # Errors
    /// The input is not such a JWK.
    pub fn from_jwk(json: &[u8]) -> Result<Self, FeedKeyError> {
        let jwk: PrivateJwk = serde_json::from_slice(json).map_err(|_| FeedKeyError::NotAJwk)?;
        if jwk.kty != "OKP" || jwk.crv.as_deref() != Some("Ed25519") {
            return Err(FeedKeyError::NotEd25519);
        }
        let bytes = |member: Option<String>| member.and_then(|text| base64url::decode_array::<32>(&text));
        let (Some(seed), Some(x)) = (bytes(jwk.d), bytes(jwk.x)) else { return Err(FeedKeyError::NotAJwk) };
        let key = Self::from_seed(&seed)?;
        if key.key.verifying_key().as_bytes() != &x {
            return Err(FeedKeyError::Unusable);
        }
        Ok(key)
    }

    /// The private JWK in JSON, with the RFC 7638 thumbprint as `kid`. A secret.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        let d = base64url::encode(self.key.as_bytes());
        let (x, kid) = self.x_and_kid();
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": d, "kid": kid, "alg": "EdDSA", "use": "sig" }).to_string()
    }

    /// The public JWK in JSON, for edges to pin.
    #[must_use]
    pub fn public_jwk(&self) -> String {
        let (x, kid) = self.x_and_kid();
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "alg": "EdDSA", "use": "sig" }).to_string()
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &FeedKey {
        &self.public
    }

    pub(crate) const fn id(&self) -> KeyId {
        self.public.id()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    fn from_seed(seed: &[u8; 32]) -> Result<Self, FeedKeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = FeedKey::from_bytes(key.verifying_key().as_bytes())?;
        Ok(Self { key, public })
    }

    fn x_and_kid(&self) -> (String, String) {
        let x = base64url::encode(self.key.verifying_key().as_bytes());
        (x, base64url::encode(&self.public.thumbprint()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey({:?}, [secret key elided])", self.id())
    }
}

#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    d: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.1.
    const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn a_jwk_survives_the_round_trip() {
        let key = SigningKey::from_jwk(JWK.as_bytes()).map(|key| key.to_jwk());
        let again = key.as_ref().map(|jwk| SigningKey::from_jwk(jwk.as_bytes()).map(|key| key.to_jwk()));
        assert_eq!(again, Ok(key.clone()));
        assert!(key.is_ok_and(|jwk| jwk.contains("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")));
    }

    #[test]
    fn halves_that_do_not_belong_together_are_refused() {
        let other = JWK.replace("11qY", "22qY");
        assert_eq!(SigningKey::from_jwk(other.as_bytes()).map(|key| key.id()).err(), Some(FeedKeyError::Unusable));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let printed = SigningKey::from_jwk(JWK.as_bytes()).map(|key| format!("{key:?}"));
        assert!(printed.is_ok_and(|printed| printed.contains("elided") && !printed.contains("nWGxne")));
    }
}
