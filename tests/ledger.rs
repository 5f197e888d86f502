//! What the ledger records, for how long, and what it gives out.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::{DeltaUnavailable, LedgerError};
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{
    Correction, Event, Ledger, LedgerSettings, Row, RowPage, MAX_LIFETIME_SECONDS, MAX_NAME_BYTES, RECENT_CHANGES,
    RECENT_SECTIONS_SECONDS,
};
use portcullis::revocation::{Bounds, Effect, FeedKey, Level, Status, Subject};
use portcullis::time::{Seconds, UnixSeconds};

const LIFETIME: u64 = 86_400;
const MARGIN: u64 = 10;

/// A token of everybody's.
fn of_all() -> Subject<'static> {
    Subject {
        token_id: Some("j"),
        user: Some("u"),
        session: Some("s"),
        authorized_party: Some("app"),
        client_id: None,
        issued_at: at(NOW - 10),
        compared_at: at(NOW - 10),
        logged_out_at: None,
        expires_at: at(NOW + 290),
        token_version: 1,
    }
}

fn issued_at<'a>(seconds: u64, subject: Subject<'a>) -> Subject<'a> {
    Subject { issued_at: at(seconds), compared_at: at(seconds), ..subject }
}

/// Records one event in a new ledger, and holds ledger, an edge by manifest and an edge by delta to the same answers.
fn check(event: &Event, level: Level, refused: &[Subject<'_>], untouched: &[Subject<'_>], keep_until: Option<u64>) {
    let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), edge(), edge());
    load(&mut by_delta, &mut ledger, NOW);
    let row = record(&mut ledger, event, NOW).expect("recorded");
    assert_eq!(row.keep_until.map(UnixSeconds::get), keep_until);
    assert_eq!(record(&mut ledger, event, NOW), None, "recorded twice");
    follow(&mut by_delta, &ledger, NOW).unwrap();
    load(&mut by_manifest, &mut ledger, NOW);
    for (subjects, expected) in [(refused, Some(level)), (untouched, None)] {
        for subject in subjects {
            assert_eq!(ledger.refuses(subject), expected, "{subject:?}");
            for edge in [&by_delta, &by_manifest] {
                let status = edge.status(subject);
                assert_eq!(status, expected.map_or(Status::NotRevoked, Status::Revoked));
            }
        }
    }
}

#[test]
fn a_token() {
    let event = token("j", NOW + 290, NOW - 10);
    let other = Subject { token_id: Some("k"), ..of_all() };
    let none = Subject { token_id: None, ..of_all() };
    check(&event, Level::Token, &[of_all()], &[other, none], Some(NOW + 290 + MARGIN));
}

#[test]
fn a_token_of_unknown_expiry() {
    let event = Event::Token { id: "j".into(), expires_at: None, issued_at: None };
    let longest = Subject { expires_at: at(NOW + LIFETIME), ..issued_at(NOW, of_all()) };
    let other = Subject { token_id: Some("k"), ..of_all() };
    check(&event, Level::Token, &[of_all(), longest], &[other], Some(NOW + 5 + LIFETIME + MARGIN));
}

#[test]
fn a_token_that_lives_too_long_to_be_accepted() {
    let event = token("j", NOW + 3 * LIFETIME, NOW - 10);
    let subject = Subject { expires_at: at(NOW + 3 * LIFETIME), ..of_all() };
    check(&event, Level::Token, &[subject], &[], Some(NOW + 5 + LIFETIME + MARGIN));
}

#[test]
fn a_token_from_the_future_is_kept_for_ever() {
    let event = token("j", NOW + 9 * LIFETIME, NOW + 9 * LIFETIME - 300);
    let subject = Subject { expires_at: at(NOW + 9 * LIFETIME), ..issued_at(NOW + 9 * LIFETIME - 300, of_all()) };
    check(&event, Level::Token, &[subject], &[], None);
}

#[test]
fn an_expired_token_needs_no_record() {
    let mut ledger = ledger();
    assert_eq!(record(&mut ledger, &token("j", NOW - MARGIN, NOW - 900), NOW), None);
    // One second less, and some edge may still accept it.
    assert!(record(&mut ledger, &token("j", NOW - MARGIN + 1, NOW - 900), NOW).is_some());
}

#[test]
fn a_later_issue_time_of_a_known_id_is_news() {
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
    // The section is the same, but what the manifest says of it is not.
    assert_eq!(load(&mut by_manifest, &mut ledger, NOW + 1).effect, Effect::Changed);
    assert!(is_revoked(&by_manifest, &later));
}

