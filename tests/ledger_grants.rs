//! Grants (one client's tokens of one user) and key not-befores: the tokens they refuse, their retention, and their
//! publication in form 1.0.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod message;
mod pair;

use std::collections::BTreeSet;

use message::{name, sections};
use pair::*;
use portcullis::error::LedgerError;
use portcullis::ledger::{Correction, Event, Ledger, NotBefore, MAX_NAME_BYTES, RECENT_SECTIONS_SECONDS};
use portcullis::revocation::{Form, GrantNames, Level, Status, Subject, MAX_KEY_NOT_BEFORES};

const KEY: [u8; 32] = [7; 32];
const HOUR: u64 = 3_600;

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Now }
}

fn key_not_before(not_before: NotBefore) -> Event {
    Event::KeyNotBefore { thumbprint: KEY, not_before }
}

/// Checks an event of a kind that only form 1.1 can state exactly.
fn check(event: &Event, level: Level, refused: &[Subject<'_>], untouched: &[Subject<'_>], keep_until: Option<u64>) {
    let ledger = check_refusals(event, level, refused, untouched, keep_until);
    assert_eq!(ledger.exact_form(), Form::V1_1);
}

#[test]
fn a_grant_refuses_only_the_clients_tokens_of_the_user() {
    let by_client_id = Subject { authorized_party: None, client_id: Some("app"), ..of_all() };
    let by_both = Subject { authorized_party: Some("web"), client_id: Some("app"), ..of_all() };
    let by_claim = Subject { authorized_party: Some("web"), grant: GrantNames::Claim(Some("app")), ..of_all() };
    let refused = [of_all(), by_client_id, by_both, by_claim, issued_at(NOW + 2, of_all())];
    let untouched = [
        Subject { authorized_party: Some("web"), ..of_all() },
        Subject { user: Some("v"), ..of_all() },
        Subject { user: None, ..of_all() },
        // If the policy names a claim, the clients are ignored.
        Subject { grant: GrantNames::Claim(Some("web")), ..of_all() },
        Subject { grant: GrantNames::Claim(None), ..of_all() },
        // Lengths are hashed, so parts cannot be shifted.
        Subject { user: Some("ua"), authorized_party: Some("pp"), ..of_all() },
        // A last logout does not affect grants.
        Subject { logged_out_at: Some(at(NOW)), ..issued_at(NOW + 3, of_all()) },
        issued_at(NOW + 3, of_all()),
    ];
    check(&grant("u", "app"), Level::Grant, &refused, &untouched, Some(NOW + 2 + LIFETIME + MARGIN));
}

#[test]
fn a_key_not_before_refuses_earlier_tokens_of_the_key() {
    let of_key = Subject { signing_key: Some(&KEY), ..of_all() };
    let untouched = [issued_at(NOW + 3, of_key), Subject { signing_key: Some(&[8; 32]), ..of_all() }, of_all()];
    check(&key_not_before(NotBefore::Now), Level::Key, &[of_key, issued_at(NOW + 2, of_key)], &untouched, None);
}

#[test]
fn the_widest_level_is_reported() {
    let mut ledger = ledger();
    let subject = Subject { signing_key: Some(&KEY), ..of_all() };
    for (event, level) in [
        (Event::TokenVersion { sub: "u".into(), minimum: 2 }, Level::Version),
        (grant("u", "app"), Level::Grant),
        (
            Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
            Level::ClientSession,
        ),
        (user("u"), Level::User),
        (key_not_before(NotBefore::Now), Level::Key),
        (Event::Client { client: "app".into(), not_before: NotBefore::Now }, Level::Client),
    ] {
        record(&mut ledger, &event, NOW);
        assert_eq!(ledger.refuses(&subject), Some(level));
    }
}

