//! Signature verification alone, without parsing a token or its claims.

use std::cell::RefCell;

use ed25519_dalek::Verifier as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rsa::{BoxedUint, RsaPublicKey};
use sha2::Sha256;

use crate::input;

enum Key {
    Rs256(rsa::pkcs1v15::VerifyingKey<Sha256>),
    Es256(p256::ecdsa::VerifyingKey),
    EdDsa(ed25519_dalek::VerifyingKey),
    Hs256(Hmac<Sha256>),
}

thread_local! {
    static KEY: RefCell<Option<Key>> = const { RefCell::new(None) };
}

/// Reads the key from the input: a modulus (the exponent is 65537), an uncompressed point, 32 bytes, a secret.
#[no_mangle]
extern "C" fn set_key(algorithm: u32) -> u32 {
    let key = input::with(|bytes| match algorithm {
        0 => {
            let modulus = BoxedUint::from_be_slice(bytes, u32::try_from(bytes.len() * 8).ok()?).ok()?;
            let key = RsaPublicKey::new(modulus, BoxedUint::from(65_537_u32)).ok()?;
            Some(Key::Rs256(rsa::pkcs1v15::VerifyingKey::new(key)))
        }
        1 => p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Key::Es256),
        2 => ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok().map(Key::EdDsa),
        3 => Hmac::new_from_slice(bytes).ok().map(Key::Hs256),
        _ => None,
    });
    let is_usable = key.is_some();
    KEY.set(key);
    is_usable.into()
}

/// Verifies the input: a message followed, at `message_length`, by its signature.
#[no_mangle]
extern "C" fn verify(message_length: usize) -> u32 {
    let is_genuine = KEY.with_borrow(|key| {
        input::with(|bytes| {
            let (message, signature) = bytes.split_at_checked(message_length)?;
            match key.as_ref()? {
                Key::Rs256(key) => key.verify(message, &signature.try_into().ok()?).ok(),
                Key::Es256(key) => key.verify(message, &p256::ecdsa::Signature::from_slice(signature).ok()?).ok(),
                Key::EdDsa(key) => key.verify(message, &ed25519_dalek::Signature::from_slice(signature).ok()?).ok(),
                Key::Hs256(mac) => mac.clone().chain_update(message).verify_slice(signature).ok(),
            }
        })
    });
    is_genuine.is_some().into()
}
