//! Why a JWK set, or a key of one, is not used.

use thiserror::Error;

/// Why no keys could be had from a JWK set ([`Keys::read`](super::Keys::read)).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text is longer than allowed.
    #[error("the JWK set is {bytes} bytes long, the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit, [`MAX_JWKS_BYTES`](super::MAX_JWKS_BYTES).
        limit: usize,
    },
    /// The text is not a JSON object, or is nested too deeply.
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
        /// The limit, [`MAX_KEYS`](super::MAX_KEYS).
        limit: usize,
    },
    /// The set is empty or every key was skipped.
    #[error("the JWK set has no usable key ({} skipped)", skipped.len())]
    NoneUsable {
        /// Which, and why.
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

/// A member of a JWK set that is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Why.
    pub reason: SkipReason,
}

/// Why a member of a JWK set is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Not a JSON object, or a member is there twice, missing, of the wrong type, too long or not base64.
    Malformed,
    /// `kty` is not one of `RSA`, `EC`, `OKP`, `oct`.
    UnknownKeyType,
    /// `crv` is not one of `P-256`, `P-384`, `P-521`, `Ed25519`.
    UnknownCurve,
    /// `alg` is no signature algorithm known here.
    UnknownAlgorithm,
    /// `alg` does not fit `kty` or `crv`.
    AlgorithmMismatch,
    /// `use` or `key_ops` say it is not for checking signatures.
    NotForVerification,
    /// It has private members. A private key has no business where tokens are checked.
    Private,
    /// A shared key from a URL.
    SymmetricFromUrl,
    /// RSA below 2048 bits, or a shared key shorter than its hash (RFC 7518 §3.2, §3.3).
    TooShort,
    /// RSA above 4096 bits, where one check costs too much.
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