#[test]
fn neither_decreases_without_a_correction() {
    let mut ledger = ledger();
    let earlier = NotBefore::Caller(at(NOW - 100));
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(NotBefore::Now), NOW);
    let same = Event::Grant { sub: "u".into(), client: "app".into(), not_before: earlier };
    assert_eq!(record(&mut ledger, &same, NOW), None);
    assert_eq!(record(&mut ledger, &key_not_before(earlier), NOW), None);
    assert_eq!(ledger.grant_not_before(None, "u", "app"), Some(at(NOW + 2)));
    assert_eq!((ledger.grant_not_before(None, "u", "web"), ledger.user_not_before(None, "u")), (None, None));
    assert_eq!((ledger.key_not_before(&KEY), ledger.key_not_before(&[8; 32])), (Some(at(NOW + 2)), None));
}

#[test]
fn a_grant_expires_and_a_key_not_before_never_does() {
    let mut ledger = ledger();
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(NotBefore::Now), NOW);
    let over = NOW + 2 + LIFETIME + MARGIN;
    assert_eq!(ledger.prune(at(over - 1)), 0);
    assert_eq!((ledger.stats().grants, ledger.stats().key_not_befores, ledger.stats().epochs), (1, 1, 0));
    assert_eq!(ledger.prune(at(over)), 1);
    assert_eq!((ledger.stats().grants, ledger.stats().key_not_befores), (0, 1));
    assert_eq!(ledger.exact_form(), Form::V1_1);
    let old = Event::Grant { sub: "u".into(), client: "app".into(), not_before: NotBefore::Caller(at(NOW)) };
    assert_eq!(record(&mut ledger, &old, over), None, "it would no longer refuse any token");
    ledger.prune(at(NOW * 2));
    assert_eq!(ledger.refuses(&Subject { signing_key: Some(&KEY), ..of_all() }), Some(Level::Key));
}

#[test]
fn names_are_limited() {
    let mut ledger = ledger();
    let (longest, more) = ("é".repeat(MAX_NAME_BYTES / 2), "x".repeat(MAX_NAME_BYTES + 1));
    let too_long = Err(LedgerError::NameTooLong { length: MAX_NAME_BYTES + 1, limit: MAX_NAME_BYTES });
    let mut stage = |event: &Event| ledger.stage(event, at(NOW)).map(|row| row.is_some());
    for (sub, client, expected) in [
        ("", "app", Err(LedgerError::EmptyName)),
        ("u", "", Err(LedgerError::EmptyName)),
        (&*more, "app", too_long),
        ("u", &*more, too_long),
        (&*longest, &*longest, Ok(true)),
        ("\0", "\u{feff}", Ok(true)),
    ] {
        assert_eq!(stage(&grant(sub, client)), expected);
        let correction = Correction::Grant { sub: sub.into(), client: client.into(), not_before: None };
        let corrected = stage(&Event::Correction(correction));
        assert_eq!(corrected, expected, "a correction");
    }
}

#[test]
fn the_number_of_keys_is_limited() {
    let mut ledger = ledger();
    let thumbprint = |number: usize| {
        let mut thumbprint = [0; 32];
        thumbprint[..8].copy_from_slice(&number.to_le_bytes());
        thumbprint
    };
    let raise = |number| Event::KeyNotBefore { thumbprint: thumbprint(number), not_before: NotBefore::Now };
    let correct =
        |number, not_before| Event::Correction(Correction::KeyNotBefore { thumbprint: thumbprint(number), not_before });
    for number in 0..MAX_KEY_NOT_BEFORES {
        assert!(ledger.stage(&raise(number), at(NOW)).unwrap().is_some());
        if number % 1_000 == 0 {
            ledger.commit();
        }
    }
    let more = Err(LedgerError::TooMany { limit: MAX_KEY_NOT_BEFORES });
    assert_eq!(ledger.stage(&raise(MAX_KEY_NOT_BEFORES), at(NOW)), more);
    ledger.commit();
    assert_eq!(ledger.stage(&raise(MAX_KEY_NOT_BEFORES), at(NOW)), more);
    assert_eq!(ledger.stage(&correct(MAX_KEY_NOT_BEFORES, Some(at(NOW))), at(NOW)), more);
    // A known key may be raised, and removing one frees a place.
    assert!(ledger.stage(&raise(3), at(NOW + 9)).unwrap().is_some());
    assert!(ledger.stage(&correct(4, None), at(NOW)).unwrap().is_some());
    ledger.commit();
    assert!(ledger.stage(&raise(MAX_KEY_NOT_BEFORES), at(NOW)).unwrap().is_some());
    ledger.commit();
    let mut edge = edge();
    load(&mut edge, &mut ledger, NOW);
    let last = thumbprint(MAX_KEY_NOT_BEFORES);
    assert_eq!(edge.status(&Subject { signing_key: Some(&last), ..of_all() }), Status::Revoked(Level::Key));
}

