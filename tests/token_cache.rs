//! The verified-token cache: no token is accepted by another's signature, and no entry outlives its key. Capacity is
//! tested in `token_cache_room.rs`, equality with a gate without a cache in `token_cache_property.rs`.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod fixtures;
mod gate_pair;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use fixtures::{base64url, claims, realm_of, token, vectors, NOW};
use gate_pair::{key_set, outcome, thumbprint, verdict, Pair, ROOM};
use portcullis::gate::KeysFrom;
use portcullis::keys::KeySource;
use portcullis::ledger::{Event, NotBefore};
use portcullis::policy::{Audience, Policy, Profile};
use portcullis::revocation::Bounds;
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{
    find, CacheLimits, Entry, Handle, HostOutcome, Progress, Realm, VerifiedTokenCache, MAX_HANDLES,
};
use serde_json::json;

fn at(offset: u64) -> UnixSeconds {
    UnixSeconds::new(NOW.get() + offset)
}

// Poisoning -----------------------------------------------------------------------------------------------------------

#[test]
fn only_the_exact_token_is_cached() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    assert_eq!(pair.find(&good), "checked");
    assert_eq!(pair.find(&good), "remembered");

    let (input, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = input.split_once('.').unwrap();
    let other_claims = base64url(claims(&json!({ "sub": "admin" })));
    assert_eq!(pair.find(&format!("{header}.{other_claims}.{signature}")), "bad_signature", "same signature");
    let other_header = base64url(r#"{"alg":"HS256","typ":"JWT","kid":"test" }"#);
    let (_, same_claims) = input.split_once('.').unwrap();
    assert_eq!(pair.find(&format!("{other_header}.{same_claims}.{signature}")), "bad_signature", "same signature");
    let other_signature = token(&json!({ "jti": "token-2" })).rsplit_once('.').unwrap().1.to_owned();
    assert_eq!(pair.find(&format!("{input}.{other_signature}")), "bad_signature", "same payload");
    // The digest covers the end of the signature, so this one differs only before that.
    let mut before = good.clone().into_bytes();
    let at = input.len() + 3;
    before[at] = if before[at] == b'A' { b'B' } else { b'A' };
    assert_eq!(pair.find(core::str::from_utf8(&before).unwrap()), "bad_signature");
    for part in [format!("{good}A"), format!("{good}="), format!(" {good}"), good[..good.len() - 1].to_owned()] {
        assert!(matches!(pair.find(&part), "malformed" | "bad_signature"));
    }
    assert_eq!(pair.find(&good), "remembered", "none of them pushed it out");
}

/// The order of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn a_malleated_signature_is_a_different_token() {
    let groups = vectors("verdicts.json");
    let is_es256 = |token: &str| token.starts_with("eyJhbGciOiJFUzI1NiI");
    let (group, text) = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
        .find(|(_, test)| test["expect"] == "accepted" && is_es256(test["token"].as_str().unwrap()))
        .map(|(group, test)| (group, test["token"].as_str().unwrap()))
        .unwrap();
    let realms = [realm_of(group).0];
    let mut verified = VerifiedTokenCache::new(ROOM);
    let (input, signature) = text.rsplit_once('.').unwrap();
    let mut bytes = Base64UrlUnpadded::decode_vec(signature).unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(bytes[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        bytes[32 + at] = difference.rem_euclid(256) as u8;
    }
    let twin = format!("{input}.{}", base64url(&bytes));
    assert_ne!(twin, text);
    for (spelling, held) in [(text, 1), (twin.as_str(), 2), (text, 2), (twin.as_str(), 2)] {
        // Without a feed nothing is accepted, but the signature is verified and cached.
        assert_eq!(verdict(find(spelling.as_bytes(), &realms, &mut verified, NOW)), "no_feed");
        assert_eq!(verified.len(), held);
    }
}

// Keys, time, revocation ----------------------------------------------------------------------------------------------

#[test]
fn an_entry_does_not_outlive_its_key() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let other: &[u8] = b"another secret, 32 bytes or more";
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"));
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!(pair.find(&good), "remembered", "the same set again");
    pair.set_keys(&[fixtures::SECRET, other]);
    assert_eq!(pair.find(&good), "remembered", "another key came along");

    pair.set_keys(&[other]);
    assert_eq!(pair.find(&good), "bad_signature", "its kid names another key");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"), "back again");
    pair.gate.clear_keys(0);
    assert_eq!(pair.find(&good), "keys_unavailable");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"), "back again");

    let banned = thumbprint(&pair.gate);
    pair.record(&Event::KeyBanned { thumbprint: banned });
    assert_eq!(pair.find(&good), "banned_key");
}

