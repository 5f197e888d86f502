//! An origin restarted with other bounds: if a revocation was dropped under narrower bounds, its tokens are not
//! accepted under wider ones.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod fixtures;

use fixtures::{realm, token, ISSUER, NOW};
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore, Row};
use portcullis::policy::Compare;
use portcullis::revocation::{Bounds, Form, RealmId, Revocations};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{judge, Realm};
use serde_json::{json, Value};

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

fn after(seconds: u64) -> UnixSeconds {
    NOW.plus(Seconds::new(seconds))
}

fn lifetime(seconds: u64) -> Bounds {
    Bounds { max_lifetime: Seconds::new(seconds), ..Bounds::default() }
}

/// An origin with its store, which may be restarted, and an edge that follows it and by itself accepts nearly every
/// token.
struct Pair {
    ledger: Ledger,
    store: Vec<Row>,
    realms: [Realm; 1],
}

impl Pair {
    fn new(bounds: Bounds, compare: Compare) -> Self {
        let mut realm = realm();
        realm.policy.compare = compare;
        let ledger = ledger(bounds);
        let keys = vec![ledger.signing_key().public().clone()];
        let generous =
            Bounds { leeway: Seconds::new(300), max_session: Some(Seconds::new(90 * DAY)), ..lifetime(40 * DAY) };
        realm.revocations = Revocations::new(RealmId::of(ISSUER), keys, generous);
        Self { ledger, store: Vec::new(), realms: [realm] }
    }

    fn record(&mut self, event: &Event, now: UnixSeconds) -> bool {
        let row = self.ledger.stage(event, now).unwrap();
        self.ledger.commit();
        let is_news = row.is_some();
        self.store.extend(row);
        is_news
    }

    /// Drops expired records from the ledger and the store.
    fn prune(&mut self, now: UnixSeconds) {
        self.ledger.prune(now);
        self.store.retain(|row| row.keep_until.is_none_or(|keep_until| keep_until > now));
    }

    fn restart(&mut self, bounds: Bounds) {
        let (sequence, chain) = self.ledger.head();
        let key = SigningKey::from_jwk(self.ledger.signing_key().to_jwk().as_bytes()).unwrap();
        self.ledger = ledger(bounds);
        self.ledger.set_signing_key(key);
        self.store.iter().for_each(|row| self.ledger.restore(row).unwrap());
        self.ledger.restore_head(sequence, chain).unwrap();
    }

    /// Returns the verdict with the origin's current state.
    fn code(&mut self, token: &str, now: UnixSeconds) -> &'static str {
        let edge = &mut self.realms[0].revocations;
        edge.forget_expired(now);
        edge.apply(&self.ledger.manifest(Form::NEWEST, now).unwrap(), now).unwrap();
        for name in edge.missing_sections() {
            edge.provide_section(self.ledger.section(&name).unwrap()).unwrap();
        }
        fixtures::code(&judge(token, &self.realms, now))
    }
}

fn ledger(bounds: Bounds) -> Ledger {
    let settings = LedgerSettings {
        issuer: ISSUER.into(),
        signing_key: SigningKey::generate().unwrap(),
        bounds,
        issuer_skew: Seconds::new(0),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy: None,
        incarnation: 1,
    };
    Ledger::new(settings).unwrap()
}

fn user() -> Event {
    Event::User { sub: "alice".into(), not_before: NotBefore::Now }
}

fn id() -> Event {
    Event::Token { id: "token-1".into(), expires_at: None, issued_at: None }
}

fn token_of(issued_at: UnixSeconds, seconds: u64, changes: &Value) -> String {
    let mut all = json!({ "iat": issued_at.get(), "exp": issued_at.get() + seconds });
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    token(&all)
}

/// A revocation under `old` bounds, and an origin restarted with `new` ones after that revocation was dropped.
struct Widened {
    old: Bounds,
    new: Bounds,
    compare: Compare,
    event: Event,
    token: String,
    /// When the origin has dropped the revocation.
    forgotten_after: u64,
    /// When the token would expire under the new bounds.
    over_after: u64,
}