#[test]
fn a_session() {
    let event = Event::Session { sid: "s".into(), issued_at: None };
    let last = issued_at(NOW + 60, of_all());
    let after = issued_at(NOW + 61, of_all());
    let other = Subject { session: Some("t"), ..of_all() };
    let none = Subject { session: None, ..of_all() };
    check(&event, Level::Session, &[of_all(), last], &[after, other, none], Some(NOW + 60 + LIFETIME + MARGIN));
}

#[test]
fn a_session_ended_by_a_token_of_a_clock_ahead() {
    let event = Event::Session { sid: "s".into(), issued_at: Some(at(NOW + 30)) };
    let last = issued_at(NOW + 90, of_all());
    check(&event, Level::Session, &[last], &[issued_at(NOW + 91, of_all())], Some(NOW + 90 + LIFETIME + MARGIN));
}

#[test]
fn a_client_session() {
    let event = Event::ClientSession { sid: "s".into(), azp: "app".into(), issued_at: None };
    let by_client_id = Subject { authorized_party: None, client_id: Some("app"), ..of_all() };
    let other_client = Subject { authorized_party: Some("web"), ..of_all() };
    let other_session = Subject { session: Some("t"), ..of_all() };
    // Lengths are hashed: the parts cannot be shifted.
    let shifted = Subject { session: Some("sa"), authorized_party: Some("pp"), ..of_all() };
    let untouched = [other_client, other_session, shifted, issued_at(NOW + 61, of_all())];
    let refused = [of_all(), by_client_id, issued_at(NOW + 60, of_all())];
    check(&event, Level::ClientSession, &refused, &untouched, Some(NOW + 60 + LIFETIME + MARGIN));
}

#[test]
fn a_user() {
    // The issuer's clock may be 2 s ahead.
    let other = Subject { user: Some("v"), ..of_all() };
    let refused = [of_all(), issued_at(NOW + 2, of_all())];
    let untouched = [issued_at(NOW + 3, of_all()), other, Subject { user: None, ..of_all() }];
    check(&user("u"), Level::User, &refused, &untouched, Some(NOW + 2 + LIFETIME + MARGIN));
    let given = Event::User { sub: "u".into(), not_before: Some(at(NOW - 10)) };
    check(&given, Level::User, &[of_all()], &[issued_at(NOW - 9, of_all())], Some(NOW - 10 + LIFETIME + MARGIN));
}

#[test]
fn a_user_by_login_time() {
    let subject = Subject { compared_at: at(NOW - 500), ..issued_at(NOW + 100, of_all()) };
    let later_login = Subject { compared_at: at(NOW + 3), ..issued_at(NOW + 100, of_all()) };
    check(&user("u"), Level::User, &[subject], &[later_login], Some(NOW + 2 + LIFETIME + MARGIN));
}

#[test]
fn a_user_by_the_logout_that_the_issuer_knew_of() {
    let knowing = |last_logout| Subject { logged_out_at: Some(at(last_logout)), ..issued_at(NOW + 100, of_all()) };
    let other = Subject { user: Some("v"), ..knowing(NOW) };
    let early = Subject { logged_out_at: Some(at(NOW + 2)), ..of_all() };
    let refused = [knowing(NOW + 1), knowing(0), early];
    check(
        &user("u"),
        Level::User,
        &refused,
        &[knowing(NOW + 2), knowing(NOW + 3), other],
        Some(NOW + 2 + LIFETIME + MARGIN),
    );
    // It says nothing of sessions, clients and realms.
    let event = Event::Session { sid: "s".into(), issued_at: None };
    check(&event, Level::Session, &[of_all()], &[knowing(NOW)], Some(NOW + 60 + LIFETIME + MARGIN));
}

#[test]
fn a_client() {
    let event = Event::Client { client: "app".into(), not_before: None };
    let by_client_id = Subject { authorized_party: Some("web"), client_id: Some("app"), ..of_all() };
    let other = Subject { authorized_party: Some("web"), ..of_all() };
    check(&event, Level::Client, &[of_all(), by_client_id], &[other, issued_at(NOW + 3, of_all())], None);
}

#[test]
fn a_realm() {
    let event = Event::Realm { not_before: None };
    check(&event, Level::Realm, &[of_all(), issued_at(NOW + 2, of_all())], &[issued_at(NOW + 3, of_all())], None);
}

#[test]
fn a_token_version() {
    let event = Event::TokenVersion { sub: "u".into(), minimum: 2 };
    let enough = Subject { token_version: 2, ..of_all() };
    let other = Subject { user: Some("v"), ..of_all() };
    let absent = Subject { token_version: 0, ..of_all() };
    check(&event, Level::Version, &[of_all(), absent], &[enough, other], None);
    let mut ledger = ledger();
    assert_eq!(ledger.minimum_version("u"), 0);
    record(&mut ledger, &event, NOW);
    assert_eq!((ledger.minimum_version("u"), ledger.minimum_version("v")), (2, 0));
}

