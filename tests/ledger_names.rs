//! Several names of one issuer: an event recorded under one name refuses only tokens of that name.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::LedgerError;
use portcullis::ledger::{Clocks, Correction, Event, Ledger, NotBefore, Row};
use portcullis::revocation::{Chain, Form, Level, Status, Subject};
use sha2::{Digest, Sha256};

const OTHER: &str = "https://login.example/b/v2.0";
const THIRD: &str = "https://login.example/c/v2.0";

/// Returns every kind of event that applies to one name, and the level at which it refuses [`of_all`].
fn events() -> Vec<(Event, Level)> {
    let not_before = NotBefore::Now;
    vec![
        (token("j", NOW + 290, NOW - 10), Level::Token),
        (Event::Token { id: "j".into(), expires_at: None, issued_at: None }, Level::Token),
        (Event::Session { sid: "s".into(), occurred_at: None, issued_at: None }, Level::Session),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Level::ClientSession,
        ),
        (Event::User { sub: "u".into(), not_before }, Level::User),
        (Event::Grant { sub: "u".into(), client: "app".into(), not_before }, Level::Grant),
        (Event::TokenVersion { sub: "u".into(), minimum: 2 }, Level::Version),
    ]
}

/// Returns every kind of event that applies to all names.
fn common_events() -> Vec<Event> {
    let not_before = NotBefore::Now;
    vec![
        Event::Client { client: "app".into(), not_before },
        Event::Realm { not_before },
        Event::KeyBanned { thumbprint: [1; 32] },
        Event::KeyNotBefore { thumbprint: [1; 32], not_before },
        Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() },
        Event::KeysWithdrawn,
        Event::Bounds,
        Event::Correction(Correction::Client { client: "app".into(), not_before: None }),
        Event::Correction(Correction::Realm { not_before: None }),
        Event::Correction(Correction::KeyNotBefore { thumbprint: [1; 32], not_before: None }),
        Event::Correction(Correction::KeyBanned { thumbprint: [1; 32] }),
    ]
}

fn of(issuer: Option<&str>) -> Subject<'_> {
    Subject { issuer, ..of_all() }
}

fn record_under(ledger: &mut Ledger, issuer: Option<&str>, event: &Event) -> Option<Row> {
    let row = ledger.stage_under(issuer, event, Clocks::at(at(NOW))).unwrap().row;
    ledger.commit();
    row
}

