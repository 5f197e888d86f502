//! `identify`: its checks, and the claims that it needs. With the host's help: `identify_host.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{claims, invalid, realm, sign, token, NOW};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{identify, realm_of, IdentifyError, Realm, RealmKeys, Reason};
use serde_json::{json, Value};

#[test]
fn identify_checks_only_form_realm_key_signature_and_use() {
    let realms = [realm()];
    let old = json!({ "exp": 100, "iat": 50, "nbf": NOW.get() + 500, "aud": "elsewhere", "cnf": { "jkt": "x" } });
    let identified = identify(&token(&old), &realms, NOW).unwrap();
    assert_eq!(identified.realm, 0);
    assert_eq!(identified.token_id.as_deref(), Some("token-1"));
    assert_eq!(identified.subject.as_deref(), Some("alice"));
    assert_eq!(identified.session.as_deref(), Some("session-1"));
    assert_eq!(identified.authorized_party.as_deref(), Some("demo"));
    assert_eq!(identified.expires_at, Some(UnixSeconds::new(100)));
    assert_eq!(identified.issued_at, Some(UnixSeconds::new(50)));
    let bare = json!({ "jti": null, "sub": null, "exp": null, "iat": null, "sid": null, "azp": null });
    assert_eq!(identify(&token(&bare), &realms, NOW).unwrap().token_id, None);

    let error = |changes: &Value| identify(&token(changes), &realms, NOW).unwrap_err();
    assert_eq!(error(&json!({ "token_use": "refresh" })), IdentifyError::UnexpectedTokenUse { realm: 0 });
    assert_eq!(error(&json!({ "typ": "Refresh" })), IdentifyError::UnexpectedTokenUse { realm: 0 });
    assert_eq!(error(&json!({ "iss": "https://elsewhere.example" })), invalid(None, Reason::WrongIssuer));
    assert_eq!(error(&json!({ "exp": "soon" })), invalid(Some(0), Reason::Malformed));
    let logout = sign(r#"{"alg":"HS256","typ":"logout+jwt"}"#, claims(&json!({})));
    assert_eq!(identify(&logout, &realms, NOW).unwrap_err(), IdentifyError::UnexpectedTokenUse { realm: 0 });
    assert_eq!(identify("", &realms, NOW).unwrap_err(), invalid(None, Reason::MissingToken));
    for bad in ["garbage", "a.b.c", &token(&json!({}))[1..]] {
        assert_eq!(identify(bad, &realms, NOW).unwrap_err(), invalid(None, Reason::Malformed), "{bad}");
    }
    let of_kid = |kid: &str| sign(format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#), claims(&json!({})));
    assert_eq!(identify(&of_kid("other"), &realms, NOW).unwrap_err(), invalid(Some(0), Reason::UnknownKey));
    let none = sign(r#"{"alg":"none"}"#, claims(&json!({})));
    assert_eq!(identify(&none, &realms, NOW).unwrap_err(), invalid(Some(0), Reason::UnsupportedAlgorithm));

    let good = token(&json!({ "token_use": "refresh" }));
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good { format!("{}E", &good[..good.len() - 1]) } else { forged };
    let error = identify(&forged, &realms, NOW).unwrap_err();
    assert_eq!(error, invalid(Some(0), Reason::BadSignature), "the signature comes first");
    assert_eq!((error.to_string().as_str(), error.code()), ("invalid token", "invalid_token"));
    let error = IdentifyError::UnexpectedTokenUse { realm: 3 };
    assert_eq!((error.to_string().as_str(), error.code()), ("unexpected token use", "unexpected_token_use"));
    assert_eq!((error.realm(), error.reason()), (Some(3), Reason::WrongType));
}

#[test]
fn identify_needs_usable_keys() {
    let mut realms = [realm()];
    let RealmKeys::Loaded { keys, .. } = std::mem::replace(&mut realms[0].keys, RealmKeys::Unavailable) else {
        panic!()
    };
    let answer = |realms: &[Realm], now| identify(&token(&json!({})), realms, now).map(|identified| identified.realm);
    assert_eq!(answer(&realms, NOW), Err(IdentifyError::KeysUnavailable { realm: 0 }));
    realms[0].keys = RealmKeys::Loaded { keys, usable_until: NOW };
    assert_eq!(answer(&realms, NOW), Ok(0));
    assert_eq!(answer(&realms, UnixSeconds::new(NOW.get() + 1)), Err(IdentifyError::KeysUnavailable { realm: 0 }));
    let error = IdentifyError::KeysUnavailable { realm: 1 };
    assert_eq!((error.code(), error.realm(), error.reason().code()), ("keys_unavailable", Some(1), "keys_unavailable"));
    // The realm is checked first: missing keys matter only for a token of this realm.
    let foreign = token(&json!({ "iss": "https://elsewhere.example" }));
    assert_eq!(identify(&foreign, &[], NOW).unwrap_err(), invalid(None, Reason::WrongIssuer));
}

#[test]
fn realm_of_needs_neither_keys_nor_signature() {
    let mut realms = [realm(), realm()];
    realms[0].policy.issuer = "https://elsewhere.example".into();
    realms[1].keys = RealmKeys::Unavailable;
    let text = token(&json!({ "exp": 100, "iat": 50 }));
    let unsigned = format!("{}.", text.rsplit_once('.').unwrap().0);
    assert_eq!((realm_of(&text, &realms), realm_of(&unsigned, &realms)), (Some(1), Some(1)));
    assert_eq!(realm_of(&token(&json!({ "iss": "https://elsewhere.example" })), &realms), Some(0));
    for other in
        ["", "garbage", "a.b.c", &token(&json!({ "iss": "https://other.example" })), &token(&json!({ "iss": 1 }))]
    {
        assert_eq!(realm_of(other, &realms), None, "{other}");
    }
    realms[1].policy.max_token_bytes = text.len() - 1;
    assert_eq!(realm_of(&text, &realms), None, "too long for its realm");
    // A failed identification names the same realm.
    let error = identify(&token(&json!({})), &realms, NOW).unwrap_err();
    assert_eq!((error.realm(), error.reason()), (None, Reason::Malformed));
}