#[test]
fn a_token_from_the_future_is_never_forgotten() {
    // It is accepted once its time has come, which may be long after one issued now has expired.
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
fn no_secret_gets_into_the_feed() {
    let mut ledger = ledger();
    let public = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    for secret in [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA","\u0064":"AA"}"#,
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB","qi":"AA"}"#,
    ] {
        let jwks = format!(r#"{{"keys":[{public},{secret}]}}"#).into_bytes();
        assert_eq!(ledger.stage(&Event::Keys { jwks }, at(NOW)), Err(LedgerError::PrivateKey), "{secret}");
    }
    // Hidden behind a second member of that name, where another reader would look.
    for hidden in [
        r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}],"keys":[]}"#,
        r#"{"keys":[{"kty":"OKP","kty":"oct","k":"c2VjcmV0"}]}"#,
        r#"{"keys":["secret"]}"#,
    ] {
        assert_eq!(ledger.stage(&Event::Keys { jwks: hidden.into() }, at(NOW)), Err(LedgerError::NotAJwks), "{hidden}");
    }
    let jwks = format!(r#"{{"keys":[{public}]}}"#).into_bytes();
    assert!(ledger.stage(&Event::Keys { jwks }, at(NOW)).unwrap().is_some());
}

#[test]
fn the_widest_level_comes_first() {
    let mut ledger = ledger();
    let events = [
        (token("j", NOW + 290, NOW - 10), Level::Token),
        (Event::TokenVersion { sub: "u".into(), minimum: 2 }, Level::Version),
        (Event::ClientSession { sid: "s".into(), azp: "app".into(), issued_at: None }, Level::ClientSession),
        (Event::Session { sid: "s".into(), issued_at: None }, Level::Session),
        (user("u"), Level::User),
        (Event::Client { client: "app".into(), not_before: None }, Level::Client),
        (Event::Realm { not_before: None }, Level::Realm),
    ];
    for (event, level) in events {
        record(&mut ledger, &event, NOW);
        assert_eq!(ledger.refuses(&of_all()), Some(level));
    }
}

#[test]
fn not_befores_never_go_back_by_themselves() {
    let mut ledger = ledger();
    let earlier = Event::User { sub: "u".into(), not_before: Some(at(NOW - 100)) };
    record(&mut ledger, &user("u"), NOW);
    assert_eq!(record(&mut ledger, &earlier, NOW), None);
    assert_eq!(ledger.user_not_before("u"), Some(at(NOW + 2)));
    record(&mut ledger, &user("u"), NOW + 50);
    assert_eq!(ledger.user_not_before("u"), Some(at(NOW + 52)));
    assert_eq!(ledger.user_not_before("v"), None);
}

#[test]
fn a_not_before_in_the_future_is_refused() {
    let mut ledger = ledger();
    let (given, latest) = (NOW + 6, NOW + 5);
    let not_before = Some(at(given));
    let error = Err(LedgerError::NotBeforeInFuture { not_before: given, latest });
    assert_eq!(ledger.stage(&Event::User { sub: "u".into(), not_before }, at(NOW)), error);
    assert_eq!(ledger.stage(&Event::Client { client: "u".into(), not_before }, at(NOW)), error);
    assert_eq!(ledger.stage(&Event::Realm { not_before }, at(NOW)), error);
    let correction = Correction::Realm { not_before };
    assert_eq!(ledger.stage(&Event::Correction(correction), at(NOW)), error);
    // Milliseconds taken for seconds.
    let milliseconds = Event::Realm { not_before: Some(at(NOW * 1_000)) };
    assert!(ledger.stage(&milliseconds, at(NOW)).is_err());
    assert!(ledger.stage(&Event::Realm { not_before: Some(at(latest)) }, at(NOW)).unwrap().is_some());
}

#[test]
fn a_not_before_too_old_to_refuse_anything_needs_no_record() {
    let mut ledger = ledger();
    let old = |seconds| Event::User { sub: "u".into(), not_before: Some(at(NOW - LIFETIME - MARGIN + seconds)) };
    assert_eq!(record(&mut ledger, &old(0), NOW), None);
    assert!(record(&mut ledger, &old(1), NOW).is_some());
}