#[test]
fn a_correction_of_a_new_client_counts_towards_the_limit() {
    let mut ledger = ledger();
    for number in 0..16_384 {
        let client = Event::Client { client: format!("c{number}"), not_before: NotBefore::Now };
        ledger.stage(&client, at(NOW)).unwrap().unwrap();
        if number % 1_000 == 0 {
            ledger.commit();
        }
    }
    ledger.commit();
    let correct = |not_before| Event::Correction(Correction::Client { client: "more".into(), not_before });
    assert_eq!(ledger.stage(&correct(Some(at(NOW))), at(NOW)), Err(LedgerError::TooMany { limit: 16_384 }));
    assert_eq!(ledger.stage(&correct(None), at(NOW)), Ok(None));
}

/// Returns kind and name of the sections of a manifest.
fn published(ledger: &mut Ledger, form: Form, now: u64) -> BTreeSet<(u8, [u8; 32])> {
    let manifest = ledger.manifest(form, at(now)).unwrap();
    let entries = sections(&manifest);
    entries.iter().for_each(|entry| assert!(ledger.section(&name(entry)).is_some(), "it cannot be fetched"));
    entries.iter().map(|entry| (entry[0], name(entry))).collect()
}

#[test]
fn only_shards_with_users_of_grants_are_built_for_both_forms() {
    let mut ledger = ledger();
    for number in 0..70_000 {
        ledger.stage(&user(&format!("u{number}")), at(NOW)).unwrap().unwrap();
    }
    ledger.commit();
    let both = |ledger: &mut Ledger, now| [Form::V1_0, Form::V1_1].map(|form| published(ledger, form, now));
    let [lower, newest] = both(&mut ledger, NOW);
    assert_eq!(lower, newest);
    assert_eq!(newest.len(), 8, "shards of not-befores");
    record(&mut ledger, &grant("v", "app"), NOW);
    let before = ledger.stats().section_bytes;
    let [lower, newest] = both(&mut ledger, NOW);
    assert_eq!(newest.len(), 9, "one of grants");
    assert_eq!((lower.len(), lower.intersection(&newest).count()), (8, 7));
    assert!(ledger.stats().section_bytes - before < before / 7 + 300, "about one shard more");
    // An event in another shard rebuilds only that shard, in both forms.
    record(&mut ledger, &user("w"), NOW);
    let [lower_then, newest_then] = both(&mut ledger, NOW);
    assert!(lower_then.intersection(&lower).count() >= 7 && newest_then.intersection(&newest).count() >= 8);
    // After pruning, both forms are the same again.
    record(&mut ledger, &Event::User { sub: "w".into(), not_before: NotBefore::Source(at(NOW + HOUR)) }, NOW);
    ledger.prune(at(NOW + 2 + LIFETIME + MARGIN));
    assert_eq!(ledger.stats().grants, 0);
    let [lower, newest] = both(&mut ledger, NOW + 2 + LIFETIME + MARGIN);
    assert_eq!(lower, newest);
}

