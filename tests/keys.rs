//! JWK sets: accepted keys, skipped keys with their reasons, and the choice of a token's key.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, read_keys, vectors};
use jwt_compact::jwk::JsonWebKey;
use portcullis::keys::{canonical_jwk, KeyError, KeyRules, KeySource, Keys, NoCandidate, RsaDefault, SkipReason};
use portcullis::keys::{MAX_CANDIDATES, MAX_JWKS_BYTES, MAX_KEYS};
use portcullis::signature::{Algorithm, Algorithms};
use serde_json::{json, Value};

const FROM_CONFIGURATION: KeyRules = KeyRules { source: KeySource::Configuration, rsa_default: RsaDefault::RS256 };
const FROM_URL: KeyRules = KeyRules { source: KeySource::Url, rsa_default: RsaDefault::RS256 };

fn read(jwks: &Value, rules: KeyRules) -> Result<Keys, KeyError> {
    Keys::read(jwks.to_string().as_bytes(), rules).map(|read| read.keys)
}

fn public(name: &str) -> Value {
    let mut key = vectors("keys.json")[name].clone();
    for private in ["d", "p", "q", "dp", "dq", "qi"] {
        key.as_object_mut().unwrap().remove(private);
    }
    key["kid"] = json!(name);
    key
}

fn with(mut key: Value, member: &str, value: impl Into<Value>) -> Value {
    key[member] = value.into();
    key
}

fn thumbprint(key: &Value) -> [u8; 32] {
    let keys = read(&json!({ "keys": [key] }), FROM_CONFIGURATION).unwrap_or_else(|error| panic!("{key}: {error}"));
    let thumbprint = *keys.iter().next().unwrap().thumbprint();
    thumbprint
}