fn widened() -> Vec<Widened> {
    let of_days = token_of(NOW, 2 * DAY, &json!({}));
    let of_days = |event: Event| Widened {
        old: lifetime(HOUR),
        new: lifetime(3 * DAY),
        compare: Compare::IssuedAt,
        event,
        token: of_days.clone(),
        forgotten_after: 6 * HOUR,
        over_after: 2 * DAY,
    };
    let session = |seconds| Bounds { max_session: Some(Seconds::new(seconds)), ..lifetime(HOUR) };
    vec![
        of_days(user()),
        of_days(id()),
        of_days(Event::Session { sid: "session-1".into(), occurred_at: None, issued_at: None }),
        Widened {
            old: lifetime(HOUR),
            new: Bounds { leeway: Seconds::new(300), ..lifetime(HOUR) },
            compare: Compare::IssuedAt,
            event: user(),
            token: token_of(NOW, HOUR, &json!({})),
            forgotten_after: HOUR + 10,
            over_after: HOUR + 300,
        },
        Widened {
            old: session(2 * DAY),
            new: session(30 * DAY),
            compare: Compare::AuthTime,
            event: user(),
            token: token_of(after(2 * DAY + 20), HOUR, &json!({ "auth_time": NOW.get() })),
            forgotten_after: 2 * DAY + 20,
            over_after: 2 * DAY + 20 + HOUR,
        },
    ]
}

#[test]
fn wider_bounds_accept_no_token_whose_revocation_was_dropped() {
    for Widened { old, new, compare, event, token, forgotten_after, over_after } in widened() {
        let mut pair = Pair::new(old, compare);
        assert!(pair.record(&Event::Bounds, NOW));
        assert!(pair.record(&event, NOW));
        let restart_at = after(forgotten_after);
        pair.prune(restart_at);
        let stats = pair.ledger.stats();
        assert_eq!((stats.epochs, stats.token_ids), (0, 0), "{event:?} is not forgotten");
        pair.restart(new);
        // Published before the change is recorded, after it, and after another restart.
        assert_ne!(pair.code(&token, restart_at), "accepted", "{event:?}");
        assert!(pair.record(&Event::Bounds, restart_at));
        let step = (over_after - forgotten_after) / 10;
        for elapsed in (forgotten_after..=over_after).step_by(usize::try_from(step).unwrap()) {
            pair.prune(after(elapsed));
            pair.record(&Event::Bounds, after(elapsed));
            assert_ne!(pair.code(&token, after(elapsed)), "accepted", "{event:?} after {elapsed} s");
            pair.restart(new);
        }
    }
}

/// Without a record of the bounds the tokens are accepted, so the record is needed.
#[test]
fn without_a_record_of_the_bounds_it_would_be_accepted() {
    for Widened { old, new, compare, event, token, forgotten_after, .. } in widened() {
        let mut pair = Pair::new(old, compare);
        pair.record(&event, NOW);
        pair.prune(after(forgotten_after));
        pair.restart(new);
        assert_eq!(pair.code(&token, after(forgotten_after)), "accepted", "{event:?}");
    }
}

#[test]
fn wider_bounds_apply_once_no_dropped_revocation_matters() {
    let (old, new) = (lifetime(HOUR), lifetime(DAY));
    let mut pair = Pair::new(old, Compare::IssuedAt);
    pair.record(&Event::Bounds, NOW);
    pair.restart(new);
    assert_eq!(pair.ledger.stats().bounds.max_lifetime, old.max_lifetime);
    assert!(pair.record(&Event::Bounds, NOW));
    let of_two_hours = |at| token_of(at, 2 * HOUR, &json!({ "jti": "other" }));
    // One lifetime, plus both margins and the clock skew.
    let last = after(5 + DAY + 10);
    for (now, bounds, code) in [
        (NOW, old, "lifetime_exceeded"),
        (last, old, "lifetime_exceeded"),
        (last.plus(Seconds::new(1)), new, "accepted"),
        (last.plus(Seconds::new(HOUR)), new, "accepted"),
    ] {
        pair.record(&Event::Bounds, now);
        assert_eq!(pair.ledger.stats().bounds.max_lifetime, bounds.max_lifetime);
        assert_eq!(pair.code(&of_two_hours(now), now), code);
    }
    // Events recorded in the meantime are kept by the new bounds.
    pair.record(&user(), last);
    let until = last.plus(Seconds::new(DAY));
    pair.prune(until);
    pair.restart(new);
    assert_eq!(pair.code(&token_of(last, DAY, &json!({})), until), "user_revoked");
}

