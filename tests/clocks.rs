//! Three clocks (issuer, origin, gate) that differ by whole seconds, and a series of events. Every token is presented
//! at every second from its minting until its `exp` plus the gate's leeway. One minted before the event is refused at
//! each second after it; one minted after the stated wait is accepted.
//!
//! A single check at the moment of recording would prove nothing: a token from a clock that is ahead is refused then
//! because of its `iat`, and accepted some seconds later.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation, missing_docs)]

mod fixtures;

use fixtures::{claims, realm, sign, HEADER, NOW, SECRET};
use portcullis::gate::{Gate, KeysFrom};
use portcullis::keys::KeySource;
use portcullis::ledger::key::SigningKey;
use portcullis::ledger::{Clocks, Event, Ledger, LedgerSettings, NotBefore, TimeTaken};
use portcullis::revocation::{Bounds, Form};
use portcullis::time::{Seconds, UnixSeconds};
use portcullis::verdict::{CacheLimits, Realm, Reason};
use serde_json::{json, Value};

const LEEWAY: i64 = 5;
const SKEW: i64 = 5;
/// Maximum lifetime of a token in this test; gate and ledger drop records by it.
const LIFETIME: u64 = 20;
/// Seconds between events, so that the tokens of one have expired at the next.
const PAUSE: i64 = 200;
/// Total number of events; each has three tokens.
const EVENTS: u64 = 40_000;
/// Number of events per ledger and gate.
const EVENTS_PER_WORLD: u64 = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Client,
    Realm,
    Session,
    ClientSession,
}

/// The clock that an event is recorded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stated {
    /// The clock of the authenticated issuer; the event takes `delay` seconds to arrive.
    Source { delay: i64 },
    /// The origin's clock; the issuer's lead is within `issuer_skew`.
    Nobody,
    /// The origin's clock; the issuer's lead has been measured.
    Measured,
    /// The origin's clock; the holder presents a token.
    WithToken,
}

/// Offsets of the clocks, constant for a while.
#[derive(Clone, Copy, Debug)]
struct Offsets {
    /// The issuer's clock minus the origin's.
    issuer: i64,
    /// The gate's clock minus the origin's.
    gate: i64,
    issuer_skew: i64,
}

struct Token {
    text: String,
    /// Time by the origin's clock.
    minted: i64,
    /// Time by the issuer's clock.
    issued_at: i64,
    expires_at: i64,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Accepted until the event has arrived, refused from then on.
    Revoked,
    /// Accepted throughout its lifetime.
    Good,
}

#[derive(Debug, Default)]
struct Tally {
    cases: u64,
    presented: u64,
    refused: u64,
    accepted: u64,
    /// Number of tokens that, right after the event, are refused only because of their `iat`.
    from_future: u64,
}

struct World {
    ledger: Ledger,
    gate: Gate,
    offsets: Offsets,
    random: u64,
    /// The origin's clock.
    now: i64,
    minted: u64,
    tally: Tally,
}

#[test]
fn no_clock_offset_accepts_a_revoked_token_at_any_second() {
    let mut tally = Tally::default();
    for number in 0..EVENTS / EVENTS_PER_WORLD {
        let mut world = World::new(number);
        for _ in 0..EVENTS_PER_WORLD {
            world.step();
        }
        tally.cases += world.tally.cases;
        tally.presented += world.tally.presented;
        tally.refused += world.tally.refused;
        tally.accepted += world.tally.accepted;
        tally.from_future += world.tally.from_future;
    }
    println!("{tally:?}");
    assert!(tally.cases >= 100_000, "{tally:?}");
    assert!(tally.refused > tally.cases && tally.accepted > tally.cases, "{tally:?}");
    assert!(tally.from_future > tally.cases / 100, "hardly any token came from a clock ahead: {tally:?}");
}

impl World {
    fn new(number: u64) -> Self {
        let mut random = 0xC10C_C10C ^ number.wrapping_mul(0xD134_2543_DE82_EF95);
        let gate = within(&mut random, -SKEW, SKEW);
        let issuer_skew = within(&mut random, 0, 3);
        let issuer = match below(&mut random, 4) {
            // Beyond any tolerance: safe if the source states the time.
            0 => within(&mut random, -60, 60),
            1 => issuer_skew,
            _ => within(&mut random, -SKEW, SKEW),
        };
        let offsets = Offsets { issuer, gate, issuer_skew };
        let (ledger, gate) = pair(issuer_skew);
        let now = NOW.get().cast_signed();
        Self { ledger, gate, offsets, random, now, minted: 0, tally: Tally::default() }
    }

