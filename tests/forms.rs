//! A reader of form 1.1 that temporarily gets form 1.0: it refuses more than necessary, and recovers.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod pair;

use pair::*;
use portcullis::ledger::{Event, Ledger, NotBefore};
use portcullis::revocation::{Effect, Form, Level, Revocations, Status, Subject};

const KEY: [u8; 32] = [9; 32];

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Caller(at(NOW)) }
}

fn key_not_before() -> Event {
    Event::KeyNotBefore { thumbprint: KEY, not_before: NotBefore::Caller(at(NOW - 500)) }
}

fn delta(edge: &mut Revocations, ledger: &Ledger, form: Form, now: u64) -> Effect {
    let after = edge.position().unwrap().sequence;
    edge.apply(&ledger.delta(form, after, at(now)).unwrap().bytes, at(now)).unwrap().effect
}

fn manifest(edge: &mut Revocations, ledger: &mut Ledger, form: Form, now: u64) -> Effect {
    let effect = edge.apply(&ledger.manifest(form, at(now)).unwrap(), at(now)).unwrap().effect;
    provide_all(edge, ledger);
    effect
}

/// Tokens that form 1.1 does not refuse: the user's with another client, and one without a user from before the key's
/// not-before.
fn bystanders(edge: &Revocations) -> [Status; 2] {
    let long_ago = Subject { user: None, issued_at: at(NOW - 500), compared_at: at(NOW - 500), ..of_all() };
    [edge.status(&Subject { authorized_party: Some("web"), ..of_all() }), edge.status(&long_ago)]
}

/// Tokens that the events are meant to refuse.
fn meant(edge: &Revocations) -> [bool; 2] {
    let by_key = Subject { signing_key: Some(&KEY), user: None, ..of_all() };
    [is_revoked(edge, &of_all()), is_revoked(edge, &Subject { compared_at: at(NOW - 500), ..by_key })]
}

const OVER_KILL: [Status; 2] = [Status::Revoked(Level::User), Status::Revoked(Level::Realm)];
const EXACT: [Status; 2] = [Status::NotRevoked; 2];

#[test]
fn a_state_pushed_in_form_1_0_heals_with_the_next_manifest() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    assert_eq!(edge.form(), Some(Form::V1_1));
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(), NOW);
    assert_eq!(delta(&mut edge, &ledger, Form::V1_0, NOW), Effect::Changed);
    assert_eq!((edge.form(), meant(&edge), bystanders(&edge)), (Some(Form::V1_0), [true; 2], OVER_KILL));
    assert!(edge.wants_manifest());
    // In the same second, at the same sequence.
    assert_eq!(manifest(&mut edge, &mut ledger, Form::V1_1, NOW), Effect::Staged);
    assert_eq!((edge.form(), meant(&edge), bystanders(&edge)), (Some(Form::V1_1), [true; 2], EXACT));
    assert!(!edge.wants_manifest());
}

#[test]
fn a_statement_of_form_1_1_makes_a_state_of_form_1_0_want_a_manifest() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(), NOW);
    manifest(&mut edge, &mut ledger, Form::V1_0, NOW);
    assert_eq!((edge.form(), meant(&edge), bystanders(&edge)), (Some(Form::V1_0), [true; 2], OVER_KILL));
    assert_eq!(delta(&mut edge, &ledger, Form::V1_0, NOW + 1), Effect::Renewed);
    assert!(!edge.wants_manifest());
    // The heartbeat states it too.
    assert_eq!(delta(&mut edge, &ledger, Form::V1_1, NOW + 2), Effect::Renewed);
    assert!(edge.wants_manifest());
    manifest(&mut edge, &mut ledger, Form::V1_1, NOW + 2);
    assert_eq!((meant(&edge), bystanders(&edge), edge.wants_manifest()), ([true; 2], EXACT, false));
}

