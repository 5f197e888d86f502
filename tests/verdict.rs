//! The verdict as a whole: which realm and key, bad input, `explain` and `identify`. Claims and algorithms are in
//! `vectors.rs`; what needs revocation state is at the end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, but_for_the_feed, claims, code, loaded, read_keys, realm, realm_of, sign, token, vectors};
use fixtures::{HEADER, ISSUER, NOW, SECRET};
use portcullis::claims::ClaimNames;
use portcullis::explain::{explain, CheckName, Outcome};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::policy::{Audience, Policy, Profile};
use portcullis::revocation::Bounds;
use portcullis::signature::{Algorithm, Algorithms};
use portcullis::time::UnixSeconds;
use portcullis::verdict::{begin, finish, Begun, CacheLimits, Finding, HostOutcome, Pending, VerifiedTokens};
use portcullis::verdict::{identify, judge, IntakeError, Realm, RealmKeys, Reason, Refused, Verdict};
use serde_json::{json, Value};

fn refusal(token: &str, realms: &[Realm]) -> Refused {
    match judge(token, realms, NOW) {
        Verdict::Refused(refused) => refused,
        Verdict::Accepted(_) => panic!("accepted"),
    }
}

// The list ------------------------------------------------------------------------------------------------------------

#[test]
fn reasons_are_the_documented_list_in_its_order() {
    let documented = "missing_token malformed unsupported_algorithm unknown_key banned_key bad_signature wrong_type \
        wrong_issuer wrong_audience missing_claim expired not_yet_valid issued_in_future lifetime_exceeded token_revoked \
        session_revoked client_revoked user_revoked realm_revoked version_revoked insufficient_scope keys_unavailable \
        stale_feed no_feed";
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, documented.split_whitespace().collect::<Vec<_>>());
    for (index, reason) in Reason::ALL.into_iter().enumerate() {
        assert_eq!(reason as usize, index);
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        let status = match reason.code() {
            "keys_unavailable" | "stale_feed" | "no_feed" => 503,
            "insufficient_scope" => 403,
            _ => 401,
        };
        assert_eq!(reason.status(), status, "{}", reason.code());
    }
    assert_eq!(Reason::from_code("accepted"), None);
}

// Realm and key -------------------------------------------------------------------------------------------------------

#[test]
fn the_issuer_picks_the_realm() {
    let second_key = b"another secret, 32 bytes or more";
    let mut second = realm();
    second.policy.issuer = "second".into();
    second.policy.claim_names.issuer = "realm".into();
    second.policy.audience = Audience::NotChecked;
    let jwks = json!({ "keys": [{ "kty": "oct", "k": base64url(second_key), "kid": "test" }] });
    second.keys = loaded(read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys);
    let realms = [realm(), second];

    assert_eq!(refusal(&token(&json!({})), &realms), Refused { realm: Some(0), reason: Reason::NoFeed });
    let of_second = json!({ "iss": null, "aud": null, "realm": "second" });
    assert_eq!(refusal(&token(&of_second), &realms), Refused { realm: Some(1), reason: Reason::BadSignature });
    let unknown = json!({ "iss": "https://elsewhere.example" });
    assert_eq!(refusal(&token(&unknown), &realms), Refused { realm: None, reason: Reason::WrongIssuer });
    let both = json!({ "realm": "second" });
    assert_eq!(refusal(&token(&both), &realms).realm, Some(0), "the first that fits");
    assert_eq!(refusal(&token(&json!({})), &[]), Refused { realm: None, reason: Reason::WrongIssuer });
}

#[test]
fn a_realms_keys_are_not_anothers() {
    let mut second = realm();
    second.policy.issuer = "https://second.example".into();
    let es256 = vectors("keys.json")["es256"].clone();
    let jwks = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": es256["x"], "y": es256["y"] }] });
    second.keys = loaded(read_keys(&jwks, KeySource::Url, RsaDefault::RS256).keys);
    let forged = token(&json!({ "iss": "https://second.example" }));
    assert_eq!(refusal(&forged, &[realm(), second]), Refused { realm: Some(1), reason: Reason::UnknownKey });
}

