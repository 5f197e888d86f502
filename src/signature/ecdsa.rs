//! ECDSA (RFC 7518 §3.4) for jwt-compact, with newer curve crates than its own. A signature is R followed by S, each as
//! long as the curve's order; both range from 1 to the order minus 1, and a high S is valid too.

use core::num::NonZeroUsize;
use std::borrow::Cow;

use jwt_compact::{Algorithm, AlgorithmSignature};
use p256::ecdsa::signature::Verifier as _;
use p256::elliptic_curve::point::AffineCoordinates;

use super::check::{check, NoSigningKey};
use super::{CheckedBy, Curve, EcPoint};

/// A point on its curve, with the hash that RFC 7518 assigns to the curve.
#[derive(Clone)]
pub(crate) enum EcdsaKey {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl EcdsaKey {
    pub(crate) const CHECKED_BY: CheckedBy = CheckedBy::Rust;

    /// Returns `None` if the point is not on the curve (RFC 8725 §3.4).
    pub(crate) fn new(curve: Curve, point: &EcPoint<'_>) -> Option<Self> {
        match curve {
            Curve::P256 => p256::ecdsa::VerifyingKey::from_affine(affine(point)?).ok().map(Self::P256),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_affine(affine(point)?).ok().map(Self::P384),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_affine(affine(point)?).ok().map(Self::P521),
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => check(&Es256, key, message, signature),
            Self::P384(key) => check(&Es384, key, message, signature),
            Self::P521(key) => check(&Es512, key, message, signature),
        }
    }
}

/// The point with these coordinates, if they are in the field and the point is on the curve.
fn affine<P: AffineCoordinates>(point: &EcPoint<'_>) -> Option<P>
where
    P::FieldRepr: for<'b> TryFrom<&'b [u8]>,
{
    let coordinate = |bytes: &[u8]| P::FieldRepr::try_from(bytes).ok();
    P::from_coordinates(&coordinate(point.x)?, &coordinate(point.y)?).into_option()
}

macro_rules! define_ecdsa {
    ($(#[$docs:meta])* $algorithm:ident, $signature:ident, $curve:ident, $name:literal, $signature_bytes:literal) => {
        $(#[$docs])*
        struct $algorithm;

        struct $signature($curve::ecdsa::Signature);

        impl AlgorithmSignature for $signature {
            const LENGTH: Option<NonZeroUsize> = NonZeroUsize::new($signature_bytes);

            fn try_from_slice(bytes: &[u8]) -> anyhow::Result<Self> {
                $curve::ecdsa::Signature::from_slice(bytes).map(Self).map_err(anyhow::Error::msg)
            }

            fn as_bytes(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.0.to_bytes().to_vec())
            }
        }

        impl Algorithm for $algorithm {
            type SigningKey = NoSigningKey;
            type VerifyingKey = $curve::ecdsa::VerifyingKey;
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

define_ecdsa! {
    /// ECDSA on P-256 with SHA-256.
    Es256, Es256Signature, p256, "ES256", 64
}
define_ecdsa! {
    /// ECDSA on P-384 with SHA-384.
    Es384, Es384Signature, p384, "ES384", 96
}
define_ecdsa! {
    /// ECDSA on P-521 with SHA-512.
    Es512, Es512Signature, p521, "ES512", 132
}
