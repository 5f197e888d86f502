//! JWK sets: accepted keys, skipped keys with the cause, and the choice of a token's key.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, read_keys, vectors};
use portcullis::keys::{KeyError, KeyRules, KeySource, Keys, NoCandidate, RsaDefault, SkipReason};
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
fn a_thumbprint_names_the_key_and_not_its_spelling() {
    let plain = public("rsa2048");
    let mut modulus = vec![0];
    modulus.extend(base64_bytes(plain["n"].as_str().unwrap()));
    let padded = with(with(plain.clone(), "n", base64url(modulus)), "kid", "other");
    let keys = read(&json!({ "keys": [plain, padded, with(public("rsa2048"), "alg", "PS256")] }), FROM_URL).unwrap();
    let thumbprints: Vec<_> = keys.iter().map(|key| key.thumbprint()).collect();
    assert_eq!(thumbprints.len(), 3);
    assert!(thumbprints.iter().all(|thumbprint| *thumbprint == thumbprints[0]));
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
        (with(public("es256"), "crv", "P-192"), FROM_URL, SkipReason::UnknownCurve),
        (with(public("es256"), "crv", "P-384"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "x", "AA"), FROM_URL, SkipReason::Malformed),
        (with(public("es256"), "kid", 7), FROM_URL, SkipReason::Malformed),
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
fn what_is_no_key_set_is_an_error() {
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
fn nothing_of_a_key_is_printed() {
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

fn base64_bytes(text: &str) -> Vec<u8> {
    use base64ct::Encoding as _;
    base64ct::Base64UrlUnpadded::decode_vec(text).unwrap()
}