#[test]
fn accepts_a_manifest_of_form_1_1_at_the_sequence_and_second_of_one_of_form_1_0() {
    let (mut ledger, mut edge) = (ledger(), edge());
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(), NOW);
    manifest(&mut edge, &mut ledger, Form::V1_0, NOW);
    assert_eq!(bystanders(&edge), OVER_KILL);
    assert_eq!(manifest(&mut edge, &mut ledger, Form::V1_1, NOW), Effect::Staged);
    assert_eq!((edge.form(), meant(&edge), bystanders(&edge)), (Some(Form::V1_1), [true; 2], EXACT));
    // The lower form is nothing new then, in any second.
    for now in [NOW, NOW + 1] {
        let lower = ledger.manifest(Form::V1_0, at(now)).unwrap();
        let expected = if now == NOW { Effect::AlreadyKnown } else { Effect::Renewed };
        assert_eq!(edge.apply(&lower, at(now)).unwrap().effect, expected);
        assert_eq!((edge.form(), bystanders(&edge)), (Some(Form::V1_1), EXACT));
    }
}

#[test]
fn a_later_manifest_of_form_1_0_replaces_a_state_of_form_1_1_without_a_gap() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("x"), NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(), NOW);
    delta(&mut edge, &ledger, Form::V1_1, NOW);
    assert_eq!((meant(&edge), bystanders(&edge)), ([true; 2], EXACT));
    record(&mut ledger, &user("y"), NOW);
    manifest(&mut edge, &mut ledger, Form::V1_0, NOW);
    assert_eq!((edge.form(), meant(&edge), bystanders(&edge)), (Some(Form::V1_0), [true; 2], OVER_KILL));
    assert!(is_revoked(&edge, &of_user("x", NOW)) && is_revoked(&edge, &of_user("y", NOW)));
}

/// Deltas of one form on sections of the other; if those could be reused, the manifest would need no download.
#[test]
fn a_mixed_state_reuses_no_table_of_not_befores() {
    for (first, second) in [(Form::V1_0, Form::V1_1), (Form::V1_1, Form::V1_0)] {
        for last in [Form::V1_0, Form::V1_1] {
            let (mut ledger, mut edge) = (ledger(), edge());
            // Reusable shards, in both tables.
            record(&mut ledger, &user("x"), NOW);
            record(&mut ledger, &grant("x", "app"), NOW);
            manifest(&mut edge, &mut ledger, first, NOW);
            record(&mut ledger, &grant("u", "app"), NOW);
            record(&mut ledger, &key_not_before(), NOW);
            delta(&mut edge, &ledger, second, NOW);
            assert_eq!(meant(&edge), [true; 2], "{first:?} {second:?}");
            record(&mut ledger, &user("y"), NOW);
            delta(&mut edge, &ledger, second, NOW);
            manifest(&mut edge, &mut ledger, last, NOW + 1);
            record(&mut ledger, &user("z"), NOW);
            manifest(&mut edge, &mut ledger, last, NOW + 2);
            assert_eq!(meant(&edge), [true; 2], "{first:?} {second:?} {last:?}");
            assert_eq!((edge.form(), edge.wants_manifest()), (Some(last), false), "{first:?} {second:?} {last:?}");
            let expected = if last == Form::V1_0 { OVER_KILL } else { EXACT };
            assert_eq!(bystanders(&edge), expected, "{first:?} {second:?} {last:?}");
        }
    }
}

#[test]
fn a_manifest_of_form_1_1_replaces_an_incoming_one_of_form_1_0() {
    let (mut ledger, mut edge) = (ledger(), edge());
    load(&mut edge, &mut ledger, NOW);
    record(&mut ledger, &user("x"), NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    let lower = ledger.manifest(Form::V1_0, at(NOW)).unwrap();
    assert_eq!(edge.apply(&lower, at(NOW)).unwrap().effect, Effect::Staged);
    assert_eq!(manifest(&mut edge, &mut ledger, Form::V1_1, NOW), Effect::Staged);
    assert_eq!((edge.form(), meant(&edge)[0], bystanders(&edge)[0]), (Some(Form::V1_1), true, Status::NotRevoked));
    // But not vice versa.
    assert_eq!(edge.apply(&lower, at(NOW)).unwrap().effect, Effect::AlreadyKnown);
}

#[test]
fn forms_by_the_minor_version_of_a_reader() {
    assert_eq!([0, 1, 2, 99, 255].map(Form::for_reader), [Form::V1_0, Form::V1_1, Form::V1_1, Form::V1_1, Form::V1_1]);
    assert_eq!(Form::NEWEST, Form::for_reader(u8::MAX));
    assert_eq!([Form::V1_0, Form::V1_1].map(Form::minor), [0, 1]);
}
