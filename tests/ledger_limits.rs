//! Events that the ledger refuses to record, and settings that it refuses to start with.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::LedgerError;
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings, MAX_LIFETIME_SECONDS, MAX_NAME_BYTES};
use portcullis::revocation::Bounds;
use portcullis::time::Seconds;

#[test]
fn the_feed_contains_no_secret() {
    let mut ledger = ledger();
    let public = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    for secret in [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA","\u0064":"AA"}"#,
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB","qi":"AA"}"#,
    ] {
        let jwks = format!(r#"{{"keys":[{public},{secret}]}}"#).into_bytes();
        assert_eq!(ledger.stage(&Event::Keys { jwks }, at(NOW)), Err(LedgerError::PrivateKey), "{secret}");
    }
    // Hidden behind a duplicate member, which another reader might use.
    for hidden in [
        r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}],"keys":[]}"#,
        r#"{"keys":[{"kty":"OKP","kty":"oct","k":"c2VjcmV0"}]}"#,
        r#"{"keys":["secret"]}"#,
    ] {
        assert_eq!(ledger.stage(&Event::Keys { jwks: hidden.into() }, at(NOW)), Err(LedgerError::NotAJwks), "{hidden}");
    }
    let jwks = format!(r#"{{"keys":[{public}]}}"#).into_bytes();
    assert!(ledger.stage(&Event::Keys { jwks }, at(NOW)).unwrap().is_some());
}

#[test]
fn a_corrected_not_before_in_the_future_is_refused() {
    let mut ledger = ledger();
    let (given, latest) = (NOW + 6, NOW + 5);
    let correction = |seconds| Event::Correction(Correction::Realm { not_before: Some(at(seconds)) });
    let error = Err(LedgerError::NotBeforeInFuture { not_before: given, latest });
    assert_eq!(ledger.stage(&correction(given), at(NOW)), error);
    // Milliseconds given as seconds.
    assert!(ledger.stage(&correction(NOW * 1_000), at(NOW)).is_err());
    assert!(ledger.stage(&correction(latest), at(NOW)).unwrap().is_some());
}

#[test]
fn names_and_keys_are_limited() {
    let mut ledger = ledger();
    let mut stage = |event: Event| ledger.stage(&event, at(NOW)).map(|row| row.is_some());
    assert_eq!(stage(user("")), Err(LedgerError::EmptyName));
    let (length, limit) = (MAX_NAME_BYTES + 1, MAX_NAME_BYTES);
    assert_eq!(stage(user(&"x".repeat(length))), Err(LedgerError::NameTooLong { length, limit }));
    assert_eq!(stage(user(&"x".repeat(limit))), Ok(true));
    assert_eq!(stage(Event::Keys { jwks: b"{}".to_vec() }), Err(LedgerError::NotAJwks));
    assert_eq!(stage(Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }), Ok(true));
    assert_eq!(stage(Event::Keys { jwks: br#"{"keys":[],"keys":[]}"#.to_vec() }), Err(LedgerError::NotAJwks));
    assert_eq!(stage(Event::TokenVersion { sub: "u".into(), minimum: 0 }), Ok(false));
    for number in 0..4_096_u32 {
        let mut thumbprint = [0; 32];
        thumbprint[..4].copy_from_slice(&number.to_le_bytes());
        assert_eq!(stage(Event::KeyBanned { thumbprint }), Ok(true));
    }
    assert_eq!(stage(Event::KeyBanned { thumbprint: [255; 32] }), Err(LedgerError::TooMany { limit: 4_096 }));
}

#[test]
fn settings_are_limited() {
    let refused = |settings: LedgerSettings| Ledger::new(settings).map(|ledger| ledger.head()).err();
    let setting = |setting| Some(LedgerError::Setting { setting });
    let bounds = Bounds { max_lifetime: Seconds::new(MAX_LIFETIME_SECONDS + 1), ..Bounds::default() };
    assert_eq!(refused(LedgerSettings { bounds, ..settings() }), setting("bounds.max_lifetime"));
    assert_eq!(refused(LedgerSettings { error_rate: f64::NAN, ..settings() }), setting("error_rate"));
    assert_eq!(refused(LedgerSettings { error_rate: 1.0, ..settings() }), setting("error_rate"));
    assert_eq!(refused(LedgerSettings { incarnation: 1 << 13, ..settings() }), setting("incarnation"));
    assert_eq!(refused(LedgerSettings { issuer: String::new(), ..settings() }), setting("issuer"));
}