#[test]
fn keys_may_be_unavailable() {
    let mut realms = [realm()];
    let keys = std::mem::replace(&mut realms[0].keys, RealmKeys::Unavailable);
    assert_eq!(refusal(&token(&json!({})), &realms).reason, Reason::KeysUnavailable);
    let RealmKeys::Loaded { keys, .. } = keys else { panic!() };
    realms[0].keys = RealmKeys::Loaded { keys, usable_until: NOW };
    assert_eq!(but_for_the_feed(&token(&json!({})), &realms, NOW), "accepted");
    let later = UnixSeconds::new(NOW.get() + 1);
    assert_eq!(but_for_the_feed(&token(&json!({})), &realms, later), "keys_unavailable");
}

#[test]
fn a_token_without_kid_is_tried_under_every_key_of_its_algorithm() {
    let key = |secret: &[u8]| json!({ "kty": "oct", "k": base64url(secret) });
    let decoy = b"a decoy: 32 bytes that sign nought";
    let jwks = json!({ "keys": [key(decoy), { "kty": "oct", "kid": "x", "k": base64url(decoy) }, key(SECRET)] });
    let mut realm = realm();
    realm.keys = loaded(read_keys(&jwks, KeySource::Configuration, RsaDefault::RS256).keys);
    let realms = [realm];
    let without_kid = sign(r#"{"alg":"HS256"}"#, claims(&json!({})));
    assert_eq!(but_for_the_feed(&without_kid, &realms, NOW), "accepted");
    let other_kid = sign(r#"{"alg":"HS256","kid":"x"}"#, claims(&json!({})));
    assert_eq!(but_for_the_feed(&other_kid, &realms, NOW), "bad_signature", "a kid is never fallen back from");
}

// Bad input -----------------------------------------------------------------------------------------------------------

#[test]
fn length_is_bounded_by_the_realm() {
    let long = token(&json!({ "x": "a".repeat(20_000) }));
    assert_eq!(refusal(&long, &[realm()]), Refused { realm: None, reason: Reason::Malformed });
    let generous = || {
        let mut realm = realm();
        realm.policy.max_token_bytes = 1 << 20;
        realm
    };
    assert_eq!(but_for_the_feed(&long, &[generous()], NOW), "accepted");
    let mut other = generous();
    other.policy.issuer = "https://second.example".into();
    assert_eq!(refusal(&long, &[realm(), other]), Refused { realm: None, reason: Reason::Malformed });
    assert_eq!(refusal(&"a".repeat(50 << 20), &[realm()]).reason, Reason::Malformed);
    let kid = sign(json!({ "alg": "HS256", "kid": "k".repeat(1 << 20) }).to_string(), claims(&json!({})));
    assert_eq!(refusal(&kid, &[realm()]).reason, Reason::Malformed);
    assert_eq!(
        refusal(
            &kid,
            &[{
                let mut realm = realm();
                realm.policy.max_token_bytes = usize::MAX;
                realm
            }]
        )
        .reason,
        Reason::UnknownKey
    );
}

#[test]
fn depth_and_breadth_cost_nothing_but_a_refusal() {
    let mut generous = realm();
    generous.policy.max_token_bytes = 64 << 20;
    let realms = [generous];
    for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000), format!("{{\"a\":{}", "[".repeat(100_000))] {
        assert_eq!(refusal(&sign(HEADER, &deep), &realms).reason, Reason::Malformed);
        assert_eq!(refusal(&sign(&deep, claims(&json!({}))), &realms).reason, Reason::Malformed);
    }
    let mut wide = json!({});
    for at in 0..100_000 {
        wide[format!("member-{at}")] = json!(at);
    }
    assert_eq!(but_for_the_feed(&token(&wide), &realms, NOW), "accepted");
    let dots = ".".repeat(1 << 20);
    assert_eq!(refusal(&dots, &realms).reason, Reason::Malformed);
}