#[test]
fn names_and_keys_have_their_limits() {
    let mut ledger = ledger();
    let mut stage = |event: Event| ledger.stage(&event, at(NOW)).map(|row| row.is_some());
    assert_eq!(stage(user("")), Err(LedgerError::EmptyName));
    let (length, limit) = (MAX_NAME_BYTES + 1, MAX_NAME_BYTES);
    assert_eq!(stage(user(&"x".repeat(length))), Err(LedgerError::NameTooLong { length, limit }));
    assert_eq!(stage(user(&"x".repeat(limit))), Ok(true));
    assert_eq!(stage(Event::Keys { jwks: b"{}".to_vec() }), Err(LedgerError::NotAJwks));
    assert_eq!(stage(Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }), Ok(true));
    assert_eq!(stage(Event::Keys { jwks: br#"{"keys":[],"keys":[]}"#.to_vec() }), Err(LedgerError::NotAJwks));
    assert_eq!(stage(Event::TokenVersion { sub: "u".into(), minimum: 0 }), Ok(false));
    for number in 0..4_096_u32 {
        let mut thumbprint = [0; 32];
        thumbprint[..4].copy_from_slice(&number.to_le_bytes());
        assert_eq!(stage(Event::KeyBanned { thumbprint }), Ok(true));
    }
    assert_eq!(stage(Event::KeyBanned { thumbprint: [255; 32] }), Err(LedgerError::TooMany { limit: 4_096 }));
}

#[test]
fn settings_have_their_limits() {
    let refused = |settings: LedgerSettings| Ledger::new(settings).map(|ledger| ledger.head()).err();
    let setting = |setting| Some(LedgerError::Setting { setting });
    let bounds = Bounds { max_lifetime: Seconds::new(MAX_LIFETIME_SECONDS + 1), ..Bounds::default() };
    assert_eq!(refused(LedgerSettings { bounds, ..settings() }), setting("bounds.max_lifetime"));
    assert_eq!(refused(LedgerSettings { error_rate: f64::NAN, ..settings() }), setting("error_rate"));
    assert_eq!(refused(LedgerSettings { error_rate: 1.0, ..settings() }), setting("error_rate"));
    assert_eq!(refused(LedgerSettings { incarnation: 1 << 13, ..settings() }), setting("incarnation"));
    assert_eq!(refused(LedgerSettings { issuer: String::new(), ..settings() }), setting("issuer"));
}

#[test]
fn only_what_is_committed_is_published() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let head = ledger.head();
    let row = ledger.stage(&user("u"), at(NOW)).unwrap().unwrap();
    assert_eq!(row.sequence, head.0 + 1);
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.position().unwrap().sequence, head.0);
    assert_eq!(ledger.refuses(&of_user("u", NOW)), None);
    // Staged twice in one batch: once is enough.
    assert_eq!(ledger.stage(&user("u"), at(NOW)).unwrap(), None);
    ledger.abort();
    assert_eq!(ledger.head(), head);
    let again = ledger.stage(&user("v"), at(NOW)).unwrap().unwrap();
    assert_eq!(again.sequence, row.sequence);
    assert_ne!(again.chain, row.chain);
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &of_user("v", NOW)) && !is_revoked(&edge, &of_user("u", NOW)));
    assert_eq!(ledger.head(), (again.sequence, again.chain));
}

