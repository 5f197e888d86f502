//! An edge's lookups with a manifest, its sections and deltas, all in order, and the records that it may drop.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings, NotBefore};
use portcullis::revocation::{peek_realm, Bounds, Effect, Level, Provided, RealmId, Revocations, Status, Subject};
use portcullis::time::Seconds;

#[test]
fn a_state_never_loaded_gives_no_result() {
    let mut edge = edge();
    assert_eq!(edge.status(&subject("a", NOW + 300, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.position(), None);
    assert!(edge.missing_sections().is_empty());
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    let delta = ledger.delta(FORM, ledger.head().0 - 1, at(NOW)).unwrap().bytes;
    let from = ledger.head().0 - 1;
    assert_eq!(edge.apply(&delta, at(NOW)), Err(FeedError::Gap { from, known: 0 }));
}

#[test]
fn an_empty_realm_is_loaded_by_its_manifest_alone() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let applied = load(&mut edge, &mut ledger, NOW);
    assert_eq!((applied.effect, applied.sequence), (Effect::Changed, 1 << 40));
    assert_eq!(edge.status(&subject("a", NOW + 300, NOW)), Status::NotRevoked);
    let position = edge.position().unwrap();
    assert_eq!((position.issued_at, position.not_after), (at(NOW), at(NOW + 300)));
    assert_eq!(peek_realm(&ledger.heartbeat(FORM, at(NOW))), Ok((RealmId::of(ISSUER), 1 << 40)));
}

#[test]
fn every_level_is_refused_by_manifest_and_by_delta() {
    let events = [
        (Event::Realm { not_before: NotBefore::Caller(at(NOW - 500)) }, Level::Realm),
        (Event::Client { client: "app".into(), not_before: NotBefore::Caller(at(NOW - 400)) }, Level::Client),
        (Event::User { sub: "u".into(), not_before: NotBefore::Caller(at(NOW - 300)) }, Level::User),
        (Event::Session { sid: "s".into(), occurred_at: None, issued_at: None }, Level::Session),
        (
            Event::ClientSession { sid: "t".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Level::ClientSession,
        ),
        (Event::TokenVersion { sub: "v".into(), minimum: 3 }, Level::Version),
        (token("j", NOW + 300, NOW - 1), Level::Token),
    ];
    let with = |change: &dyn Fn(&mut Subject<'static>)| {
        let mut subject = subject("other", NOW + 300, NOW - 100);
        change(&mut subject);
        subject
    };
    let subjects = [
        with(&|subject| (subject.compared_at, subject.issued_at) = (at(NOW - 500), at(NOW - 500))),
        with(&|subject| (subject.client_id, subject.compared_at) = (Some("app"), at(NOW - 400))),
        with(&|subject| (subject.user, subject.compared_at) = (Some("u"), at(NOW - 300))),
        with(&|subject| (subject.session, subject.compared_at) = (Some("s"), at(NOW + 60))),
        with(&|subject| (subject.session, subject.authorized_party) = (Some("t"), Some("app"))),
        with(&|subject| (subject.user, subject.token_version) = (Some("v"), 2)),
        with(&|subject| subject.token_id = Some("j")),
    ];
    let harmless = [
        with(&|subject| subject.compared_at = at(NOW - 499)),
        with(&|subject| (subject.client_id, subject.compared_at) = (Some("app"), at(NOW - 399))),
        with(&|subject| (subject.user, subject.compared_at) = (Some("u"), at(NOW - 299))),
        with(&|subject| (subject.session, subject.compared_at) = (Some("s"), at(NOW + 61))),
        with(&|subject| (subject.session, subject.authorized_party) = (Some("t"), Some("other"))),
        with(&|subject| (subject.user, subject.token_version) = (Some("v"), 3)),
        with(&|subject| subject.token_id = Some("J")),
    ];
    let check = |edge: &Revocations, ledger: &Ledger| {
        for ((subject, harmless), (_, level)) in subjects.iter().zip(&harmless).zip(&events) {
            assert_eq!(edge.status(subject), Status::Revoked(*level));
            assert_eq!(edge.status(harmless), Status::NotRevoked, "{level:?}");
            assert_eq!(ledger.refuses(subject), Some(*level));
            assert_eq!(ledger.refuses(harmless), None);
        }
        assert!(edge.bans(&[7; 32]) && !edge.bans(&[8; 32]));
        assert_eq!(edge.jwks(), Some(&br#"{"keys":[]}"#[..]));
    };
    let (mut ledger, mut by_delta, mut by_manifest) = (ledger(), edge(), edge());
    load(&mut by_delta, &mut ledger, NOW);
    for (event, _) in &events {
        assert!(record(&mut ledger, event, NOW).is_some());
    }
    record(&mut ledger, &Event::KeyBanned { thumbprint: [7; 32] }, NOW);
    record(&mut ledger, &Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }, NOW);
    assert_eq!(follow(&mut by_delta, &ledger, NOW), Ok(Effect::Changed));
    check(&by_delta, &ledger);
    load(&mut by_manifest, &mut ledger, NOW);
    check(&by_manifest, &ledger);
}

#[test]
fn a_missing_section_gives_no_result() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("u"), NOW);
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    assert_eq!(edge.missing_sections().len(), 2);
    assert_eq!(edge.status(&subject("j", NOW + 300, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.status(&subject("other", NOW + 300, NOW)), Status::SectionUnavailable);
    // Decided without the missing sections: another bucket, and a token newer than all in the filter.
    assert_eq!(edge.status(&subject("j", NOW + 900, NOW)), Status::NotRevoked);
    assert_eq!(edge.status(&subject("j", NOW + 300, NOW + 1)), Status::NotRevoked);
    assert_eq!(edge.status(&of_user("u", NOW)), Status::SectionUnavailable);
    // A delta is still applied, and its changes are visible.
    record(&mut ledger, &token("k", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("w"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.status(&subject("k", NOW + 300, NOW)), Status::Revoked(Level::Token));
    assert_eq!(edge.status(&of_user("w", NOW)), Status::Revoked(Level::User));
    assert_eq!(edge.stats().missing_sections, 2);
    provide_all(&mut edge, &ledger);
    assert!(edge.missing_sections().is_empty());
    for subject in [subject("j", NOW + 300, NOW), subject("k", NOW + 300, NOW), of_user("u", NOW), of_user("w", NOW)] {
        assert!(is_revoked(&edge, &subject));
    }
    assert_eq!(edge.status(&subject("other", NOW + 300, NOW)), Status::NotRevoked);
    assert_eq!(edge.stats().token_ids, 2);
}

#[test]
fn a_subject_needs_few_of_the_sections() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..40_000 {
        ledger.stage(&user(&format!("u{number}")), at(NOW)).unwrap();
        ledger.stage(&token(&format!("j{number}"), NOW + 300 + number % 50_000, NOW), at(NOW)).unwrap();
    }
    ledger.stage(&Event::TokenVersion { sub: "u0".into(), minimum: 3 }, at(NOW)).unwrap();
    ledger.stage(&Event::Token { id: "timeless".into(), expires_at: None, issued_at: None }, at(NOW)).unwrap();
    ledger.commit();
    edge.apply(&ledger.manifest(FORM, at(NOW)).unwrap(), at(NOW)).unwrap();
    let all = edge.missing_sections();
    let asked =
        Subject { user: Some("new"), session: Some("s"), client_id: Some("app"), ..subject("new", NOW + 999, NOW) };
    let needed = edge.missing_for(&asked);
    // One bucket, one catch-all, the versions, and at most a shard for each of three names.
    assert!((4..=6).contains(&needed.len()) && all.len() > 80, "{} of {}", needed.len(), all.len());
    assert!(needed.iter().all(|name| all.contains(name)));
    for name in &needed {
        assert_eq!(edge.status(&asked), Status::SectionUnavailable);
        assert_eq!(edge.provide_section(ledger.section(name).unwrap()), Ok(Provided::Stored));
    }
    assert_eq!(edge.status(&asked), Status::NotRevoked);
    assert!(edge.missing_for(&asked).is_empty());
    // A bucket is not needed for an id issued after all revoked ones.
    let younger = Subject { issued_at: at(NOW + 1), ..subject("new", NOW + 5_000, NOW) };
    assert!(edge.missing_for(&subject("new", NOW + 5_000, NOW)).len() == 1 && edge.missing_for(&younger).is_empty());
    assert_eq!(edge.status(&subject("new", NOW + 5_000, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.status(&subject("j4700", NOW + 5_000, NOW)), Status::SectionUnavailable);
    provide_all(&mut edge, &ledger);
    assert!(edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("j4700", NOW + 5_000, NOW)));
}

#[test]
fn a_correction_removes_entries_that_deltas_cannot() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &user("u"), NOW);
    record(&mut ledger, &user("v"), NOW);
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("w"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    let before = ledger.head().0;
    for sub in ["u", "w"] {
        let correction = Correction::User { sub: sub.into(), not_before: None };
        assert!(record(&mut ledger, &Event::Correction(correction), NOW).is_some());
    }
    assert!(ledger.delta(FORM, before, at(NOW)).is_err());
    assert!(is_revoked(&edge, &of_user("u", NOW)));
    load(&mut edge, &mut ledger, NOW);
    assert!(!is_revoked(&edge, &of_user("u", NOW)) && !is_revoked(&edge, &of_user("w", NOW)));
    assert!(is_revoked(&edge, &of_user("v", NOW)));
    assert_eq!(follow(&mut edge, &ledger, NOW + 1), Ok(Effect::AlreadyKnown));
}

#[test]
fn heartbeats_keep_a_state_fresh() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.apply(&ledger.heartbeat(FORM, at(NOW + 20)), at(NOW + 20)).unwrap().effect, Effect::Renewed);
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    assert_eq!(edge.apply(&ledger.heartbeat(FORM, at(NOW + 10)), at(NOW + 20)).unwrap().effect, Effect::AlreadyKnown);
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    let manifest = ledger.manifest(FORM, at(NOW + 30)).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW + 30)).unwrap().effect, Effect::Renewed);
    assert_eq!(edge.position().unwrap().not_after, at(NOW + 330));
}

