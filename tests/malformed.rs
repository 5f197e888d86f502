//! Bad input: too long, too deep, any bit flipped, arbitrary strings. It is refused without a panic, and no part of it
//! is printed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{base64url, but_for_the_feed, claims, realm, refusal, sign, token, HEADER, ISSUER, NOW, SECRET};
use portcullis::keys::{KeySource, RsaDefault};
use portcullis::verdict::explain;
use portcullis::verdict::{identify, judge, Reason, Refused};
use serde_json::json;

#[test]
fn the_realm_limits_the_length() {
    let long = token(&json!({ "x": "a".repeat(20_000) }));
    assert_eq!(refusal(&long, &[realm()]), Refused::new(None, Reason::Malformed));
    let generous = || {
        let mut realm = realm();
        realm.policy.max_token_bytes = 1 << 20;
        realm
    };
    assert_eq!(but_for_the_feed(&long, &[generous()], NOW), "accepted");
    let mut other = generous();
    other.policy.issuer = "https://second.example".into();
    assert_eq!(refusal(&long, &[realm(), other]), Refused::new(None, Reason::Malformed));
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
fn deep_and_broad_input_is_refused_cheaply() {
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
fn no_part_of_a_token_is_printed() {
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
