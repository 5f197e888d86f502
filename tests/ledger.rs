//! The ledger's record of each kind of event: contents, retention, and the tokens it refuses.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore};
use portcullis::revocation::{Bounds, Effect, Level, Subject};
use portcullis::time::Seconds;

#[test]
fn a_token() {
    let event = token("j", NOW + 290, NOW - 10);
    let other = Subject { token_id: Some("k"), ..of_all() };
    let none = Subject { token_id: None, ..of_all() };
    check_refusals(&event, Level::Token, &[of_all()], &[other, none], Some(NOW + 290 + MARGIN));
}

#[test]
fn a_token_of_unknown_expiry() {
    let event = Event::Token { id: "j".into(), expires_at: None, issued_at: None };
    let longest = Subject { expires_at: at(NOW + LIFETIME), ..issued_at(NOW, of_all()) };
    let other = Subject { token_id: Some("k"), ..of_all() };
    check_refusals(&event, Level::Token, &[of_all(), longest], &[other], Some(NOW + 5 + LIFETIME + MARGIN));
}

#[test]
fn a_token_that_lives_too_long_to_be_accepted() {
    let event = token("j", NOW + 3 * LIFETIME, NOW - 10);
    let subject = Subject { expires_at: at(NOW + 3 * LIFETIME), ..of_all() };
    check_refusals(&event, Level::Token, &[subject], &[], Some(NOW + 5 + LIFETIME + MARGIN));
}

#[test]
fn a_token_from_the_future_is_kept_permanently() {
    let event = token("j", NOW + 9 * LIFETIME, NOW + 9 * LIFETIME - 300);
    let subject = Subject { expires_at: at(NOW + 9 * LIFETIME), ..issued_at(NOW + 9 * LIFETIME - 300, of_all()) };
    check_refusals(&event, Level::Token, &[subject], &[], None);
}

#[test]
fn an_expired_token_needs_no_record() {
    let mut ledger = ledger();
    assert_eq!(record(&mut ledger, &token("j", NOW - MARGIN, NOW - 900), NOW), None);
    // One second earlier, some edge may still accept the token.
    assert!(record(&mut ledger, &token("j", NOW - MARGIN + 1, NOW - 900), NOW).is_some());
}

#[test]
fn a_later_issue_time_of_a_known_id_is_recorded() {
    let (mut ledger, mut edge, mut by_manifest) = (ledger(), edge(), edge());
    record(&mut ledger, &token("j", NOW + 290, NOW - 10), NOW);
    load(&mut edge, &mut ledger, NOW);
    load(&mut by_manifest, &mut ledger, NOW);
    let later = subject("j", NOW + 290, NOW - 5);
    assert!(!is_revoked(&edge, &later));
    assert!(record(&mut ledger, &token("j", NOW + 290, NOW - 5), NOW).is_some());
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &later));
    let applied = load(&mut edge, &mut ledger, NOW + 1);
    assert_eq!(applied.effect, Effect::Renewed);
    // The section is the same, but its entry in the manifest differs.
    assert_eq!(load(&mut by_manifest, &mut ledger, NOW + 1).effect, Effect::Changed);
    assert!(is_revoked(&by_manifest, &later));
}

#[test]
fn a_session() {
    let event = Event::Session { sid: "s".into(), occurred_at: None, issued_at: None };
    let last = issued_at(NOW + 60, of_all());
    let after = issued_at(NOW + 61, of_all());
    let other = Subject { session: Some("t"), ..of_all() };
    let none = Subject { session: None, ..of_all() };
    check_refusals(
        &event,
        Level::Session,
        &[of_all(), last],
        &[after, other, none],
        Some(NOW + 60 + LIFETIME + MARGIN),
    );
}

#[test]
fn a_session_ended_by_a_token_from_a_clock_ahead() {
    let event = Event::Session { sid: "s".into(), occurred_at: None, issued_at: Some(at(NOW + 30)) };
    let last = issued_at(NOW + 90, of_all());
    check_refusals(
        &event,
        Level::Session,
        &[last],
        &[issued_at(NOW + 91, of_all())],
        Some(NOW + 90 + LIFETIME + MARGIN),
    );
}

