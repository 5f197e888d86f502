//! Grants: the levels and names by which a client's tokens of a user are refused.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::ledger::{Correction, Event, NotBefore};
use portcullis::revocation::{Effect, GrantNames, Level, Revocations, Status, Subject};

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Caller(at(NOW)) }
}

/// Returns two edges that have the events: one from sections, one from a delta.
fn edges(events: &[Event]) -> [Revocations; 2] {
    let mut ledger = ledger();
    let mut by_delta = edge();
    load(&mut by_delta, &mut ledger, NOW);
    for event in events {
        record(&mut ledger, event, NOW);
    }
    assert_eq!(follow(&mut by_delta, &ledger, NOW), Ok(Effect::Changed));
    let mut by_section = edge();
    load(&mut by_section, &mut ledger, NOW);
    [by_section, by_delta]
}

fn check(events: &[Event], subject: &Subject<'_>, expected: Status) {
    for edge in edges(events) {
        assert_eq!(edge.status(subject), expected);
    }
}

#[test]
fn looks_up_both_clients_of_a_token_with_its_user() {
    let refused = Status::Revoked(Level::Grant);
    let of = |azp, client_id| Subject { authorized_party: azp, client_id, ..of_all() };
    let event = [grant("u", "app")];
    for (subject, expected) in [
        (of(Some("app"), None), refused),
        (of(None, Some("app")), refused),
        (of(Some("web"), Some("app")), refused),
        (of(Some("app"), Some("web")), refused),
        (of(Some("app"), Some("app")), refused),
        (of(Some("web"), Some("api")), Status::NotRevoked),
        (of(None, None), Status::NotRevoked),
        (Subject { user: Some("v"), ..of(Some("app"), None) }, Status::NotRevoked),
        // A grant does not apply to a token without a user.
        (Subject { user: None, ..of(Some("app"), None) }, Status::NotRevoked),
        // Lengths are hashed, so parts cannot be shifted, and a session of that name does not match.
        (Subject { user: Some("ua"), ..of(Some("pp"), None) }, Status::NotRevoked),
        (Subject { user: Some("w"), session: Some("u"), ..of(Some("app"), None) }, Status::NotRevoked),
    ] {
        check(&event, &subject, expected);
    }
}

#[test]
fn a_claim_named_by_the_policy_replaces_the_clients() {
    let named = |value| Subject { grant: GrantNames::Claim(value), ..of_all() };
    check(&[grant("u", "tool")], &named(Some("tool")), Status::Revoked(Level::Grant));
    check(&[grant("u", "tool")], &named(Some("app")), Status::NotRevoked);
    check(&[grant("u", "app")], &named(Some("tool")), Status::NotRevoked);
    check(&[grant("u", "app")], &named(None), Status::NotRevoked);
    check(&[grant("u", "tool")], &Subject { user: None, ..named(Some("tool")) }, Status::NotRevoked);
}

#[test]
fn refuses_tokens_by_the_time_that_the_policy_compares() {
    let event = [grant("u", "app")];
    let compared = |time| Subject { issued_at: at(NOW + 900), compared_at: at(time), ..of_all() };
    check(&event, &compared(NOW), Status::Revoked(Level::Grant));
    check(&event, &compared(NOW + 1), Status::NotRevoked);
    // A grant is not a logout: an issuer that does not know of a logout may still know of the grant.
    let unaware = Subject { logged_out_at: Some(at(NOW - 5_000)), ..compared(NOW + 1) };
    check(&event, &unaware, Status::NotRevoked);
}

#[test]
fn the_widest_level_is_named() {
    let thumbprint = [7; 32];
    let caller = || NotBefore::Caller(at(NOW));
    let events = [
        (Level::Realm, Event::Realm { not_before: caller() }),
        (Level::Client, Event::Client { client: "app".into(), not_before: caller() }),
        (Level::Key, Event::KeyNotBefore { thumbprint, not_before: caller() }),
        (Level::User, Event::User { sub: "u".into(), not_before: caller() }),
        (Level::Session, Event::Session { sid: "s".into(), occurred_at: None, issued_at: None }),
        (
            Level::ClientSession,
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
        ),
        (Level::Grant, grant("u", "app")),
        (Level::Version, Event::TokenVersion { sub: "u".into(), minimum: 2 }),
        (Level::Token, token("j", NOW + 290, NOW - 10)),
    ];
    let subject = Subject { signing_key: Some(&thumbprint), ..of_all() };
    for (from, (level, _)) in events.iter().enumerate() {
        let narrower: Vec<_> = events[from..].iter().map(|(_, event)| event.clone()).collect();
        check(&narrower, &subject, Status::Revoked(*level));
    }
}

#[test]
fn a_correction_takes_a_grant_back() {
    let mut ledger = ledger();
    let mut edge = edge();
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &grant("u", "web"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let correction = Correction::Grant { sub: "u".into(), client: "app".into(), not_before: None };
    record(&mut ledger, &Event::Correction(correction), NOW);
    load(&mut edge, &mut ledger, NOW + 1);
    assert_eq!(edge.status(&of_all()), Status::NotRevoked);
    let other = Subject { authorized_party: Some("web"), ..of_all() };
    assert_eq!(edge.status(&other), Status::Revoked(Level::Grant));
}

#[test]
fn a_missing_section_is_requested_and_gives_no_result() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &grant("u", "app"), NOW);
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    let missing = edge.missing_sections();
    assert_eq!(missing.len(), 1);
    assert_eq!(edge.missing_for(&of_all()), missing);
    assert_eq!(edge.status(&of_all()), Status::SectionUnavailable);
    // A token that no grant can apply to does not need the section.
    let subjectless = Subject { user: None, ..of_all() };
    assert_eq!(edge.missing_for(&subjectless), [[0; 32]; 0]);
    assert_eq!(edge.status(&subjectless), Status::NotRevoked);
    provide_all(&mut edge, &ledger);
    assert_eq!(edge.status(&of_all()), Status::Revoked(Level::Grant));
    assert_eq!((edge.stats().grants, edge.stats().epochs), (1, 0));
}

#[test]
fn a_grant_is_dropped_once_none_of_its_tokens_can_be_accepted() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    edge.forget_expired(at(NOW + LIFETIME + MARGIN - 1));
    assert_eq!(edge.stats().grants, 1);
    edge.forget_expired(at(NOW + LIFETIME + MARGIN));
    assert_eq!(edge.stats().grants, 0);
}
