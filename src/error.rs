//! What can go wrong with an operation: one enum each, whose variants carry values. A refused token is no error but a
//! [`Verdict`](crate::verdict::Verdict).

use thiserror::Error;

use crate::keys::Skipped;

/// Why no keys could be had from a JWK set ([`Keys::read`](crate::keys::Keys::read)).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is longer than allowed.
    #[error("the JWK set is {bytes} bytes long, the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit, [`MAX_JWKS_BYTES`](crate::keys::MAX_JWKS_BYTES).
        limit: usize,
    },
    /// The text is no JSON object, or one nested too deeply.
    #[error("the JWK set is not a JSON object")]
    NotJson,
    /// There is no array `keys`, or there are two.
    #[error("the JWK set has no array `keys`")]
    NotAKeySet,
    /// There are more keys than allowed.
    #[error("the JWK set holds {keys} keys, the limit is {limit}")]
    TooMany {
        /// How many there are.
        keys: usize,
        /// The limit, [`MAX_KEYS`](crate::keys::MAX_KEYS).
        limit: usize,
    },
    /// The set is empty or every key was skipped.
    #[error("the JWK set has no usable key ({} skipped)", skipped.len())]
    NoneUsable {
        /// Which, and why.
        skipped: Vec<Skipped>,
    },
}
