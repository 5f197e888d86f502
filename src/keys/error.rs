//! The reasons that a JWK set, or a key in it, is not used.

use thiserror::Error;

/// The reason that a JWK set was refused ([`Keys::read`](super::Keys::read)).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The set is longer than allowed.
    #[error("the JWK set is {bytes} bytes long, the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit, [`MAX_JWKS_BYTES`](super::MAX_JWKS_BYTES).
        limit: usize,
    },
    /// The set is not a JSON object, or is nested too deeply.
    #[error("the JWK set is not a JSON object")]
    NotJson,
    /// The set has no array `keys`, or has two.
    #[error("the JWK set has no array `keys`")]
    NotAKeySet,
    /// The set has more keys than allowed.
    #[error("the JWK set holds {keys} keys, the limit is {limit}")]
    TooMany {
        /// The number of keys.
        keys: usize,
        /// The limit, [`MAX_KEYS`](super::MAX_KEYS).
        limit: usize,
    },
    /// The set is empty or every key was skipped.
    #[error("the JWK set has no usable key ({} skipped)", skipped.len())]
    NoneUsable {
        /// The skipped keys with their reasons.
        skipped: Vec<Skipped>,
    },
}

impl KeyError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "too_long",
            Self::NotJson => "not_json",
            Self::NotAKeySet => "not_a_key_set",
            Self::TooMany { .. } => "too_many_keys",
            Self::NoneUsable { .. } => "no_usable_key",
        }
    }
}

/// A skipped key of a JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its index in `keys`.
    pub index: usize,
    /// The reason.
    pub reason: SkipReason,
}

/// The reason that a key of a JWK set is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Not a JSON object, or a member is duplicate, missing, of the wrong type, too long or not base64.
    Malformed,
    /// `kty` is not one of `RSA`, `EC`, `OKP`, `oct`.
    UnknownKeyType,
    /// `crv` is not one of `P-256`, `P-384`, `P-521`, `Ed25519`.
    UnknownCurve,
    /// `alg` is not a known signature algorithm.
    UnknownAlgorithm,
    /// `alg` does not fit `kty` or `crv`.
    AlgorithmMismatch,
    /// According to `use` or `key_ops`, the key is not for verifying signatures.
    NotForVerification,
    /// The key has private members. A private key must not be where tokens are verified.
    Private,
    /// A shared key from a URL.
    SymmetricFromUrl,
    /// RSA below 2048 bits, or a shared key shorter than its hash (RFC 7518 §3.2, §3.3).
    TooShort,
    /// RSA above 4096 bits, for which a check is too expensive.
    TooLong,
    /// A point off its curve or of small order, an even modulus, an unusable public exponent.
    Invalid,
}

impl SkipReason {
    /// The reason as a stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::UnknownKeyType => "unknown_key_type",
            Self::UnknownCurve => "unknown_curve",
            Self::UnknownAlgorithm => "unknown_algorithm",
            Self::AlgorithmMismatch => "algorithm_mismatch",
            Self::NotForVerification => "not_for_verification",
            Self::Private => "private",
            Self::SymmetricFromUrl => "symmetric_from_url",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Invalid => "invalid",
        }
    }
}