fn skip_reason(key: &Value, rules: KeyRules) -> SkipReason {
    match read(&json!({ "keys": [key] }), rules) {
        Err(KeyError::NoneUsable { skipped }) => skipped[0].reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn thumbprints_of_the_rfcs() {
    for example in vectors("rfc.json")["thumbprints"].as_array().unwrap() {
        let keys = read(&json!({ "keys": [example["jwk"]] }), FROM_URL).unwrap();
        let thumbprint = base64url(keys.iter().next().unwrap().thumbprint());
        assert_eq!(example["thumbprint"], thumbprint, "{}", example["source"]);
        let jwk: Value = serde_json::from_str(keys.iter().next().unwrap().public_jwk().unwrap()).unwrap();
        assert!(jwk.as_object().unwrap().iter().all(|(name, value)| example["jwk"][name] == *value));
    }
}

#[test]
fn the_canonical_jwk_is_that_of_jwt_compact() {
    let keys = vectors("keys.json");
    let names: Vec<&String> = keys.as_object().unwrap().keys().collect();
    assert!(names.len() > 5);
    for name in names {
        let jwk = public(name);
        let theirs: JsonWebKey<'_> =
            serde_json::from_value(jwk.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(canonical_jwk(&jwk.to_string()), Some(theirs.to_string()), "{name}");
    }
}

#[test]
fn a_thumbprint_does_not_depend_on_the_encoding() {
    let plain = public("rsa2048");
    let mut modulus = vec![0];
    modulus.extend(base64_bytes(plain["n"].as_str().unwrap()));
    let padded = with(with(plain.clone(), "n", base64url(modulus)), "kid", "other");
    let keys = read(&json!({ "keys": [plain, padded, with(public("rsa2048"), "alg", "PS256")] }), FROM_URL).unwrap();
    let thumbprints: Vec<_> = keys.iter().map(|key| key.thumbprint()).collect();
    assert_eq!(thumbprints.len(), 3);
    assert!(thumbprints.iter().all(|thumbprint| *thumbprint == thumbprints[0]));
}

/// Different encodings of one key have the thumbprint of the canonical one.
#[test]
fn accepts_every_encoding_of_a_key() {
    for (name, members) in [
        ("es256", ["x", "y"]),
        ("es384", ["x", "y"]),
        ("es512", ["x", "y"]),
        ("rsa2048", ["n", "n"]),
        ("hs256", ["k", "k"]),
        ("ed25519", ["x", "x"]),
    ] {
        let plain = public(name);
        let respelled = |change: &dyn Fn(&str) -> String| {
            let members = members.into_iter();
            members.fold(plain.clone(), |key, member| with(key, member, change(plain[member].as_str().unwrap())))
        };
        let padding = |text: &str| "=".repeat(text.len().next_multiple_of(4) - text.len());
        let zeros = |count: usize| move |text: &str| base64url([vec![0; count], base64_bytes(text)].concat());
        let mut spellings = vec![
            respelled(&|text| format!("{text}{}", padding(text))),
            respelled(&|text| text.replace('-', "+").replace('_', "/")),
            respelled(&|text| format!(" {}\r\n\t{}\n", &text[..9], &text[9..])),
            respelled(&with_an_unused_bit),
        ];
        if !matches!(name, "hs256" | "ed25519") {
            spellings.extend([respelled(&zeros(1)), respelled(&zeros(3))]);
        }
        for spelled in spellings {
            assert_eq!(thumbprint(&spelled), thumbprint(&plain), "{spelled}");
        }
        let Some(byte_added) = (name == "ed25519").then(|| respelled(&zeros(1))) else { continue };
        assert_eq!(skip_reason(&byte_added, FROM_URL), SkipReason::Malformed, "32 bytes that are not a number");
    }
}

#[test]
fn leading_zeros_of_a_coordinate_may_be_left_out() {
    // The points with the smallest non-zero `x` of each curve: 5 and 1.
    let p256 = json!({ "kty": "EC", "crv": "P-256", "x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAU",
        "y": "RZJDuapYGAb-kTvOmYF63hHKUDxk2aPFM0FcCDJI-8w" });
    let p521 = json!({ "kty": "EC", "crv": "P-521",
        "x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
        "y": "ABDlm-k8TyacAmnHnir9ZdauqptwHqzBlPs-4D30eEm_VQ7GNuvuDd1KFvHNlAZgWvOPWEVndw4_Jy1ojIMuhDVk" });
    for plain in [p256, p521] {
        let x = base64_bytes(plain["x"].as_str().unwrap());
        let zeros = x.iter().take_while(|byte| **byte == 0).count();
        assert!(zeros > 1);
        for left_out in 1..=zeros {
            let short = with(plain.clone(), "x", base64url(x.get(left_out..).unwrap()));
            assert_eq!(thumbprint(&short), thumbprint(&plain), "{plain} without {left_out}");
        }
        let too_long =
            with(plain.clone(), "y", base64url([vec![1], base64_bytes(plain["y"].as_str().unwrap())].concat()));
        assert_eq!(skip_reason(&too_long, FROM_URL), SkipReason::Malformed);
    }
}

#[test]
fn members_that_are_null_are_absent() {
    let algorithms = Algorithms::of(&[Algorithm::ES256]);
    for member in ["alg", "use", "key_ops", "d", "k", "x5c", "ext"] {
        let keys = read(&json!({ "keys": [with(public("es256"), member, Value::Null)] }), FROM_URL).unwrap();
        let key = keys.iter().next().unwrap();
        assert_eq!((key.id(), key.algorithms()), (Some("es256"), algorithms), "{member}");
    }
    for member in ["kty", "crv", "x", "y"] {
        assert_eq!(
            skip_reason(&with(public("es256"), member, Value::Null), FROM_URL),
            SkipReason::Malformed,
            "{member}"
        );
    }
    for other in [Value::Null, json!(7), json!(["a"]), json!({})] {
        let keys = read(&json!({ "keys": [with(public("es256"), "kid", other)] }), FROM_URL).unwrap();
        assert_eq!(keys.iter().next().unwrap().id(), None);
        assert_eq!(keys.candidates(Algorithm::ES256, Some("7")).unwrap_err(), NoCandidate::UnknownKey);
        assert_eq!(keys.candidates(Algorithm::ES256, None).unwrap().len(), 1);
    }
}

#[test]
fn a_byte_order_mark_is_dropped() {
    let set = json!({ "keys": [public("es256")] }).to_string();
    assert_eq!(Keys::read(format!("\u{feff}{set}").as_bytes(), FROM_URL).unwrap().keys.iter().count(), 1);
    for other in [format!("\u{feff}\u{feff}{set}"), format!("{set}\u{feff}"), format!(" \u{feff}{set}")] {
        assert_eq!(Keys::read(other.as_bytes(), FROM_URL).unwrap_err(), KeyError::NotJson);
    }
}

#[test]
fn a_key_has_one_algorithm() {
    let algorithms =
        |key: Value, rules| read(&json!({ "keys": [key] }), rules).unwrap().iter().next().unwrap().algorithms();
    let one = |algorithm| Algorithms::of(&[algorithm]);
    for (key, implied) in [
        ("hs256", Algorithm::HS256),
        ("hs512", Algorithm::HS256),
        ("rsa2048", Algorithm::RS256),
        ("es256", Algorithm::ES256),
        ("es384", Algorithm::ES384),
        ("es512", Algorithm::ES512),
    ] {
        assert_eq!(algorithms(public(key), FROM_CONFIGURATION), one(implied), "{key}");
    }
    let ps384 = KeyRules { rsa_default: RsaDefault::PS384, ..FROM_URL };
    assert_eq!(algorithms(public("rsa2048"), ps384), one(Algorithm::PS384));
    assert_eq!(algorithms(with(public("rsa2048"), "alg", "RS512"), ps384), one(Algorithm::RS512));

    let either = Algorithms::of(&[Algorithm::EdDSA, Algorithm::Ed25519]);
    assert_eq!(algorithms(public("ed25519"), FROM_URL), either);
    assert_eq!(algorithms(with(public("ed25519"), "alg", "EdDSA"), FROM_URL), one(Algorithm::EdDSA));
    assert_eq!(algorithms(with(public("ed25519"), "alg", "Ed25519"), FROM_URL), one(Algorithm::Ed25519));
}

#[test]
fn unusable_keys_are_skipped_with_a_reason() {
    let private = vectors("keys.json")["ed25519"].clone();
    let weak = json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url([&[1_u8][..], &[0; 31]].concat()) });
    let long = json!({ "kty": "RSA", "n": base64url([0xff; 513]), "e": "AQAB" });
    for (key, rules, reason) in [
        (json!({ "kty": "AKP" }), FROM_URL, SkipReason::UnknownKeyType),
        (json!({ "crv": "P-256" }), FROM_URL, SkipReason::Malformed),
        (json!("key"), FROM_URL, SkipReason::Malformed),
        (json!({ "kty": "AKP", "use": "enc" }), FROM_URL, SkipReason::NotForVerification),
        (json!({ "kty": "OKP", "crv": "X25519", "use": "enc" }), FROM_URL, SkipReason::NotForVerification),
        (json!({ "kty": "AKP", "priv": "AA" }), FROM_URL, SkipReason::Private),
        (with(with(public("es256"), "use", "enc"), "d", "AA"), FROM_URL, SkipReason::Private),
        (with(public("es256"), "crv", "P-192"), FROM_URL, SkipReason::UnknownCurve),
        (with(public("es256"), "crv", "P-384"), FROM_URL, SkipReason::Invalid),
        (with(public("es384"), "crv", "P-256"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "x", "AA"), FROM_URL, SkipReason::Invalid),
        (with(public("es256"), "x", "A"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "x", "AA==AA"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "x", "AA!A"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "x", 7), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "alg", 7), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "use", json!(["sig"])), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "alg", "ES521"), FROM_URL, SkipReason::UnknownAlgorithm),
        (with(public("es256"), "alg", "none"), FROM_URL, SkipReason::UnknownAlgorithm),
        (with(public("es256"), "alg", "RSA-OAEP"), FROM_URL, SkipReason::UnknownAlgorithm),
        (with(public("es256"), "alg", "HS256"), FROM_URL, SkipReason::AlgorithmMismatch),
        (with(public("rsa2048"), "alg", "HS256"), FROM_URL, SkipReason::AlgorithmMismatch),
        (with(public("ed25519"), "alg", "ES256"), FROM_URL, SkipReason::AlgorithmMismatch),
        (with(public("es256"), "use", "enc"), FROM_URL, SkipReason::NotForVerification),
        (with(public("es256"), "key_ops", json!([])), FROM_URL, SkipReason::NotForVerification),
        (with(public("es256"), "key_ops", json!(["sign", "encrypt"])), FROM_URL, SkipReason::NotForVerification),
        (with(public("es256"), "key_ops", "verify"), FROM_URL, SkipReason::Malformed),
        (private.clone(), FROM_URL, SkipReason::Private),
        (private, FROM_CONFIGURATION, SkipReason::Private),
        (with(public("rsa2048"), "oth", json!([])), FROM_URL, SkipReason::Private),
        (public("hs256"), FROM_URL, SkipReason::SymmetricFromUrl),
        (public("hs128"), FROM_CONFIGURATION, SkipReason::TooShort),
        (with(public("hs256"), "alg", "HS384"), FROM_CONFIGURATION, SkipReason::TooShort),
        (with(public("hs384"), "alg", "HS512"), FROM_CONFIGURATION, SkipReason::TooShort),
        (public("rsa1024"), FROM_URL, SkipReason::TooShort),
        (with(public("rsa2048"), "n", ""), FROM_URL, SkipReason::TooShort),
        (long, FROM_URL, SkipReason::TooLong),
        (with(public("rsa2048"), "e", "AQ"), FROM_URL, SkipReason::Invalid),
        (with(public("rsa2048"), "e", "Ag"), FROM_URL, SkipReason::Invalid),
        (with(public("rsa2048"), "e", base64url([0xff; 8])), FROM_URL, SkipReason::Invalid),
        (with(public("es256"), "y", public("es256")["x"].clone()), FROM_URL, SkipReason::Invalid),
        (weak, FROM_URL, SkipReason::Invalid),
    ] {
        assert_eq!(skip_reason(&key, rules), reason, "{key}");
        let with_a_good_one = json!({ "keys": [key, public("es256")] });
        assert_eq!(read(&with_a_good_one, rules).unwrap().iter().count(), 1, "{key}");
    }
    let doubled = r#"{"keys":[{"kty":"oct","k":"AA","k":"AB"}]}"#;
    let Err(KeyError::NoneUsable { skipped }) = Keys::read(doubled.as_bytes(), FROM_CONFIGURATION) else { panic!() };
    assert_eq!(skipped[0].reason, SkipReason::Malformed);
}