#[test]
fn an_event_before_the_change_delays_it_while_it_refuses_tokens() {
    let mut pair = Pair::new(lifetime(HOUR), Compare::IssuedAt);
    pair.record(&Event::Bounds, NOW);
    // Refuses tokens issued in the next minute.
    pair.record(&Event::Session { sid: "session-1".into(), occurred_at: None, issued_at: None }, NOW);
    pair.restart(lifetime(DAY));
    pair.record(&Event::Bounds, NOW);
    let late = token_of(after(60), DAY, &json!({}));
    for now in [after(HOUR + 70), after(DAY + 30), after(DAY + 64)] {
        pair.prune(now);
        pair.record(&Event::Bounds, now);
        assert_ne!(pair.code(&late, now), "accepted");
        pair.restart(lifetime(DAY));
    }
}

#[test]
fn narrower_bounds_apply_at_once() {
    let mut pair = Pair::new(lifetime(DAY), Compare::IssuedAt);
    pair.record(&Event::Bounds, NOW);
    pair.restart(lifetime(HOUR));
    assert_eq!(pair.ledger.stats().bounds.max_lifetime, Seconds::new(HOUR));
    assert_eq!(pair.code(&token_of(NOW, HOUR + 1, &json!({})), NOW), "lifetime_exceeded");
    assert!(pair.record(&Event::Bounds, NOW));
    // And back: events recorded under the narrow bounds are dropped by them.
    pair.record(&user(), NOW);
    pair.prune(after(2 * HOUR));
    pair.restart(lifetime(DAY));
    assert!(pair.record(&Event::Bounds, after(2 * HOUR)));
    assert_eq!(pair.code(&token_of(NOW, DAY, &json!({})), after(2 * HOUR)), "lifetime_exceeded");
}

#[test]
fn bounds_are_recorded_only_when_they_change() {
    let mut pair = Pair::new(lifetime(HOUR), Compare::IssuedAt);
    assert!(pair.record(&Event::Bounds, NOW));
    assert_eq!(pair.store[0].keep_until, None);
    assert!(!pair.record(&Event::Bounds, after(DAY)));
    pair.restart(lifetime(HOUR));
    assert!(!pair.record(&Event::Bounds, after(DAY)));
    // The issuer's clock is not ahead, but the clocks of two machines do not tick at the same moment.
    assert_eq!(pair.ledger.stats().bounds, Bounds { skew: Seconds::new(1), ..lifetime(HOUR) });
    // Staged twice in one batch.
    pair.restart(lifetime(DAY));
    assert!(pair.ledger.stage(&Event::Bounds, after(DAY)).unwrap().is_some());
    pair.ledger.commit();
    assert!(pair.ledger.stage(&Event::Bounds, after(DAY)).unwrap().is_none());
}

#[test]
fn edges_that_follow_deltas_get_the_new_bounds() {
    let mut pair = Pair::new(lifetime(HOUR), Compare::IssuedAt);
    pair.record(&Event::Bounds, NOW);
    pair.restart(lifetime(DAY));
    pair.record(&Event::Bounds, NOW);
    pair.code("", NOW);
    let now = after(2 * DAY);
    assert!(pair.record(&Event::Bounds, now));
    let edge = &mut pair.realms[0].revocations;
    let delta = pair.ledger.delta(Form::NEWEST, edge.position().unwrap().sequence, now).unwrap().bytes;
    assert!(!edge.wants_manifest());
    edge.apply(&delta, now).unwrap();
    // A delta only narrows bounds; the rest takes a manifest.
    assert!(edge.wants_manifest());
    assert_eq!(edge.bounds().max_lifetime, Seconds::new(HOUR));
    pair.code("", now);
    let edge = &pair.realms[0].revocations;
    assert!(!edge.wants_manifest());
    assert_eq!(edge.bounds().max_lifetime, Seconds::new(DAY));
}