#[test]
fn every_use_checks_time_revocation_and_freshness() {
    let revocations = [
        (Event::Token { id: "token-1".into(), expires_at: Some(at(300)), issued_at: None }, "token_revoked"),
        (Event::Session { sid: "session-1".into(), occurred_at: None, issued_at: None }, "session_revoked"),
        (
            Event::ClientSession { sid: "session-1".into(), azp: "demo".into(), occurred_at: None, issued_at: None },
            "session_revoked",
        ),
        (Event::User { sub: "alice".into(), not_before: NotBefore::Now }, "user_revoked"),
        (Event::Client { client: "demo".into(), not_before: NotBefore::Now }, "client_revoked"),
        (Event::Realm { not_before: NotBefore::Now }, "realm_revoked"),
        (Event::TokenVersion { sub: "alice".into(), minimum: 1 }, "version_revoked"),
    ];
    for (event, reason) in revocations {
        let mut pair = Pair::new();
        let good = token(&json!({}));
        assert_eq!((pair.find(&good), pair.find(&good)), ("checked", "remembered"));
        pair.record(&event);
        assert_eq!(pair.find(&good), reason);
    }
    let mut pair = Pair::new();
    let good = token(&json!({}));
    assert_eq!(pair.find(&good), "checked");
    let mut later = |offset| outcome(pair.gate.find(good.as_bytes(), at(offset)));
    assert_eq!(later(60), "remembered");
    assert_eq!(later(61), "stale_feed");
    assert_eq!(later(305), "expired");
    assert_eq!(later(0), "expired", "the clock of a gate never goes back");
}

#[test]
fn a_revoked_token_costs_one_signature() {
    let mut pair = Pair::new();
    pair.record(&Event::User { sub: "alice".into(), not_before: NotBefore::Now });
    let revoked = token(&json!({}));
    assert_eq!((pair.find(&revoked), pair.find(&revoked)), ("user_revoked", "user_revoked"));
    let begun = pair.gate.begin(revoked.as_bytes(), Algorithms::of(&[Algorithm::HS256]), NOW);
    assert!(matches!(begun, Progress::Decided(Err(_))), "remembered, so the host is not asked");
}

#[test]
fn an_entry_refers_to_its_token_only() {
    let mut pair = Pair::with_room(CacheLimits { entries: 1, ..ROOM });
    let (good, other) = (token(&json!({})), token(&json!({ "jti": "token-2", "sub": "bob" })));
    pair.find(&good);
    let entry = pair.entry(&good);
    assert_eq!(pair.recheck(entry), Some("remembered"));
    assert_eq!(pair.recheck(Entry { number: entry.number + 1, ..entry }), None, "never given out");
    assert_eq!(pair.recheck(Entry { place: entry.place + 1, ..entry }), None, "never given out");

    pair.find(&other);
    let taken = pair.entry(&other);
    assert_eq!(taken.place, entry.place, "in the same place");
    assert_eq!(pair.recheck(entry), None);
    assert_eq!(pair.recheck(taken), Some("remembered"));

    pair.record(&Event::User { sub: "bob".into(), not_before: NotBefore::Now });
    assert_eq!(pair.recheck(taken), Some("user_revoked"));
    pair.set_keys(&[b"another secret, 32 bytes or more"]);
    assert_eq!(pair.recheck(taken), None, "gone with its key");
    pair.set_keys(&[fixtures::SECRET]);
    assert_eq!(pair.recheck(taken), None, "its key is back, it is not");
}

