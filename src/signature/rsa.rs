//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 7518 §3.3, §3.5) for jwt-compact, with a newer `rsa` than its own: a key's
//! Montgomery form is computed once, when the key is read.

use core::num::NonZeroUsize;
use std::borrow::Cow;

use ::rsa::signature::{SignatureEncoding as _, Verifier as _};
use ::rsa::{pkcs1v15, pss, BoxedUint, RsaPublicKey};
use jwt_compact::AlgorithmSignature;
use sha2::{Sha256, Sha384, Sha512};

use super::check::{check, NoSigningKey};
use super::{Algorithm, CheckedBy};

/// An RSA key with its padding and hash.
#[derive(Clone)]
pub(crate) enum RsaKey {
    Rs256(pkcs1v15::VerifyingKey<Sha256>),
    Rs384(pkcs1v15::VerifyingKey<Sha384>),
    Rs512(pkcs1v15::VerifyingKey<Sha512>),
    Ps256(pss::VerifyingKey<Sha256>),
    Ps384(pss::VerifyingKey<Sha384>),
    Ps512(pss::VerifyingKey<Sha512>),
}

impl RsaKey {
    pub(crate) const CHECKED_BY: CheckedBy = CheckedBy::Rust;

    /// Creates a key from big-endian numbers. `None` unless `algorithm` is RSA, the modulus is odd, and the exponent is
    /// odd and between 3 and 2^33 - 1.
    pub(crate) fn new(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let number = BoxedUint::from_be_slice_vartime;
        let key = RsaPublicKey::new(number(modulus), number(exponent)).ok()?;
        match algorithm {
            Algorithm::RS256 => Some(Self::Rs256(pkcs1v15::VerifyingKey::new(key))),
            Algorithm::RS384 => Some(Self::Rs384(pkcs1v15::VerifyingKey::new(key))),
            Algorithm::RS512 => Some(Self::Rs512(pkcs1v15::VerifyingKey::new(key))),
            Algorithm::PS256 => Some(Self::Ps256(pss::VerifyingKey::new(key))),
            Algorithm::PS384 => Some(Self::Ps384(pss::VerifyingKey::new(key))),
            Algorithm::PS512 => Some(Self::Ps512(pss::VerifyingKey::new(key))),
            Algorithm::HS256
            | Algorithm::HS384
            | Algorithm::HS512
            | Algorithm::ES256
            | Algorithm::ES384
            | Algorithm::ES512
            | Algorithm::EdDSA
            | Algorithm::Ed25519 => None,
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Rs256(key) => check(&Rs256, key, message, signature),
            Self::Rs384(key) => check(&Rs384, key, message, signature),
            Self::Rs512(key) => check(&Rs512, key, message, signature),
            Self::Ps256(key) => check(&Ps256, key, message, signature),
            Self::Ps384(key) => check(&Ps384, key, message, signature),
            Self::Ps512(key) => check(&Ps512, key, message, signature),
        }
    }
}

macro_rules! define_signature {
    ($signature:ident, $padding:ident) => {
        /// As long as the modulus and less than it; the verification checks both (RFC 8017 §5.2.2).
        pub(crate) struct $signature($padding::Signature);

        impl AlgorithmSignature for $signature {
            const LENGTH: Option<NonZeroUsize> = None;

            fn try_from_slice(bytes: &[u8]) -> anyhow::Result<Self> {
                $padding::Signature::try_from(bytes).map(Self).map_err(anyhow::Error::msg)
            }

            fn as_bytes(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.0.to_bytes().into_vec())
            }
        }
    };
}

define_signature!(Pkcs1v15Signature, pkcs1v15);
define_signature!(PssSignature, pss);

macro_rules! define_rsa {
    ($(#[$docs:meta])* $algorithm:ident, $padding:ident, $signature:ident, $digest:ident, $name:literal) => {
        $(#[$docs])*
        struct $algorithm;

        impl jwt_compact::Algorithm for $algorithm {
            type SigningKey = NoSigningKey;
            type VerifyingKey = $padding::VerifyingKey<$digest>;
            type Signature = $signature;

            fn name(&self) -> Cow<'static, str> {
                Cow::Borrowed($name)
            }

            fn sign(&self, signing_key: &Self::SigningKey, _message: &[u8]) -> Self::Signature {
                match *signing_key {}
            }

            fn verify_signature(&self, signature: &Self::Signature, key: &Self::VerifyingKey, message: &[u8]) -> bool {
                key.verify(message, &signature.0).is_ok()
            }
        }
    };
}

define_rsa! {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256, pkcs1v15, Pkcs1v15Signature, Sha256, "RS256"
}
define_rsa! {
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384, pkcs1v15, Pkcs1v15Signature, Sha384, "RS384"
}
define_rsa! {
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512, pkcs1v15, Pkcs1v15Signature, Sha512, "RS512"
}
define_rsa! {
    /// RSASSA-PSS with SHA-256 and a salt as long as the hash.
    Ps256, pss, PssSignature, Sha256, "PS256"
}
define_rsa! {
    /// RSASSA-PSS with SHA-384 and a salt as long as the hash.
    Ps384, pss, PssSignature, Sha384, "PS384"
}
define_rsa! {
    /// RSASSA-PSS with SHA-512 and a salt as long as the hash.
    Ps512, pss, PssSignature, Sha512, "PS512"
}
