//! Signature algorithms by their JOSE names.

mod check;
#[cfg_attr(not(feature = "rust-ecdsa"), path = "signature/ecdsa_by_host.rs")]
mod ecdsa;
mod ed25519;
mod hmac;
#[cfg_attr(not(feature = "rust-rsa"), path = "signature/rsa_by_host.rs")]
mod rsa;
mod verifying_key;

use core::fmt;

pub(crate) use self::verifying_key::VerifyingKey;

/// A JWS signature algorithm (RFC 7518 §3.1, RFC 8037, RFC 9864). `none` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The JOSE names need no explanation.
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
    Ed25519,
}

impl Algorithm {
    /// All algorithms, in the order of RFC 7518, then RFC 8037 and RFC 9864.
    pub const ALL: [Self; 14] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
    ];

    /// The algorithm with this `alg` value. The comparison is case-sensitive (RFC 7515 §4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// The `alg` value.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The key type it needs.
    pub(crate) const fn key_type(self) -> KeyType {
        match self {
            Self::HS256 | Self::HS384 | Self::HS512 => KeyType::Symmetric,
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::ES256 => KeyType::Ec(Curve::P256),
            Self::ES384 => KeyType::Ec(Curve::P384),
            Self::ES512 => KeyType::Ec(Curve::P521),
            Self::EdDSA | Self::Ed25519 => KeyType::Ed25519,
        }
    }

    /// Whether signatures of this algorithm may have this length. Hosts treat other lengths differently.
    pub(crate) const fn permits_length(self, bytes: usize) -> bool {
        match self {
            Self::HS256 => bytes == 32,
            Self::HS384 => bytes == 48,
            Self::HS512 => bytes == 64,
            // The length of the key's modulus, 2048 to 4096 bits; hosts check it against the key (RFC 8017 §8.1.2,
            // §8.2.2).
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => {
                256 <= bytes && bytes <= 512
            }
            Self::ES256 | Self::EdDSA | Self::Ed25519 => bytes == 64,
            Self::ES384 => bytes == 96,
            Self::ES512 => bytes == 132,
        }
    }
}

/// A JWK's `kty` and `crv` combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    Symmetric,
    Rsa,
    Ec(Curve),
    Ed25519,
}

/// A curve for ECDSA (RFC 7518 §6.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The curve with this `crv` value.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.name() == name)
    }

    /// The `crv` value.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// The length of a coordinate in bytes.
    pub(crate) const fn field_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// Affine coordinates, big-endian, each of the curve's field length.
// A build that leaves ECDSA to the host does not read it.
#[cfg_attr(not(feature = "rust-ecdsa"), allow(dead_code))]
pub(crate) struct EcPoint<'k> {
    pub(crate) x: &'k [u8],
    pub(crate) y: &'k [u8],
}

/// Who can verify a key's signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckedBy {
    /// This crate; the host may be able to as well.
    Rust,
    /// Only the host: this build has no code for the key's algorithm (features `rust-rsa` and `rust-ecdsa`). This crate
    /// reports every signature of such a key as invalid without looking at it.
    HostOnly,
}

/// A set of algorithms.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// All algorithms with public keys: all except HMAC, whose verifiers can also sign.
    pub const ASYMMETRIC: Self = Self::of(&[
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
        Algorithm::Ed25519,
    ]);

    /// The set of these algorithms.
    #[must_use]
    pub const fn of(members: &[Algorithm]) -> Self {
        let mut bits = 0;
        let mut rest = members;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first as u16;
            rest = others;
        }
        Self(bits)
    }

    /// Whether `algorithm` is in the set.
    #[must_use]
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & 1 << algorithm as u16 != 0
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(members: I) -> Self {
        Self(members.into_iter().fold(0, |bits, algorithm| bits | Self::of(&[algorithm]).0))
    }
}

impl fmt::Debug for Algorithms {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(Algorithm::ALL.into_iter().filter(|algorithm| self.contains(*algorithm))).finish()
    }
}
