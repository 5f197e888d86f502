//! Corrections: an event recorded by mistake is undone in the ledger and at its edges.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::DeltaUnavailable;
use portcullis::ledger::{Correction, Event, NotBefore};
use portcullis::revocation::{Form, Status, Subject};

const KEY: [u8; 32] = [7; 32];

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Now }
}

fn key_not_before() -> Event {
    Event::KeyNotBefore { thumbprint: KEY, not_before: NotBefore::Now }
}

/// A token with all names, signed with the key of these tests.
fn signed() -> Subject<'static> {
    Subject { signing_key: Some(&KEY), ..of_all() }
}

#[test]
fn only_a_correction_lowers_a_value() {
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    let correct = |not_before| Event::Correction(Correction::User { sub: "u".into(), not_before });
    let row = record(&mut ledger, &correct(Some(at(NOW - 100))), NOW).unwrap();
    // Kept as long as the row that it corrects.
    assert_eq!(row.keep_until, Some(at(NOW + 2 + LIFETIME + MARGIN)));
    assert_eq!(ledger.user_not_before(None, "u"), Some(at(NOW - 100)));
    assert_eq!(record(&mut ledger, &correct(Some(at(NOW - 100))), NOW), None);
    assert!(record(&mut ledger, &correct(None), NOW).is_some());
    assert_eq!(ledger.user_not_before(None, "u"), None);
    for (event, correction) in [
        (Event::Realm { not_before: NotBefore::Now }, Correction::Realm { not_before: None }),
        (
            Event::Client { client: "app".into(), not_before: NotBefore::Now },
            Correction::Client { client: "app".into(), not_before: None },
        ),
        (Event::TokenVersion { sub: "u".into(), minimum: 7 }, Correction::TokenVersion { sub: "u".into(), minimum: 0 }),
        (
            Event::Session { sid: "s".into(), occurred_at: None, issued_at: None },
            Correction::Session { sid: "s".into(), not_before: None },
        ),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Correction::ClientSession { sid: "s".into(), azp: "app".into(), not_before: None },
        ),
        (grant("u", "app"), Correction::Grant { sub: "u".into(), client: "app".into(), not_before: None }),
        (key_not_before(), Correction::KeyNotBefore { thumbprint: KEY, not_before: None }),
    ] {
        assert!(record(&mut ledger, &event, NOW).is_some());
        assert!(ledger.refuses(&signed()).is_some());
        assert!(record(&mut ledger, &Event::Correction(correction.clone()), NOW).is_some());
        assert_eq!(ledger.refuses(&signed()), None);
        assert_eq!(record(&mut ledger, &Event::Correction(correction), NOW), None);
        assert_eq!(ledger.minimum_version(None, "u"), 0);
    }
    record(&mut ledger, &Event::KeyBanned { thumbprint: [3; 32] }, NOW);
    record(&mut ledger, &Event::Correction(Correction::KeyBanned { thumbprint: [3; 32] }), NOW);
    assert!(!ledger.bans(&[3; 32]));
}

#[test]
fn a_correction_reaches_edges_of_each_form_with_the_next_manifest() {
    [Form::V1_0, Form::V1_1].into_iter().for_each(check_corrections);
}

