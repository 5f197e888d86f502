//! Signatures over arbitrary payloads: the RFCs' examples and Wycheproof.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use std::path::{Path, PathBuf};

use fixtures::{read_keys, vectors};
use portcullis::keys::{Key, KeyRules, KeySource, Keys, RsaDefault};
use portcullis::signature::Algorithm;
use portcullis::token::TokenBytes;
use serde_json::{json, Value};

/// Whether one of `keys` verifies this JWS, by the rules for tokens.
fn verifies(jws: &str, keys: &Keys) -> bool {
    let Ok(bytes) = TokenBytes::decode(jws, usize::MAX) else { return false };
    let Ok(header) = bytes.parts().header() else { return false };
    let Some(algorithm) = header.algorithm() else { return false };
    let Ok(candidates) = keys.candidates(algorithm, header.key_id()) else { return false };
    let verifies = |key: &&Key| key.verifies(algorithm, bytes.signing_input().as_bytes(), bytes.parts().signature());
    let found = candidates.iter().any(verifies);
    if matches!(algorithm, Algorithm::EdDSA | Algorithm::Ed25519) {
        // These keys verify later signatures with precomputed tables.
        assert!((0..40).all(|_| candidates.iter().any(verifies) == found), "another result later");
    }
    found
}

#[test]
fn rfc_examples() {
    for example in vectors("rfc.json")["signatures"].as_array().unwrap() {
        let jwks = json!({ "keys": [example["jwk"]] });
        let keys = read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys;
        let jws = example["jws"].as_str().unwrap();
        assert!(verifies(jws, &keys), "{}", example["source"]);

        let mut parts: Vec<&str> = jws.split('.').collect();
        parts[1] = "e30";
        assert!(!verifies(&parts.join("."), &keys), "{} with another payload", example["source"]);
    }
}

/// Labelled valid, but the key's `alg` differs from the header's (RFC 7520's examples with a key of another algorithm).
const OTHER_ALGORITHM: [u64; 4] = [346, 347, 350, 351];
/// Labelled valid, but with a `?` inside a base64url part. The signature is valid only for a decoder that skips invalid
/// characters.
const FOREIGN_CHARACTER: [u64; 2] = [372, 373];
/// Labelled invalid, but identical to the valid token of test 357: their padding was lost when the file was made.
const SAME_AS_357: [u64; 2] = [367, 370];

#[test]
fn wycheproof() {
    let Some(path) = wycheproof_file() else {
        println!("skipped: wycheproof_json_web_signature_test.json is not here (set PORTCULLIS_VECTORS to its folder)");
        return;
    };
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tests = || file["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap());
    let jws_of = |id: u64| &tests().find(|test| test["tcId"] == id).unwrap()["jws"];
    for id in SAME_AS_357 {
        assert_eq!(jws_of(id), jws_of(357));
    }

    let (mut wrong, mut count) = (Vec::new(), 0);
    for group in file["testGroups"].as_array().unwrap() {
        // Shared keys are listed as private only. With a refused public key, every signature counts as refused.
        let key = if group["public"].is_null() { &group["private"] } else { &group["public"] };
        let rules = KeyRules { source: KeySource::Configuration, rsa_default: RsaDefault::RS256 };
        let keys = Keys::read(json!({ "keys": [key] }).to_string().as_bytes(), rules);
        for test in group["tests"].as_array().unwrap() {
            let id = test["tcId"].as_u64().unwrap();
            let labelled = match test["result"].as_str().unwrap() {
                "valid" => true,
                "invalid" => false,
                other => panic!("result {other}"),
            };
            let due = match id {
                id if OTHER_ALGORITHM.contains(&id) || FOREIGN_CHARACTER.contains(&id) => false,
                id if SAME_AS_357.contains(&id) => true,
                _ => labelled,
            };
            let got = keys.as_ref().is_ok_and(|read| verifies(test["jws"].as_str().unwrap(), &read.keys));
            if got != due {
                wrong.push(format!("{id} {}: due {due}, got {got}", test["comment"]));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(file["numberOfTests"], count);
}

fn wycheproof_file() -> Option<PathBuf> {
    let name = "wycheproof_json_web_signature_test.json";
    let given = std::env::var_os("PORTCULLIS_VECTORS").map(PathBuf::from);
    let near = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("../shared/vectors"));
    given.into_iter().chain(near).map(|folder| folder.join(name)).find(|path| path.is_file())
}
