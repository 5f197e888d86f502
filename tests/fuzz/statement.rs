//! Builds feed statements byte by byte and signs them with the key that the edges of these tests pin.

use std::sync::OnceLock;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::Signer as _;
use portcullis::ledger::key::SigningKey;
use portcullis::revocation::{FeedKey, RealmId, Revocations};
use serde_json::Value;

use crate::names::HASH_KEY;
use crate::pair::{ISSUER, SIGNING_JWK};

/// The sequence of the manifests built here.
pub const SEQUENCE: u64 = 1 << 40;
/// The time of signing and applying, at which nothing has expired.
pub const SIGNED_AT: u64 = 1;
/// Length of key id and signature at the end.
pub const TRAILER_BYTES: usize = 72;

struct Signer {
    private: ed25519_dalek::SigningKey,
    public: FeedKey,
}

fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let jwk: Value = serde_json::from_str(SIGNING_JWK).unwrap();
        let seed = Base64UrlUnpadded::decode_vec(jwk["d"].as_str().unwrap()).unwrap();
        Signer {
            private: ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap()),
            public: SigningKey::from_jwk(SIGNING_JWK.as_bytes()).unwrap().public().clone(),
        }
    })
}

/// Appends key id and signature.
pub fn sign(mut body: Vec<u8>) -> Vec<u8> {
    let Signer { private, public } = signer();
    body.extend_from_slice(&public.id().0);
    let domain: &[u8] = if body.starts_with(b"PCLD") { b"portcullis/v1/delta\0" } else { b"portcullis/v1/manifest\0" };
    let signature = private.sign(&[domain, &body].concat());
    body.extend_from_slice(&signature.to_bytes());
    body
}

/// Creates an edge that has loaded nothing.
pub fn new_edge() -> Revocations {
    Revocations::new(RealmId::of(ISSUER), vec![signer().public.clone()], portcullis::revocation::Bounds::default())
}

/// Builds a manifest of form 1.1 with these section entries. Its only hash key is [`HASH_KEY`], with the number
/// `generation`.
pub fn manifest(generation: u32, entries: &[u8]) -> Vec<u8> {
    let mut body = b"PCLM\x01\x01\x00\x00".to_vec();
    body.extend_from_slice(RealmId::of(ISSUER).as_bytes());
    body.extend_from_slice(&SEQUENCE.to_le_bytes());
    body.extend_from_slice(&SIGNED_AT.to_le_bytes());
    body.extend_from_slice(&[9; 16]);
    body.extend_from_slice(&300_u32.to_le_bytes());
    // Leeway and skew of 5 s, a lifetime of a day, no limit on a login's age.
    block(&mut body, 1, &[5, 5, 0x80, 0xa3, 0x05, 0]);
    block(&mut body, 2, &[&generation.to_le_bytes()[..], &HASH_KEY].concat());
    if !entries.is_empty() {
        block(&mut body, 7, entries);
    }
    sign(body)
}

/// Appends a critical block.
pub fn block(body: &mut Vec<u8>, kind: u16, contents: &[u8]) {
    body.extend_from_slice(&kind.to_le_bytes());
    body.extend_from_slice(&1_u16.to_le_bytes());
    body.extend_from_slice(&u32::try_from(contents.len()).unwrap().to_le_bytes());
    body.extend_from_slice(contents);
}
