//! `identify` with the host's help: the same results as without it, and changes in the meantime count.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::result_large_err, missing_docs)]

mod fixtures;
mod gate_pair;

use fixtures::{
    base64url, claims, each_verdict_vector, handed_over, host_checks, invalid, loaded, read_keys, realm, sign, token,
};
use fixtures::{HEADER, NOW, SECRET};
use gate_pair::{thumbprint, Pair};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::ledger::Event;
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{begin_to_identify, finish_to_identify, identify, CacheLimits, Handle, HostOutcome};
use portcullis::verdict::{
    Identified, IdentifyError, PendingSignature, PendingSignatures, Progress, Realm, RealmKeys, Reason,
};
use serde_json::json;

const HMAC: Algorithms = Algorithms::of(&[Algorithm::HS256]);

type Identification = Result<Identified, IdentifyError>;

/// Returns the signature that is left to the host, or the result.
fn begun(
    token: &str,
    realms: &[Realm],
    host: Algorithms,
    now: UnixSeconds,
) -> Result<PendingSignature, Identification> {
    let mut awaiting = PendingSignatures::default();
    handed_over(begin_to_identify(token, realms, &mut awaiting, host, now), &mut awaiting)
}

fn pending(token: &str, realms: &[Realm]) -> PendingSignature {
    begun(token, realms, HMAC, NOW).unwrap()
}

#[test]
fn the_host_changes_no_result() {
    let mut at_host = 0;
    each_verdict_vector(|realms, text, now, comment| {
        let all = Algorithm::ALL.into_iter().collect();
        let expected = identify(text, realms, now);
        let mut with_host = |outcome: fn(&PendingSignature) -> HostOutcome| match begun(text, realms, all, now) {
            Err(identified) => identified,
            Ok(pending) => {
                at_host += 1;
                finish_to_identify(&pending, outcome(&pending), realms, now)
            }
        };
        assert_eq!(with_host(host_checks), expected, "{comment}");
        assert_eq!(with_host(|_| HostOutcome::Unknown), expected, "{comment}");
        assert!(with_host(|_| HostOutcome::Bad).is_err() || expected.is_ok(), "{comment}");
        assert_eq!(begun(text, realms, Algorithms::of(&[]), now).unwrap_err(), expected);
    });
    assert!(at_host > 100, "{at_host}");
}