#[test]
fn each_kind_of_event_refuses_the_tokens_of_its_own_name_only() {
    let names = [None, Some(OTHER), Some(THIRD)];
    for (event, level) in events() {
        for own in names {
            let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), edge(), edge());
            load(&mut by_delta, &mut ledger, NOW);
            let row = record_under(&mut ledger, own, &event).expect("recorded");
            assert_eq!(record_under(&mut ledger, own, &event), None, "recorded twice");
            follow(&mut by_delta, &ledger, NOW).unwrap();
            load(&mut by_manifest, &mut ledger, NOW);
            let mut restored = self::ledger();
            restored.restore(&row).unwrap();
            for name in names {
                let expected = (name == own).then_some(level);
                for ledger in [&ledger, &restored] {
                    assert_eq!(ledger.refuses(&of(name)), expected, "{event:?} of {own:?}, asked of {name:?}");
                }
                for edge in [&by_delta, &by_manifest] {
                    let status = edge.status(&of(name));
                    assert_eq!(
                        status,
                        expected.map_or(Status::NotRevoked, Status::Revoked),
                        "{event:?} {own:?} {name:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_same_event_under_another_name_is_recorded() {
    for (event, _) in events() {
        let mut ledger = ledger();
        for name in [None, Some(OTHER), Some(THIRD)] {
            // Staged twice in one batch, and again after the commit.
            assert!(ledger.stage_under(name, &event, Clocks::at(at(NOW))).unwrap().row.is_some(), "{event:?} {name:?}");
        }
        ledger.commit();
        for name in [None, Some(OTHER), Some(THIRD)] {
            assert_eq!(record_under(&mut ledger, name, &event), None, "{event:?} {name:?}");
        }
    }
}

#[test]
fn a_grant_is_its_users_not_before_in_form_1_0_under_the_same_name() {
    let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), edge(), edge());
    let grant = |sub: &str| Event::Grant { sub: sub.into(), client: "web".into(), not_before: NotBefore::Now };
    // The users of grants are kept from the first manifest of this form with a grant.
    let first = record_under(&mut ledger, None, &grant("v")).expect("recorded");
    load_in(Form::V1_0, &mut by_delta, &mut ledger, NOW);
    let second = record_under(&mut ledger, Some(OTHER), &grant("u")).expect("recorded");
    follow_in(Form::V1_0, &mut by_delta, &ledger, NOW).unwrap();
    load_in(Form::V1_0, &mut by_manifest, &mut ledger, NOW);
    let (mut restored, mut by_restored) = (self::ledger(), edge());
    for row in [first, second] {
        restored.restore(&row).unwrap();
    }
    load_in(Form::V1_0, &mut by_restored, &mut restored, NOW);
    for edge in [&by_delta, &by_manifest, &by_restored] {
        assert_eq!(edge.status(&of(Some(OTHER))), Status::Revoked(Level::User));
        assert_eq!(edge.status(&of(Some(THIRD))), Status::NotRevoked);
        assert_eq!(edge.status(&of(None)), Status::NotRevoked);
    }
}

#[test]
fn a_correction_applies_to_its_name_only() {
    let corrections = [
        Correction::User { sub: "u".into(), not_before: None },
        Correction::Session { sid: "s".into(), not_before: None },
        Correction::ClientSession { sid: "s".into(), azp: "app".into(), not_before: None },
        Correction::Grant { sub: "u".into(), client: "app".into(), not_before: None },
        Correction::TokenVersion { sub: "u".into(), minimum: 0 },
    ];
    for correction in corrections {
        let mut ledger = ledger();
        for (event, level) in events() {
            let is_corrected = matches!(
                (&correction, level),
                (Correction::User { .. }, Level::User)
                    | (Correction::Session { .. }, Level::Session)
                    | (Correction::ClientSession { .. }, Level::ClientSession)
                    | (Correction::Grant { .. }, Level::Grant)
                    | (Correction::TokenVersion { .. }, Level::Version)
            );
            for name in [None, Some(OTHER), Some(THIRD)].into_iter().filter(|_| is_corrected) {
                record_under(&mut ledger, name, &event).expect("recorded");
            }
        }
        let event = Event::Correction(correction);
        let row = record_under(&mut ledger, Some(OTHER), &event).expect("recorded");
        assert_eq!(record_under(&mut ledger, Some(OTHER), &event), None, "corrected twice");
        assert_eq!(row.payload[0], 2);
        let mut edge = edge();
        load(&mut edge, &mut ledger, NOW);
        for (name, is_refused) in [(None, true), (Some(OTHER), false), (Some(THIRD), true)] {
            assert_eq!(ledger.refuses(&of(name)).is_some(), is_refused);
            assert_eq!(is_revoked(&edge, &of(name)), is_refused);
        }
    }
}

#[test]
fn queries_apply_to_one_name() {
    let mut ledger = ledger();
    record_under(&mut ledger, Some(OTHER), &user("u")).unwrap();
    record_under(&mut ledger, Some(OTHER), &Event::TokenVersion { sub: "u".into(), minimum: 3 }).unwrap();
    let grant = Event::Grant { sub: "u".into(), client: "app".into(), not_before: NotBefore::Now };
    record_under(&mut ledger, Some(OTHER), &grant).unwrap();
    assert_eq!(ledger.user_not_before(Some(OTHER), "u"), Some(at(NOW + 2)));
    assert_eq!(ledger.grant_not_before(Some(OTHER), "u", "app"), Some(at(NOW + 2)));
    assert_eq!(ledger.minimum_version(Some(OTHER), "u"), 3);
    for name in [None, Some(THIRD)] {
        assert_eq!(ledger.user_not_before(name, "u"), None);
        assert_eq!(ledger.grant_not_before(name, "u", "app"), None);
        assert_eq!(ledger.minimum_version(name, "u"), 0);
    }
}

#[test]
fn an_event_common_to_all_names_is_refused_under_one_name() {
    let mut ledger = ledger();
    for event in common_events() {
        let refused = ledger.stage_under(Some(OTHER), &event, Clocks::at(at(NOW)));
        assert_eq!(refused, Err(LedgerError::SameUnderAllNames), "{event:?}");
    }
    assert_eq!(ledger.stage_under(Some(""), &user("u"), Clocks::at(at(NOW))), Err(LedgerError::EmptyName));
    assert_eq!(ledger.stats().sequence, ledger.head().0);
    assert_eq!(ledger.head(), self::ledger().head(), "something was staged");
}

#[test]
fn only_rows_of_further_names_have_the_later_form() {
    for (event, _) in events() {
        let mut ledger = ledger();
        assert_eq!(record_under(&mut ledger, None, &event).unwrap().payload[0], 1);
        let row = record_under(&mut ledger, Some(OTHER), &event).unwrap();
        let length = u32::from_le_bytes(row.payload[10..14].try_into().unwrap()) as usize;
        assert_eq!((row.payload[0], &row.payload[14..14 + length]), (2, OTHER.as_bytes()));
    }
}

#[test]
fn rows_with_a_name_that_does_not_apply_are_unreadable() {
    let row = record_under(&mut ledger(), Some(OTHER), &user("u")).unwrap().payload;
    let common =
        record(&mut ledger(), &Event::Client { client: "app".into(), not_before: NotBefore::Now }, NOW).unwrap();
    let ban = record(&mut ledger(), &Event::KeyBanned { thumbprint: [1; 32] }, NOW).unwrap();
    let under_a_name = |payload: &[u8]| {
        let name = [&[1, 0, 0, 0], "b".as_bytes()].concat();
        [&[2], &payload[1..10], &name, &payload[10..]].concat()
    };
    let mut nameless = row.clone();
    nameless.splice(10..14 + OTHER.len(), [0; 4]);
    let mut endless = row.clone();
    endless[10..14].fill(0xFF);
    let mut later = row.clone();
    later[0] = 3;
    let mut not_text = row.clone();
    not_text[14] = 0xFF;
    let broken = [nameless, endless, later, not_text, under_a_name(&common.payload), under_a_name(&ban.payload)];
    assert_eq!(restored(&row), Ok(()));
    // Without its last byte, it is a row with an empty user.
    let cut = (0..row.len() - 1).map(|length| row[..length].to_vec());
    for payload in broken.into_iter().chain(cut) {
        assert!(matches!(restored(&payload), Err(LedgerError::UnreadableRow { .. })), "{payload:?}");
    }
}

/// Restores one row with the right chain.
fn restored(payload: &[u8]) -> Result<(), LedgerError> {
    let mut ledger = ledger();
    let (base, chain) = ledger.head();
    let digest = Sha256::new().chain_update(chain.0).chain_update(payload).finalize();
    let chain = Chain(digest[..16].try_into().unwrap());
    ledger.restore(&Row { sequence: base + 1, keep_until: None, payload: payload.into(), chain })
}