#[test]
fn a_client_session() {
    let event = Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None };
    let by_client_id = Subject { authorized_party: None, client_id: Some("app"), ..of_all() };
    let other_client = Subject { authorized_party: Some("web"), ..of_all() };
    let other_session = Subject { session: Some("t"), ..of_all() };
    // Lengths are hashed, so parts cannot be shifted.
    let shifted = Subject { session: Some("sa"), authorized_party: Some("pp"), ..of_all() };
    // The client may return to the session: a login in a later second is accepted.
    let untouched = [other_client, other_session, shifted, issued_at(NOW + 3, of_all())];
    let refused = [of_all(), by_client_id, issued_at(NOW + 2, of_all())];
    check_refusals(&event, Level::ClientSession, &refused, &untouched, Some(NOW + 2 + LIFETIME + MARGIN));
}

#[test]
fn a_user() {
    // The issuer's clock may be 2 s ahead.
    let other = Subject { user: Some("v"), ..of_all() };
    let refused = [of_all(), issued_at(NOW + 2, of_all())];
    let untouched = [issued_at(NOW + 3, of_all()), other, Subject { user: None, ..of_all() }];
    check_refusals(&user("u"), Level::User, &refused, &untouched, Some(NOW + 2 + LIFETIME + MARGIN));
    let given = Event::User { sub: "u".into(), not_before: NotBefore::Caller(at(NOW - 10)) };
    check_refusals(
        &given,
        Level::User,
        &[of_all()],
        &[issued_at(NOW - 9, of_all())],
        Some(NOW - 10 + LIFETIME + MARGIN),
    );
}

#[test]
fn a_user_by_login_time() {
    let subject = Subject { compared_at: at(NOW - 500), ..issued_at(NOW + 100, of_all()) };
    let later_login = Subject { compared_at: at(NOW + 3), ..issued_at(NOW + 100, of_all()) };
    check_refusals(&user("u"), Level::User, &[subject], &[later_login], Some(NOW + 2 + LIFETIME + MARGIN));
}

#[test]
fn a_user_by_the_last_logout_known_to_the_issuer() {
    let knowing = |last_logout| Subject { logged_out_at: Some(at(last_logout)), ..issued_at(NOW + 100, of_all()) };
    let other = Subject { user: Some("v"), ..knowing(NOW) };
    let early = Subject { logged_out_at: Some(at(NOW + 2)), ..of_all() };
    let refused = [knowing(NOW + 1), knowing(0), early];
    check_refusals(
        &user("u"),
        Level::User,
        &refused,
        &[knowing(NOW + 2), knowing(NOW + 3), other],
        Some(NOW + 2 + LIFETIME + MARGIN),
    );
    // It does not apply to sessions, clients and realms.
    let event = Event::Session { sid: "s".into(), occurred_at: None, issued_at: None };
    check_refusals(&event, Level::Session, &[of_all()], &[knowing(NOW)], Some(NOW + 60 + LIFETIME + MARGIN));
}

#[test]
fn a_client() {
    let event = Event::Client { client: "app".into(), not_before: NotBefore::Now };
    let by_client_id = Subject { authorized_party: Some("web"), client_id: Some("app"), ..of_all() };
    let other = Subject { authorized_party: Some("web"), ..of_all() };
    check_refusals(&event, Level::Client, &[of_all(), by_client_id], &[other, issued_at(NOW + 3, of_all())], None);
}

#[test]
fn a_realm() {
    let event = Event::Realm { not_before: NotBefore::Now };
    check_refusals(
        &event,
        Level::Realm,
        &[of_all(), issued_at(NOW + 2, of_all())],
        &[issued_at(NOW + 3, of_all())],
        None,
    );
}

#[test]
fn a_token_version() {
    let event = Event::TokenVersion { sub: "u".into(), minimum: 2 };
    let enough = Subject { token_version: 2, ..of_all() };
    let other = Subject { user: Some("v"), ..of_all() };
    let absent = Subject { token_version: 0, ..of_all() };
    check_refusals(&event, Level::Version, &[of_all(), absent], &[enough, other], None);
    let mut ledger = ledger();
    assert_eq!(ledger.minimum_version(None, "u"), 0);
    record(&mut ledger, &event, NOW);
    assert_eq!((ledger.minimum_version(None, "u"), ledger.minimum_version(None, "v")), (2, 0));
}