    fn step(&mut self) {
        self.now += PAUSE;
        let kinds = [Kind::User, Kind::Client, Kind::Realm, Kind::Session, Kind::ClientSession];
        let kind = kinds[self.below(5) as usize];
        let Offsets { issuer, issuer_skew, .. } = self.offsets;
        let stated = match self.below(4) {
            0 if issuer <= SKEW => Stated::Measured,
            1 if issuer <= issuer_skew => Stated::Nobody,
            2 if matches!(kind, Kind::Session | Kind::ClientSession) && issuer <= issuer_skew => Stated::WithToken,
            _ => Stated::Source { delay: self.within(0, 12) },
        };
        let happened = self.now;
        let arrives = match stated {
            Stated::Source { delay } => happened + delay,
            Stated::Nobody | Stated::Measured | Stated::WithToken => happened,
        };
        let name = self.minted;
        let age = if self.below(3) == 0 { 0 } else { self.within(0, LIFETIME.cast_signed()) };
        let old = self.mint(happened - age, name, kind, Fate::Revoked);
        let last = self.mint(happened, name, kind, Fate::Revoked);
        let fresh = self.mint_fresh(happened, stated, name, kind);
        let event = event(kind, stated, name, happened + issuer, old.issued_at.max(last.issued_at));
        self.present_throughout(&[old, last, fresh], (&event, stated, kind), arrives, happened + issuer);
        self.forget();
    }

    /// The first login that must be accepted; if a session has ended, one with a new session.
    fn mint_fresh(&mut self, happened: i64, stated: Stated, name: u64, kind: Kind) -> Token {
        let Offsets { issuer, issuer_skew, .. } = self.offsets;
        let is_behind_by = (-issuer).max(0);
        let wait = match (kind, stated) {
            (Kind::Session, _) => return self.mint(happened, name + 1_000_000, kind, Fate::Good),
            (_, Stated::Source { .. }) => 1,
            (_, Stated::Nobody | Stated::WithToken) => issuer_skew + is_behind_by + 1,
            (_, Stated::Measured) => issuer_skew.max(issuer) + is_behind_by + 1,
        };
        self.mint(happened + wait, name, kind, Fate::Good)
    }

    fn mint(&mut self, minted: i64, name: u64, kind: Kind, fate: Fate) -> Token {
        let issued_at = minted + self.offsets.issuer;
        let expires_at = issued_at + self.within(LIFETIME.cast_signed() / 2, LIFETIME.cast_signed());
        self.minted += 1;
        // Only the claim named by the event is equal, so that the event itself must refuse the token.
        let other = self.minted;
        let own =
            |about: bool, what: &str| if about { format!("{what}-{name}") } else { format!("{what}-other-{other}") };
        let is_of_session = matches!(kind, Kind::Session | Kind::ClientSession);
        let body = json!({
            "jti": format!("token-{}", self.minted),
            "sub": own(kind == Kind::User, "user"),
            "azp": own(matches!(kind, Kind::Client | Kind::ClientSession), "client"),
            "sid": if is_of_session { Value::from(own(true, "session")) } else { Value::Null },
            "iat": issued_at,
            "exp": expires_at,
        });
        Token { text: sign(HEADER, claims(&body)), minted, issued_at, expires_at, fate }
    }

    fn present_throughout(
        &mut self,
        tokens: &[Token],
        (event, stated, kind): (&Event, Stated, Kind),
        arrives: i64,
        source: i64,
    ) {
        self.tally.cases += tokens.len() as u64;
        let from = tokens.iter().map(|token| token.minted).min().unwrap();
        let until = tokens.iter().map(|token| token.expires_at).max().unwrap() + LEEWAY - self.offsets.gate;
        for second in from..=until.max(arrives) {
            if second == arrives {
                self.record(event, stated, arrives, source);
            }
            let at_gate = second + self.offsets.gate;
            for token in tokens.iter().filter(|token| token.minted <= second) {
                let reason = self.gate.find(token.text.as_bytes(), time(at_gate)).err().map(|refused| refused.reason);
                let is_expired = at_gate >= token.expires_at + LEEWAY;
                let is_from_future = token.issued_at > at_gate + SKEW;
                let is_revoked = token.fate == Fate::Revoked && second >= arrives;
                let says = || {
                    let Token { minted, issued_at, expires_at, .. } = token;
                    format!("{kind:?}, {stated:?}, {:?}: minted at {minted} as {issued_at}..{expires_at}, event arrived at {arrives}, presented at {second}", self.offsets)
                };
                self.tally.presented += 1;
                if is_expired {
                    assert_eq!(reason, Some(Reason::Expired), "{}", says());
                } else if is_from_future {
                    assert_eq!(reason, Some(Reason::IssuedInFuture), "{}", says());
                    self.tally.from_future += u64::from(is_revoked);
                } else if is_revoked {
                    assert_eq!(reason, Some(reason_of(kind)), "{}", says());
                    self.tally.refused += 1;
                } else {
                    assert_eq!(reason, None, "{}", says());
                    self.tally.accepted += 1;
                }
            }
        }
        self.now = self.now.max(until);
    }