#[test]
fn a_delta_of_a_hundred_tokens_in_four_buckets_is_small() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &user("u"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let after = ledger.head().0;
    for id in 0..100 {
        let expires_at = NOW + 300 + id % 4 * 512;
        ledger.stage(&token(&format!("{id:08x}-0000-4000-8000-000000000000"), expires_at, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    let delta = ledger.delta(after, at(NOW + 1)).unwrap();
    println!("{} bytes for 100 tokens, heartbeat {}", delta.len(), ledger.heartbeat(at(NOW)).len());
    assert!(delta.len() <= 800, "{} bytes", delta.len());
    assert_eq!(edge.apply(&delta, at(NOW + 1)).unwrap().effect, Effect::Changed);
    // The first one of a run also declares its hash key.
    assert!(ledger.delta(1 << 40, at(NOW)).unwrap().len() <= 800 + 60);
}

#[test]
fn deltas_start_where_they_are_asked_to() {
    let mut ledger = ledger();
    let base = ledger.head().0;
    for number in 0..20 {
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    for after in [base, base + 7, base + 19] {
        let delta = ledger.delta(after, at(NOW)).unwrap();
        assert_eq!(u64::from_le_bytes(*delta[24..].first_chunk().unwrap()), base + 20);
        assert_eq!(u64::from(u32::from_le_bytes(*delta[60..].first_chunk().unwrap())), base + 20 - after);
    }
    assert_eq!(ledger.delta(base + 20, at(NOW)).unwrap(), ledger.heartbeat(at(NOW)));
    let (sequence, head) = (base + 21, base + 20);
    assert_eq!(ledger.delta(sequence, at(NOW)), Err(DeltaUnavailable::Ahead { sequence, head }));
    assert_eq!(ledger.delta(base - 1, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base }));
}

#[test]
fn the_chain_of_the_past_is_known_for_a_while() {
    let mut ledger = ledger();
    let (base, genesis) = ledger.head();
    let mut rows = Vec::new();
    for number in 0..20 {
        rows.extend(record(&mut ledger, &user(&format!("u{number}")), NOW));
    }
    assert_eq!(ledger.chain_at(base), Some(genesis));
    assert!(rows.iter().all(|row| ledger.chain_at(row.sequence) == Some(row.chain)));
    assert_eq!((ledger.chain_at(base - 1), ledger.chain_at(base + 21)), (None, None));
    // What is only staged is not published, so no edge can know of it.
    ledger.stage(&user("staged"), at(NOW)).unwrap();
    assert_eq!(ledger.chain_at(base + 21), None);

    // Where a row has expired, its chain is not known; the head always is.
    let mut restarted = pair::ledger();
    rows.iter().filter(|row| row.sequence % 5 != 0).for_each(|row| restarted.restore(row).unwrap());
    let last = rows.last().unwrap();
    restarted.restore_head(last.sequence, last.chain).unwrap();
    for row in &rows {
        let is_known = row.sequence % 5 != 0 || row.sequence == last.sequence;
        assert_eq!(restarted.chain_at(row.sequence), is_known.then_some(row.chain));
    }
}

#[test]
fn changes_are_kept_one_by_one_up_to_a_limit_and_told_in_parts() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let base = ledger.head().0;
    for number in 0..RECENT_CHANGES as u64 + 10 {
        ledger.stage(&Event::TokenVersion { sub: format!("u{number}"), minimum: 1 }, at(NOW)).unwrap();
    }
    ledger.commit();
    assert_eq!(ledger.delta(base, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base + 10 }));
    let mut first = base + 10;
    // As many as fit; the state's age stays that of the last complete statement.
    let delta = ledger.delta(first, at(NOW + 9)).unwrap();
    assert!((1_000_000..=1 << 20).contains(&delta.len()), "{} bytes", delta.len());
    let error = edge.apply(&delta, at(NOW + 9)).unwrap_err();
    assert_eq!(error, portcullis::error::FeedError::Gap { from: first, known: base });
    load(&mut edge, &mut ledger, NOW + 9);
    let mut behind = pair::edge();
    let mut other = pair::ledger();
    load(&mut behind, &mut other, NOW);
    assert_eq!(behind.apply(&delta, at(NOW + 9)).unwrap_err().code(), "gap");
    for number in 0..70_000_u64 {
        ledger.stage(&Event::TokenVersion { sub: format!("v{number}"), minimum: 1 }, at(NOW + 10)).unwrap();
    }
    ledger.commit();
    first = edge.position().unwrap().sequence;
    let delta = ledger.delta(first, at(NOW + 20)).unwrap();
    assert_eq!(edge.apply(&delta, at(NOW + 20)).unwrap().effect, Effect::ChangedInPart);
    let partway = edge.position().unwrap();
    assert!(partway.sequence > first && partway.sequence < ledger.head().0);
    assert_eq!(partway.issued_at, at(NOW + 9));
    assert_eq!(follow(&mut edge, &ledger, NOW + 20), Ok(Effect::Changed));
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    assert_eq!(edge.position().unwrap().sequence, ledger.head().0);
}

#[test]
fn only_touched_sections_are_built_and_replaced_ones_stay_a_while() {
    let mut ledger = ledger();
    for number in 0..300_u64 {
        record(&mut ledger, &token(&format!("t{number}"), NOW + 300 + number * 40, NOW), NOW);
        record(&mut ledger, &user(&format!("u{number}")), NOW);
    }
    let names = |ledger: &mut Ledger, now| {
        let mut edge = edge();
        edge.apply(&ledger.manifest(at(now)).unwrap(), at(now)).unwrap();
        edge.missing_sections()
    };
    let before = names(&mut ledger, NOW);
    record(&mut ledger, &token("new", NOW + 300, NOW), NOW + 1);
    let after = names(&mut ledger, NOW + 1);
    let replaced: Vec<_> = before.iter().filter(|name| !after.contains(name)).collect();
    assert_eq!(replaced.len(), 1);
    assert!(ledger.section(replaced[0]).is_some());
    assert_eq!(names(&mut ledger, NOW + RECENT_SECTIONS_SECONDS), after);
    assert!(ledger.section(replaced[0]).is_some());
    names(&mut ledger, NOW + 1 + RECENT_SECTIONS_SECONDS);
    assert!(ledger.section(replaced[0]).is_none());
    assert!(after.iter().all(|name| ledger.section(name).is_some()));
}

#[test]
fn pruning_forgets_what_can_refuse_nothing() {
    let mut ledger = ledger();
    record(&mut ledger, &token("j", NOW + 290, NOW), NOW);
    record(&mut ledger, &user("u"), NOW);
    record(&mut ledger, &Event::Realm { not_before: None }, NOW);
    record(&mut ledger, &Event::TokenVersion { sub: "u".into(), minimum: 1 }, NOW);
    let bucket_end = ((NOW + 290) / 512 + 1) * 512;
    assert_eq!(ledger.prune(at(bucket_end + MARGIN - 1)), 0);
    assert_eq!(ledger.prune(at(bucket_end + MARGIN)), 1);
    assert_eq!(ledger.prune(at(NOW + 2 + LIFETIME + MARGIN - 1)), 0);
    assert_eq!(ledger.prune(at(NOW + 2 + LIFETIME + MARGIN)), 1);
    let facts = ledger.facts();
    assert_eq!((facts.token_ids, facts.epochs, facts.versions), (0, 0, 1));
    assert_eq!(ledger.refuses(&of_all()), Some(Level::Realm));
}

#[test]
fn facts_say_how_full_the_fullest_filter_is() {
    let mut ledger = ledger();
    let ids = |ledger: &mut Ledger, ids: core::ops::Range<u64>, expires_at: u64| {
        ids.for_each(|id| {
            record(ledger, &token(&format!("{expires_at} {id}"), expires_at, NOW), NOW);
        });
    };
    ids(&mut ledger, 0..25, NOW + 290);
    ids(&mut ledger, 0..10, NOW + 290 + 512);
    record(&mut ledger, &Event::Token { id: "w".into(), expires_at: None, issued_at: None }, NOW);
    record(&mut ledger, &Event::Client { client: "app".into(), not_before: None }, NOW);
    record(&mut ledger, &Event::KeyBanned { thumbprint: [1; 32] }, NOW);
    let facts = ledger.facts();
    assert_eq!((facts.token_ids, facts.buckets, facts.clients, facts.bans), (36, 2, 1, 1));
    assert_eq!(facts.section_bytes, 0, "nothing is published yet");
    assert!((facts.filter_fill - 0.5).abs() < 1e-9, "25 of 50, published or not: {}", facts.filter_fill);
    ledger.manifest(at(NOW)).unwrap();
    let facts = ledger.facts();
    assert!((facts.filter_fill - 0.5).abs() < 1e-9, "25 of 50: {}", facts.filter_fill);
    assert!((facts.error_rate - 1e-6).abs() < 1e-12);
    assert!(facts.section_bytes > 3 * 50 * 28 / 8);
    ids(&mut ledger, 25..60, NOW + 290);
    assert!((ledger.facts().filter_fill - 1.0).abs() < 1e-9, "full until the next manifest");
    ledger.manifest(at(NOW)).unwrap();
    assert!((ledger.facts().filter_fill - 60.0 / 63.0).abs() < 1e-9);
}

#[test]
fn not_befores_are_kept_as_long_as_sessions_may_last() {
    let bounds = Bounds { max_session: Some(Seconds::new(30 * 86_400)), ..Bounds::default() };
    let mut ledger = Ledger::new(LedgerSettings { bounds, ..settings() }).unwrap();
    let row = record(&mut ledger, &user("u"), NOW).unwrap();
    assert_eq!(row.keep_until, Some(at(NOW + 2 + 30 * 86_400 + MARGIN)));
    assert_eq!(ledger.prune(at(NOW + 29 * 86_400)), 0);
}

fn some_rows(ledger: &mut Ledger) -> Vec<Row> {
    let mut rows = Vec::new();
    for number in 0..40 {
        rows.extend(record(ledger, &token(&format!("t{number}"), NOW + 300 + number, NOW), NOW));
        rows.extend(record(ledger, &user(&format!("u{number}")), NOW));
    }
    rows.extend(record(ledger, &Event::Session { sid: "s".into(), issued_at: None }, NOW));
    rows.extend(record(ledger, &Event::ClientSession { sid: "s".into(), azp: "a".into(), issued_at: None }, NOW));
    rows.extend(record(ledger, &Event::Client { client: "a".into(), not_before: None }, NOW));
    rows.extend(record(ledger, &Event::Realm { not_before: Some(at(NOW - 600)) }, NOW));
    rows.extend(record(ledger, &Event::KeyBanned { thumbprint: [1; 32] }, NOW));
    rows.extend(record(ledger, &Event::TokenVersion { sub: "u".into(), minimum: 4 }, NOW));
    rows.extend(record(ledger, &Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }, NOW));
    let correction = Correction::User { sub: "u3".into(), not_before: None };
    rows.extend(record(ledger, &Event::Correction(correction), NOW));
    rows.extend(record(ledger, &user("last"), NOW));
    rows
}

