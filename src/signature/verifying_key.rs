//! Keys pinned to one signature scheme. Every check goes through jwt-compact's
//! [`Algorithm`](jwt_compact::Algorithm) trait.

use core::fmt;

use super::check::check;
use super::ecdsa::EcdsaKey;
use super::ed25519::Ed25519;
use super::hmac::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};
use super::rsa::RsaKey;
use super::{Algorithm, CheckedBy, Curve, EcPoint};
use crate::ed25519::Ed25519Key;

/// A public (or, for HMAC, shared) key with the only signature scheme it may be used with (RFC 8725bis §3.1: one key,
/// one algorithm, enforced where the key is used).
///
/// Everything that depends only on the key is computed at creation. Its `Debug` shows the scheme and no part of the
/// key.
#[derive(Clone)]
pub(crate) enum VerifyingKey {
    Hs256(Box<Hs256Key>),
    Hs384(Box<Hs384Key>),
    Hs512(Box<Hs512Key>),
    Rsa(Box<RsaKey>),
    Ecdsa(Box<EcdsaKey>),
    Ed25519(Box<Ed25519Key>),
}

impl VerifyingKey {
    /// Creates an HMAC key. `None` unless `algorithm` is HMAC and the secret is at least as long as its hash (RFC 7518
    /// §3.2).
    pub(crate) fn hmac(algorithm: Algorithm, secret: &[u8]) -> Option<Self> {
        match algorithm {
            Algorithm::HS256 => Hs256Key::new(secret).map(|key| Self::Hs256(Box::new(key))),
            Algorithm::HS384 => Hs384Key::new(secret).map(|key| Self::Hs384(Box::new(key))),
            Algorithm::HS512 => Hs512Key::new(secret).map(|key| Self::Hs512(Box::new(key))),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512
            | Algorithm::ES256
            | Algorithm::ES384
            | Algorithm::ES512
            | Algorithm::EdDSA
            | Algorithm::Ed25519 => None,
        }
    }

    /// Creates an RSA key from big-endian numbers, the modulus without leading zeros. `None` unless `algorithm` is RSA,
    /// the modulus is odd, and the exponent is odd and between 3 and 2^33 - 1.
    pub(crate) fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        RsaKey::new(algorithm, modulus, exponent).map(|key| Self::Rsa(Box::new(key)))
    }

    /// Creates an ECDSA key. `None` if the point is not on the curve (RFC 8725 §3.4).
    pub(crate) fn ecdsa(curve: Curve, point: &EcPoint<'_>) -> Option<Self> {
        EcdsaKey::new(curve, point).map(|key| Self::Ecdsa(Box::new(key)))
    }

    /// Creates an Ed25519 key. `None` if the bytes are not a point, or a point of small order.
    pub(crate) fn ed25519(bytes: &[u8]) -> Option<Self> {
        Ed25519Key::from_bytes(bytes.try_into().ok()?).map(|key| Self::Ed25519(Box::new(key)))
    }

    /// Tells who can verify this key's signatures.
    pub(crate) fn checked_by(&self) -> CheckedBy {
        match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) | Self::Ed25519(_) => CheckedBy::Rust,
            Self::Rsa(_) => RsaKey::CHECKED_BY,
            Self::Ecdsa(_) => EcdsaKey::CHECKED_BY,
        }
    }

    /// Whether `signature` over `message` is valid for this key. A signature of the wrong length is refused before
    /// anything is computed. Always `false` for a key that only the host can use.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => check(&Hs256, key, message, signature),
            Self::Hs384(key) => check(&Hs384, key, message, signature),
            Self::Hs512(key) => check(&Hs512, key, message, signature),
            Self::Rsa(key) => key.verifies(message, signature),
            Self::Ecdsa(key) => key.verifies(message, signature),
            Self::Ed25519(key) => check(&Ed25519, key, message, signature),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) => "VerifyingKey(HMAC)",
            Self::Rsa(_) => "VerifyingKey(RSA)",
            Self::Ecdsa(_) => "VerifyingKey(ECDSA)",
            Self::Ed25519(_) => "VerifyingKey(Ed25519)",
        })
    }
}
