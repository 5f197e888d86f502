//! One JWK (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) to one pinned key.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use super::error::SkipReason;
use super::{Key, KeyRules, KeySource, RsaDefault};
use crate::base64url;
use crate::json::{read_items, read_object, Duplicates, Member, Value};
use crate::signature::{Algorithm, Algorithms, Curve, EcPoint, KeyType, VerifyingKey};

/// RFC 7518 §3.3.
const MIN_RSA_BITS: usize = 2048;
/// A check's cost grows with the square of the modulus.
const MAX_RSA_BITS: usize = 4096;

/// Reads a JWK. Members that are not understood are ignored; `x5u`, `x5c` and the like are never used.
pub(super) fn read(text: &str, rules: KeyRules) -> Result<Key, SkipReason> {
    let members = Members(read_object(text, Duplicates::Refuse).map_err(|_| SkipReason::Malformed)?);
    let material = members.material()?;
    members.refuse_private(&material)?;
    if material.key_type() == KeyType::Symmetric && rules.source == KeySource::Url {
        return Err(SkipReason::SymmetricFromUrl);
    }
    members.refuse_other_uses()?;

    let algorithms = match members.optional_text("alg")? {
        Some(name) => Algorithms::of(&[Algorithm::from_name(&name).ok_or(SkipReason::UnknownAlgorithm)?]),
        None => material.implied(rules.rsa_default),
    };
    let canonical = material.canonical();
    Ok(Key {
        id: members.optional_text("kid")?.map(Into::into),
        algorithms,
        thumbprint: Sha256::digest(&canonical).into(),
        public_jwk: (material.key_type() != KeyType::Symmetric).then_some(canonical.into()),
        verifying: material.pin(algorithms)?.into(),
    })
}

/// The members of a JWK by which the key itself is given.
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

    /// The algorithm of a JWK that names none. A shared key is pinned to HS256, which any key of sufficient length is
    /// good for. Ed25519 has two names for one algorithm.
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

    /// The verifying key for `algorithms`, which are names of one algorithm.
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
        let text = Base64UrlUnpadded::encode_string;
        match self {
            Self::Symmetric { secret } => format!(r#"{{"k":"{}","kty":"oct"}}"#, text(secret)),
            Self::Rsa { modulus, exponent } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(exponent), text(modulus))
            }
            Self::Ec { curve, point: EcPoint { x, y } } => {
                format!(r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#, curve.name(), text(x), text(y))
            }
            Self::Ed25519 { point } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(point)),
        }
    }
}

struct Members<'j>(Vec<Member<'j>>);

impl<'j> Members<'j> {
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

    fn refuse_private(&self, material: &Material) -> Result<(), SkipReason> {
        // RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2; `k` belongs to shared keys alone.
        const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        let has_private = PRIVATE.iter().any(|name| self.get(name).is_some());
        match material {
            Material::Symmetric { .. } => Ok(()),
            Material::Rsa { .. } | Material::Ec { .. } | Material::Ed25519 { .. } => {
                (!has_private).then_some(()).ok_or(SkipReason::Private)
            }
        }
    }

    /// RFC 7517 §4.2, §4.3: where they are given, `use` must be `sig` and `key_ops` contain `verify`.
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
        Ok(EcPoint { x: self.bytes_of("x", coordinate_bytes)?, y: self.bytes_of("y", coordinate_bytes)? })
    }

    /// A Base64urlUInt (RFC 7518 §2). Some issuers put a zero byte in front; it is dropped, so that one key has one
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
        base64url::decode(&self.text(name)?).map_err(|_| SkipReason::Malformed)
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

/// The length in bits of a big-endian number without leading zeros.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - unused
}