#[test]
fn a_token_from_the_future_is_never_forgotten() {
    // It is accepted once its issue time is reached, possibly long after a token issued now has expired.
    let issued_at = NOW + 10 * LIFETIME;
    for expires_at in [None, Some(at(issued_at + 300))] {
        let (mut ledger, mut edge) = (ledger(), edge());
        let event = Event::Token { id: "j".into(), expires_at, issued_at: Some(at(issued_at)) };
        assert_eq!(record(&mut ledger, &event, NOW).unwrap().keep_until, None);
        ledger.prune(at(issued_at));
        load(&mut edge, &mut ledger, issued_at);
        edge.forget_expired(at(issued_at));
        let subject = subject("j", issued_at + 300, issued_at);
        assert_eq!(ledger.refuses(&subject), Some(Level::Token));
        assert!(is_revoked(&edge, &subject));
    }
}

#[test]
fn a_banned_key() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let event = Event::KeyBanned { thumbprint: [9; 32] };
    assert_eq!(record(&mut ledger, &event, NOW).unwrap().keep_until, None);
    assert_eq!(record(&mut ledger, &event, NOW), None);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(edge.bans(&[9; 32]) && ledger.bans(&[9; 32]) && !edge.bans(&[8; 32]));
}

#[test]
fn the_widest_level_comes_first() {
    let mut ledger = ledger();
    let events = [
        (token("j", NOW + 290, NOW - 10), Level::Token),
        (Event::TokenVersion { sub: "u".into(), minimum: 2 }, Level::Version),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Level::ClientSession,
        ),
        (Event::Session { sid: "s".into(), occurred_at: None, issued_at: None }, Level::Session),
        (user("u"), Level::User),
        (Event::Client { client: "app".into(), not_before: NotBefore::Now }, Level::Client),
        (Event::Realm { not_before: NotBefore::Now }, Level::Realm),
    ];
    for (event, level) in events {
        record(&mut ledger, &event, NOW);
        assert_eq!(ledger.refuses(&of_all()), Some(level));
    }
}

#[test]
fn not_befores_decrease_only_by_a_correction() {
    let mut ledger = ledger();
    let earlier = Event::User { sub: "u".into(), not_before: NotBefore::Caller(at(NOW - 100)) };
    record(&mut ledger, &user("u"), NOW);
    assert_eq!(record(&mut ledger, &earlier, NOW), None);
    assert_eq!(ledger.user_not_before(None, "u"), Some(at(NOW + 2)));
    record(&mut ledger, &user("u"), NOW + 50);
    assert_eq!(ledger.user_not_before(None, "u"), Some(at(NOW + 52)));
    assert_eq!(ledger.user_not_before(None, "v"), None);
}

#[test]
fn a_not_before_too_old_to_refuse_anything_needs_no_record() {
    let mut ledger = ledger();
    let old =
        |seconds| Event::User { sub: "u".into(), not_before: NotBefore::Caller(at(NOW - LIFETIME - MARGIN + seconds)) };
    assert_eq!(record(&mut ledger, &old(0), NOW), None);
    assert!(record(&mut ledger, &old(1), NOW).is_some());
}

#[test]
fn not_befores_are_kept_for_the_longest_session() {
    let bounds = Bounds { max_session: Some(Seconds::new(30 * 86_400)), ..Bounds::default() };
    let mut ledger = Ledger::new(LedgerSettings { bounds, ..settings() }).unwrap();
    let row = record(&mut ledger, &user("u"), NOW).unwrap();
    assert_eq!(row.keep_until, Some(at(NOW + 2 + 30 * 86_400 + MARGIN)));
    assert_eq!(ledger.prune(at(NOW + 29 * 86_400)), 0);
}

#[test]
fn pruning_drops_entries_that_can_refuse_nothing() {
    let mut ledger = ledger();
    record(&mut ledger, &token("j", NOW + 290, NOW), NOW);
    record(&mut ledger, &user("u"), NOW);
    record(&mut ledger, &Event::Realm { not_before: NotBefore::Now }, NOW);
    record(&mut ledger, &Event::TokenVersion { sub: "u".into(), minimum: 1 }, NOW);
    let bucket_end = ((NOW + 290) / 512 + 1) * 512;
    assert_eq!(ledger.prune(at(bucket_end + MARGIN - 1)), 0);
    assert_eq!(ledger.prune(at(bucket_end + MARGIN)), 1);
    assert_eq!(ledger.prune(at(NOW + 2 + LIFETIME + MARGIN - 1)), 0);
    assert_eq!(ledger.prune(at(NOW + 2 + LIFETIME + MARGIN)), 1);
    let stats = ledger.stats();
    assert_eq!((stats.token_ids, stats.epochs, stats.versions), (0, 0, 1));
    assert_eq!(ledger.refuses(&of_all()), Some(Level::Realm));
}
