//! What an edge does with manifests, sections and deltas that are in order.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::error::FeedError;
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings};
use portcullis::revocation::{
    peek_realm, Bounds, Effect, Level, Provided, RealmId, Revocations, Status, Subject, MAX_GENERATIONS,
};
use portcullis::time::Seconds;

#[test]
fn never_loaded_answers_nothing() {
    let mut edge = edge();
    assert_eq!(edge.status(&subject("a", NOW + 300, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.position(), None);
    assert!(edge.missing_sections().is_empty());
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    let delta = ledger.delta(ledger.head().0 - 1, at(NOW)).unwrap();
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
    assert_eq!(peek_realm(&ledger.heartbeat(at(NOW))), Ok((RealmId::of(ISSUER), 1 << 40)));
}

#[test]
fn every_level_is_refused_by_manifest_and_by_delta() {
    let events = [
        (Event::Realm { not_before: Some(at(NOW - 500)) }, Level::Realm),
        (Event::Client { client: "app".into(), not_before: Some(at(NOW - 400)) }, Level::Client),
        (Event::User { sub: "u".into(), not_before: Some(at(NOW - 300)) }, Level::User),
        (Event::Session { sid: "s".into(), issued_at: None }, Level::Session),
        (Event::ClientSession { sid: "t".into(), azp: "app".into(), issued_at: None }, Level::ClientSession),
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
fn a_section_that_has_not_arrived_is_no_answer() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("u"), NOW);
    edge.apply(&ledger.manifest(at(NOW)).unwrap(), at(NOW)).unwrap();
    assert_eq!(edge.missing_sections().len(), 2);
    assert_eq!(edge.status(&subject("j", NOW + 300, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.status(&subject("other", NOW + 300, NOW)), Status::SectionUnavailable);
    // Answered without the sections: another bucket, a token younger than all in the filter.
    assert_eq!(edge.status(&subject("j", NOW + 900, NOW)), Status::NotRevoked);
    assert_eq!(edge.status(&subject("j", NOW + 300, NOW + 1)), Status::NotRevoked);
    assert_eq!(edge.status(&of_user("u", NOW)), Status::SectionUnavailable);
    // A delta is applied all the same, and what it says counts.
    record(&mut ledger, &token("k", NOW + 300, NOW), NOW);
    record(&mut ledger, &user("w"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.status(&subject("k", NOW + 300, NOW)), Status::Revoked(Level::Token));
    assert_eq!(edge.status(&of_user("w", NOW)), Status::Revoked(Level::User));
    assert_eq!(edge.facts().missing_sections, 2);
    provide_all(&mut edge, &ledger);
    assert!(edge.missing_sections().is_empty());
    for subject in [subject("j", NOW + 300, NOW), subject("k", NOW + 300, NOW), of_user("u", NOW), of_user("w", NOW)] {
        assert!(is_revoked(&edge, &subject));
    }
    assert_eq!(edge.status(&subject("other", NOW + 300, NOW)), Status::NotRevoked);
    assert_eq!(edge.facts().token_ids, 2);
}

#[test]
fn a_staged_manifest_leaves_the_old_state_serving() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..50 {
        record(&mut ledger, &token(&format!("old{id}"), NOW + 300, NOW), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    let loaded = edge.position().unwrap();
    for id in 0..50 {
        record(&mut ledger, &token(&format!("new{id}"), NOW + 300, NOW), NOW);
    }
    let manifest = ledger.manifest(at(NOW + 1)).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW + 1)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.position(), Some(loaded));
    assert_eq!(edge.status(&subject("old1", NOW + 300, NOW)), Status::Revoked(Level::Token));
    assert_eq!(edge.status(&subject("new1", NOW + 300, NOW)), Status::NotRevoked);
    assert_eq!(edge.apply(&manifest, at(NOW + 1)).unwrap().effect, Effect::AlreadyKnown);
    // A delta beyond the staged manifest cannot be applied to the old state, but is not lost.
    let staged_at = ledger.head().0;
    record(&mut ledger, &token("later", NOW + 300, NOW), NOW);
    let delta = ledger.delta(staged_at, at(NOW + 1)).unwrap();
    assert_eq!(edge.apply(&delta, at(NOW + 1)).unwrap().effect, Effect::Staged);
    assert_eq!(edge.status(&subject("later", NOW + 300, NOW)), Status::NotRevoked);
    let missing = edge.missing_sections();
    assert_eq!(missing.len(), 1);
    assert_eq!(edge.provide_section(ledger.section(&missing[0]).unwrap()), Ok(Provided::Committed));
    assert_eq!(edge.position().unwrap().sequence, staged_at + 1);
    for id in ["old1", "new1", "later"] {
        assert_eq!(edge.status(&subject(id, NOW + 300, NOW)), Status::Revoked(Level::Token));
    }
}

#[test]
fn what_deltas_brought_up_to_date_is_not_fetched() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..60 {
        record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW);
        record(&mut ledger, &user(&format!("u{id}")), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    for id in 0..3 {
        record(&mut ledger, &token(&format!("b{id}"), NOW + 300, NOW), NOW);
    }
    record(&mut ledger, &user("v"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    record(&mut ledger, &Event::Realm { not_before: Some(at(NOW - 9_000)) }, NOW);
    let applied = edge.apply(&ledger.manifest(at(NOW)).unwrap(), at(NOW)).unwrap();
    assert_eq!(applied.effect, Effect::Changed);
    assert!(edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("b2", NOW + 300, NOW)) && is_revoked(&edge, &of_user("v", NOW)));
}

#[test]
fn live_changes_that_outgrow_the_sections_are_folded() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    for id in 0..1_100 {
        ledger.stage(&token(&format!("a{id}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.facts().live_entries, 1_100);
    assert!(edge.wants_manifest());
    // The manifest is of our very sequence, or even older than what a delta has brought since.
    let manifest = ledger.manifest(at(NOW)).unwrap();
    record(&mut ledger, &token("since", NOW + 300, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::Staged);
    assert!(!edge.wants_manifest());
    provide_all(&mut edge, &ledger);
    let facts = edge.facts();
    assert_eq!((facts.token_ids, facts.live_entries), (1_101, 0));
    assert_eq!(edge.position().unwrap().sequence, ledger.head().0);
    assert!(is_revoked(&edge, &subject("a7", NOW + 300, NOW)) && is_revoked(&edge, &subject("since", NOW + 300, NOW)));
    // Now that nothing is outgrown, an older manifest is just that.
    let error = edge.apply(&manifest, at(NOW)).unwrap_err();
    assert!(matches!(error, FeedError::Older { .. }), "{error}");
}

#[test]
fn folding_leaves_nothing_to_fold() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let sub = |number: u64| format!("u{number}");
    let stage = |ledger: &mut Ledger, range: core::ops::Range<u64>, minimum| {
        for number in range {
            ledger.stage(&Event::User { sub: sub(number), not_before: Some(at(NOW - 5 + minimum)) }, at(NOW)).unwrap();
            ledger.stage(&Event::TokenVersion { sub: sub(number), minimum }, at(NOW)).unwrap();
        }
        ledger.commit();
    };
    stage(&mut ledger, 0..900, 1);
    load(&mut edge, &mut ledger, NOW);
    // Neither table has outgrown its section, but both together have.
    stage(&mut ledger, 0..900, 2);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(edge.wants_manifest());
    load(&mut edge, &mut ledger, NOW);
    assert_eq!((edge.facts().live_entries, edge.wants_manifest()), (0, false));
    let subjects: Vec<_> = (0..900).map(sub).collect();
    assert!(subjects.iter().all(|sub| is_revoked(&edge, &of_user(sub, NOW - 3))));
    let versioned = |sub| Subject { token_version: 1, ..of_user(sub, NOW) };
    assert!(subjects.iter().all(|sub| edge.status(&versioned(sub)) == Status::Revoked(Level::Version)));
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
    edge.apply(&ledger.manifest(at(NOW)).unwrap(), at(NOW)).unwrap();
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
    // Of an id issued after all that were revoked, a bucket says nothing.
    let younger = Subject { issued_at: at(NOW + 1), ..subject("new", NOW + 5_000, NOW) };
    assert!(edge.missing_for(&subject("new", NOW + 5_000, NOW)).len() == 1 && edge.missing_for(&younger).is_empty());
    assert_eq!(edge.status(&subject("new", NOW + 5_000, NOW)), Status::SectionUnavailable);
    assert_eq!(edge.status(&subject("j4700", NOW + 5_000, NOW)), Status::SectionUnavailable);
    provide_all(&mut edge, &ledger);
    assert!(edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("j4700", NOW + 5_000, NOW)));
}

#[test]
fn filters_take_their_places_one_by_one() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let id = |number: u64| format!("j{number}");
    let of = |number: u64| NOW + 300 + number % 10 * 512;
    for number in 0..2_000 {
        ledger.stage(&token(&id(number), of(number), NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    load(&mut edge, &mut ledger, NOW);
    // So many more that every filter is built anew, bigger; the edge hears of them by the manifest alone.
    for number in 2_000..6_000 {
        ledger.stage(&token(&id(number), of(number), NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    let behind = edge.position();
    assert_eq!(edge.apply(&ledger.manifest(at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Staged);
    let names = edge.missing_sections();
    assert_eq!(names.len(), 10);
    let refused = |edge: &Revocations| (0..6_000).filter(|n| is_revoked(edge, &subject(&id(*n), of(*n), NOW))).count();
    let mut before = refused(&edge);
    for (arrived, name) in (1..).zip(&names) {
        edge.provide_section(ledger.section(name).unwrap()).unwrap();
        let after = refused(&edge);
        assert!(after >= before + 400, "{arrived}: {before} -> {after}");
        before = after;
        let whole = arrived == names.len();
        assert_eq!(edge.position() == behind, !whole);
    }
    assert_eq!(before, 6_000);
    assert_eq!(edge.facts().live_entries, 0);
}

#[test]
fn filters_of_a_manifest_that_deltas_led_past_wait_for_the_deltas() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for number in 0..50 {
        ledger.stage(&token(&format!("a{number}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    load(&mut edge, &mut ledger, NOW);
    for number in 0..3_000 {
        ledger.stage(&token(&format!("b{number}"), NOW + 300, NOW), at(NOW)).unwrap();
    }
    ledger.commit();
    follow(&mut edge, &ledger, NOW).unwrap();
    let manifest = ledger.manifest(at(NOW)).unwrap();
    record(&mut ledger, &token("c", NOW + 300, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW)).unwrap().effect, Effect::Staged);
    let all = |edge: &Revocations| {
        let b = (0..3_000).all(|number| is_revoked(edge, &subject(&format!("b{number}"), NOW + 300, NOW)));
        b && is_revoked(edge, &subject("c", NOW + 300, NOW)) && is_revoked(edge, &subject("a7", NOW + 300, NOW))
    };
    assert!(all(&edge));
    for name in edge.missing_sections() {
        edge.provide_section(ledger.section(&name).unwrap()).unwrap();
        assert!(all(&edge));
    }
    assert!(edge.missing_sections().is_empty());
}

#[test]
fn a_manifest_that_arrives_too_late_is_given_up() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &token("j", NOW + 300, NOW), NOW);
    assert_eq!(edge.apply(&ledger.manifest(at(NOW)).unwrap(), at(NOW)).unwrap().effect, Effect::Staged);
    let names = edge.missing_sections();
    // More than the four megabytes of deltas that are kept for it.
    for batch in 0..6 {
        for number in 0..60_000 {
            ledger.stage(&Event::TokenVersion { sub: format!("{batch} {number}"), minimum: 1 }, at(NOW)).unwrap();
        }
        ledger.commit();
        assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
    }
    let position = edge.position();
    assert_eq!(edge.provide_section(ledger.section(&names[0]).unwrap()), Err(FeedError::UnknownSection));
    assert_eq!(edge.position(), position);
    assert!(edge.wants_manifest() && edge.missing_sections().is_empty());
    assert!(is_revoked(&edge, &subject("j", NOW + 300, NOW)));
    load(&mut edge, &mut ledger, NOW);
    assert!(!edge.wants_manifest());
    assert_eq!((edge.facts().live_entries, edge.facts().versions), (0, 360_000));
    assert!(is_revoked(&edge, &subject("j", NOW + 300, NOW)));
}

#[test]
fn a_full_filter_takes_no_more_and_forgets_nothing() {
    let (mut ledger, mut edge) = (ledger(), edge());
    for id in 0..50 {
        record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW);
    }
    load(&mut edge, &mut ledger, NOW);
    assert!(edge.facts().error_rate <= 1.0e-6);
    for id in 0..100 {
        record(&mut ledger, &token(&format!("b{id}"), NOW + 300, NOW), NOW);
    }
    follow(&mut edge, &ledger, NOW).unwrap();
    assert_eq!(edge.facts().live_entries, 100);
    assert!((0..100).all(|id| is_revoked(&edge, &subject(&format!("b{id}"), NOW + 300, NOW))));
    let later = ledger.manifest(at(NOW + 5)).unwrap();
    // Under a thousand live ids no manifest is wanted, so one of the same sequence only renews.
    assert_eq!(edge.apply(&later, at(NOW + 5)).unwrap().effect, Effect::Renewed);
    // The next one brings the bucket in its new size.
    record(&mut ledger, &user("u"), NOW + 6);
    assert_eq!(load(&mut edge, &mut ledger, NOW + 6).effect, Effect::Staged);
    assert_eq!((edge.facts().live_entries, edge.facts().token_ids), (0, 150));
}

#[test]
fn heartbeats_keep_a_state_fresh() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.apply(&ledger.heartbeat(at(NOW + 20)), at(NOW + 20)).unwrap().effect, Effect::Renewed);
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    assert_eq!(edge.apply(&ledger.heartbeat(at(NOW + 10)), at(NOW + 20)).unwrap().effect, Effect::AlreadyKnown);
    assert_eq!(edge.position().unwrap().issued_at, at(NOW + 20));
    let manifest = ledger.manifest(at(NOW + 30)).unwrap();
    assert_eq!(edge.apply(&manifest, at(NOW + 30)).unwrap().effect, Effect::Renewed);
    assert_eq!(edge.position().unwrap().not_after, at(NOW + 330));
}

#[test]
fn buckets_go_once_no_edge_accepts_their_tokens() {
    let (mut ledger, mut edge) = (ledger(), edge());
    // Expires in the last second of its bucket.
    let expires_at = (NOW / 512 + 1) * 512 - 1;
    record(&mut ledger, &token("j", expires_at, NOW), NOW);
    record(&mut ledger, &Event::Token { id: "k".into(), expires_at: None, issued_at: None }, NOW);
    load(&mut edge, &mut ledger, NOW);
    let margin = 10;
    edge.forget_expired(at(expires_at + margin));
    assert_eq!(edge.facts().sections, 2);
    edge.forget_expired(at(expires_at + 1 + margin));
    assert_eq!(edge.facts().sections, 1);
    // Expiry unknown: as long as a token issued by now, on a clock that is ahead, could live.
    edge.forget_expired(at(NOW + 5 + 86_400 + margin));
    assert!(is_revoked(&edge, &subject("k", NOW + 86_405, NOW + 5)));
    edge.forget_expired(at(NOW + 5 + 86_400 + margin + 16_384));
    assert_eq!(edge.facts().sections, 0);
}

#[test]
fn the_smaller_bounds_count() {
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

#[test]
fn a_restarted_origin_goes_on_under_a_new_hash_key() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let mut rows: Vec<_> =
        (0..60).filter_map(|id| record(&mut ledger, &token(&format!("a{id}"), NOW + 300, NOW), NOW)).collect();
    rows.extend(record(&mut ledger, &user("u"), NOW));
    load(&mut edge, &mut ledger, NOW);
    let mut restarted = pair::ledger();
    rows.iter().for_each(|row| restarted.restore(row).unwrap());
    assert_eq!(restarted.head(), ledger.head());
    record(&mut restarted, &token("b", NOW + 300, NOW), NOW + 1);
    record(&mut restarted, &user("v"), NOW + 1);
    // The delta declares the key; the filter is of the old one, so the id is held live.
    assert_eq!(follow(&mut edge, &restarted, NOW + 1), Ok(Effect::Changed));
    record(&mut restarted, &token("c", NOW + 300, NOW), NOW + 1);
    assert_eq!(follow(&mut edge, &restarted, NOW + 1), Ok(Effect::Changed));
    let all_refused = |edge: &Revocations| {
        ["a0", "a59", "b", "c"].iter().all(|id| is_revoked(edge, &subject(id, NOW + 300, NOW)))
            && ["u", "v"].iter().all(|sub| is_revoked(edge, &of_user(sub, NOW)))
    };
    assert!(all_refused(&edge));
    assert_eq!(edge.facts().live_entries, 3);
    record(&mut restarted, &user("w"), NOW + 2);
    assert_eq!(load(&mut edge, &mut restarted, NOW + 2).effect, Effect::Staged);
    assert!(all_refused(&edge) && is_revoked(&edge, &of_user("w", NOW)));
    assert_eq!(edge.facts().live_entries, 0);
}

#[test]
fn an_edge_that_follows_deltas_learns_of_new_bounds() {
    let (mut before, mut edge) = (ledger(), edge());
    load(&mut edge, &mut before, NOW);
    let row = record(&mut before, &user("u"), NOW).unwrap();
    follow(&mut edge, &before, NOW).unwrap();
    assert!(!edge.wants_manifest());
    // Shorter lifetimes: what the origin forgets from now on, this edge may still accept.
    let bounds = Bounds { max_lifetime: Seconds::new(3_600), ..Bounds::default() };
    let mut ledger = Ledger::new(LedgerSettings { bounds, ..settings() }).unwrap();
    ledger.restore(&row).unwrap();
    let expires_at = NOW + 80_000;
    record(&mut ledger, &token("j", expires_at, NOW), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(is_revoked(&edge, &subject("j", expires_at, NOW)));
    assert_eq!((edge.bounds().max_lifetime, edge.wants_manifest()), (Seconds::new(3_600), true));
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.bounds(), bounds);
    assert!(!edge.wants_manifest());
    record(&mut ledger, &user("w"), NOW);
    follow(&mut edge, &ledger, NOW).unwrap();
    assert!(!edge.wants_manifest());
    assert!(is_revoked(&edge, &subject("j", expires_at, NOW)) && is_revoked(&edge, &of_user("u", NOW)));
}

#[test]
fn a_correction_takes_back_what_deltas_cannot() {
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
    assert!(ledger.delta(before, at(NOW)).is_err());
    assert!(is_revoked(&edge, &of_user("u", NOW)));
    load(&mut edge, &mut ledger, NOW);
    assert!(!is_revoked(&edge, &of_user("u", NOW)) && !is_revoked(&edge, &of_user("w", NOW)));
    assert!(is_revoked(&edge, &of_user("v", NOW)));
    assert_eq!(follow(&mut edge, &ledger, NOW + 1), Ok(Effect::AlreadyKnown));
}

#[test]
fn hash_keys_of_many_restarts_make_room_with_a_manifest() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let mut rows = Vec::new();
    let mut restart = |number: usize| {
        let mut ledger = pair::ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        rows.extend(record(&mut ledger, &user(&format!("u{number}")), NOW));
        rows.extend(record(&mut ledger, &token(&format!("t{number}"), NOW + 300, NOW), NOW));
        ledger
    };
    // Each run of the origin has a key of its own, and an edge that follows by deltas collects them.
    let mut restarts = 0;
    let limit = MAX_GENERATIONS;
    let last = loop {
        let ledger = restart(restarts);
        assert_eq!(edge.wants_manifest(), restarts >= limit / 2, "after {restarts}");
        if follow(&mut edge, &ledger, NOW) == Err(FeedError::TooManyGenerations { limit }) {
            break ledger;
        }
        restarts += 1;
        assert!(restarts < 100);
    };
    assert_eq!(restarts, limit - 1, "and the first manifest's");
    let is_refused = |edge: &Revocations, number: usize| {
        is_revoked(edge, &of_user(&format!("u{number}"), NOW))
            && is_revoked(edge, &subject(&format!("t{number}"), NOW + 300, NOW))
    };
    assert!((0..restarts).all(|number| is_refused(&edge, number)));
    let mut ledger = last;
    load(&mut edge, &mut ledger, NOW);
    assert!(!edge.wants_manifest());
    assert!((0..=restarts).all(|number| is_refused(&edge, number)));
    record(&mut ledger, &user("next"), NOW);
    assert_eq!(follow(&mut edge, &ledger, NOW), Ok(Effect::Changed));
}

#[test]
fn a_manifest_makes_room_for_hash_keys_before_there_are_too_many() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    let mut rows = Vec::new();
    while !edge.wants_manifest() {
        ledger = pair::ledger();
        rows.iter().for_each(|row| ledger.restore(row).unwrap());
        rows.extend(record(&mut ledger, &user(&format!("u{}", rows.len())), NOW));
        follow(&mut edge, &ledger, NOW).unwrap();
    }
    // Of the very sequence that deltas led to.
    assert_eq!(load(&mut edge, &mut ledger, NOW).effect, Effect::Staged);
    assert!(!edge.wants_manifest());
    assert!((0..rows.len()).all(|number| is_revoked(&edge, &of_user(&format!("u{number}"), NOW))));
}

#[test]
fn a_restored_backup_replaces_what_it_lost() {
    let (mut ledger, mut edge) = (ledger(), edge());
    let row = record(&mut ledger, &user("kept"), NOW).unwrap();
    record(&mut ledger, &user("lost"), NOW);
    load(&mut edge, &mut ledger, NOW);
    let mut restored = Ledger::new(LedgerSettings { incarnation: 2, ..settings() }).unwrap();
    restored.restore(&row).unwrap();
    restored.restore_head(row.sequence, row.chain).unwrap();
    assert_eq!(restored.head().0, 2 << 40);
    assert!(restored.delta(ledger.head().0, at(NOW)).is_err());
    load(&mut edge, &mut restored, NOW + 1);
    assert_eq!(edge.position().unwrap().sequence, 2 << 40);
    assert!(is_revoked(&edge, &of_user("kept", NOW)) && !is_revoked(&edge, &of_user("lost", NOW)));
    record(&mut restored, &user("new"), NOW + 1);
    assert_eq!(follow(&mut edge, &restored, NOW + 1), Ok(Effect::Changed));
}
