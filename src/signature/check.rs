//! A signature check through jwt-compact's [`Algorithm`] trait.

use jwt_compact::{Algorithm, AlgorithmSignature};

/// Whether a signature is valid. A signature of the wrong length is not.
pub(super) fn check<A: Algorithm>(algorithm: &A, key: &A::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    if A::Signature::LENGTH.is_some_and(|length| length.get() != signature.len()) {
        return false;
    }
    match A::Signature::try_from_slice(signature) {
        Ok(signature) => algorithm.verify_signature(&signature, key, message),
        Err(_) => false,
    }
}

/// The signing key type of an algorithm that only verifies.
pub(crate) enum NoSigningKey {}
