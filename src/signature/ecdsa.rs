//! ES384 and ES512 (RFC 7518 §3.4) for jwt-compact, which has ES256 alone. A signature is R and S, each as long as the
//! curve's order, one after the other.

use core::num::NonZeroUsize;
use std::borrow::Cow;

use jwt_compact::{Algorithm, AlgorithmSignature};
use p384::ecdsa::signature::Verifier as _;

/// A gate checks and never signs, so there is no signing key to be had.
pub(crate) enum NoSigningKey {}

macro_rules! define_ecdsa {
    ($(#[$docs:meta])* $algorithm:ident, $signature:ident, $curve:ident, $name:literal, $signature_bytes:literal) => {
        $(#[$docs])*
        pub(crate) struct $algorithm;

        pub(crate) struct $signature($curve::ecdsa::Signature);

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

            fn verify_signature(
                &self,
                signature: &Self::Signature,
                verifying_key: &Self::VerifyingKey,
                message: &[u8],
            ) -> bool {
                verifying_key.verify(message, &signature.0).is_ok()
            }
        }
    };
}

define_ecdsa! {
    /// ECDSA on P-384 with SHA-384.
    Es384, Es384Signature, p384, "ES384", 96
}
define_ecdsa! {
    /// ECDSA on P-521 with SHA-512.
    Es512, Es512Signature, p521, "ES512", 132
}
