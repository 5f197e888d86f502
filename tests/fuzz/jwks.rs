//! Fuzzes JWK sets with arbitrary bytes. Each member of `keys` is a key or is skipped with a reason, a key has the
//! thumbprint of its public members, and these members alone are read as the same key.

use portcullis::keys::{
    Key, KeyError, KeyRules, KeySource, Keys, RsaDefault, MAX_CANDIDATES, MAX_JWKS_BYTES, MAX_KEYS,
};
use portcullis::signature::Algorithm;
use serde_json::{json, Value};
use sha2::{Digest as _, Sha256};

const RSA: [RsaDefault; 3] = [RsaDefault::RS256, RsaDefault::PS256, RsaDefault::PS512];

/// The first byte selects the source of the set and the algorithm of an RSA key without `alg`; the rest is the set.
pub fn check(input: &[u8]) {
    let Some((rules, jwks)) = input.split_first() else { return };
    let source = if rules & 1 == 0 { KeySource::Configuration } else { KeySource::Url };
    let rules = KeyRules { source, rsa_default: RSA[usize::from(rules >> 1) % RSA.len()] };
    let listed = listed(jwks);
    let (keys, skipped) = match Keys::read(jwks, rules) {
        Ok(read) => (Some(read.keys), read.skipped),
        Err(KeyError::NoneUsable { skipped }) => (None, skipped),
        Err(KeyError::TooMany { keys, limit }) => return assert!(keys > limit && limit == MAX_KEYS),
        Err(KeyError::TooLong { bytes, limit }) => return assert!(bytes > limit && limit == MAX_JWKS_BYTES),
        Err(KeyError::NotJson | KeyError::NotAKeySet) => return,
    };
    let usable = keys.as_ref().map_or(0, |keys| keys.iter().count());
    assert!(usable + skipped.len() <= MAX_KEYS);
    assert!(keys.is_none() || usable > 0);
    if let Some(listed) = &listed {
        assert_eq!(usable + skipped.len(), listed.len());
    }
    assert!(skipped.windows(2).all(|pair| pair[0].index < pair[1].index));
    assert!(skipped.last().is_none_or(|last| last.index < usable + skipped.len()));
    let Some(keys) = keys else { return };
    for key in keys.iter() {
        check_key(key, rules);
        check_candidates(&keys, key);
    }
    if let Some(listed) = listed {
        check_against(&listed, &keys, |index| skipped.iter().any(|skipped| skipped.index == index));
    }
}

/// Returns the members of `keys` as another parser reads them; `None` where it accepts less than ours, such as numbers
/// beyond a double.
fn listed(jwks: &[u8]) -> Option<Vec<Value>> {
    let jwks = jwks.strip_prefix(b"\xef\xbb\xbf").unwrap_or(jwks);
    match serde_json::from_slice::<Value>(jwks).ok()?.get_mut("keys")?.take() {
        Value::Array(listed) => Some(listed),
        _ => None,
    }
}

fn check_key(key: &Key, rules: KeyRules) {
    let algorithms: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|one| key.algorithms().contains(*one)).collect();
    assert!(!algorithms.is_empty());
    let Some(public) = key.public_jwk() else {
        assert_eq!(rules.source, KeySource::Configuration, "a shared key of a URL");
        assert!(algorithms.iter().all(|algorithm| algorithm.name().starts_with("HS")));
        return;
    };
    assert!(!algorithms.iter().any(|algorithm| algorithm.name().starts_with("HS")), "a public key as a secret");
    assert_eq!(key.thumbprint()[..], Sha256::digest(public)[..]);
    let jwk: Value = serde_json::from_str(public).unwrap();
    // RFC 7638 §3: members in order and without spaces, as this library writes a map.
    assert_eq!(jwk.to_string(), public);
    let set = json!({ "keys": [jwk] }).to_string();
    let again = Keys::read(set.as_bytes(), rules).unwrap();
    let read: Vec<&Key> = again.keys.iter().collect();
    assert_eq!((read.len(), again.skipped.len()), (1, 0));
    assert_eq!(read[0].thumbprint(), key.thumbprint());
    assert_eq!(read[0].public_jwk(), Some(public));
}

/// Checks that a token with the key's `kid`, and one without, are verified with keys of its algorithm only.
fn check_candidates(keys: &Keys, key: &Key) {
    for algorithm in Algorithm::ALL {
        for id in [key.id(), None] {
            let Ok(found) = keys.candidates(algorithm, id) else { continue };
            assert!((1..=MAX_CANDIDATES).contains(&found.len()));
            assert!(found.iter().all(|found| found.algorithms().contains(algorithm)));
            assert!(found.iter().all(|found| id.is_none() || found.id() == id));
        }
        assert!(!key.verifies(algorithm, b"message", b""));
    }
}

/// Checks the keys against the members that they were read from.
fn check_against(listed: &[Value], keys: &Keys, is_skipped: impl Fn(usize) -> bool) {
    let used = listed.iter().enumerate().filter(|(index, _)| !is_skipped(*index)).map(|(_, jwk)| jwk);
    for (jwk, key) in used.zip(keys.iter()) {
        assert!(jwk.is_object());
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        assert_eq!(key.id(), text("kid"));
        if let Some(algorithm) = text("alg") {
            assert!(key.algorithms().contains(Algorithm::from_name(algorithm).unwrap()));
        }
        assert!(text("use").is_none_or(|usage| usage == "sig"), "a key for encryption");
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        assert!(operations.is_none_or(|all| all.iter().any(|one| one == "verify")), "a key that only signs");
        let Some(public) = key.public_jwk() else {
            assert_eq!(text("kty"), Some("oct"));
            continue;
        };
        let public: Value = serde_json::from_str(public).unwrap();
        assert_eq!(public["kty"].as_str(), text("kty"));
        assert!(["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
            .iter()
            .all(|name| jwk.get(name).is_none_or(Value::is_null)));
        for name in ["n", "e", "x", "y"] {
            if let Some(own) = public.get(name) {
                assert_eq!(number(own), jwk.get(name).and_then(number), "{name}");
            }
        }
    }
}

/// Decodes a number in either alphabet of base64, without leading zero bytes and trailing bits.
fn number(spelt: &Value) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters = spelt.as_str()?.bytes().map(|letter| match letter {
        b'+' => b'-',
        b'/' => b'_',
        letter => letter,
    });
    let sixes = letters.filter_map(|letter| ALPHABET.iter().position(|known| *known == letter));
    let bits: Vec<bool> = sixes.flat_map(|six| (0..6).rev().map(move |bit| six >> bit & 1 == 1)).collect();
    let bytes = bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    Some(bytes.skip_while(|byte| *byte == 0).collect())
}