fn check_corrections(form: Form) {
    let (mut ledger, mut edge) = (ledger(), edge());
    let banned = [3; 32];
    let mistakes = [
        (grant("u", "app"), Correction::Grant { sub: "u".into(), client: "app".into(), not_before: None }),
        (key_not_before(), Correction::KeyNotBefore { thumbprint: KEY, not_before: Some(at(NOW - 100)) }),
        (user("u"), Correction::User { sub: "u".into(), not_before: Some(at(NOW - 100)) }),
        (
            Event::Session { sid: "s".into(), occurred_at: None, issued_at: None },
            Correction::Session { sid: "s".into(), not_before: None },
        ),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Correction::ClientSession { sid: "s".into(), azp: "app".into(), not_before: None },
        ),
        (
            Event::Client { client: "app".into(), not_before: NotBefore::Now },
            Correction::Client { client: "app".into(), not_before: None },
        ),
        (Event::Realm { not_before: NotBefore::Now }, Correction::Realm { not_before: None }),
        (Event::TokenVersion { sub: "u".into(), minimum: 7 }, Correction::TokenVersion { sub: "u".into(), minimum: 1 }),
        (Event::KeyBanned { thumbprint: banned }, Correction::KeyBanned { thumbprint: banned }),
    ];
    load_in(form, &mut edge, &mut ledger, NOW);
    for (mistake, correction) in mistakes {
        record(&mut ledger, &mistake, NOW);
        // In a lower form, a mistaken grant applies to the user and a mistaken key not-before to the realm.
        follow_in(form, &mut edge, &ledger, NOW).unwrap();
        assert!(is_revoked(&edge, &signed()) || edge.bans(&banned), "{mistake:?}");
        let mistaken = edge.position().unwrap().sequence;
        record(&mut ledger, &Event::Correction(correction), NOW);
        // A delta only adds, so no delta leads here.
        let earliest = mistaken + 1;
        assert_eq!(ledger.delta(form, mistaken, at(NOW)), Err(DeltaUnavailable::Pruned { earliest }));
        load_in(form, &mut edge, &mut ledger, NOW);
        assert_eq!(edge.status(&signed()), Status::NotRevoked, "{mistake:?}");
        assert!(!edge.bans(&banned));
    }
    // The value that replaced the mistake still applies.
    assert!(is_revoked(&edge, &of_user("u", NOW - 100)));
    assert!(is_revoked(&edge, &Subject { token_version: 0, ..of_all() }));
    let of_key = Subject { signing_key: Some(&KEY), ..of_user("v", NOW - 100) };
    assert!(is_revoked(&edge, &of_key));
}

#[test]
fn a_corrected_grant_leaves_the_users_other_grants() {
    for form in [Form::V1_0, Form::V1_1] {
        let (mut ledger, mut edge) = (ledger(), edge());
        let source = |seconds| NotBefore::Source(at(seconds));
        let of = |client: &str, not_before| Event::Grant { sub: "u".into(), client: client.into(), not_before };
        record(&mut ledger, &of("web", source(NOW - 30)), NOW);
        record(&mut ledger, &of("app", source(NOW + 30)), NOW);
        load_in(form, &mut edge, &mut ledger, NOW);
        let correction = Correction::Grant { sub: "u".into(), client: "app".into(), not_before: Some(at(NOW - 60)) };
        record(&mut ledger, &Event::Correction(correction), NOW);
        load_in(form, &mut edge, &mut ledger, NOW);
        let of = |client, seconds| Subject { authorized_party: Some(client), ..of_user("u", seconds) };
        assert!(is_revoked(&edge, &of("web", NOW - 30)) && is_revoked(&edge, &of("app", NOW - 60)));
        assert!(!is_revoked(&edge, &of("web", NOW - 29)) && !is_revoked(&edge, &of("app", NOW - 29)));
        // A lower form has the later of the two.
        assert_eq!(is_revoked(&edge, &of("app", NOW - 30)), form == Form::V1_0);
    }
}

#[test]
fn a_correction_is_kept_as_long_as_the_row_that_it_corrects_in_the_same_batch() {
    let mut ledger = ledger();
    let mistaken = ledger.stage(&user("u"), at(NOW)).unwrap().unwrap();
    let correction = Event::Correction(Correction::User { sub: "u".into(), not_before: None });
    let correction = ledger.stage(&correction, at(NOW)).unwrap().unwrap();
    assert!(correction.keep_until >= mistaken.keep_until);
    let mistaken = ledger.stage(&grant("u", "app"), at(NOW)).unwrap().unwrap();
    let correction = Correction::Grant { sub: "u".into(), client: "app".into(), not_before: None };
    let correction = ledger.stage(&Event::Correction(correction), at(NOW)).unwrap().unwrap();
    assert!(correction.keep_until >= mistaken.keep_until);
}