#[test]
fn a_restart_gives_the_same_head_and_the_same_answers() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut after = ledger();
    rows.iter().for_each(|row| after.restore(row).unwrap());
    after.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!(after.head(), before.head());
    assert_eq!(after.facts(), before.facts());
    let (mut one, mut other) = (edge(), edge());
    load(&mut one, &mut before, NOW);
    load(&mut other, &mut after, NOW);
    for number in 0..40 {
        let (id, sub) = (format!("t{number}"), format!("u{number}"));
        let subjects = [subject(&id, NOW + 300 + number, NOW), of_user(&sub, NOW), of_user(&sub, NOW - 700)];
        for subject in &subjects {
            assert_eq!(before.refuses(subject), after.refuses(subject));
            assert_eq!(one.status(subject), other.status(subject));
        }
    }
    assert_eq!((one.jwks(), other.jwks()), (Some(&b"{\"keys\":[]}"[..]), Some(&b"{\"keys\":[]}"[..])));
    // Both go on alike.
    let next = |ledger: &mut Ledger| record(ledger, &user("next"), NOW + 1).unwrap();
    assert_eq!(next(&mut before), next(&mut after));
}

#[test]
fn rows_that_have_expired_may_be_missing() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut after = ledger();
    let kept = rows.iter().filter(|row| row.keep_until.is_none_or(|keep_until| keep_until > at(NOW + 400)));
    kept.for_each(|row| after.restore(row).unwrap());
    after.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!((after.head(), after.facts().token_ids), (before.head(), 0));
    assert_eq!(after.facts().epochs, before.facts().epochs);
    // Even the last ones.
    let mut empty = ledger();
    empty.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!(record(&mut empty, &user("next"), NOW).unwrap().sequence, before.head().0 + 1);
}