// The host ------------------------------------------------------------------------------------------------------------

#[test]
fn changes_between_signature_check_and_verdict_count() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let handle = pair.hand_over(&good);
    pair.record(&Event::User { sub: "alice".into(), not_before: NotBefore::Now });
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("user_revoked"));

    let mut pair = Pair::new();
    let handle = pair.hand_over(&good);
    pair.set_keys(&[b"another secret, 32 bytes or more"]);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("unknown_key"));
    assert_eq!(pair.find(&good), "bad_signature", "and nothing was remembered");

    let mut pair = Pair::new();
    let handle = pair.hand_over(&good);
    let banned = thumbprint(&pair.gate);
    pair.record(&Event::KeyBanned { thumbprint: banned });
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(outcome), Some("banned_key"));
    assert_eq!(pair.find(&good), "banned_key");
}

#[test]
fn a_handle_is_usable_once_and_their_number_is_limited() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    let handle = pair.hand_over(&good);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Bad, NOW).map(outcome), Some("bad_signature"));
    assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW), None);
    assert_eq!(pair.gate.finish(Handle::from_number(77), HostOutcome::Good, NOW), None);

    let first = pair.hand_over(&good);
    let others: Vec<Handle> = (0..MAX_HANDLES).map(|_| pair.hand_over(&good)).collect();
    assert_eq!(pair.gate.finish(first, HostOutcome::Good, NOW), None, "the oldest came back");
    for handle in others {
        assert_eq!(pair.gate.finish(handle, HostOutcome::Good, NOW).map(verdict), Some("accepted"));
    }
    assert_eq!(pair.find(&good), "remembered");
    let unknown = token(&json!({ "jti": "token-2" }));
    let handle = pair.hand_over(&unknown);
    assert_eq!(pair.gate.finish(handle, HostOutcome::Unknown, NOW).map(outcome), Some("checked"));
}

#[test]
fn the_host_may_finish_in_any_order() {
    let mut pair = Pair::new();
    let slow = pair.hand_over(&token(&json!({ "jti": "slow" })));
    let others: Vec<Handle> = (1..MAX_HANDLES).map(|_| pair.hand_over(&token(&json!({})))).collect();
    let mut latest = *others.last().unwrap();
    for _ in 0..4 * MAX_HANDLES {
        assert!(pair.gate.finish(latest, HostOutcome::Bad, NOW).is_some());
        latest = pair.hand_over(&token(&json!({})));
        assert!(pair.gate.pending(slow).is_some(), "no more than there is room for are at the host");
    }
    assert!(others.iter().rev().skip(1).all(|other| pair.gate.pending(*other).is_some()));
    assert_eq!(verdict(pair.gate.finish(slow, HostOutcome::Good, NOW).unwrap()), "accepted");
}

#[test]
fn tokens_of_a_removed_realm_are_refused_by_the_next_one_with_the_same_keys() {
    let mut pair = Pair::new();
    let good = token(&json!({}));
    pair.find(&good);
    let entry = pair.entry(&good);
    let handle = pair.hand_over(&token(&json!({ "jti": "token-2" })));
    pair.gate.remove_realm(0);
    assert_eq!(pair.recheck(entry), None);
    let policy = Policy::new("https://other.example", Audience::NotChecked, Profile::Generic);
    let next = Realm::new("next", policy, Vec::new(), Bounds::default());
    assert_eq!(pair.gate.add_realm(next, KeysFrom::Caller), Some(0));
    pair.gate.set_keys(0, &key_set(&[fixtures::SECRET]), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    assert_eq!(pair.recheck(entry), None);
    assert!(pair.gate.finish(handle, HostOutcome::Good, NOW).is_none());
    assert_eq!(pair.find(&good), "wrong_issuer");
}
