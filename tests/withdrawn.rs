//! `identify_withdrawn`: identifies a token after its issuer has withdrawn the key that signed it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, claims, invalid, read_keys, realm, sign, token, HEADER, NOW, SECRET};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{identify, identify_withdrawn, IdentifyError, Realm, RealmKeys, Reason, WithdrawnKeys};
use portcullis::verdict::{WithdrawnToken, MAX_WITHDRAWN_KEYS};
use serde_json::{json, Value};

/// Adds a shared key to the withdrawn keys.
fn add(withdrawn: &mut WithdrawnKeys, kid: &str, secret: &[u8], withdrawn_at: UnixSeconds) {
    let set = json!({ "keys": [{ "kty": "oct", "kid": kid, "k": base64url(secret) }] });
    withdrawn.add(&read_keys(&set, KeySource::Configuration, RsaDefault::RS256).keys, withdrawn_at);
}

/// Returns the realm of the fixtures without the key that signs their tokens, which its issuer has just withdrawn.
fn withdrawn() -> ([Realm; 1], [WithdrawnKeys; 1]) {
    let mut realm = realm();
    realm.keys = RealmKeys::Unavailable;
    let mut keys = WithdrawnKeys::default();
    add(&mut keys, "test", SECRET, NOW);
    ([realm], [keys])
}

fn answer(changes: &Value, now: UnixSeconds) -> Result<WithdrawnToken, IdentifyError> {
    let (realms, withdrawn) = withdrawn();
    identify_withdrawn(&token(changes), &realms, &withdrawn, now)
}

#[test]
fn a_token_of_a_withdrawn_key_identifies_only_itself() {
    let (realms, withdrawn) = withdrawn();
    let text = token(&json!({}));
    assert!(identify(&text, &realms, NOW).is_err(), "nothing else accepts the key");
    let found = identify_withdrawn(&text, &realms, &withdrawn, NOW).unwrap();
    assert_eq!((found.realm, found.token_id.as_str()), (0, "token-1"));
    assert_eq!(found.authorized_party.as_deref(), Some("demo"));
    assert!(found.expires_at > found.issued_at);
    assert_eq!(format!("{found:?}"), "WithdrawnToken { realm: 0, .. }");
}

#[test]
fn the_token_must_have_an_id_and_acceptable_times() {
    let now = NOW.get();
    assert!(answer(&json!({ "iat": now, "exp": now + 86_400 }), NOW).is_ok());
    for (changes, reason) in [
        (json!({ "jti": null }), Reason::MissingClaim),
        (json!({ "jti": "" }), Reason::MissingClaim),
        (json!({ "iat": null }), Reason::MissingClaim),
        (json!({ "exp": null }), Reason::MissingClaim),
        (json!({ "iat": now + 1 }), Reason::UnknownKey),
        (json!({ "iat": now, "exp": now + 86_401 }), Reason::LifetimeExceeded),
    ] {
        assert_eq!(answer(&changes, NOW), Err(invalid(Some(0), reason)), "{changes}");
    }
    assert_eq!(answer(&json!({ "token_use": "refresh" }), NOW), Err(IdentifyError::UnexpectedTokenUse { realm: 0 }));
}

#[test]
fn form_issuer_and_signature_are_checked() {
    let (realms, withdrawn) = withdrawn();
    let answer = |text: &str| identify_withdrawn(text, &realms, &withdrawn, NOW).unwrap_err();
    let (input, _) =
        sign(HEADER, claims(&json!({}))).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let forged = format!("{input}.{}", base64url([7; 32]));
    let foreign = token(&json!({ "iss": "https://elsewhere.example" }));
    let other_kid = sign(r#"{"alg":"HS256","typ":"JWT","kid":"other"}"#, claims(&json!({})));
    let none = sign(r#"{"alg":"none","typ":"JWT","kid":"test"}"#, claims(&json!({})));
    for (text, realm, reason) in [
        ("", None, Reason::MissingToken),
        ("garbage", None, Reason::Malformed),
        ("a.b.c", None, Reason::Malformed),
        (&forged, Some(0), Reason::BadSignature),
        (&foreign, None, Reason::WrongIssuer),
        (&other_kid, Some(0), Reason::UnknownKey),
        (&none, Some(0), Reason::UnsupportedAlgorithm),
    ] {
        assert_eq!(answer(text), invalid(realm, reason), "{text}");
    }
    let nothing = identify_withdrawn(&token(&json!({})), &realms, &[], NOW);
    assert_eq!(
        nothing.unwrap_err(),
        invalid(Some(0), Reason::UnknownKey),
        "a realm without an element has no withdrawn keys"
    );
}

#[test]
fn a_withdrawn_key_is_dropped_once_none_of_its_tokens_can_be_accepted() {
    let keep = 86_400 + 5 + 5;
    let last = NOW.plus(Seconds::new(keep));
    assert!(answer(&json!({}), last).is_ok());
    assert_eq!(answer(&json!({}), last.plus(Seconds::new(1))), Err(invalid(Some(0), Reason::UnknownKey)));
}

#[test]
fn the_keys_withdrawn_first_are_dropped_at_the_limit() {
    let ([realm], [mut keys]) = withdrawn();
    for number in 0..MAX_WITHDRAWN_KEYS - 1 {
        add(&mut keys, &format!("k{number}"), &[u8::try_from(number).unwrap(); 32], NOW.plus(Seconds::new(1)));
    }
    let (realms, mut withdrawn) = ([realm], [keys]);
    let text = token(&json!({}));
    assert!(identify_withdrawn(&text, &realms, &withdrawn, NOW).is_ok());
    add(&mut withdrawn[0], "one more", &[99; 32], NOW.plus(Seconds::new(2)));
    assert!(identify_withdrawn(&text, &realms, &withdrawn, NOW).is_err());
    withdrawn[0].clear();
    add(&mut withdrawn[0], "test", SECRET, NOW);
    assert!(identify_withdrawn(&text, &realms, &withdrawn, NOW).is_ok());
}
