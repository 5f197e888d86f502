//! Names (`sub`, `sid`, `azp`, `client_id`, `jti`): a gate accepts exactly the names that the ledger can revoke.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;
mod gate_pair;

use fixtures::{but_for_the_feed, claims, invalid, realm, sign, token, HEADER, NOW};
use gate_pair::{verdict, Pair, ROOM};
use portcullis::error::LedgerError;
use portcullis::ledger::{Event, NotBefore, Row};
use portcullis::name::MAX_NAME_BYTES;
use portcullis::revocation::Chain;
use portcullis::verdict::{explain, CheckName};
use portcullis::verdict::{identify, Realm, Reason};
use serde_json::json;
use sha2::{Digest, Sha256};

const CLAIMS: [&str; 5] = ["sub", "sid", "azp", "client_id", "jti"];

/// Returns valid names, including unlikely ones.
fn legal() -> Vec<String> {
    let longest = [
        "x".repeat(MAX_NAME_BYTES),
        "é".repeat(MAX_NAME_BYTES / 2),
        format!("{}x", "€".repeat(MAX_NAME_BYTES / 3)),
        "😀".repeat(MAX_NAME_BYTES / 4),
        "\0".repeat(MAX_NAME_BYTES),
    ];
    let odd =
        ["x", " ", ".", "..", "../..", "a/../b", "\u{0}", "a\nb", "\u{1b}[2J", "\u{7f}", "\u{85}", "a%2fb", "\u{feff}"];
    longest.into_iter().chain(odd.map(Into::into)).collect()
}

fn too_long() -> [String; 4] {
    let more = MAX_NAME_BYTES + 1;
    ["x".repeat(more), "é".repeat(more.div_ceil(2)), "€".repeat(more.div_ceil(3)), "\n".repeat(more)]
}

#[test]
fn every_accepted_name_can_be_revoked() {
    for name in legal() {
        for claim in CLAIMS {
            let text = token(&json!({ claim: name }));
            let event = match claim {
                "sub" => Event::User { sub: name.clone(), not_before: NotBefore::Now },
                "sid" => Event::Session { sid: name.clone(), occurred_at: None, issued_at: None },
                "jti" => Event::Token { id: name.clone(), expires_at: None, issued_at: None },
                _ => Event::Client { client: name.clone(), not_before: NotBefore::Now },
            };
            let mut pair = Pair::new();
            assert_eq!(verdict(pair.gate.find(text.as_bytes(), NOW)), "accepted", "{claim} {name:?}");
            pair.record(&event);
            assert!(verdict(pair.gate.find(text.as_bytes(), NOW)).ends_with("_revoked"), "{claim} {name:?}");
        }
    }
}

#[test]
fn a_longer_name_is_malformed_explained_and_never_recorded() {
    let realms = [realm()];
    for name in too_long() {
        for claim in CLAIMS {
            assert_is_malformed(&token(&json!({ claim: name })), &realms, claim);
        }
        let mut ledger = Pair::new().ledger;
        let refused = Err(LedgerError::NameTooLong { length: name.len(), limit: MAX_NAME_BYTES });
        for event in [
            Event::User { sub: name.clone(), not_before: NotBefore::Now },
            Event::Session { sid: name.clone(), occurred_at: None, issued_at: None },
            Event::ClientSession { sid: "s".into(), azp: name.clone(), occurred_at: None, issued_at: None },
            Event::Client { client: name.clone(), not_before: NotBefore::Now },
            Event::Token { id: name.clone(), expires_at: None, issued_at: None },
            Event::TokenVersion { sub: name.clone(), minimum: 1 },
        ] {
            assert_eq!(ledger.stage(&event, NOW), refused, "{event:?}");
        }
    }
}

