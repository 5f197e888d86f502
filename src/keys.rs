//! Reads a JWK set into verifying keys, each pinned to its algorithm. An unusable key is skipped with a reason and does
//! not affect the others (RFC 7517 §5).

mod error;
mod jwk;

pub use self::error::{KeyError, SkipReason, Skipped};

use core::fmt;
use std::sync::Arc;

use crate::json::{read_items, read_object, Duplicates};
use crate::signature::{Algorithm, Algorithms, CheckedBy, VerifyingKey};

/// Maximum length of a JWK set in bytes. The largest one seen in practice (every tenant's key in one set) is below 100
/// KB.
pub const MAX_JWKS_BYTES: usize = 1 << 20;
/// Maximum number of keys in a JWK set, usable or not. Servers with one set for all tenants publish hundreds.
pub const MAX_KEYS: usize = 1000;
/// Maximum number of keys tried for a token without `kid`, since each costs a signature check.
pub const MAX_CANDIDATES: usize = 4;

/// The keys of one realm.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

/// The keys of a JWK set, usable and skipped.
#[derive(Debug)]
pub struct ReadKeys {
    /// The usable keys; never empty.
    pub keys: Keys,
    /// The skipped keys, in the set's order.
    pub skipped: Vec<Skipped>,
}

impl Keys {
    /// Reads a JWK set (RFC 7517 §5), at most [`MAX_JWKS_BYTES`] long and with at most [`MAX_KEYS`] keys. A `kid` may
    /// occur more than once. A leading byte order mark is dropped, as WHATWG's decoder does (RFC 8259 §8.1 permits it).
    ///
    /// # Errors
    /// [`KeyError`] if it is not a valid JWK set, exceeds a limit, or has no usable key.
    pub fn read(jwks: &[u8], rules: KeyRules) -> Result<ReadKeys, KeyError> {
        if jwks.len() > MAX_JWKS_BYTES {
            return Err(KeyError::TooLong { bytes: jwks.len(), limit: MAX_JWKS_BYTES });
        }
        let text = core::str::from_utf8(jwks).map_err(|_| KeyError::NotJson)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let members = read_object(text, Duplicates::Permit).map_err(|_| KeyError::NotJson)?;
        let mut sets = members.iter().filter(|member| member.name == "keys");
        let (Some(member), None) = (sets.next(), sets.next()) else {
            return Err(KeyError::NotAKeySet);
        };
        let array = member.value.array().ok_or(KeyError::NotAKeySet)?;
        let items = read_items(array, Duplicates::Permit).map_err(|_| KeyError::NotJson)?;
        if items.len() > MAX_KEYS {
            return Err(KeyError::TooMany { keys: items.len(), limit: MAX_KEYS });
        }

        let mut keys = Vec::with_capacity(items.len());
        let mut skipped = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match jwk::read(item.text, rules) {
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(Skipped { index, reason }),
            }
        }
        if keys.is_empty() {
            return Err(KeyError::NoneUsable { skipped });
        }
        Ok(ReadKeys { keys: Self(keys), skipped })
    }

    /// Every key, in the set's order.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// The keys a token may have been signed with, in the set's order, at most [`MAX_CANDIDATES`]: those with its `alg`
    /// and its `kid`. The `kid` is binding: no other key is tried.
    ///
    /// # Errors
    /// [`NoCandidate`] if no key matches.
    pub fn candidates(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<&Key>, NoCandidate> {
        let mut named = self.0.iter().filter(|key| id.is_none() || key.id.as_deref() == id).peekable();
        if named.peek().is_none() {
            return Err(NoCandidate::UnknownKey);
        }
        let fitting: Vec<&Key> = named.filter(|key| key.algorithms.contains(algorithm)).take(MAX_CANDIDATES).collect();
        match (fitting.is_empty(), id) {
            (false, _) => Ok(fitting),
            (true, Some(_)) => Err(NoCandidate::OtherAlgorithm),
            (true, None) => Err(NoCandidate::UnknownKey),
        }
    }

    /// The only key a token can have been signed with: the single result of [`Keys::candidates`]. `None` if there are
    /// several.
    pub(crate) fn only_candidate(&self, algorithm: Algorithm, id: Option<&str>) -> Option<&Key> {
        let named = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        let mut fitting = self.0.iter().filter(named).filter(|key| key.algorithms.contains(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key),
            (Some(_) | None, Some(_)) | (None, None) => None,
        }
    }

    /// Whether both sets have the same keys with the same properties, in the same order.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| one.is_same_as(other))
    }
}

