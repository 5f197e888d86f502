//! Keys pinned to one signature scheme. Every check goes through jwt-compact's
//! [`Algorithm`](jwt_compact::Algorithm) trait.

use core::fmt;
use std::borrow::Cow;

use jwt_compact::alg::{Ed25519, Es256, Rsa, RsaPublicKey};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::AlgorithmSignature;

use super::ecdsa::{Es384, Es512};
use super::hmac::{Hs256, Hs256Key, Hs384, Hs384Key, Hs512, Hs512Key};
use super::Algorithm;

type P256Key = <Es256 as jwt_compact::Algorithm>::VerifyingKey;

/// A public (or, for HMAC, shared) key together with the one signature scheme it may be used with
/// (RFC 8725bis §3.1: one key, one algorithm, enforced where the key is used).
///
/// Its `Debug` shows the scheme and nothing of the key.
#[derive(Clone)]
pub(crate) enum VerifyingKey {
    Hs256(Box<Hs256Key>),
    Hs384(Box<Hs384Key>),
    Hs512(Box<Hs512Key>),
    Rsa(Box<RsaKey>),
    Es256(Box<P256Key>),
    Es384(Box<p384::ecdsa::VerifyingKey>),
    Es512(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

/// Affine coordinates, big-endian, each as long as the curve's field.
pub(crate) struct EcPoint {
    pub(crate) x: Vec<u8>,
    pub(crate) y: Vec<u8>,
}

impl EcPoint {
    /// SEC 1 §2.3.3.
    fn uncompressed(&self) -> Vec<u8> {
        [&[4], self.x.as_slice(), self.y.as_slice()].concat()
    }
}

/// An RSA key with its padding and hash.
#[derive(Clone)]
pub(crate) struct RsaKey {
    pub(crate) scheme: Rsa,
    pub(crate) key: RsaPublicKey,
    /// Big-endian, no leading zero: a signature has its length and is below it.
    pub(crate) modulus: Vec<u8>,
}

impl VerifyingKey {
    /// A shared secret. `None` unless `algorithm` is HMAC and the secret at least as long as its hash (RFC 7518 §3.2).
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

    /// An RSA key from big-endian numbers, the modulus without leading zeros. `None` unless `algorithm` is RSA, the
    /// modulus odd and at most 4096 bits long, the exponent odd and between 3 and 2^33 - 1.
    pub(crate) fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let scheme = algorithm.name().parse().ok()?;
        if let [0] | [1] | [] = exponent {
            return None;
        }
        let jwk = JsonWebKey::Rsa {
            modulus: Cow::Borrowed(modulus),
            public_exponent: Cow::Borrowed(exponent),
            private_parts: None,
        };
        let key = RsaPublicKey::try_from(&jwk).ok()?;
        Some(Self::Rsa(Box::new(RsaKey { scheme, key, modulus: modulus.to_vec() })))
    }

    /// A point of P-256. `None` when it is not on the curve (RFC 8725 §3.4).
    pub(crate) fn p256(point: &EcPoint) -> Option<Self> {
        let key: P256Key = jwt_compact::alg::VerifyingKey::<Es256>::from_slice(&point.uncompressed()).ok()?;
        Some(Self::Es256(Box::new(key)))
    }

    /// A point of P-384. `None` when it is not on the curve.
    pub(crate) fn p384(point: &EcPoint) -> Option<Self> {
        Some(Self::Es384(Box::new(p384::ecdsa::VerifyingKey::from_sec1_bytes(&point.uncompressed()).ok()?)))
    }

    /// A point of P-521. `None` when it is not on the curve.
    pub(crate) fn p521(point: &EcPoint) -> Option<Self> {
        Some(Self::Es512(Box::new(p521::ecdsa::VerifyingKey::from_sec1_bytes(&point.uncompressed()).ok()?)))
    }

    /// An Ed25519 public key. `None` when it is no point, or one of small order, under which one signature fits many
    /// messages.
    pub(crate) fn ed25519(bytes: &[u8]) -> Option<Self> {
        let key: ed25519_dalek::VerifyingKey = jwt_compact::alg::VerifyingKey::<Ed25519>::from_slice(bytes).ok()?;
        (!key.is_weak()).then(|| Self::Ed25519(Box::new(key)))
    }

    /// Whether `signature` is this key's over `message`. Signatures of another length than the scheme's are refused
    /// before anything is computed.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hs256(key) => check(&Hs256, key, message, signature),
            Self::Hs384(key) => check(&Hs384, key, message, signature),
            Self::Hs512(key) => check(&Hs512, key, message, signature),
            Self::Rsa(rsa) => {
                // RFC 8017 §5.2.2 wants s < n. The PSS code below leaves that out, so s + n would pass as a second
                // spelling of the same signature.
                signature.len() == rsa.modulus.len()
                    && signature < rsa.modulus.as_slice()
                    && check(&rsa.scheme, &rsa.key, message, signature)
            }
            Self::Es256(key) => check(&Es256, key, message, signature),
            Self::Es384(key) => check(&Es384, key, message, signature),
            Self::Es512(key) => check(&Es512, key, message, signature),
            Self::Ed25519(key) => check(&Ed25519, key, message, signature),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hs256(_) | Self::Hs384(_) | Self::Hs512(_) => "VerifyingKey(HMAC)",
            Self::Rsa(_) => "VerifyingKey(RSA)",
            Self::Es256(_) | Self::Es384(_) | Self::Es512(_) => "VerifyingKey(ECDSA)",
            Self::Ed25519(_) => "VerifyingKey(Ed25519)",
        })
    }
}

fn check<A: jwt_compact::Algorithm>(algorithm: &A, key: &A::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    if A::Signature::LENGTH.is_some_and(|length| length.get() != signature.len()) {
        return false;
    }
    match A::Signature::try_from_slice(signature) {
        Ok(signature) => algorithm.verify_signature(&signature, key, message),
        Err(_) => false,
    }
}
