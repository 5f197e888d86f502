//! The key that a ledger signs with.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used)]

use portcullis::ledger::key::SigningKey;
use portcullis::revocation::FeedKey;

#[test]
fn generates_keys_and_writes_them_as_jwk() {
    let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(one.public().id(), other.public().id());
    let again = SigningKey::from_jwk(one.to_jwk().as_bytes()).unwrap();
    assert_eq!(again.public().id(), one.public().id());
    assert_eq!(FeedKey::from_jwk(one.public_jwk().as_bytes()).unwrap().id(), one.public().id());
    assert!(FeedKey::from_jwk(one.to_jwk().as_bytes()).is_err());
}
