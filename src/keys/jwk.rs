//! Reads a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) into a pinned key.

use sha2::{Digest as _, Sha256};

use super::error::SkipReason;
use super::{Key, KeyRules, KeySource, RsaDefault};
use crate::base64url::{self, decoded_length, encode};
use crate::json::{read_items, read_present_members, Duplicates, Member, Value};
use crate::signature::{Algorithm, Algorithms, Curve, EcPoint, KeyType, VerifyingKey};

/// RFC 7518 §3.3.
const MIN_RSA_BITS: usize = 2048;
/// The cost of a check grows with the square of the modulus length.
const MAX_RSA_BITS: usize = 4096;

/// Reads a JWK. Unknown members are ignored; `x5u`, `x5c` and the like are never used.
pub(super) fn read(text: &str, rules: KeyRules) -> Result<Key, SkipReason> {
    let members = Members::read(text)?;
    members.refuse_private()?;
    members.refuse_other_uses()?;
    let material = members.material()?;
    if material.key_type() == KeyType::Symmetric && rules.source == KeySource::Url {
        return Err(SkipReason::SymmetricFromUrl);
    }

    let algorithms = match members.optional_text("alg")? {
        Some(name) => Algorithms::of(&[Algorithm::from_name(&name).ok_or(SkipReason::UnknownAlgorithm)?]),
        None => material.implied(rules.rsa_default),
    };
    let canonical = material.canonical();
    Ok(Key {
        // A `kid` that is not a string is ignored: the key is then tried for tokens without `kid`.
        id: members.optional_text("kid").ok().flatten().map(Into::into),
        algorithms,
        thumbprint: Sha256::digest(&canonical).into(),
        public_jwk: (material.key_type() != KeyType::Symmetric).then_some(canonical.into()),
        verifying: material.pin(algorithms)?.into(),
    })
}

/// The input of a JWK's thumbprint; `None` if the JWK is invalid.
pub(super) fn canonical(text: &str) -> Option<String> {
    Some(Members::read(text).ok()?.material().ok()?.canonical())
}

/// The members of a JWK that define the key.
enum Material {
    Symmetric { secret: Vec<u8> },
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { curve: Curve, point: EcPoint },
    Ed25519 { point: Vec<u8> },
}

impl Material {
    const fn key_type(&self) -> KeyType {
        match self {
            Self::Symmetric { .. } => KeyType::Symmetric,
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec { curve, .. } => KeyType::Ec(*curve),
            Self::Ed25519 { .. } => KeyType::Ed25519,
        }
    }

    /// The algorithm of a JWK without `alg`. A shared key is pinned to HS256, which any key of sufficient length fits.
    /// Ed25519 has two names for one algorithm.
    const fn implied(&self, rsa_default: RsaDefault) -> Algorithms {
        match self {
            Self::Symmetric { .. } => Algorithms::of(&[Algorithm::HS256]),
            Self::Rsa { .. } => Algorithms::of(&[rsa_default.algorithm()]),
            Self::Ec { curve: Curve::P256, .. } => Algorithms::of(&[Algorithm::ES256]),
            Self::Ec { curve: Curve::P384, .. } => Algorithms::of(&[Algorithm::ES384]),
            Self::Ec { curve: Curve::P521, .. } => Algorithms::of(&[Algorithm::ES512]),
            Self::Ed25519 { .. } => Algorithms::of(&[Algorithm::EdDSA, Algorithm::Ed25519]),
        }
    }

    /// Creates the verifying key for `algorithms`, which are names of the same algorithm.
    fn pin(&self, algorithms: Algorithms) -> Result<VerifyingKey, SkipReason> {
        let mut names = Algorithm::ALL.into_iter().filter(|algorithm| algorithms.contains(*algorithm));
        let algorithm = names.next().ok_or(SkipReason::UnknownAlgorithm)?;
        if algorithm.key_type() != self.key_type() {
            return Err(SkipReason::AlgorithmMismatch);
        }
        match self {
            Self::Symmetric { secret } => VerifyingKey::hmac(algorithm, secret).ok_or(SkipReason::TooShort),
            Self::Rsa { modulus, exponent } => match bits(modulus) {
                0..MIN_RSA_BITS => Err(SkipReason::TooShort),
                MIN_RSA_BITS..=MAX_RSA_BITS => {
                    VerifyingKey::rsa(algorithm, modulus, exponent).ok_or(SkipReason::Invalid)
                }
                _ => Err(SkipReason::TooLong),
            },
            Self::Ec { curve, point } => VerifyingKey::ecdsa(*curve, point).ok_or(SkipReason::Invalid),
            Self::Ed25519 { point } => VerifyingKey::ed25519(point).ok_or(SkipReason::Invalid),
        }
    }

    /// The input of a thumbprint (RFC 7638 §3): the required members alone, in alphabetical order, without whitespace.
    fn canonical(&self) -> String {
        match self {
            Self::Symmetric { secret } => format!(r#"{{"k":"{}","kty":"oct"}}"#, encode(secret)),
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(exponent), encode(modulus))
            }
            Self::Ec { curve, point: EcPoint { x, y } } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), encode(x), encode(y))
            }
            Self::Ed25519 { point } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(point)),
        }
    }
}

