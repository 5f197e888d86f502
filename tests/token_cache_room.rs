//! The verified-token cache stays within its limits: with floods of tokens, floods of forgeries, and a token that is
//! too large.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;
mod gate_pair;

use fixtures::{base64url, claims, handed_over, realm, sign, token, HEADER, NOW};
use gate_pair::{verdict, ROOM};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::verdict::{begin, find, finish, CacheLimits, HostOutcome, PendingSignatures, VerifiedTokenCache};
use serde_json::json;

#[test]
fn a_million_tokens_stay_within_the_limits() {
    let realms = [realm()];
    let hot = token(&json!({ "jti": "hot" }));
    for limits in [CacheLimits { entries: 1000, bytes: 1 << 30 }, CacheLimits { entries: 1 << 30, bytes: 1 << 20 }] {
        let (mut verified, mut awaiting) = (VerifiedTokenCache::new(limits), PendingSignatures::default());
        let body = claims(&json!({ "jti": "token-0000000" }));
        for number in 0..500_000 {
            let distinct = sign(HEADER, body.replace("token-0000000", &format!("token-{number:07}")));
            assert_eq!(verdict(find(distinct.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
            if number % 100 == 0 {
                // Looked up regularly, so it stays cached; any other token would need the host.
                let known = verified.len();
                let host = Algorithms::of(&[Algorithm::HS256]);
                let progress = begin(hot.as_bytes(), &realms, &mut verified, &mut awaiting, host, NOW);
                let pending = handed_over(progress, &mut awaiting);
                assert!(number == 0 || pending.is_err(), "{number}, {known} known");
                if let Ok(pending) = pending {
                    let _ = finish(pending, HostOutcome::Good, &realms, &mut verified, NOW);
                }
            }
            assert!(verified.len() <= limits.entries && verified.bytes() <= limits.bytes);
        }
        assert!(verified.len() > 500);
    }
}

#[test]
fn a_million_forged_tokens_change_nothing() {
    let realms = [realm()];
    let mut verified = VerifiedTokenCache::new(ROOM);
    let good = token(&json!({}));
    let _ = find(good.as_bytes(), &realms, &mut verified, NOW);
    let (input, _) = good.rsplit_once('.').unwrap();
    let held = (verified.len(), verified.bytes());
    assert_eq!(held.0, 1);
    for number in 0_u64..1_000_000 {
        let mut signature = [7; 32];
        signature[..8].copy_from_slice(&number.to_le_bytes());
        let forged = format!("{input}.{}", base64url(signature));
        assert_eq!(verdict(find(forged.as_bytes(), &realms, &mut verified, NOW)), "bad_signature");
    }
    assert_eq!((verified.len(), verified.bytes()), held);
}

#[test]
fn a_token_that_is_too_large_is_not_cached() {
    let realms = [realm()];
    let mut verified = VerifiedTokenCache::new(CacheLimits { entries: 100, bytes: 16_384 });
    let big = token(&json!({ "x": "x".repeat(4000) }));
    assert_eq!(verdict(find(big.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
    assert!(verified.is_empty());
    for off in [CacheLimits { entries: 0, bytes: 1 << 20 }, CacheLimits { entries: 10, bytes: 0 }] {
        let mut verified = VerifiedTokenCache::new(off);
        let _ = find(token(&json!({})).as_bytes(), &realms, &mut verified, NOW);
        assert!(verified.is_empty());
    }
}
