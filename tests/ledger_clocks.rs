//! The time recorded for an event, depending on the clock that states it.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::ledger::{Clocks, Event, Ledger, LedgerSettings, NotBefore, Staged, TimeTaken};
use portcullis::revocation::{Level, Subject};
use portcullis::time::Seconds;

const HOUR: u64 = 3_600;
const KEY: [u8; 32] = [7; 32];

/// Records an event with these clocks and checks the greatest `iat` that it refuses.
fn check(event: &Event, issuer_lead: u64, not_before: u64, time: TimeTaken) {
    check_in(ledger(), event, issuer_lead, not_before, time);
}

fn check_in(mut ledger: Ledger, event: &Event, issuer_lead: u64, not_before: u64, time: TimeTaken) {
    let clocks = Clocks { now: at(NOW), issuer_lead: Seconds::new(issuer_lead) };
    let staged = ledger.stage_by(event, clocks).unwrap();
    assert_eq!(staged.time, time, "{event:?}");
    assert!(staged.row.is_some(), "{event:?} is never dropped");
    ledger.commit();
    let of_key = Subject { signing_key: Some(&KEY), ..of_all() };
    let refused = |iat| ledger.refuses(&Subject { issued_at: at(iat), compared_at: at(iat), ..of_key }).is_some();
    assert!(refused(not_before), "{event:?}: {not_before}");
    assert!(!refused(not_before + 1), "{event:?}: one second later than {not_before}");
}

/// Returns each kind of event without a grace period, with this not-before.
fn events(not_before: NotBefore) -> Vec<Event> {
    let mut events = vec![
        Event::User { sub: "u".into(), not_before },
        Event::Client { client: "app".into(), not_before },
        Event::Realm { not_before },
        Event::Grant { sub: "u".into(), client: "app".into(), not_before },
        Event::KeyNotBefore { thumbprint: KEY, not_before },
    ];
    let occurred_at = match not_before {
        NotBefore::Now => None,
        NotBefore::Source(at) => Some(at),
        NotBefore::Caller(_) => return events,
    };
    events.push(Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at, issued_at: None });
    events
}

#[test]
fn an_event_without_a_time_gets_ours_plus_the_issuers_lead() {
    // The issuer's skew is 2 s; clocks may differ by 5 s.
    for (lead, ahead) in [(0, 2), (1, 2), (3, 3), (5, 5), (6, 5), (1_000_000, 5)] {
        for event in events(NotBefore::Now) {
            check(&event, lead, NOW + ahead, TimeTaken::AsGiven);
        }
    }
}

#[test]
fn a_sources_own_time_is_recorded_unchanged() {
    for before in [0, 1, 30, 3_000] {
        for event in events(NotBefore::Source(at(NOW - before))) {
            // The source has the same lead as the issuer.
            check(&event, 4, NOW - before, TimeTaken::AsGiven);
        }
    }
    for ahead in [1, 4, 60, HOUR] {
        let time = TimeTaken::SourceAhead { by: Seconds::new(ahead) };
        for event in events(NotBefore::Source(at(NOW + ahead))) {
            check(&event, 0, NOW + ahead, time);
        }
        assert_eq!((time.code(), time.ahead_by().get()), (Some("source_ahead"), ahead));
    }
}

#[test]
fn an_absurd_time_is_replaced_by_ours() {
    for ahead in [HOUR + 1, NOW * 999, u64::MAX - NOW] {
        let by = at(NOW.saturating_add(ahead)).since(at(NOW));
        for event in events(NotBefore::Source(at(NOW.saturating_add(ahead)))) {
            check(&event, 3, NOW + 3, TimeTaken::SourceReplaced { by });
        }
    }
    for ahead in [6, HOUR, NOW * 999] {
        let by = Seconds::new(ahead);
        for event in events(NotBefore::Caller(at(NOW + ahead))) {
            check(&event, 0, NOW + 2, TimeTaken::CallerReplaced { by });
        }
    }
    for event in events(NotBefore::Caller(at(NOW + 5))) {
        check(&event, 0, NOW + 5, TimeTaken::AsGiven);
    }
}

