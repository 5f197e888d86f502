//! Corrections: an event recorded by mistake is undone, in the ledger and at its edges.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::DeltaUnavailable;
use portcullis::ledger::{Correction, Event, NotBefore};
use portcullis::revocation::{Status, Subject};

#[test]
fn a_correction_lowers_what_nothing_else_can() {
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    let correct = |not_before| Event::Correction(Correction::User { sub: "u".into(), not_before });
    let row = record(&mut ledger, &correct(Some(at(NOW - 100))), NOW).unwrap();
    // As long as the row that it corrects.
    assert_eq!(row.keep_until, Some(at(NOW + 2 + LIFETIME + MARGIN)));
    assert_eq!(ledger.user_not_before("u"), Some(at(NOW - 100)));
    assert_eq!(record(&mut ledger, &correct(Some(at(NOW - 100))), NOW), None);
    assert!(record(&mut ledger, &correct(None), NOW).is_some());
    assert_eq!(ledger.user_not_before("u"), None);
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
    ] {
        assert!(record(&mut ledger, &event, NOW).is_some());
        assert!(ledger.refuses(&of_all()).is_some());
        assert!(record(&mut ledger, &Event::Correction(correction), NOW).is_some());
        assert_eq!(ledger.refuses(&of_all()), None);
        assert_eq!(ledger.minimum_version("u"), 0);
    }
    record(&mut ledger, &Event::KeyBanned { thumbprint: [3; 32] }, NOW);
    record(&mut ledger, &Event::Correction(Correction::KeyBanned { thumbprint: [3; 32] }), NOW);
    assert!(!ledger.bans(&[3; 32]));
}

#[test]
fn a_correction_reaches_edges_with_the_next_manifest() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let banned = [3; 32];
    let mistakes = [
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
    load(&mut edge, &mut ledger, NOW);
    for (mistake, correction) in mistakes {
        record(&mut ledger, &mistake, NOW);
        follow(&mut edge, &ledger, NOW).unwrap();
        assert!(is_revoked(&edge, &of_all()) || edge.bans(&banned));
        let mistaken = edge.position().unwrap().sequence;
        record(&mut ledger, &Event::Correction(correction), NOW);
        // A delta only adds: there is none that leads here.
        let earliest = mistaken + 1;
        assert_eq!(ledger.delta(FORM, mistaken, at(NOW)), Err(DeltaUnavailable::Pruned { earliest }));
        load(&mut edge, &mut ledger, NOW);
        assert_eq!(edge.status(&of_all()), Status::NotRevoked);
        assert!(!edge.bans(&banned));
    }
    // The value that replaced the mistake still counts.
    assert!(is_revoked(&edge, &of_user("u", NOW - 100)));
    assert!(is_revoked(&edge, &Subject { token_version: 0, ..of_all() }));
}

#[test]
fn a_correction_is_kept_as_long_as_what_it_corrects_in_the_same_batch() {
    let mut ledger = ledger();
    let mistaken = ledger.stage(&user("u"), at(NOW)).unwrap().unwrap();
    let correction = Event::Correction(Correction::User { sub: "u".into(), not_before: None });
    let correction = ledger.stage(&correction, at(NOW)).unwrap().unwrap();
    assert!(correction.keep_until >= mistaken.keep_until);
}