#[test]
fn no_flipped_bit_is_accepted() {
    let good = token(&json!({ "token_use": "access" }));
    let realms = [realm()];
    assert_eq!(but_for_the_feed(&good, &realms, NOW), "accepted");
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            assert_ne!(but_for_the_feed(&flipped, &realms, NOW), "accepted", "byte {at}, bit {bit}");
        }
        assert_ne!(but_for_the_feed(&good[..at], &realms, NOW), "accepted", "cut at {at}");
        let doubled = format!("{}{}", &good[..=at], &good[at..]);
        assert_ne!(but_for_the_feed(&doubled, &realms, NOW), "accepted", "byte {at} twice");
    }
}

#[test]
fn arbitrary_input_never_panics() {
    // A fixed linear congruential generator (Knuth's MMIX constants): the same inputs on every run.
    let mut state = 0x5eed_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let realms = [realm()];
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\u",
        "d83d",
        "\"alg\"",
        "\"HS256\"",
        "\"crit\"",
        "\"iss\"",
        ISSUER,
        "1",
        "-",
        ".",
        "e",
        "1e400",
        "null",
        "true",
        " ",
        "\n",
        "\u{0}",
        "\u{1f600}",
        "\"exp\"",
        "\"aud\"",
        "\"kid\"",
        "\"x\":",
    ];
    for _ in 0..20_000 {
        let mut text = |most: usize| (0..random() % most).map(|_| pieces[random() % pieces.len()]).collect::<String>();
        let (header, body) = (text(12), text(40));
        let by_json = sign(format!("{{{header}}}"), format!("{{{body}}}"));
        assert_ne!(but_for_the_feed(&by_json, &realms, NOW), "accepted");
        let by_text = text(60);
        assert_ne!(but_for_the_feed(&by_text, &realms, NOW), "accepted");
        let _ = explain(&by_text, &realms, NOW);
        assert!(identify(&by_json, &realms, NOW).is_err());
        let _ = portcullis::keys::Keys::read(
            by_text.as_bytes(),
            portcullis::keys::KeyRules { source: KeySource::Configuration, rsa_default: RsaDefault::RS256 },
        );
    }
}

#[test]
fn nothing_of_a_token_is_printed() {
    let realms = [realm()];
    let secret = token(&json!({ "sub": "mallory-the-subject" }));
    for printed in [
        format!("{:?}", judge(&secret, &realms, NOW)),
        format!("{:?}", portcullis::token::TokenBytes::decode(&secret, 1 << 14)),
        format!("{:?}", identify(&secret, &realms, NOW)),
        format!(
            "{:?}",
            explain(&sign(HEADER, claims(&json!({ "sub": "mallory-the-subject", "exp": "x" }))), &realms, NOW)
        ),
        format!("{realms:?}"),
    ] {
        assert!(!printed.contains("mallory") && !printed.contains("token-1"), "{printed}");
        assert!(!printed.contains(&base64url(SECRET)), "{printed}");
    }
}

// Explain -------------------------------------------------------------------------------------------------------------

#[test]
fn explain_agrees_with_judge_on_every_vector() {
    for group in vectors("verdicts.json")["groups"].as_array().unwrap() {
        let realms = [realm_of(group).0];
        for test in group["tests"].as_array().unwrap() {
            let now = test["now"].as_u64().map_or(NOW, UnixSeconds::new);
            let text = test["token"].as_str().unwrap();
            let checks = explain(text, &realms, now);
            assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), CheckName::ALL);
            let failed: Vec<Reason> = checks.iter().filter_map(|check| check.outcome.reason()).collect();
            match judge(text, &realms, now) {
                Verdict::Refused(refused) => assert_eq!(failed, [refused.reason], "{}", test["comment"]),
                Verdict::Accepted(_) => assert_eq!(failed, [], "{}", test["comment"]),
            }
            let first = checks.iter().position(|check| check.outcome != Outcome::Passed).unwrap_or(checks.len());
            for check in checks.iter().skip(first + 1) {
                assert_eq!(check.outcome, Outcome::NotReached, "{}", test["comment"]);
            }
        }
    }
}

