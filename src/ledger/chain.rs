//! The hash chain over the ledger's events, which distinguishes histories.

use sha2::{Digest, Sha256};

use crate::revocation::{Chain, RealmId};

/// The chain before an incarnation's first event: SHA-256 over a domain, the realm id and the incarnation.
pub(crate) fn genesis(realm: RealmId, incarnation: u64) -> Chain {
    let hash = Sha256::new().chain_update(b"portcullis/v1/genesis\0").chain_update(realm.as_bytes());
    cut(hash.chain_update(incarnation.to_le_bytes()))
}

/// The chain after an event: SHA-256 over the chain before and the event's canonical bytes.
pub(crate) fn next(previous: Chain, payload: &[u8]) -> Chain {
    cut(Sha256::new().chain_update(previous.0).chain_update(payload))
}

fn cut(hash: Sha256) -> Chain {
    let digest: [u8; 32] = hash.finalize().into();
    Chain(digest.first_chunk().copied().unwrap_or_default())
}