#[test]
fn many_users_of_grants_get_shards_of_their_own() {
    let mut ledger = ledger();
    for number in 0..40_000 {
        ledger.stage(&grant(&format!("u{number}"), "app"), at(NOW)).unwrap().unwrap();
    }
    ledger.commit();
    let mut lower = edge();
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    assert_eq!(published(&mut ledger, Form::V1_0, NOW).len(), 4);
    for number in (0..40_000).step_by(97) {
        assert_eq!(lower.status(&of_user(&format!("u{number}"), NOW + 2)), Status::Revoked(Level::User));
        assert_eq!(lower.status(&of_user(&format!("u{number}"), NOW + 3)), Status::NotRevoked);
    }
    // A user's own not-before, an expired grant, and a change in another shard.
    record(&mut ledger, &Event::User { sub: "u1".into(), not_before: NotBefore::Source(at(NOW + 60)) }, NOW);
    record(&mut ledger, &user("alone"), NOW);
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    let mut late = edge();
    load_in(Form::V1_0, &mut late, &mut ledger, NOW);
    for edge in [&lower, &late] {
        assert_eq!(edge.status(&of_user("u1", NOW + 60)), Status::Revoked(Level::User));
        assert_eq!(edge.status(&of_user("u2", NOW + 2)), Status::Revoked(Level::User));
        assert_eq!(edge.status(&of_user("alone", NOW)), Status::Revoked(Level::User));
        assert_eq!(edge.status(&of_user("other", NOW)), Status::NotRevoked);
    }
}

/// A shard covers the last event in it, whether in the table of users or of grants.
#[test]
fn a_manifest_of_form_1_0_brings_a_grant_to_edges_without_its_delta() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &user("v"), NOW);
    load_in(Form::V1_0, &mut edge, &mut ledger, NOW);
    for sub in ["u", "w"] {
        record(&mut ledger, &grant(sub, "app"), NOW);
        assert!(!is_revoked(&edge, &of_user(sub, NOW)));
        load_in(Form::V1_0, &mut edge, &mut ledger, NOW);
        assert!(is_revoked(&edge, &of_user(sub, NOW)));
    }
}

/// If the user was logged out as well, a shard may have the same bytes in both forms.
#[test]
fn a_section_shared_by_both_forms_is_kept_while_one_uses_it() {
    let mut ledger = ledger();
    record(&mut ledger, &user("u"), NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    let shard = |ledger: &mut Ledger, form, now| {
        let of_epochs = published(ledger, form, now).into_iter().find(|(kind, _)| *kind == 3);
        of_epochs.expect("a shard of not-befores").1
    };
    let same = shard(&mut ledger, Form::V1_1, NOW);
    assert_eq!(shard(&mut ledger, Form::V1_0, NOW), same);
    // Form 1.0 is rebuilt; the section of form 1.1 is still available much later.
    record(&mut ledger, &grant("v", "app"), NOW);
    assert_ne!(shard(&mut ledger, Form::V1_0, NOW), same);
    let later = NOW + 2 * RECENT_SECTIONS_SECONDS;
    assert_eq!(shard(&mut ledger, Form::V1_1, later), same);
    assert!(ledger.section(&same).is_some());
}

#[test]
fn form_1_0_costs_nothing_once_it_is_not_requested() {
    let mut ledger = ledger();
    record(&mut ledger, &user("v"), NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    let newest = published(&mut ledger, Form::V1_1, NOW);
    let bytes = ledger.stats().section_bytes;
    let lower = published(&mut ledger, Form::V1_0, NOW);
    assert!(ledger.stats().section_bytes > bytes);
    let own: Vec<_> = lower.difference(&newest).collect();
    assert_eq!(own.len(), 1);
    ledger.prune(at(NOW + HOUR));
    assert!(ledger.stats().section_bytes > bytes, "it is kept for an hour");
    ledger.prune(at(NOW + HOUR + 1));
    assert_eq!(ledger.stats().section_bytes, bytes);
    ledger.prune(at(NOW + HOUR + 1 + RECENT_SECTIONS_SECONDS));
    assert!(ledger.section(&own[0].1).is_none());
    // A new request rebuilds it, with the events since then.
    record(&mut ledger, &grant("w", "app"), NOW);
    let mut lower = edge();
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    for sub in ["u", "v", "w"] {
        assert_eq!(lower.status(&of_user(sub, NOW)), Status::Revoked(Level::User));
    }
}