#[test]
fn explain_says_what_people_need() {
    let realms = [realm()];
    let detail = |changes: &Value, name: CheckName| {
        explain(&token(changes), &realms, NOW).into_iter().find(|check| check.name == name).unwrap().detail.unwrap()
    };
    assert_eq!(detail(&json!({}), CheckName::Realm), "acme");
    assert_eq!(detail(&json!({}), CheckName::Algorithm), "HS256");
    assert_eq!(detail(&json!({}), CheckName::Expiry), "expires in 300 s");
    assert_eq!(detail(&json!({ "exp": NOW.get() - 60 }), CheckName::Expiry), "expired 60 s ago");
    assert_eq!(detail(&json!({}), CheckName::IssuedAt), "issued 10 s ago");
    assert_eq!(detail(&json!({ "iat": NOW.get() + 60 }), CheckName::IssuedAt), "will be issued in 60 s");
    assert_eq!(detail(&json!({}), CheckName::Lifetime), "lives 310 s, at most 86400 s are allowed");
    assert_eq!(detail(&json!({ "jti": null }), CheckName::RequiredClaims), "jti is missing");
    let form = &explain("a.b", &realms, NOW)[0];
    assert_eq!((form.name, form.detail.as_deref()), (CheckName::Form, Some("not three parts")));
}

// Identify ------------------------------------------------------------------------------------------------------------

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
    assert_eq!(error(&json!({ "token_use": "refresh" })), IntakeError::UnexpectedTokenUse);
    assert_eq!(error(&json!({ "typ": "Refresh" })), IntakeError::UnexpectedTokenUse);
    assert_eq!(error(&json!({ "iss": "https://elsewhere.example" })), IntakeError::InvalidToken);
    assert_eq!(error(&json!({ "exp": "soon" })), IntakeError::InvalidToken);
    let logout = sign(r#"{"alg":"HS256","typ":"logout+jwt"}"#, claims(&json!({})));
    assert_eq!(identify(&logout, &realms, NOW).unwrap_err(), IntakeError::UnexpectedTokenUse);
    for bad in ["", "garbage", "a.b.c", &token(&json!({}))[1..]] {
        assert_eq!(identify(bad, &realms, NOW).unwrap_err(), IntakeError::InvalidToken, "{bad}");
    }

    let good = token(&json!({ "token_use": "refresh" }));
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good { format!("{}E", &good[..good.len() - 1]) } else { forged };
    assert_eq!(identify(&forged, &realms, NOW).unwrap_err(), IntakeError::InvalidToken, "the signature comes first");
    assert_eq!(IntakeError::InvalidToken.to_string(), "invalid token");
    assert_eq!(IntakeError::UnexpectedTokenUse.to_string(), "unexpected token use");
}

#[test]
fn identify_needs_keys_that_may_be_used() {
    let mut realms = [realm()];
    let RealmKeys::Loaded { keys, .. } = std::mem::replace(&mut realms[0].keys, RealmKeys::Unavailable) else {
        panic!()
    };
    let answer = |realms: &[Realm], now| identify(&token(&json!({})), realms, now).map(|identified| identified.realm);
    assert_eq!(answer(&realms, NOW), Err(IntakeError::KeysUnavailable));
    realms[0].keys = RealmKeys::Loaded { keys, usable_until: NOW };
    assert_eq!(answer(&realms, NOW), Ok(0));
    assert_eq!(answer(&realms, UnixSeconds::new(NOW.get() + 1)), Err(IntakeError::KeysUnavailable));
    assert_eq!(IntakeError::KeysUnavailable.code(), "keys_unavailable");
    // Whose token it is comes first: for want of keys only a token of ours is put off.
    let foreign = token(&json!({ "iss": "https://elsewhere.example" }));
    assert_eq!(identify(&foreign, &[], NOW).unwrap_err(), IntakeError::InvalidToken);
}

