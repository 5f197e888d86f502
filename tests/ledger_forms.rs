//! The forms of a ledger's feed: one for readers of version 1.0, which refuses at least as much, and the newest one.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod message;
mod pair;

use message::{blocks, sections};
use pair::*;
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings, NotBefore};
use portcullis::policy::{Audience, Compare, Policy, Profile};
use portcullis::revocation::{Form, Level, Revocations, Status, Subject};
use portcullis::verdict::state_policy;
use serde_json::Value;

const FORMS: [Form; 2] = [Form::V1_0, Form::V1_1];
const KEY: [u8; 32] = [7; 32];
const OTHER_KEY: [u8; 32] = [8; 32];

fn grant(sub: &str, client: &str) -> Event {
    Event::Grant { sub: sub.into(), client: client.into(), not_before: NotBefore::Now }
}

fn key_not_before() -> Event {
    Event::KeyNotBefore { thumbprint: KEY, not_before: NotBefore::Now }
}

/// Returns every kind of event. A new kind has to be added here, because the match has no wildcard arm.
fn every_kind() -> Vec<Event> {
    let events = vec![
        token("j", NOW + 290, NOW - 10),
        Event::Session { sid: "s".into(), occurred_at: None, issued_at: None },
        Event::ClientSession { sid: "s".into(), azp: "app".into(), occurred_at: None, issued_at: None },
        user("u"),
        Event::Client { client: "app".into(), not_before: NotBefore::Now },
        Event::Realm { not_before: NotBefore::Now },
        grant("u", "app"),
        Event::KeyBanned { thumbprint: KEY },
        key_not_before(),
        Event::TokenVersion { sub: "u".into(), minimum: 2 },
        Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() },
        Event::KeysWithdrawn,
        Event::Bounds,
        Event::Correction(Correction::Realm { not_before: None }),
    ];
    let number = |event: &Event| match event {
        Event::Token { .. } => 0,
        Event::Session { .. } => 1,
        Event::ClientSession { .. } => 2,
        Event::User { .. } => 3,
        Event::Client { .. } => 4,
        Event::Realm { .. } => 5,
        Event::Grant { .. } => 6,
        Event::KeyBanned { .. } => 7,
        Event::KeyNotBefore { .. } => 8,
        Event::TokenVersion { .. } => 9,
        Event::Keys { .. } => 10,
        Event::KeysWithdrawn => 11,
        Event::Bounds => 12,
        Event::Correction(_) => 13,
    };
    assert!(events.iter().map(number).eq(0..14));
    events
}

/// Returns tokens of the users, sessions, clients and keys named by the events, and of others, from before and after.
fn tokens() -> Vec<Subject<'static>> {
    let mut tokens = Vec::new();
    for user in [Some("u"), Some("v"), None] {
        for session in [Some("s"), None] {
            for (authorized_party, client_id) in [(Some("app"), None), (None, Some("app")), (Some("web"), None)] {
                for signing_key in [&KEY, &OTHER_KEY] {
                    for issued_at in [NOW - 10, NOW + 2, NOW + 3, NOW + 100] {
                        let (issued_at, expires_at) = (at(issued_at), at(NOW + 290));
                        tokens.push(Subject {
                            user,
                            session,
                            authorized_party,
                            client_id,
                            signing_key: Some(signing_key),
                            issued_at,
                            compared_at: issued_at,
                            expires_at,
                            ..of_all()
                        });
                    }
                }
            }
        }
    }
    tokens
}

fn refused(edge: &Revocations) -> Vec<bool> {
    let refuses = |subject: &Subject<'_>| {
        let is_banned = subject.signing_key.is_some_and(|key| edge.bans(key));
        is_banned || is_revoked(edge, subject)
    };
    tokens().iter().map(refuses).collect()
}

/// Returns the refusals of a reader of this form that had the state before the event, and of one that loads it
/// afterwards.
fn readers(form: Form, ledger: &mut Ledger, event: &Event) -> [Vec<bool>; 2] {
    let (mut early, mut late) = (edge(), edge());
    load_in(form, &mut early, ledger, NOW);
    record(ledger, event, NOW).expect("news");
    if follow_in_if_kept(form, &mut early, ledger).is_none() {
        load_in(form, &mut early, ledger, NOW);
    }
    load_in(form, &mut late, ledger, NOW);
    assert_eq!(early.position().unwrap().sequence, ledger.head().0);
    [early, late].map(|edge| refused(&edge))
}

fn follow_in_if_kept(form: Form, edge: &mut Revocations, ledger: &Ledger) -> Option<()> {
    ledger.delta(form, edge.position()?.sequence, at(NOW)).ok()?;
    follow_in(form, edge, ledger, NOW).ok().map(drop)
}

