//! The public key of a feed, pinned at every edge.

use core::fmt;

use ed25519_dalek::Signature;
use sha2::{Digest, Sha256};

use crate::base64url;
use crate::ed25519::Ed25519Key;
use crate::error::{FeedError, FeedKeyError};
use crate::json::{read_object, Duplicates, Text};

/// A feed key's id in messages: the first 8 bytes of its RFC 7638 thumbprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

/// An Ed25519 public key that manifests and deltas are verified with. An edge pins one, or two during a rotation.
#[derive(Clone)]
pub struct FeedKey {
    key: Ed25519Key,
    id: KeyId,
}

impl FeedKey {
    /// Reads a JWK (RFC 7517) in JSON: `kty` OKP, `crv` Ed25519, `x` (RFC 8037). Other members are ignored.
    ///
    /// # Errors
    /// The input is not such a JWK, or has the private member `d`, which an edge must not have.
    pub fn from_jwk(json: &[u8]) -> Result<Self, FeedKeyError> {
        let text = core::str::from_utf8(json).map_err(|_| FeedKeyError::NotAJwk)?;
        let members = read_object(text, Duplicates::Refuse).map_err(|_| FeedKeyError::NotAJwk)?;
        let member = |name: &str| members.iter().find(|member| member.name == name).map(|member| member.value);
        let text = |name: &str| member(name).and_then(|value| value.text()).map(Text::decode);
        if text("kty").ok_or(FeedKeyError::NotAJwk)? != "OKP" || text("crv").as_deref() != Some("Ed25519") {
            return Err(FeedKeyError::NotEd25519);
        }
        if member("d").is_some() {
            return Err(FeedKeyError::Private);
        }
        let x = text("x").and_then(|x| base64url::decode_array(&x)).ok_or(FeedKeyError::NotAJwk)?;
        Self::from_bytes(&x)
    }

    /// Decodes the 32 bytes of a public key (RFC 8032 §5.1.5).
    ///
    /// # Errors
    /// The bytes are not a point on the curve, or a point of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, FeedKeyError> {
        let key = Ed25519Key::from_bytes(bytes).ok_or(FeedKeyError::Unusable)?;
        let [a, b, c, d, e, f, g, h, ..] = thumbprint(bytes);
        Ok(Self { key, id: KeyId([a, b, c, d, e, f, g, h]) })
    }

    /// The key's id in messages.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The RFC 7638 thumbprint, the customary `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        thumbprint(self.key.as_bytes())
    }

    /// Verifies a signature strictly: a message has at most one valid encoding of it.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), FeedError> {
        let is_good = self.key.verifies(message, &Signature::from_bytes(signature));
        is_good.then_some(()).ok_or(FeedError::BadSignature)
    }
}

impl fmt::Debug for FeedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FeedKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// RFC 7638 §3 over the members that RFC 8037 §2 requires.
pub(crate) fn thumbprint(public_key: &[u8; 32]) -> [u8; 32] {
    let x = base64url::encode(public_key);
    Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2 and A.3.
    const JWK: &[u8] = br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn thumbprint_of_the_rfc() {
        let thumbprint = FeedKey::from_jwk(JWK).map(|key| base64url::encode(&key.thumbprint()));
        assert_eq!(thumbprint.as_deref(), Ok("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }

    #[test]
    fn private_and_foreign_keys_are_refused() {
        let refusal = |json: &str| FeedKey::from_jwk(json.as_bytes()).map(|key| key.id()).err();
        assert_eq!(refusal("[]"), Some(FeedKeyError::NotAJwk));
        assert_eq!(refusal(r#"{"kty":"RSA","n":"AQ","e":"AQAB"}"#), Some(FeedKeyError::NotEd25519));
        assert_eq!(refusal(r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#), Some(FeedKeyError::NotAJwk));
        assert_eq!(
            refusal(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}"#),
            Some(FeedKeyError::Private)
        );
        assert_eq!(FeedKey::from_bytes(&[0; 32]).map(|key| key.id()).err(), Some(FeedKeyError::Unusable));
    }
}