#[test]
fn an_invalid_key_set_is_an_error() {
    let error = |jwks: &str| Keys::read(jwks.as_bytes(), FROM_URL).unwrap_err();
    for text in ["", "null", "[]", "{", "{}x", "not json", "<html>"] {
        assert_eq!(error(text), KeyError::NotJson, "{text}");
    }
    for text in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(error(text), KeyError::NotAKeySet, "{text}");
    }
    assert_eq!(error(r#"{"keys":[]}"#), KeyError::NoneUsable { skipped: Vec::new() });
    assert_eq!(Keys::read(&[b'{', 0xff], FROM_URL).unwrap_err(), KeyError::NotJson);
    assert_eq!(error(&format!("{{\"keys\":{}", "[".repeat(100_000))), KeyError::NotJson);

    let too_long = " ".repeat(MAX_JWKS_BYTES + 1);
    assert_eq!(error(&too_long), KeyError::TooLong { bytes: MAX_JWKS_BYTES + 1, limit: MAX_JWKS_BYTES });
    let set = |keys: usize| json!({ "keys": vec![public("es256"); keys] });
    assert_eq!(read(&set(MAX_KEYS), FROM_URL).unwrap().iter().count(), MAX_KEYS);
    assert_eq!(
        read(&set(MAX_KEYS + 1), FROM_URL).unwrap_err(),
        KeyError::TooMany { keys: MAX_KEYS + 1, limit: MAX_KEYS }
    );
}

#[test]
fn candidates_by_kid_and_algorithm() {
    let keys = read(
        &json!({ "keys": [
            with(public("rsa2048"), "kid", "a"), with(public("es256"), "kid", "a"), with(public("rsa3072"), "kid", "b"),
            { "kty": public("rsa4096")["kty"], "n": public("rsa4096")["n"], "e": public("rsa4096")["e"] },
        ] }),
        FROM_URL,
    )
    .unwrap();
    let count = |algorithm, id| keys.candidates(algorithm, id).map(|candidates| candidates.len());
    assert_eq!(count(Algorithm::RS256, Some("a")), Ok(1));
    assert_eq!(count(Algorithm::ES256, Some("a")), Ok(1));
    assert_eq!(count(Algorithm::ES256, Some("b")), Err(NoCandidate::OtherAlgorithm));
    assert_eq!(count(Algorithm::RS256, Some("c")), Err(NoCandidate::UnknownKey));
    assert_eq!(count(Algorithm::RS256, Some("")), Err(NoCandidate::UnknownKey));
    assert_eq!(count(Algorithm::RS256, None), Ok(3));
    assert_eq!(count(Algorithm::PS256, None), Err(NoCandidate::UnknownKey));

    let many = json!({ "keys": vec![public("es256"); MAX_CANDIDATES + 1] });
    assert_eq!(read(&many, FROM_URL).unwrap().candidates(Algorithm::ES256, None).unwrap().len(), MAX_CANDIDATES);
}

#[test]
fn no_part_of_a_key_is_printed() {
    let read = read_keys(
        &json!({ "keys": [public("hs256"), public("rsa2048")] }),
        KeySource::Configuration,
        RsaDefault::RS256,
    );
    let printed = format!("{read:?}");
    assert!(printed.contains("HS256") && printed.contains("RS256"));
    for secret in [public("hs256")["k"].as_str().unwrap(), "hs256", public("rsa2048")["n"].as_str().unwrap()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

/// Sets the last of the trailing bits beyond the last byte, if there are any.
fn with_an_unused_bit(text: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = text.split_at(text.len() - 1);
    let value = ALPHABET.find(last).unwrap() | usize::from(text.len() % 4 != 0);
    format!("{start}{}", &ALPHABET[value..=value])
}

fn base64_bytes(text: &str) -> Vec<u8> {
    use base64ct::Encoding as _;
    base64ct::Base64UrlUnpadded::decode_vec(text).unwrap()
}