    fn record(&mut self, event: &Event, stated: Stated, now: i64, source: i64) {
        let issuer_lead = match stated {
            Stated::Measured => Seconds::new(self.offsets.issuer.max(0).cast_unsigned()),
            Stated::Nobody | Stated::WithToken | Stated::Source { .. } => Seconds::new(0),
        };
        let staged = self.ledger.stage_by(event, Clocks { now: time(now), issuer_lead }).unwrap();
        let is_ahead = matches!(stated, Stated::Source { .. }) && source > now;
        let by = Seconds::new((source - now).max(0).cast_unsigned());
        assert_eq!(staged.time, if is_ahead { TimeTaken::SourceAhead { by } } else { TimeTaken::AsGiven });
        // An event that is so old that all affected tokens have expired everywhere needs no record.
        let is_over = source + LIFETIME.cast_signed() + LEEWAY + SKEW <= now;
        assert!(staged.row.is_some() || (is_over && matches!(stated, Stated::Source { .. })), "an event was dropped");
        if staged.row.is_none() {
            return;
        }
        let (before, _) = self.ledger.head();
        self.ledger.commit();
        let delta = self.ledger.delta(Form::NEWEST, before, time(now)).unwrap().bytes;
        self.gate.apply_feed(0, &delta, time(now + self.offsets.gate)).unwrap();
    }

    /// Drops expired records on both sides, as in operation.
    fn forget(&mut self) {
        if self.below(8) == 0 {
            self.ledger.prune(time(self.now));
        }
        if self.below(16) == 0 {
            publish(&mut self.ledger, &mut self.gate, self.now, self.now + self.offsets.gate);
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        below(&mut self.random, limit)
    }

    fn within(&mut self, from: i64, to: i64) -> i64 {
        within(&mut self.random, from, to)
    }
}

fn event(kind: Kind, stated: Stated, name: u64, source: i64, presented: i64) -> Event {
    let (occurred_at, not_before) = match stated {
        Stated::Source { .. } => (Some(time(source)), NotBefore::Source(time(source))),
        Stated::Nobody | Stated::Measured | Stated::WithToken => (None, NotBefore::Now),
    };
    let issued_at = (stated == Stated::WithToken).then(|| time(presented));
    let (user, client, session) = (format!("user-{name}"), format!("client-{name}"), format!("session-{name}"));
    match kind {
        Kind::User => Event::User { sub: user, not_before },
        Kind::Client => Event::Client { client, not_before },
        Kind::Realm => Event::Realm { not_before },
        Kind::Session => Event::Session { sid: session, occurred_at, issued_at },
        Kind::ClientSession => Event::ClientSession { sid: session, azp: client, occurred_at, issued_at },
    }
}

fn reason_of(kind: Kind) -> Reason {
    match kind {
        Kind::User => Reason::UserRevoked,
        Kind::Client => Reason::ClientRevoked,
        Kind::Realm => Reason::RealmRevoked,
        Kind::Session | Kind::ClientSession => Reason::SessionRevoked,
    }
}

fn pair(issuer_skew: i64) -> (Ledger, Gate) {
    let signing_key = SigningKey::generate().unwrap();
    let feed_keys = vec![signing_key.public().clone()];
    let bounds = Bounds { max_lifetime: Seconds::new(LIFETIME), ..Bounds::default() };
    let mut policy = realm().policy;
    // The feed is published once per event, so its age must not matter here.
    policy.staleness.max_stale = Seconds::new(1_000_000);
    let settings = LedgerSettings {
        issuer: policy.issuer.id().into(),
        signing_key,
        bounds,
        issuer_skew: Seconds::new(issuer_skew.cast_unsigned()),
        source_skew: Seconds::new(0),
        error_rate: 1e-6,
        valid_for: Seconds::new(300),
        policy: None,
        incarnation: 1,
    };
    let mut ledger = Ledger::new(settings).unwrap();
    let realm = Realm::new("acme", policy, feed_keys, bounds);
    let mut gate = Gate::new(vec![(realm, KeysFrom::Caller)], CacheLimits { entries: 100, bytes: 1 << 20 });
    let jwks = json!({ "keys": [{ "kty": "oct", "kid": "test", "k": fixtures::base64url(SECRET) }] }).to_string();
    gate.set_keys(0, jwks.as_bytes(), KeySource::Configuration, UnixSeconds::MAX).unwrap().unwrap();
    let start = NOW.get().cast_signed();
    publish(&mut ledger, &mut gate, start, start);
    (ledger, gate)
}

fn publish(ledger: &mut Ledger, gate: &mut Gate, now: i64, at_gate: i64) {
    gate.apply_feed(0, &ledger.manifest(Form::NEWEST, time(now)).unwrap(), time(at_gate)).unwrap();
    for name in gate.realm(0).unwrap().revocations.missing_sections() {
        gate.provide_section(0, ledger.section(&name).unwrap().to_vec(), None).unwrap();
    }
}

fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::new(seconds.cast_unsigned())
}

fn within(random: &mut u64, from: i64, to: i64) -> i64 {
    from + below(random, (to - from + 1).cast_unsigned()).cast_signed()
}

/// SplitMix64.
fn below(random: &mut u64, limit: u64) -> u64 {
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (*random ^ (*random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (word ^ (word >> 31)) % limit
}
