//! `identify`: what it looks at, and what it needs. With the host's help it is in `identify.rs`.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{claims, realm, sign, token, NOW};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{identify, IdentifyError, Realm, RealmKeys};
use serde_json::{json, Value};

#[test]
fn identify_looks_at_form_realm_key_signature_and_use_alone() {
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
    assert_eq!(error(&json!({ "token_use": "refresh" })), IdentifyError::UnexpectedTokenUse);
    assert_eq!(error(&json!({ "typ": "Refresh" })), IdentifyError::UnexpectedTokenUse);
    assert_eq!(error(&json!({ "iss": "https://elsewhere.example" })), IdentifyError::InvalidToken);
    assert_eq!(error(&json!({ "exp": "soon" })), IdentifyError::InvalidToken);
    let logout = sign(r#"{"alg":"HS256","typ":"logout+jwt"}"#, claims(&json!({})));
    assert_eq!(identify(&logout, &realms, NOW).unwrap_err(), IdentifyError::UnexpectedTokenUse);
    for bad in ["", "garbage", "a.b.c", &token(&json!({}))[1..]] {
        assert_eq!(identify(bad, &realms, NOW).unwrap_err(), IdentifyError::InvalidToken, "{bad}");
    }

    let good = token(&json!({ "token_use": "refresh" }));
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good { format!("{}E", &good[..good.len() - 1]) } else { forged };
    assert_eq!(identify(&forged, &realms, NOW).unwrap_err(), IdentifyError::InvalidToken, "the signature comes first");
    assert_eq!(IdentifyError::InvalidToken.to_string(), "invalid token");
    assert_eq!(IdentifyError::UnexpectedTokenUse.to_string(), "unexpected token use");
}

#[test]
fn identify_needs_keys_that_may_be_used() {
    let mut realms = [realm()];
    let RealmKeys::Loaded { keys, .. } = std::mem::replace(&mut realms[0].keys, RealmKeys::Unavailable) else {
        panic!()
    };
    let answer = |realms: &[Realm], now| identify(&token(&json!({})), realms, now).map(|identified| identified.realm);
    assert_eq!(answer(&realms, NOW), Err(IdentifyError::KeysUnavailable));
    realms[0].keys = RealmKeys::Loaded { keys, usable_until: NOW };
    assert_eq!(answer(&realms, NOW), Ok(0));
    assert_eq!(answer(&realms, UnixSeconds::new(NOW.get() + 1)), Err(IdentifyError::KeysUnavailable));
    assert_eq!(IdentifyError::KeysUnavailable.code(), "keys_unavailable");
    // Whose token it is comes first: for want of keys only a token of ours is put off.
    let foreign = token(&json!({ "iss": "https://elsewhere.example" }));
    assert_eq!(identify(&foreign, &[], NOW).unwrap_err(), IdentifyError::InvalidToken);
}