#[test]
fn buckets_are_dropped_once_no_edge_accepts_their_tokens() {
    let (mut ledger, mut edge) = (ledger(), edge());
    // Expires in the last second of its bucket.
    let expires_at = (NOW / 512 + 1) * 512 - 1;
    record(&mut ledger, &token("j", expires_at, NOW), NOW);
    record(&mut ledger, &Event::Token { id: "k".into(), expires_at: None, issued_at: None }, NOW);
    load(&mut edge, &mut ledger, NOW);
    let margin = 10;
    edge.forget_expired(at(expires_at + margin));
    assert_eq!(edge.stats().sections, 2);
    edge.forget_expired(at(expires_at + 1 + margin));
    assert_eq!(edge.stats().sections, 1);
    // With unknown expiry, the id is kept as long as a token issued now, by a clock that is ahead, could live.
    edge.forget_expired(at(NOW + 5 + 86_400 + margin));
    assert!(is_revoked(&edge, &subject("k", NOW + 86_405, NOW + 5)));
    edge.forget_expired(at(NOW + 5 + 86_400 + margin + 16_384));
    assert_eq!(edge.stats().sections, 0);
}

#[test]
fn the_smaller_bounds_apply() {
    let own = Bounds { leeway: Seconds::new(2), max_session: Some(Seconds::new(100_000)), ..Bounds::default() };
    let mut edge = Revocations::new(RealmId::of(ISSUER), vec![feed_key()], own);
    assert_eq!(edge.bounds(), own);
    let bounds = Bounds { max_lifetime: Seconds::new(3_600), ..Bounds::default() };
    let mut ledger = Ledger::new(LedgerSettings { bounds, ..settings() }).unwrap();
    load(&mut edge, &mut ledger, NOW);
    let expected = Bounds {
        leeway: Seconds::new(2),
        max_lifetime: Seconds::new(3_600),
        max_session: Some(Seconds::new(3_600)),
        ..Bounds::default()
    };
    assert_eq!(edge.bounds(), expected);
}
