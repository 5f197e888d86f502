//! Verdicts with the host's help: the same as without it, and changes in the meantime count.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, code, each_verdict_vector, handed_over, host_checks, loaded, read_keys, realm, token, NOW};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{begin, finish, judge, CacheLimits, Finding, HostOutcome, PendingSignature};
use portcullis::verdict::{PendingSignatures, Progress, Realm, RealmKeys, VerifiedTokenCache};
use serde_json::json;

const GENEROUS: CacheLimits = CacheLimits { entries: 1000, bytes: 1 << 24 };

fn finding_code(finding: &Finding) -> &'static str {
    finding.map_or_else(|refused| refused.reason.code(), |_| "accepted")
}

#[test]
fn the_host_changes_no_verdict() {
    each_verdict_vector(|realms, text, now, comment| {
        let all = Algorithm::ALL.into_iter().collect();
        let bytes = text.as_bytes();
        for limits in [CacheLimits::NOTHING, GENEROUS] {
            let mut verified = VerifiedTokenCache::new(limits);
            let mut awaiting = PendingSignatures::default();
            let mut with_host = |outcome: fn(&PendingSignature) -> HostOutcome| {
                let progress = begin(bytes, realms, &mut verified, &mut awaiting, all, now);
                match handed_over(progress, &mut awaiting) {
                    Err(finding) => finding_code(&finding),
                    Ok(pending) => {
                        let outcome = outcome(&pending);
                        finding_code(&finish(pending, outcome, realms, &mut verified, now))
                    }
                }
            };
            let expected = code(&judge(text, realms, now));
            assert_eq!(with_host(|_| HostOutcome::Unknown), expected, "{comment}");
            assert_eq!(with_host(host_checks), expected, "{comment}");
            assert_eq!(with_host(host_checks), expected, "{comment}, again");
        }
        let (mut verified, mut awaiting) = (VerifiedTokenCache::new(GENEROUS), PendingSignatures::default());
        let alone = begin(bytes, realms, &mut verified, &mut awaiting, Algorithms::of(&[]), now);
        assert!(matches!(alone, Progress::Decided(_)));
    });
}

#[test]
fn changes_during_the_host_check_count() {
    let hmac = Algorithms::of(&[Algorithm::HS256]);
    let good = token(&json!({}));
    let pending = |realms: &[Realm]| {
        let mut nothing = VerifiedTokenCache::new(CacheLimits::NOTHING);
        let mut awaiting = PendingSignatures::default();
        let progress = begin(good.as_bytes(), realms, &mut nothing, &mut awaiting, hmac, NOW);
        handed_over(progress, &mut awaiting).unwrap()
    };
    let reason = |pending, outcome, realms: &[Realm], now| {
        let mut verified = VerifiedTokenCache::new(GENEROUS);
        finding_code(&finish(pending, outcome, realms, &mut verified, now))
    };
    let mut realms = [realm()];
    assert_eq!(reason(pending(&realms), HostOutcome::Good, &realms, NOW), "no_feed");
    assert_eq!(reason(pending(&realms), HostOutcome::Bad, &realms, NOW), "bad_signature");
    let later = UnixSeconds::new(NOW.get() + 400);
    assert_eq!(reason(pending(&realms), HostOutcome::Good, &realms, later), "expired");

    let begun = pending(&realms);
    let other_key = json!({ "keys": [{ "kty": "oct", "kid": "test", "k": base64url([7; 32]) }] });
    realms[0].keys = loaded(read_keys(&other_key, KeySource::Configuration, RsaDefault::RS256).keys);
    assert_eq!(reason(begun, HostOutcome::Good, &realms, NOW), "unknown_key", "the kid now names another key");

    let mut realms = [realm()];
    let begun = pending(&realms);
    realms[0].keys = RealmKeys::Unavailable;
    assert_eq!(reason(begun, HostOutcome::Good, &realms, NOW), "keys_unavailable");
    assert_eq!(reason(pending(&[realm()]), HostOutcome::Good, &[], NOW), "wrong_issuer");

    let printed = format!("{:?}", pending(&[realm()]));
    assert!(!printed.contains("alice") && !printed.contains("eyJ"), "{printed}");
}