#[test]
fn nodes_of_an_issuer_may_differ() {
    for event in events(NotBefore::Source(at(NOW - 9))) {
        let settings = LedgerSettings { source_skew: Seconds::new(3), ..settings() };
        check_in(Ledger::new(settings).unwrap(), &event, 0, NOW - 6, TimeTaken::AsGiven);
    }
}

#[test]
fn a_session_ends_at_the_latest_time_plus_a_minute() {
    let session = |occurred_at: Option<u64>, issued_at: Option<u64>| Event::Session {
        sid: "s".into(),
        occurred_at: occurred_at.map(at),
        issued_at: issued_at.map(at),
    };
    let ahead = |by| TimeTaken::SourceAhead { by: Seconds::new(by) };
    for (occurred_at, issued_at, latest, time) in [
        (None, None, NOW, TimeTaken::AsGiven),
        (Some(NOW - 300), None, NOW, TimeTaken::AsGiven),
        (Some(NOW - 300), Some(NOW - 400), NOW, TimeTaken::AsGiven),
        (Some(NOW + 7), None, NOW + 7, ahead(7)),
        (Some(NOW + 7), Some(NOW + 9), NOW + 9, ahead(7)),
        (Some(NOW - 300), Some(NOW + 9), NOW + 9, TimeTaken::AsGiven),
        (Some(NOW + HOUR), None, NOW + HOUR, ahead(HOUR)),
        (Some(NOW + 2 * HOUR), None, NOW, TimeTaken::SourceReplaced { by: Seconds::new(2 * HOUR) }),
    ] {
        check(&session(occurred_at, issued_at), 4, latest + 60, time);
    }
}

#[test]
fn a_session_of_an_issuer_far_ahead() {
    let mut settings = settings();
    settings.bounds.skew = Seconds::new(300);
    let event = Event::Session { sid: "s".into(), occurred_at: None, issued_at: None };
    check_in(Ledger::new(settings).unwrap(), &event, 200, NOW + 200, TimeTaken::AsGiven);
}

#[test]
fn a_client_session_also_ends_at_the_issue_time_of_the_presented_token() {
    let event = |occurred_at: Option<u64>, issued_at| Event::ClientSession {
        sid: "s".into(),
        azp: "app".into(),
        occurred_at: occurred_at.map(at),
        issued_at: Some(at(issued_at)),
    };
    check(&event(None, NOW - 10), 0, NOW + 2, TimeTaken::AsGiven);
    check(&event(None, NOW + 30), 0, NOW + 30, TimeTaken::AsGiven);
    check(&event(Some(NOW - 20), NOW - 10), 0, NOW - 10, TimeTaken::AsGiven);
    check(&event(Some(NOW - 5), NOW - 10), 0, NOW - 5, TimeTaken::AsGiven);
}

#[test]
fn the_source_of_a_time_does_not_change_merging() {
    let mut ledger = ledger();
    let user = |not_before| Event::User { sub: "u".into(), not_before };
    let mut stage = |event: &Event, lead| {
        let clocks = Clocks { now: at(NOW), issuer_lead: Seconds::new(lead) };
        let Staged { row, time } = ledger.stage_by(event, clocks).unwrap();
        ledger.commit();
        (row.is_some(), time)
    };
    assert_eq!(stage(&user(NotBefore::Source(at(NOW - 50))), 0), (true, TimeTaken::AsGiven));
    assert_eq!(stage(&user(NotBefore::Now), 0), (true, TimeTaken::AsGiven));
    assert_eq!(stage(&user(NotBefore::Now), 1), (false, TimeTaken::AsGiven), "in force already");
    assert_eq!(stage(&user(NotBefore::Source(at(NOW))), 0), (false, TimeTaken::AsGiven), "the later one counts");
    assert_eq!(stage(&user(NotBefore::Now), 4), (true, TimeTaken::AsGiven));
    let by = Seconds::new(600);
    assert_eq!(stage(&user(NotBefore::Source(at(NOW + 600))), 4), (true, TimeTaken::SourceAhead { by }));
    assert_eq!(stage(&user(NotBefore::Caller(at(NOW + 600))), 4), (false, TimeTaken::CallerReplaced { by }));
    assert_eq!(ledger.user_not_before(None, "u"), Some(at(NOW + 600)));
    assert_eq!(ledger.refuses(&of_all()), Some(Level::User));
}