/// The members of a JWK. Some servers write `"alg": null` for an absent member.
struct Members<'j>(Vec<Member<'j>>);

impl<'j> Members<'j> {
    fn read(text: &'j str) -> Result<Self, SkipReason> {
        read_present_members(text).map(Self).map_err(|_| SkipReason::Malformed)
    }

    fn material(&self) -> Result<Material, SkipReason> {
        match self.text("kty")?.as_str() {
            "oct" => Ok(Material::Symmetric { secret: self.bytes("k")? }),
            "RSA" => Ok(Material::Rsa { modulus: self.number("n")?, exponent: self.number("e")? }),
            "EC" => {
                let curve = Curve::from_name(&self.text("crv")?).ok_or(SkipReason::UnknownCurve)?;
                Ok(Material::Ec { curve, point: self.point(curve.field_bytes())? })
            }
            "OKP" => match self.text("crv")?.as_str() {
                "Ed25519" => Ok(Material::Ed25519 { point: self.bytes_of("x", 32)? }),
                _ => Err(SkipReason::UnknownCurve),
            },
            _ => Err(SkipReason::UnknownKeyType),
        }
    }

    fn refuse_private(&self) -> Result<(), SkipReason> {
        // RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2, RFC 9964 §3; `k` belongs only to shared keys.
        const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "priv", "k"];
        let is_private = self.text("kty")? != "oct" && PRIVATE.iter().any(|name| self.get(name).is_some());
        (!is_private).then_some(()).ok_or(SkipReason::Private)
    }

    /// RFC 7517 §4.2, §4.3: if present, `use` must be `sig` and `key_ops` must contain `verify`. Checked before the key
    /// itself, so that an encryption key of any type is reported as such.
    fn refuse_other_uses(&self) -> Result<(), SkipReason> {
        if self.optional_text("use")?.is_some_and(|purpose| purpose != "sig") {
            return Err(SkipReason::NotForVerification);
        }
        let Some(operations) = self.get("key_ops") else { return Ok(()) };
        let operations = read_items(operations.array().ok_or(SkipReason::Malformed)?, Duplicates::Refuse)
            .map_err(|_| SkipReason::Malformed)?;
        let verify = operations.iter().any(|item| item.value.text().is_some_and(|text| text.decode() == "verify"));
        verify.then_some(()).ok_or(SkipReason::NotForVerification)
    }

    fn point(&self, coordinate_bytes: usize) -> Result<EcPoint, SkipReason> {
        Ok(EcPoint { x: self.coordinate("x", coordinate_bytes)?, y: self.coordinate("y", coordinate_bytes)? })
    }

    /// Reads a coordinate of the field's length (RFC 7518 §6.2.1.2). Issuers that encode it as a number drop leading
    /// zero bytes or prepend one; both are accepted.
    fn coordinate(&self, name: &str, length: usize) -> Result<Vec<u8>, SkipReason> {
        let number = self.number(name)?;
        let mut bytes = vec![0; length.checked_sub(number.len()).ok_or(SkipReason::Malformed)?];
        bytes.extend(number);
        Ok(bytes)
    }

    /// Reads a Base64urlUInt (RFC 7518 §2). Some issuers prepend a zero byte; it is dropped, so that a key has one
    /// thumbprint.
    fn number(&self, name: &str) -> Result<Vec<u8>, SkipReason> {
        let bytes = self.bytes(name)?;
        Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
    }

    fn bytes_of(&self, name: &str, length: usize) -> Result<Vec<u8>, SkipReason> {
        let bytes = self.bytes(name)?;
        (bytes.len() == length).then_some(bytes).ok_or(SkipReason::Malformed)
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, SkipReason> {
        decode(&self.text(name)?).ok_or(SkipReason::Malformed)
    }

    fn text(&self, name: &str) -> Result<String, SkipReason> {
        self.optional_text(name)?.ok_or(SkipReason::Malformed)
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, SkipReason> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.text().map(|text| Some(text.decode().into_owned())).ok_or(SkipReason::Malformed)
    }

    fn get(&self, name: &str) -> Option<Value<'j>> {
        self.0.iter().find(|member| member.name == name).map(|member| member.value)
    }
}

/// Decodes base64url in the variants that issuers use: with padding, in the standard alphabet, with line breaks, or with
/// unused bits that are not zero. Thumbprints hash the decoded bytes, so they do not depend on the variant.
fn decode(text: &str) -> Option<Vec<u8>> {
    let written = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r' | b'\t' | b' '));
    let mut strict: Vec<u8> = written
        .map(|byte| match byte {
            b'+' => b'-',
            b'/' => b'_',
            _ => byte,
        })
        .collect();
    let padding = strict.iter().rev().take_while(|byte| **byte == b'=').count();
    strict.truncate(strict.len() - padding);
    // A single character carries only six bits, less than a byte.
    if strict.len() % 4 == 1 {
        return None;
    }
    // Filled up to a whole quad: the unused bits go into bytes that are dropped.
    let length = decoded_length(strict.len());
    strict.resize(strict.len().next_multiple_of(4), b'A');
    let mut bytes = base64url::decode(&strict).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// The length in bits of a big-endian number without leading zeros.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - unused
}
