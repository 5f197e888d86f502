//! EdDSA on Ed25519 (RFC 8037) for jwt-compact, by a later ed25519-dalek than its own.

use core::num::NonZeroUsize;
use std::borrow::Cow;

use ed25519_dalek::{Verifier as _, VerifyingKey};
use jwt_compact::{Algorithm, AlgorithmSignature};

use super::verifying_key::NoSigningKey;

/// Strict verification: neither the key nor R may be of small order, so a signature is for one message. Keys of small
/// order are refused before they are one (`VerifyingKey::ed25519`).
pub(crate) struct Ed25519;

pub(crate) struct Ed25519Signature(ed25519_dalek::Signature);

impl AlgorithmSignature for Ed25519Signature {
    const LENGTH: Option<NonZeroUsize> = NonZeroUsize::new(ed25519_dalek::SIGNATURE_LENGTH);

    // The length was checked: inlined, the error and all its texts are gone.
    #[inline(always)]
    fn try_from_slice(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(Self(ed25519_dalek::Signature::from_bytes(bytes.try_into()?)))
    }

    fn as_bytes(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.to_bytes().to_vec())
    }
}

impl Algorithm for Ed25519 {
    type SigningKey = NoSigningKey;
    type VerifyingKey = VerifyingKey;
    type Signature = Ed25519Signature;

    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed("Ed25519")
    }

    fn sign(&self, signing_key: &Self::SigningKey, _message: &[u8]) -> Self::Signature {
        match *signing_key {}
    }

    fn verify_signature(&self, signature: &Self::Signature, key: &Self::VerifyingKey, message: &[u8]) -> bool {
        !is_of_small_order(signature.0.r_bytes()) && key.verify(message, &signature.0).is_ok()
    }
}

/// The y of the eight points whose order divides 8, with the sign of x cleared (RFC 8032 §5.1.2). Verification compares
/// R byte for byte with a point that it has encoded, so R has no other spelling; unlike `verify_strict`, which says the
/// same, this need not find R's x first, a tenth of the work.
const SMALL_ORDER: [[u8; 32]; 5] = [
    *b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
];

fn is_of_small_order(point: &[u8; 32]) -> bool {
    let mut y = *point;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use curve25519_dalek::Scalar;
    use ed25519_dalek::{Signature, Signer as _, SigningKey};
    use sha2::{Digest as _, Sha512};

    /// Every encoding of a point of small order is in the list, and nothing else: the group has eight of them.
    #[test]
    fn the_list_is_the_torsion_group() {
        let encodings = SMALL_ORDER.iter().flat_map(|y| {
            [0, 0x80].map(|sign| {
                let mut point = *y;
                point[31] |= sign;
                point
            })
        });
        let points: Vec<_> = encodings.filter_map(|point| VerifyingKey::from_bytes(&point).ok()).collect();
        assert!(points.iter().all(VerifyingKey::is_weak));
        // 1 and -1 have one x, 0, and so one spelling that an encoder writes; the other three have two.
        let canonical = points.iter().filter(|point| point.to_edwards().compress().as_bytes() == point.as_bytes());
        assert_eq!(canonical.count(), 8);
    }

    #[test]
    fn as_the_strict_check_says() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let key = signing.verifying_key();
        let says = |signature: Signature, message: &[u8]| {
            let strict = key.verify_strict(message, &signature).is_ok();
            assert_eq!(Ed25519.verify_signature(&Ed25519Signature(signature), &key, message), strict);
            strict
        };
        for number in 0_u8..64 {
            let good = signing.sign(&[number]);
            assert!(says(good, &[number]));
            let mut bytes = good.to_bytes();
            bytes[usize::from(number)] ^= 1;
            assert!(!says(Signature::from_bytes(&bytes), &[number]));
        }
        // With R the identity and S = k a the equation holds, but the strict check says no.
        let identity = SMALL_ORDER[1];
        let hash = Sha512::new().chain_update(identity).chain_update(key.as_bytes()).chain_update(b"message");
        let s = Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * signing.to_scalar();
        let forged = Signature::from_components(identity, s.to_bytes());
        assert!(key.verify(b"message", &forged).is_ok());
        assert!(!says(forged, b"message"));
    }
}