#[test]
fn form_1_0_refuses_at_least_as_much_of_every_kind_of_event() {
    for event in every_kind() {
        let ledgers = || {
            let mut ledger = ledger();
            match event {
                Event::Correction(_) => drop(record(&mut ledger, &Event::Realm { not_before: NotBefore::Now }, NOW)),
                Event::KeysWithdrawn => {
                    drop(record(&mut ledger, &Event::Keys { jwks: br#"{"keys":[]}"#.to_vec() }, NOW));
                }
                _ => {}
            }
            ledger
        };
        let (mut lower, mut newest) = (ledgers(), ledgers());
        let (lower, by_form) = (readers(Form::V1_0, &mut lower, &event), readers(Form::V1_1, &mut newest, &event));
        for (lower, by_form) in lower.iter().zip(&by_form) {
            let is_covered = lower.iter().zip(by_form).all(|(lower, newest)| *lower || !*newest);
            assert!(is_covered, "{event:?}");
            // The ledger agrees with the newest form.
            let banned = |subject: &Subject<'_>| subject.signing_key.is_some_and(|key| newest.bans(key));
            let tokens = tokens();
            let exactly = tokens.iter().map(|subject| banned(subject) || newest.refuses(subject).is_some());
            let exactly: Vec<bool> = exactly.collect();
            assert_eq!(*by_form, exactly, "{event:?}");
        }
    }
}

#[test]
fn in_form_1_0_a_grant_becomes_a_user_not_before_and_a_key_not_before_the_realms() {
    let (mut ledger, mut lower) = (ledger(), edge());
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    follow_in(Form::V1_0, &mut lower, &ledger, NOW).unwrap();
    let mut late = edge();
    load_in(Form::V1_0, &mut late, &mut ledger, NOW);
    let other_app = Subject { authorized_party: Some("web"), ..of_all() };
    for edge in [&lower, &late] {
        assert_eq!(edge.status(&other_app), Status::Revoked(Level::User));
        assert_eq!(edge.status(&of_user("v", NOW)), Status::NotRevoked);
        assert_eq!(edge.status(&of_user("u", NOW + 3)), Status::NotRevoked);
    }
    assert_eq!(ledger.refuses(&other_app), None);
    record(&mut ledger, &key_not_before(), NOW);
    follow_in(Form::V1_0, &mut lower, &ledger, NOW).unwrap();
    load_in(Form::V1_0, &mut late, &mut ledger, NOW);
    for edge in [&lower, &late] {
        assert_eq!(edge.status(&of_user("v", NOW + 2)), Status::Revoked(Level::Realm));
        assert_eq!(edge.status(&of_user("v", NOW + 3)), Status::NotRevoked);
    }
}

#[test]
fn a_later_not_before_of_user_or_realm_stays_the_later_one() {
    let mut ledger = ledger();
    let source = |at_seconds| NotBefore::Source(at(at_seconds));
    record(&mut ledger, &Event::User { sub: "u".into(), not_before: source(NOW + 50) }, NOW);
    record(&mut ledger, &Event::Realm { not_before: source(NOW - 50) }, NOW);
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &Event::KeyNotBefore { thumbprint: KEY, not_before: source(NOW - 100) }, NOW);
    let mut lower = edge();
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    assert_eq!(lower.status(&of_user("u", NOW + 50)), Status::Revoked(Level::User));
    assert_eq!(lower.status(&of_user("u", NOW + 51)), Status::NotRevoked);
    assert_eq!(lower.status(&of_user("v", NOW - 50)), Status::Revoked(Level::Realm));
    assert_eq!(lower.status(&of_user("v", NOW - 49)), Status::NotRevoked);
}

#[test]
fn without_new_features_both_forms_differ_only_in_the_minor_version() {
    let mut ledger = ledger();
    for event in every_kind() {
        match event {
            Event::Grant { .. } | Event::KeyNotBefore { .. } => {}
            event => drop(record(&mut ledger, &event, NOW)),
        }
    }
    let after = ledger.head().0;
    record(&mut ledger, &user("v"), NOW);
    let [lower, newest] = FORMS.map(|form| {
        let manifest = ledger.manifest(form, at(NOW)).unwrap();
        let delta = ledger.delta(form, after, at(NOW)).unwrap().bytes;
        [manifest, delta, ledger.heartbeat(form, at(NOW))]
    });
    for (mut lower, newest) in lower.into_iter().zip(newest) {
        assert_eq!((lower[5], newest[5]), (0, 1));
        lower[5] = 1;
        let signed = lower.len() - 64;
        assert_eq!(lower[..signed], newest[..signed]);
    }
}

#[test]
fn the_policy_is_stated_only_in_form_1_1() {
    let policy = |compare| Policy { compare, ..Policy::new(ISSUER, Audience::NotChecked, Profile::Generic) };
    let of = |compare| Ledger::new(LedgerSettings { policy: Some(state_policy(&policy(compare))), ..settings() });
    let (mut ledger, mut lower, mut newest) = (of(Compare::IssuedAt).unwrap(), edge(), edge());
    let stated = |edge: &Revocations| edge.stated_policy().cloned();
    load_in(Form::V1_0, &mut lower, &mut ledger, NOW);
    load_in(Form::V1_1, &mut newest, &mut ledger, NOW);
    assert_eq!(stated(&lower), None);
    assert_eq!(stated(&newest), Some(state_policy(&policy(Compare::IssuedAt))));
    let first = record(&mut ledger, &user("u"), NOW).unwrap();
    // The next run has another policy, which is in one delta for readers of the previous run.
    let mut ledger = of(Compare::AuthTime).unwrap();
    ledger.restore(&first).unwrap();
    record(&mut ledger, &user("v"), NOW);
    let start = first.sequence;
    let has_policy = |form, after| {
        let delta = ledger.delta(form, after, at(NOW)).unwrap().bytes;
        blocks(&delta, 80).iter().any(|(kind, _)| *kind == 15)
    };
    assert!(has_policy(Form::V1_1, start - 1) && has_policy(Form::V1_1, start));
    assert!(!has_policy(Form::V1_0, start - 1) && !has_policy(Form::V1_1, start + 1));
    follow_in(Form::V1_0, &mut lower, &ledger, NOW).unwrap();
    follow_in(Form::V1_1, &mut newest, &ledger, NOW).unwrap();
    assert_eq!(stated(&lower), None);
    assert_eq!(stated(&newest), Some(state_policy(&policy(Compare::AuthTime))));
}

/// The recorded feed has another hash key; only the parts that depend on the key differ.
#[test]
fn form_1_0_equals_the_output_of_version_1_0() {
    let text = include_str!("vectors/feed-1.0.json");
    let feed: Value = serde_json::from_str(text).unwrap();
    let bytes = |name: &str| {
        let digits = feed[name].as_str().unwrap();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect::<Vec<_>>()
    };
    let mut ledger = ledger();
    for event in [
        Event::Realm { not_before: NotBefore::Source(at(NOW - 500)) },
        Event::Client { client: "app".into(), not_before: NotBefore::Source(at(NOW)) },
        user("bob"),
        Event::Session { sid: "s".into(), occurred_at: None, issued_at: None },
        Event::TokenVersion { sub: "dave".into(), minimum: 3 },
        token("in-manifest", NOW + 300, NOW - 1),
    ] {
        record(&mut ledger, &event, NOW);
    }
    let written = ledger.manifest(Form::V1_0, at(NOW)).unwrap();
    let recorded = bytes("manifest");
    // The head, with sequence and chain: the encoding of rows is unchanged.
    assert_eq!(written[..60], recorded[..60]);
    let plain = |message: &[u8]| {
        let of_all = blocks(message, 60).into_iter();
        // Hash keys, and the names of sections.
        of_all.map(|(kind, contents)| (kind, contents.len(), contents)).map(|(kind, length, contents)| match kind {
            2 | 7 => (kind, length, Vec::new()),
            _ => (kind, length, contents),
        })
    };
    assert!(plain(&written).eq(plain(&recorded)));
    let entries = |message: &[u8]| {
        sections(message).into_iter().map(|entry| [entry[..8].to_vec(), entry[12..40].to_vec()]).collect::<Vec<_>>()
    };
    assert_eq!(entries(&written), entries(&recorded));
}

#[test]
fn form_1_0_has_only_blocks_and_sections_known_to_version_1_0() {
    let mut ledger = ledger();
    let start = ledger.head().0;
    record(&mut ledger, &grant("u", "app"), NOW);
    record(&mut ledger, &key_not_before(), NOW);
    record(&mut ledger, &user("v"), NOW);
    let kinds = |message: &[u8], body| blocks(message, body).into_iter().map(|(kind, _)| kind).collect::<Vec<_>>();
    let delta = |ledger: &Ledger, form| ledger.delta(form, start, at(NOW)).unwrap().bytes;
    assert_eq!(kinds(&delta(&ledger, Form::V1_0), 80), [2, 3, 10, 12]);
    assert_eq!(kinds(&delta(&ledger, Form::V1_1), 80), [2, 10, 12, 13, 14]);
    let manifest = ledger.manifest(Form::V1_0, at(NOW)).unwrap();
    assert_eq!(kinds(&manifest, 60), [1, 2, 3, 7]);
    assert!(sections(&manifest).iter().all(|entry| entry[0] == 3));
    let manifest = ledger.manifest(Form::V1_1, at(NOW)).unwrap();
    assert_eq!(kinds(&manifest, 60), [1, 2, 7, 13]);
    assert_eq!(sections(&manifest).iter().map(|entry| entry[0]).collect::<Vec<_>>(), [3, 5]);
}