#[test]
fn the_signature_is_checked_before_the_use() {
    let realms = [realm()];
    let logout = sign(r#"{"alg":"HS256","typ":"logout+jwt"}"#, claims(&json!({})));
    let refresh = token(&json!({ "token_use": "refresh" }));
    for text in [&logout, &refresh] {
        let answer = |outcome| finish_to_identify(&pending(text, &realms), outcome, &realms, NOW);
        assert_eq!(answer(HostOutcome::Good), Err(IdentifyError::UnexpectedTokenUse { realm: 0 }));
        assert_eq!(answer(HostOutcome::Bad), Err(invalid(Some(0), Reason::BadSignature)));
    }
}

#[test]
fn the_host_gets_only_signatures_that_it_can_verify() {
    let realms = [realm()];
    let text = token(&json!({}));
    let decided = |text: &str, realms: &[Realm]| {
        let decided = begun(text, realms, HMAC, NOW).unwrap_err();
        decided.map(|identified| identified.realm)
    };
    let (input, _) = text.rsplit_once('.').unwrap();
    let of_odd_length = format!("{input}.{}", base64url([1; 31]));
    assert_eq!(decided(&of_odd_length, &realms), Err(invalid(Some(0), Reason::BadSignature)));
    assert_eq!(decided("garbage", &realms), Err(invalid(None, Reason::Malformed)));
    assert_eq!(decided(&text, &[]), Err(invalid(None, Reason::WrongIssuer)));

    let key = |secret: &[u8]| json!({ "kty": "oct", "kid": "test", "k": base64url(secret) });
    let two = json!({ "keys": [key(&[7; 32]), key(SECRET)] });
    let mut several = [realm()];
    several[0].keys = loaded(read_keys(&two, KeySource::Configuration, RsaDefault::RS256).keys);
    assert_eq!(decided(&text, &several), Ok(0), "two keys with one kid: each is tried here");
    several[0].keys = RealmKeys::Unavailable;
    assert_eq!(decided(&text, &several), Err(IdentifyError::KeysUnavailable { realm: 0 }));
}

#[test]
fn changes_during_the_host_check_count() {
    let text = token(&json!({}));
    let mut realms = [realm()];
    let begun = pending(&text, &realms);
    let other_key = json!({ "keys": [{ "kty": "oct", "kid": "test", "k": base64url([7; 32]) }] });
    realms[0].keys = loaded(read_keys(&other_key, KeySource::Configuration, RsaDefault::RS256).keys);
    let answer = finish_to_identify(&begun, HostOutcome::Good, &realms, NOW);
    assert_eq!(answer, Err(invalid(Some(0), Reason::UnknownKey)), "the kid now names another key");

    let mut realms = [realm()];
    let begun = pending(&text, &realms);
    realms[0].keys = RealmKeys::Unavailable;
    assert_eq!(
        finish_to_identify(&begun, HostOutcome::Good, &realms, NOW),
        Err(IdentifyError::KeysUnavailable { realm: 0 })
    );
    assert_eq!(finish_to_identify(&begun, HostOutcome::Good, &[], NOW), Err(invalid(None, Reason::WrongIssuer)));
    let mut elsewhere = [realm(), realm()];
    elsewhere[0].policy.issuer = "https://elsewhere.example".into();
    assert_eq!(
        finish_to_identify(&begun, HostOutcome::Good, &elsewhere, NOW),
        Err(invalid(Some(1), Reason::UnknownKey))
    );
}

// By handles ----------------------------------------------------------------------------------------------------------

fn begin(pair: &mut Pair, text: &str) -> Handle {
    match pair.gate.begin_to_identify(text, HMAC, NOW) {
        Progress::AwaitingSignature { handle, .. } => handle,
        Progress::Decided(decided) => panic!("{decided:?}"),
    }
}

fn finish(pair: &mut Pair, handle: Handle, outcome: HostOutcome) -> Option<Identification> {
    pair.gate.finish_to_identify(handle, outcome, NOW)
}

#[test]
fn a_handle_is_usable_once() {
    let mut pair = Pair::with_room(CacheLimits::NOTHING);
    let handle = begin(&mut pair, &token(&json!({})));
    assert_eq!(finish(&mut pair, handle, HostOutcome::Good).unwrap().unwrap().token_id.as_deref(), Some("token-1"));
    assert!(finish(&mut pair, handle, HostOutcome::Good).is_none());
    assert!(finish(&mut pair, Handle::from_number(77), HostOutcome::Good).is_none());
}

#[test]
fn a_key_banned_in_the_meantime_verifies_nothing() {
    let mut pair = Pair::with_room(CacheLimits::NOTHING);
    let handle = begin(&mut pair, &token(&json!({})));
    let thumbprint = thumbprint(&pair.gate);
    pair.record(&Event::KeyBanned { thumbprint });
    assert_eq!(finish(&mut pair, handle, HostOutcome::Good), Some(Err(invalid(Some(0), Reason::BannedKey))));
    let again = pair.gate.begin_to_identify(&token(&json!({})), HMAC, NOW);
    assert!(matches!(again, Progress::Decided(Err(error)) if error == invalid(Some(0), Reason::BannedKey)));
}

/// Both kinds of request need one signature of one token, so either may finish a request of the other kind.
#[test]
fn a_handle_works_for_either_kind_of_request() {
    let mut pair = Pair::with_room(CacheLimits::NOTHING);
    let refresh = token(&json!({ "token_use": "refresh" }));
    let handle = begin(&mut pair, &refresh);
    let finding = pair.gate.finish(handle, HostOutcome::Good, NOW).unwrap();
    assert_eq!(finding.unwrap_err().reason.code(), "wrong_type");

    let text = sign(HEADER, claims(&json!({ "exp": NOW.get() - 100, "iat": NOW.get() - 200 })));
    let handle = pair.hand_over(&text);
    assert_eq!(finish(&mut pair, handle, HostOutcome::Bad), Some(Err(invalid(Some(0), Reason::BadSignature))));
    let handle = pair.hand_over(&text);
    assert!(finish(&mut pair, handle, HostOutcome::Good).unwrap().is_ok());
}
