//! Reads a JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) into a pinned key.

use jwt_compact::alg::SecretBytes;
use jwt_compact::jwk::JsonWebKey;
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
    if material.key_type == KeyType::Symmetric && rules.source == KeySource::Url {
        return Err(SkipReason::SymmetricFromUrl);
    }

    let algorithms = match members.optional_text("alg")? {
        Some(name) => Algorithms::of(&[Algorithm::from_name(&name).ok_or(SkipReason::UnknownAlgorithm)?]),
        None => material.implied(rules.rsa_default),
    };
    let canonical = material.canonical()?;
    Ok(Key {
        // A `kid` that is not a string is ignored: the key is then tried for tokens without `kid`.
        id: members.optional_text("kid").ok().flatten().map(Into::into),
        algorithms,
        thumbprint: Sha256::digest(&canonical).into(),
        public_jwk: (material.key_type != KeyType::Symmetric).then_some(canonical.into()),
        verifying: material.pin(algorithms)?.into(),
    })
}

/// The input of a JWK's thumbprint; `None` if the JWK is invalid.
pub(super) fn canonical(text: &str) -> Option<String> {
    Members::read(text).ok()?.material().ok()?.canonical().ok()
}

/// The members of a JWK that define the key. The bytes of a shared secret are overwritten when it is dropped.
struct Material {
    key_type: KeyType,
    jwk: JsonWebKey<'static>,
}

impl Material {
    /// The algorithm of a JWK without `alg`. A shared key is pinned to HS256, which any key of sufficient length fits.
    /// Ed25519 has two names for one algorithm.
    const fn implied(&self, rsa_default: RsaDefault) -> Algorithms {
        match self.key_type {
            KeyType::Symmetric => Algorithms::of(&[Algorithm::HS256]),
            KeyType::Rsa => Algorithms::of(&[rsa_default.algorithm()]),
            KeyType::Ec(Curve::P256) => Algorithms::of(&[Algorithm::ES256]),
            KeyType::Ec(Curve::P384) => Algorithms::of(&[Algorithm::ES384]),
            KeyType::Ec(Curve::P521) => Algorithms::of(&[Algorithm::ES512]),
            KeyType::Ed25519 => Algorithms::of(&[Algorithm::EdDSA, Algorithm::Ed25519]),
        }
    }

    /// Creates the verifying key for `algorithms`, which are names of the same algorithm.
    fn pin(&self, algorithms: Algorithms) -> Result<VerifyingKey, SkipReason> {
        let mut names = Algorithm::ALL.into_iter().filter(|algorithm| algorithms.contains(*algorithm));
        let algorithm = names.next().ok_or(SkipReason::UnknownAlgorithm)?;
        if algorithm.key_type() != self.key_type {
            return Err(SkipReason::AlgorithmMismatch);
        }
        match (&self.jwk, self.key_type) {
            (JsonWebKey::Symmetric { secret }, _) => VerifyingKey::hmac(algorithm, secret).ok_or(SkipReason::TooShort),
            (JsonWebKey::Rsa { modulus, public_exponent, .. }, _) => match bits(modulus) {
                0..MIN_RSA_BITS => Err(SkipReason::TooShort),
                MIN_RSA_BITS..=MAX_RSA_BITS => {
                    VerifyingKey::rsa(algorithm, modulus, public_exponent).ok_or(SkipReason::Invalid)
                }
                _ => Err(SkipReason::TooLong),
            },
            (JsonWebKey::EllipticCurve { x, y, .. }, KeyType::Ec(curve)) => {
                VerifyingKey::ecdsa(curve, &EcPoint { x, y }).ok_or(SkipReason::Invalid)
            }
            (JsonWebKey::KeyPair { x, .. }, _) => VerifyingKey::ed25519(x).ok_or(SkipReason::Invalid),
            _ => Err(SkipReason::UnknownKeyType),
        }
    }

    /// The input of a thumbprint (RFC 7638 §3): the required members alone, in alphabetical order, without whitespace.
    /// A test compares it with jwt-compact's, which would take 15 kB of the slim module (gzip).
    fn canonical(&self) -> Result<String, SkipReason> {
        match &self.jwk {
            JsonWebKey::Symmetric { secret } => Ok(format!(r#"{{"k":"{}","kty":"oct"}}"#, encode(secret))),
            JsonWebKey::Rsa { modulus, public_exponent, .. } => {
                Ok(format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(public_exponent), encode(modulus)))
            }
            JsonWebKey::EllipticCurve { curve, x, y, .. } => {
                Ok(format!(r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y)))
            }
            JsonWebKey::KeyPair { curve, x, .. } => {
                Ok(format!(r#"{{"crv":"{curve}","kty":"OKP","x":"{}"}}"#, encode(x)))
            }
            _ => Err(SkipReason::UnknownKeyType),
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
        let (key_type, jwk) = match self.text("kty")?.as_str() {
            "oct" => (KeyType::Symmetric, JsonWebKey::Symmetric { secret: SecretBytes::owned(self.bytes("k")?) }),
            "RSA" => {
                let (modulus, public_exponent) = (self.number("n")?.into(), self.number("e")?.into());
                (KeyType::Rsa, JsonWebKey::Rsa { modulus, public_exponent, private_parts: None })
            }
            "EC" => {
                let curve = Curve::from_name(&self.text("crv")?).ok_or(SkipReason::UnknownCurve)?;
                let coordinate = |name| self.coordinate(name, curve.field_bytes());
                let (x, y) = (coordinate("x")?.into(), coordinate("y")?.into());
                (KeyType::Ec(curve), JsonWebKey::EllipticCurve { curve: curve.name().into(), x, y, secret: None })
            }
            "OKP" => match self.text("crv")?.as_str() {
                "Ed25519" => {
                    let x = self.bytes_of("x", 32)?.into();
                    (KeyType::Ed25519, JsonWebKey::KeyPair { curve: "Ed25519".into(), x, secret: None })
                }
                _ => return Err(SkipReason::UnknownCurve),
            },
            _ => return Err(SkipReason::UnknownKeyType),
        };
        Ok(Material { key_type, jwk })
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
