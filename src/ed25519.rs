//! Strict Ed25519 verification (RFC 8032), for tokens and feeds.

#[cfg_attr(not(feature = "ed25519-tables"), path = "ed25519/no_tables.rs")]
mod tables;

use core::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use self::tables::Tables;

/// A public key that does not have small order: with such a key, one signature is valid for many messages.
#[derive(Clone)]
pub(crate) struct Ed25519Key {
    key: VerifyingKey,
    tables: Tables,
}

impl Ed25519Key {
    /// Decodes the 32 bytes of a key (RFC 8032 §5.1.5). `None` if they are not a point, or a point of small order.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        (!key.is_weak()).then(|| Self { key, tables: Tables::new() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether the signature over `message` is valid for this key. R must not have small order either, so a signature
    /// is valid for one message and has one encoding.
    pub(crate) fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        !is_of_small_order(signature.r_bytes()) && self.tables.verify(&self.key, message, signature)
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ed25519Key").finish_non_exhaustive()
    }
}

/// The y coordinates of the eight points whose order divides 8, with the sign of x cleared (RFC 8032 §5.1.2).
/// Verification compares R byte by byte with a point that it has encoded itself, so R has no other encoding.
/// `verify_strict` gives the same result, but first computes R's x, a tenth of the work.
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
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use curve25519_dalek::Scalar;
    use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
    use sha2::{Digest as _, Sha512};

    /// The list has every encoding of a point of small order and nothing else: the group has eight such points.
    #[test]
    fn small_order_list_is_the_torsion_group() {
        let encodings = SMALL_ORDER.iter().flat_map(|y| {
            [0, 0x80].map(|sign| {
                let mut point = *y;
                point[31] |= sign;
                point
            })
        });
        let points: Vec<_> = encodings.filter_map(|point| VerifyingKey::from_bytes(&point).ok()).collect();
        assert!(points.iter().all(VerifyingKey::is_weak));
        // For y = 1 and y = -1, x is 0, so there is one canonical encoding each; the other three have two.
        let canonical = points.iter().filter(|point| point.to_edwards().compress().as_bytes() == point.as_bytes());
        assert_eq!(canonical.count(), 8);
    }

    #[test]
    fn agrees_with_verify_strict() {
        let signing = SigningKey::from_bytes(&[7; 32]);
        let key = signing.verifying_key();
        let ours = Ed25519Key::from_bytes(key.as_bytes()).unwrap();
        // Called often enough that the key gets its tables during the test.
        let says = |signature: Signature, message: &[u8]| {
            let strict = key.verify_strict(message, &signature).is_ok();
            assert_eq!(ours.verifies(message, &signature), strict);
            strict
        };
        for number in 0_u8..64 {
            let good = signing.sign(&[number]);
            assert!(says(good, &[number]));
            let mut bytes = good.to_bytes();
            bytes[usize::from(number)] ^= 1;
            assert!(!says(Signature::from_bytes(&bytes), &[number]));
        }
        // If R is the identity and S = k a, the equation holds, but the strict check refuses the signature.
        let identity = SMALL_ORDER[1];
        let hash = Sha512::new().chain_update(identity).chain_update(key.as_bytes()).chain_update(b"message");
        let s = Scalar::from_bytes_mod_order_wide(&hash.finalize().into()) * signing.to_scalar();
        let forged = Signature::from_components(identity, s.to_bytes());
        assert!(key.verify(b"message", &forged).is_ok());
        assert!(!says(forged, b"message"));
    }
}