#[test]
fn the_claim_names_of_the_policy_apply() {
    let mut named = realm();
    named.policy.claim_names.subject = "uid".into();
    named.policy.claim_names.session = "session_id".into();
    named.policy.claim_names.token_id = "tid".into();
    let realms = [named];
    let good = json!({ "uid": "alice", "session_id": "s", "tid": "t" });
    for name in too_long() {
        for claim in ["uid", "session_id", "tid"] {
            let mut changes = good.clone();
            changes[claim] = json!(name);
            assert_is_malformed(&token(&changes), &realms, claim);
        }
        // No revocation uses these names, and they are not read for anything else.
        let mut changes = good.clone();
        changes["sub"] = json!(name);
        assert_eq!(but_for_the_feed(&token(&changes), &realms, NOW), "accepted");
    }
}

#[test]
fn bytes_are_counted_after_escapes_are_resolved() {
    let realms = [realm()];
    let with_sub =
        |written: &str| sign(HEADER, claims(&json!({ "sub": "@" })).replace("\"@\"", &format!("\"{written}\"")));
    for (written, code) in [
        ("\\u0061".repeat(MAX_NAME_BYTES), "accepted"),
        ("\\u0061".repeat(MAX_NAME_BYTES + 1), "malformed"),
        ("\\u00e9".repeat(MAX_NAME_BYTES / 2), "accepted"),
        ("\\u00e9".repeat(MAX_NAME_BYTES / 2 + 1), "malformed"),
        ("\\ud83d\\ude00".repeat(MAX_NAME_BYTES / 4), "accepted"),
        // UTF-8 cannot encode these, so no route can name them.
        ("\\ud800".into(), "malformed"),
        ("a\\udc00".into(), "malformed"),
        ("\\udc00\\ud800".into(), "malformed"),
    ] {
        assert_eq!(but_for_the_feed(&with_sub(&written), &realms, NOW), code, "{} bytes", written.len());
    }
    let by_form = |text: &str| explain(text, &realms, NOW)[0].outcome.reason().is_some();
    assert!(by_form(&with_sub("\\ud800")) && !by_form(&with_sub("\\u0061")));
}

#[test]
fn rows_of_older_versions_with_longer_names_are_restored() {
    let mut before = Pair::new().ledger;
    let first = before.stage(&Event::User { sub: "alice".into(), not_before: NotBefore::Now }, NOW).unwrap().unwrap();
    before.commit();
    let long = "x".repeat(MAX_NAME_BYTES + 1);
    // Form 1, kind 2, time of recording, not-before, subject user, name.
    let time = NOW.get().to_le_bytes();
    let payload = [&[1, 2][..], &time, &time, &[1], long.as_bytes()].concat();
    let digest: [u8; 32] = Sha256::new().chain_update(first.chain.0).chain_update(&payload).finalize().into();
    let chain = Chain(digest[..16].try_into().unwrap());
    let row = Row { sequence: first.sequence + 1, keep_until: None, payload, chain };

    let mut pair = Pair::restored(ROOM, &[first, row.clone()]);
    assert_eq!(pair.ledger.head(), (row.sequence, row.chain));
    pair.record(&Event::User { sub: "bob".into(), not_before: NotBefore::Now });
    assert_eq!(verdict(pair.gate.find(token(&json!({ "sub": "alice" })).as_bytes(), NOW)), "user_revoked");
    assert_eq!(verdict(pair.gate.find(token(&json!({ "sub": long })).as_bytes(), NOW)), "malformed");
}

fn assert_is_malformed(text: &str, realms: &[Realm], claim: &str) {
    assert_eq!(but_for_the_feed(text, realms, NOW), "malformed", "{claim}");
    assert_eq!(identify(text, realms, NOW), Err(invalid(Some(0), Reason::Malformed)), "{claim}");
    let check = explain(text, realms, NOW).into_iter().find(|check| check.name == CheckName::Claims).unwrap();
    assert_eq!(check.outcome.code(), "failed", "{claim}");
    assert!(check.detail.unwrap().starts_with(&format!("{claim}: expected at most 1024 bytes; found ")));
}