#[test]
fn a_broken_store_is_found_out() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let restore = |change: &dyn Fn(&mut Vec<Row>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        let one_by_one = rows.iter().try_fold(ledger(), |mut ledger, row| ledger.restore(row).map(|()| ledger));
        let by_page = restore_page(&rows);
        assert_eq!(by_page.as_ref().err(), one_by_one.as_ref().err());
        one_by_one.map(drop)
    };
    let sequence = rows[5].sequence;
    let last = rows[6].sequence;
    assert_eq!(restore(&|rows| rows[5].payload[12] ^= 1), Err(LedgerError::BrokenChain { sequence }));
    assert_eq!(restore(&|rows| rows[5].chain.0[0] ^= 1), Err(LedgerError::BrokenChain { sequence }));
    assert_eq!(restore(&|rows| rows.swap(5, 6)), Err(LedgerError::OutOfOrder { sequence, last }));
    assert_eq!(restore(&|rows| rows[0].payload.push(0)), Err(LedgerError::BrokenChain { sequence: rows[0].sequence }));
    let later = 2 << 40;
    assert_eq!(restore(&|rows| rows[0].sequence = later), Err(LedgerError::LaterIncarnation { sequence: later }));
    // A gap hides the break, but not what cannot be read.
    let unreadable = restore(&|rows| {
        rows.remove(4);
        rows[4].payload[0] = 9;
    });
    assert_eq!(unreadable, Err(LedgerError::UnreadableRow { sequence }));
}

/// A ledger of these rows, handed over at once.
fn restore_page(rows: &[Row]) -> Result<Ledger, LedgerError> {
    let mut ledger = ledger();
    let page = RowPage {
        sequences: &rows.iter().map(|row| row.sequence).collect::<Vec<_>>(),
        lengths: &rows.iter().map(|row| u32::try_from(row.payload.len()).unwrap()).collect::<Vec<_>>(),
        chains: &rows.iter().flat_map(|row| row.chain.0).collect::<Vec<_>>(),
        payloads: &rows.iter().flat_map(|row| row.payload.clone()).collect::<Vec<_>>(),
    };
    ledger.restore_page(page).map(|()| ledger)
}