/// The members that determine a key, in the canonical form that its thumbprint hashes (RFC 7638 §3). `None` if they are
/// invalid. For a shared key, this contains the secret.
#[must_use]
pub fn canonical_jwk(jwk: &str) -> Option<String> {
    jwk::canonical(jwk)
}

/// The reason that no key of a set may be tried for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCandidate {
    /// No key with that `kid`, or, for a token without one, none with that `alg`.
    UnknownKey,
    /// The key with that `kid` is for another algorithm.
    OtherAlgorithm,
}

/// A verifying key for a single algorithm. Cheap to clone.
#[derive(Clone)]
pub struct Key {
    id: Option<Arc<str>>,
    algorithms: Algorithms,
    thumbprint: [u8; 32],
    public_jwk: Option<Arc<str>>,
    verifying: Arc<VerifyingKey>,
}

impl Key {
    /// The JWK's `kid`.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The `alg` values the key may be used with: one, or for an Ed25519 JWK without `alg` both names of its algorithm,
    /// `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864).
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        self.algorithms
    }

    /// The key's RFC 7638 thumbprint with SHA-256. Bans name it.
    #[must_use]
    pub fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// The public key as a JWK for the host to import, with only the members that the thumbprint hashes. `None` for a
    /// shared key.
    #[must_use]
    pub fn public_jwk(&self) -> Option<&str> {
        self.public_jwk.as_deref()
    }

    /// Whether key, algorithm and `kid` are the same.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.thumbprint == other.thumbprint && self.algorithms == other.algorithms && self.id == other.id
    }

    /// Tells who can verify this key's signatures. [`Key::verifies`] is meaningless for a key that only the host can
    /// use.
    #[must_use]
    pub fn checked_by(&self) -> CheckedBy {
        self.verifying.checked_by()
    }

    /// Whether `signature` over `message` is valid for this key and the header's `algorithm`. Always `false` for a key
    /// that only the host can use: [`Key::checked_by`].
    #[must_use]
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.algorithms.contains(algorithm) && self.verifying.verifies(message, signature)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// Rules for reading a JWK set.
#[derive(Clone, Copy, Debug)]
pub struct KeyRules {
    /// The origin of the set.
    pub source: KeySource,
    /// The algorithm of an RSA key without `alg`; default [`RsaDefault::RS256`].
    pub rsa_default: RsaDefault,
}

/// The origin of a JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// The operator's configuration: shared (`oct`) keys are allowed.
    Configuration,
    /// A URL or a feed: shared keys are refused, because a fetched key may be public.
    Url,
}

/// The algorithm that an RSA JWK without `alg` is pinned to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The JOSE names need no explanation.
pub enum RsaDefault {
    /// The algorithm of nearly every issuer whose RSA keys have no `alg`.
    #[default]
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
}

impl RsaDefault {
    /// The default with this JOSE `alg` value; `None` if that is not an RSA algorithm.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match Algorithm::from_name(name)? {
            Algorithm::RS256 => Some(Self::RS256),
            Algorithm::RS384 => Some(Self::RS384),
            Algorithm::RS512 => Some(Self::RS512),
            Algorithm::PS256 => Some(Self::PS256),
            Algorithm::PS384 => Some(Self::PS384),
            Algorithm::PS512 => Some(Self::PS512),
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

    const fn algorithm(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
        }
    }
}