// With the host's help ------------------------------------------------------------------------------------------------

const GENEROUS: CacheLimits = CacheLimits { entries: 1000, bytes: 1 << 24 };

fn finding_code(finding: &Finding) -> &'static str {
    finding.map_or_else(|refused| refused.reason.code(), |_| "accepted")
}

fn host_checks(pending: &Pending) -> HostOutcome {
    match pending.key().verifies(pending.algorithm(), pending.signing_input().as_bytes(), pending.signature()) {
        true => HostOutcome::Good,
        false => HostOutcome::Bad,
    }
}

#[test]
fn the_host_changes_no_verdict() {
    for group in vectors("verdicts.json")["groups"].as_array().unwrap() {
        let realms = [realm_of(group).0];
        for test in group["tests"].as_array().unwrap() {
            let now = test["now"].as_u64().map_or(NOW, UnixSeconds::new);
            let text = test["token"].as_str().unwrap();
            let all = Algorithm::ALL.into_iter().collect();
            let (bytes, comment) = (text.as_bytes(), &test["comment"]);
            for limits in [CacheLimits::NOTHING, GENEROUS] {
                let mut verified = VerifiedTokens::new(limits);
                let mut with_host =
                    |outcome: fn(&Pending) -> HostOutcome| match begin(bytes, &realms, &mut verified, all, now) {
                        Begun::Decided(finding) => finding_code(&finding),
                        Begun::Pending(pending) => {
                            let outcome = outcome(&pending);
                            finding_code(&finish(pending, outcome, &realms, &mut verified, now))
                        }
                    };
                let expected = code(&judge(text, &realms, now));
                assert_eq!(with_host(|_| HostOutcome::Unknown), expected, "{comment}");
                assert_eq!(with_host(host_checks), expected, "{comment}");
                assert_eq!(with_host(host_checks), expected, "{comment}, again");
            }
            let alone = begin(bytes, &realms, &mut VerifiedTokens::new(GENEROUS), Algorithms::of(&[]), now);
            assert!(matches!(alone, Begun::Decided(_)));
        }
    }
}

#[test]
fn what_happens_while_the_host_checks_is_seen() {
    let hmac = Algorithms::of(&[Algorithm::HS256]);
    let good = token(&json!({}));
    let pending = |realms: &[Realm]| {
        let mut nothing = VerifiedTokens::new(CacheLimits::NOTHING);
        match begin(good.as_bytes(), realms, &mut nothing, hmac, NOW) {
            Begun::Pending(pending) => pending,
            Begun::Decided(finding) => panic!("{finding:?}"),
        }
    };
    let reason = |pending, outcome, realms: &[Realm], now| {
        let mut verified = VerifiedTokens::new(GENEROUS);
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

// Revocation state ----------------------------------------------------------------------------------------------------

#[test]
fn a_state_that_was_never_loaded_refuses_everything() {
    assert_eq!(refusal(&token(&json!({})), &[realm()]), Refused { realm: Some(0), reason: Reason::NoFeed });
    let bounds = Bounds { max_lifetime: portcullis::time::Seconds::new(309), ..Bounds::default() };
    let mut short = Realm::new("acme", realm().policy, Vec::new(), bounds);
    short.keys = realm().keys;
    assert_eq!(refusal(&token(&json!({})), &[short]).reason, Reason::LifetimeExceeded);
}

#[test]
fn policies_have_documented_defaults() {
    let policy = Policy::new(ISSUER, Audience::NotChecked, Profile::Keycloak);
    assert_eq!(policy.max_token_bytes, 16 * 1024);
    assert_eq!(policy.staleness.max_stale.get(), 60);
    assert_eq!(policy.staleness.max_accept_stale.get(), 3600);
    assert_eq!(policy.claim_names, ClaimNames::default());
    assert!(!policy.algorithms.contains(Algorithm::HS256));
    assert_eq!(code(&judge(&token(&json!({})), &[], NOW)), "wrong_issuer");
}