#[test]
fn pages_of_rows_restore_what_rows_do() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let mut by_page = restore_page(&rows).unwrap();
    by_page.restore_head(before.head().0, before.head().1).unwrap();
    assert_eq!((by_page.head(), by_page.facts()), (before.head(), before.facts()));
    let next = |ledger: &mut Ledger| record(ledger, &user("next"), NOW + 1).unwrap();
    assert_eq!(next(&mut before), next(&mut by_page));

    assert_eq!(restore_page(&[]).unwrap().head(), ledger().head());
    let torn = RowPage { sequences: &[rows[0].sequence], lengths: &[4], chains: &[0; 16], payloads: &[0; 3] };
    assert_eq!(ledger().restore_page(torn), Err(LedgerError::UnreadablePage { rows: 1 }));
}

#[test]
fn the_head_must_fit_the_rows() {
    let mut before = ledger();
    let rows = some_rows(&mut before);
    let (sequence, chain) = before.head();
    let restored = || {
        let mut ledger = ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        ledger
    };
    let mut other = chain;
    other.0[0] ^= 1;
    assert_eq!(restored().restore_head(sequence, other), Err(LedgerError::BrokenChain { sequence }));
    let below = sequence - 1;
    let error = LedgerError::OutOfOrder { sequence: below, last: sequence };
    assert_eq!(restored().restore_head(below, chain), Err(error));
    assert_eq!(restored().restore_head(3 << 40, chain), Err(LedgerError::LaterIncarnation { sequence: 3 << 40 }));
    let mut running = restored();
    record(&mut running, &user("new"), NOW);
    assert!(running.restore(&rows[0]).is_err() && running.restore_head(sequence + 9, chain).is_err());
}

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
        (Event::Realm { not_before: None }, Correction::Realm { not_before: None }),
        (
            Event::Client { client: "app".into(), not_before: None },
            Correction::Client { client: "app".into(), not_before: None },
        ),
        (Event::TokenVersion { sub: "u".into(), minimum: 7 }, Correction::TokenVersion { sub: "u".into(), minimum: 0 }),
        (
            Event::Session { sid: "s".into(), issued_at: None },
            Correction::Session { sid: "s".into(), not_before: None },
        ),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), issued_at: None },
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
            Event::Session { sid: "s".into(), issued_at: None },
            Correction::Session { sid: "s".into(), not_before: None },
        ),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), issued_at: None },
            Correction::ClientSession { sid: "s".into(), azp: "app".into(), not_before: None },
        ),
        (
            Event::Client { client: "app".into(), not_before: None },
            Correction::Client { client: "app".into(), not_before: None },
        ),
        (Event::Realm { not_before: None }, Correction::Realm { not_before: None }),
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
        assert_eq!(ledger.delta(mistaken, at(NOW)), Err(DeltaUnavailable::Pruned { earliest }));
        load(&mut edge, &mut ledger, NOW);
        assert_eq!(edge.status(&of_all()), Status::NotRevoked);
        assert!(!edge.bans(&banned));
    }
    // What was put in place of the mistake still counts.
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

#[test]
fn a_delta_leads_no_further_than_its_span_can_say() {
    let mut ledger = ledger();
    let (base, chain) = ledger.head();
    let head = base + (1 << 32);
    ledger.restore_head(head, chain).unwrap();
    assert_eq!(ledger.delta(base, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: head }));
    record(&mut ledger, &user("u"), NOW);
    assert!(ledger.delta(head + 1, at(NOW)).is_ok());
}

#[test]
fn an_incarnation_begins_its_own_numbers_and_chain() {
    let mut first = ledger();
    let rows = some_rows(&mut first);
    let mut second = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    rows.iter().for_each(|row| second.restore(row).unwrap());
    second.restore_head(first.head().0, first.head().1).unwrap();
    let (base, genesis) = second.head();
    assert_eq!(base, 2 << 40);
    assert_ne!(genesis, ledger().head().1);
    let row = record(&mut second, &user("new"), NOW).unwrap();
    assert_eq!(row.sequence, base + 1);
    // And is restored together with the rows before it.
    let mut again = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    rows.iter().chain([&row]).for_each(|row| again.restore(row).unwrap());
    assert_eq!(again.head(), second.head());
    assert_eq!(again.delta(first.head().0, at(NOW)), Err(DeltaUnavailable::Pruned { earliest: base }));
    assert!(again.delta(base, at(NOW)).is_ok());
}

#[test]
fn keys_are_drawn_and_written_as_jwk() {
    let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
    assert_ne!(one.public().id(), other.public().id());
    let again = SigningKey::from_jwk(one.to_jwk().as_bytes()).unwrap();
    assert_eq!(again.public().id(), one.public().id());
    assert_eq!(FeedKey::from_jwk(one.public_jwk().as_bytes()).unwrap().id(), one.public().id());
    assert!(FeedKey::from_jwk(one.to_jwk().as_bytes()).is_err());
}
