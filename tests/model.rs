//! A million random operations against plain maps: no edge ever lets through what its sequence says that it knows.
//!
//! One origin (restarted, restored from a backup, with batches that fail) and several edges with clocks of their own, which
//! get manifests, sections and deltas late, twice, out of order or not at all. The maps hold what was recorded; an edge that
//! claims a sequence must refuse everything recorded up to it, of every token that it would otherwise accept. What it
//! refuses beyond that is counted.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation)]

mod pair;

use std::collections::{BTreeMap, HashMap, VecDeque};

use pair::*;
use portcullis::ledger::{Correction, Event, Ledger, LedgerSettings, Row};
use portcullis::revocation::{Bounds, Chain, Effect, Level, RealmId, Revocations, Status, Subject};
use portcullis::time::Seconds;

const OPERATIONS: u64 = 2_000_000;
const SEED: u64 = 0x5EED_0F7A_6A7E;
const LIFETIME: u64 = 3_600;
const LEEWAY: u64 = 5;
const SKEW: u64 = 5;
const TOKENS: usize = 2_000;
/// How far the edges' clocks are off the origin's.
const CLOCKS: [i64; 6] = [0, 5, -5, 3, -2, 0];
/// The last of them go by deltas.
const FOLLOWERS: usize = 3;

#[test]
fn no_edge_lets_through_what_it_knows() {
    let seed = std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let operations = std::env::var("MODEL_OPERATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(OPERATIONS);
    println!("seed {seed}");
    let mut world = World::new(seed);
    while world.operations < operations {
        world.step();
    }
    println!("{:?}", world.tally);
    assert!(world.tally.refused.iter().all(|count| *count > operations / 20_000), "hardly anything was refused");
    assert!(world.tally.folded >= 10, "hardly any state was folded");
    assert!(world.tally.early > 0, "no filter served before the whole of its manifest");
    assert!(world.tally.false_matches <= 3, "{} false matches", world.tally.false_matches);
}

#[derive(Clone)]
struct Token {
    id: String,
    user: String,
    session: String,
    client: String,
    issued_at: u64,
    expires_at: u64,
    version: u64,
}

impl Token {
    fn subject(&self) -> Subject<'_> {
        Subject {
            token_id: Some(&self.id),
            user: Some(&self.user),
            session: Some(&self.session),
            authorized_party: Some(&self.client),
            client_id: None,
            issued_at: at(self.issued_at),
            compared_at: at(self.issued_at),
            logged_out_at: None,
            expires_at: at(self.expires_at),
            token_version: self.version,
        }
    }
}

/// Everything recorded, by sequence. Values only ever grow, but for corrections.
#[derive(Default)]
struct Records {
    values: HashMap<String, Vec<(u64, u64)>>,
    /// Sequence, expiry if known, issue time if known.
    tokens: HashMap<String, Vec<(u64, Option<u64>)>>,
    bans: BTreeMap<u8, Vec<(u64, u64)>>,
}

impl Records {
    fn value(&self, key: &str, sequence: u64) -> u64 {
        let known = self.values.get(key).and_then(|values| values.iter().rev().find(|(at, _)| *at <= sequence));
        known.map_or(0, |(_, value)| *value)
    }

    fn set(&mut self, key: &str, sequence: u64, value: u64) {
        self.values.entry(key.into()).or_default().push((sequence, value));
    }

    fn refuses(&self, token: &Token, sequence: u64) -> bool {
        let not_before = |key: String| token.issued_at <= self.value(&key, sequence);
        not_before("realm".into())
            || not_before(format!("client {}", token.client))
            || not_before(format!("user {}", token.user))
            || not_before(format!("session {}", token.session))
            || not_before(format!("client session {} {}", token.session, token.client))
            || token.version < self.value(&format!("version {}", token.user), sequence)
            || self.revokes(token, sequence)
    }

    /// Whether the token itself was revoked by then.
    fn revokes(&self, token: &Token, sequence: u64) -> bool {
        self.tokens.get(&token.id).is_some_and(|all| {
            all.iter().any(|(at, expires_at)| {
                *at <= sequence && expires_at.is_none_or(|expires_at| expires_at == token.expires_at)
            })
        })
    }

    fn explain(&self, token: &Token, sequence: u64) -> String {
        let keys = [
            "realm".into(),
            format!("client {}", token.client),
            format!("user {}", token.user),
            format!("session {}", token.session),
            format!("client session {} {}", token.session, token.client),
            format!("version {}", token.user),
        ];
        let values: Vec<_> = keys.iter().map(|key| (key, self.value(key, sequence), self.values.get(key))).collect();
        let Token { issued_at, expires_at, version, .. } = token;
        format!("{issued_at} .. {expires_at}, version {version}, {values:?}, {:?}", self.tokens.get(&token.id))
    }

    /// A restored backup has lost what came after.
    fn lose(&mut self, after: u64) {
        self.values.values_mut().chain(self.bans.values_mut()).for_each(|all| all.retain(|(at, _)| *at <= after));
        self.tokens.values_mut().for_each(|all| all.retain(|(at, _)| *at <= after));
    }
}

#[derive(Debug, Default)]
struct Tally {
    events: u64,
    queries: u64,
    /// By level, widest first.
    refused: [u64; 7],
    unavailable: u64,
    false_matches: u64,
    early: u64,
    applied: u64,
    staged: u64,
    folded: u64,
    rejected: u64,
    sections: u64,
    restarts: u64,
    backups: u64,
}

struct World {
    random: u64,
    now: u64,
    operations: u64,
    incarnation: u64,
    ledger: Ledger,
    /// What the store holds: rows in order, and the head.
    rows: Vec<Row>,
    head: (u64, Chain),
    edges: Vec<Revocations>,
    records: Records,
    tokens: VecDeque<Token>,
    minted: u64,
    /// Messages that may still arrive somewhere.
    under_way: VecDeque<Vec<u8>>,
    /// Edges whose state may hold what a backup lost.
    lost_touch: Vec<bool>,
    tally: Tally,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("operation {} at {}, head {:?}", self.operations, self.now, self.head);
        }
    }
}

fn new_ledger(incarnation: u64) -> Ledger {
    let bounds = Bounds { max_lifetime: Seconds::new(LIFETIME), ..Bounds::default() };
    Ledger::new(LedgerSettings { bounds, incarnation, ..settings() }).unwrap()
}

fn new_edge() -> Revocations {
    Revocations::new(RealmId::of(ISSUER), vec![feed_key()], Bounds::default())
}

impl World {
    fn new(seed: u64) -> Self {
        let ledger = new_ledger(1);
        Self {
            random: seed,
            now: NOW,
            operations: 0,
            incarnation: 1,
            head: ledger.head(),
            ledger,
            rows: Vec::new(),
            edges: CLOCKS.iter().map(|_| new_edge()).collect(),
            records: Records::default(),
            tokens: VecDeque::new(),
            minted: 0,
            under_way: VecDeque::new(),
            lost_touch: vec![false; CLOCKS.len()],
            tally: Tally::default(),
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit
    }

    fn step(&mut self) {
        self.operations += 1;
        match self.below(100_000) {
            0..=21_999 => self.mint(),
            22_000..=51_999 => self.batch(),
            52_000..=90_999 => self.query(),
            91_000..=94_999 => self.send_delta(),
            95_000..=95_999 => self.replay(),
            96_000..=96_499 => self.send_manifest(),
            96_500..=97_999 => self.fetch(),
            98_000..=99_499 => self.tick(),
            99_500..=99_799 => self.forget(),
            99_800..=99_899 => {
                self.ledger.prune(at(self.now));
            }
            99_900..=99_959 => {
                let edge = self.below(CLOCKS.len() as u64) as usize;
                self.edges[edge] = new_edge();
                self.lost_touch[edge] = false;
            }
            99_960..=99_997 => self.restart(),
            _ => self.restore_backup(),
        }
    }

    fn clock(&self, edge: usize) -> u64 {
        self.now.saturating_add_signed(CLOCKS[edge])
    }

    fn mint(&mut self) {
        let issued_at = self.now + 2 - self.below(5);
        let expires_at = match self.below(4) {
            // Around the end of a bucket.
            0 => ((issued_at / 512 + 1 + self.below(6)) * 512 + self.below(3) - 1).min(issued_at + LIFETIME),
            1 => issued_at + LIFETIME,
            2 => issued_at + 60,
            _ => issued_at + 1 + self.below(LIFETIME),
        };
        self.minted += 1;
        let (user, session) = (self.below(3_000), self.below(3));
        let version = self.records.value(&format!("version user {user}"), u64::MAX) + self.below(2);
        let token = Token {
            id: format!("token {}", self.minted),
            user: format!("user {user}"),
            session: format!("session {user} {session} {}", self.now / 2_000),
            client: format!("client {}", self.below(20)),
            issued_at,
            expires_at,
            version,
        };
        self.tokens.push_back(token);
        if self.tokens.len() > TOKENS {
            self.tokens.pop_front();
        }
    }

    fn some_token(&mut self) -> Option<Token> {
        let count = self.tokens.len() as u64;
        // Mostly recent ones, so that what was revoked is asked for.
        let index = if count == 0 { return None } else { count - 1 - self.below(count).min(self.below(count)) };
        self.tokens.get(index as usize).cloned()
    }

    /// Stages a few events; the store may fail.
    fn batch(&mut self) {
        let size = match self.below(2_000) {
            // Enough to outgrow the sections.
            0..=1 => 2_000,
            2..=10 => 100 + self.below(300),
            _ => 1 + self.below(3),
        };
        let mut staged = Vec::new();
        let mut effects = Vec::new();
        for _ in 0..size {
            let Some((event, effect)) = self.some_event() else { continue };
            self.operations += 1;
            match self.ledger.stage(&event, at(self.now)).unwrap() {
                Some(row) => {
                    effects.push((row.sequence, effect));
                    staged.push(row);
                }
                None => self.check_in_force(&effect, &effects),
            }
        }
        if self.below(20) == 0 {
            self.ledger.abort();
            assert_eq!(self.ledger.head(), self.head);
            return;
        }
        self.ledger.commit();
        for (sequence, effect) in effects {
            self.tally.events += 1;
            match effect {
                Effects::Token { id, expires_at } => {
                    self.records.tokens.entry(id).or_default().push((sequence, expires_at));
                }
                Effects::Maximum { key, value } => {
                    let value = value.max(self.records.value(&key, u64::MAX));
                    self.records.set(&key, sequence, value);
                }
                Effects::Replace { key, value } => self.records.set(&key, sequence, value),
                Effects::Ban { number, value } => {
                    self.records.bans.entry(number).or_default().push((sequence, value));
                }
                Effects::Nothing => {}
            }
        }
        if let Some(row) = staged.last() {
            self.head = (row.sequence, row.chain);
        }
        assert_eq!(self.ledger.head(), self.head);
        self.rows.extend(staged);
    }

    /// What the ledger did not record must be refused anyway, or refuse nothing acceptable.
    fn check_in_force(&self, effect: &Effects, staged: &[(u64, Effects)]) {
        let is_staged = staged.iter().any(|(_, other)| match (effect, other) {
            (Effects::Token { id, .. }, Effects::Token { id: other, .. }) => id == other,
            (Effects::Maximum { key, value }, Effects::Maximum { key: other, value: staged }) => {
                key == other && staged >= value
            }
            (
                Effects::Replace { key, .. },
                Effects::Maximum { key: other, .. } | Effects::Replace { key: other, .. },
            )
            | (Effects::Maximum { key, .. }, Effects::Replace { key: other, .. }) => key == other,
            (Effects::Ban { number, .. }, Effects::Ban { number: other, .. }) => number == other,
            _ => false,
        });
        let is_in_force = match effect {
            Effects::Token { id, expires_at } => {
                let is_over = expires_at.is_some_and(|at| at + LEEWAY + SKEW <= self.now);
                is_over || self.records.tokens.contains_key(id)
            }
            Effects::Maximum { key, value } => {
                let is_over = value + LIFETIME + LEEWAY + SKEW <= self.now;
                is_over || self.records.value(key, u64::MAX) >= *value
            }
            Effects::Replace { key, value } => {
                let is_over = self.records.value(key, u64::MAX) + LIFETIME + LEEWAY + SKEW <= self.now;
                is_over || self.records.value(key, u64::MAX) == *value
            }
            Effects::Ban { .. } | Effects::Nothing => true,
        };
        assert!(is_staged || is_in_force, "an event got lost at {}", self.now);
    }

    fn some_event(&mut self) -> Option<(Event, Effects)> {
        let token = self.some_token()?;
        let later = self.now + 2;
        let given = if self.below(3) == 0 { Some(self.now + 5 - self.below(40)) } else { None };
        let not_before = given.unwrap_or(later);
        let ended = token.issued_at.max(self.now) + 60;
        Some(match self.below(1_000) {
            0..=879 => {
                let expires_at = (self.below(10) > 0).then_some(token.expires_at);
                let issued_at = (self.below(10) > 0).then_some(at(token.issued_at));
                let event = Event::Token { id: token.id.clone(), expires_at: expires_at.map(at), issued_at };
                (event, Effects::Token { id: token.id, expires_at })
            }
            880..=919 => {
                let event = Event::Session { sid: token.session.clone(), issued_at: Some(at(token.issued_at)) };
                (event, Effects::Maximum { key: format!("session {}", token.session), value: ended })
            }
            920..=939 => {
                let (sid, azp) = (token.session.clone(), token.client.clone());
                let event = Event::ClientSession { sid, azp, issued_at: Some(at(token.issued_at)) };
                let key = format!("client session {} {}", token.session, token.client);
                (event, Effects::Maximum { key, value: ended })
            }
            940..=980 => {
                let event = Event::User { sub: token.user.clone(), not_before: given.map(at) };
                (event, Effects::Maximum { key: format!("user {}", token.user), value: not_before })
            }
            981..=982 => {
                let event = Event::Client { client: token.client.clone(), not_before: given.map(at) };
                (event, Effects::Maximum { key: format!("client {}", token.client), value: not_before })
            }
            983 if self.below(20) == 0 => {
                let event = Event::Realm { not_before: given.map(at) };
                (event, Effects::Maximum { key: "realm".into(), value: not_before })
            }
            984..=985 => {
                let number = self.below(40) as u8;
                (Event::KeyBanned { thumbprint: [number; 32] }, Effects::Ban { number, value: 1 })
            }
            986..=995 => {
                let minimum = self.records.value(&format!("version {}", token.user), u64::MAX) + self.below(2);
                let event = Event::TokenVersion { sub: token.user.clone(), minimum };
                (event, Effects::Maximum { key: format!("version {}", token.user), value: minimum })
            }
            996 => {
                let jwks = format!(r#"{{"keys":[{{"kid":"{}"}}]}}"#, self.below(1_000));
                (Event::Keys { jwks: jwks.into_bytes() }, Effects::Nothing)
            }
            997 if self.below(4) == 0 => self.some_correction(&token),
            _ => return None,
        })
    }

    fn some_correction(&mut self, token: &Token) -> (Event, Effects) {
        let value = if self.below(2) == 0 { None } else { Some(self.now - self.below(600)) };
        let not_before = value.map(at);
        let (correction, key) = match self.below(7) {
            0..=1 => (Correction::User { sub: token.user.clone(), not_before }, format!("user {}", token.user)),
            2 => {
                let key = format!("session {}", token.session);
                (Correction::Session { sid: token.session.clone(), not_before }, key)
            }
            3 => {
                let key = format!("client session {} {}", token.session, token.client);
                let (sid, azp) = (token.session.clone(), token.client.clone());
                (Correction::ClientSession { sid, azp, not_before }, key)
            }
            4 => {
                let key = format!("client {}", token.client);
                (Correction::Client { client: token.client.clone(), not_before }, key)
            }
            5 => {
                let number = self.below(40) as u8;
                let correction = Correction::KeyBanned { thumbprint: [number; 32] };
                return (Event::Correction(correction), Effects::Ban { number, value: 0 });
            }
            _ => {
                let correction = Correction::TokenVersion { sub: token.user.clone(), minimum: 1 };
                let key = format!("version {}", token.user);
                return (Event::Correction(correction), Effects::Replace { key, value: 1 });
            }
        };
        (Event::Correction(correction), Effects::Replace { key, value: value.unwrap_or(0) })
    }

    fn query(&mut self) {
        let edge = self.below(CLOCKS.len() as u64) as usize;
        let Some(token) = self.some_token() else { return };
        let clock = self.clock(edge);
        let Some(position) = self.edges[edge].position() else {
            assert_eq!(self.edges[edge].status(&token.subject()), Status::SectionUnavailable);
            return;
        };
        self.tally.queries += 1;
        let acceptable = clock < token.expires_at + LEEWAY
            && token.issued_at <= clock + SKEW
            && token.expires_at - token.issued_at <= LIFETIME;
        let must_refuse = self.records.refuses(&token, position.sequence);
        match self.edges[edge].status(&token.subject()) {
            Status::SectionUnavailable => self.tally.unavailable += 1,
            Status::NotRevoked if must_refuse && acceptable => panic!(
                "edge {edge} at {} lets {} through: {}",
                position.sequence,
                token.id,
                self.records.explain(&token, position.sequence)
            ),
            Status::NotRevoked => {}
            Status::Revoked(level) if must_refuse => self.tally.refused[level as usize] += 1,
            // By a filter of a manifest whose other sections are still to come.
            Status::Revoked(Level::Token) if self.records.revokes(&token, u64::MAX) => self.tally.early += 1,
            Status::Revoked(level) => {
                if !self.lost_touch[edge] {
                    println!("false match: edge {edge}, {level:?}, {}", token.id);
                    self.tally.false_matches += 1;
                }
            }
        }
        let number = self.below(40) as u8;
        let bans =
            self.records.bans.get(&number).and_then(|all| all.iter().rev().find(|(at, _)| *at <= position.sequence));
        let banned = bans.is_some_and(|(_, value)| *value == 1);
        if !self.lost_touch[edge] {
            assert_eq!(self.edges[edge].bans(&[number; 32]), banned);
        }
        if self.below(8) == 0 && acceptable {
            // The ledger itself is exact.
            assert_eq!(self.ledger.refuses(&token.subject()).is_some(), self.records.refuses(&token, u64::MAX));
        }
    }

    fn deliver(&mut self, edge: usize, message: &[u8]) {
        let clock = self.clock(edge);
        let before = self.edges[edge].position();
        match self.edges[edge].apply(message, at(clock)) {
            Ok(applied) => {
                self.tally.applied += 1;
                let named = u64::from_le_bytes(*message[24..].first_chunk().unwrap());
                let is_new = before.is_none_or(|before| before.sequence < named);
                match applied.effect {
                    Effect::Staged | Effect::Changed if !is_new => self.tally.folded += 1,
                    Effect::Staged => self.tally.staged += 1,
                    Effect::Changed | Effect::ChangedInPart | Effect::Renewed | Effect::AlreadyKnown => {}
                }
                let after = self.edges[edge].position();
                assert_eq!(after.map_or(0, |position| position.sequence), applied.sequence);
                assert!(before.is_none_or(|before| before.sequence <= applied.sequence));
            }
            Err(_) => {
                self.tally.rejected += 1;
                assert_eq!(self.edges[edge].position(), before);
            }
        }
        self.note_incarnation(edge);
    }

    /// From its first state of the new incarnation on, an edge holds nothing that was lost.
    fn note_incarnation(&mut self, edge: usize) {
        let incarnation = self.edges[edge].position().map(|position| position.sequence >> 40);
        if incarnation == Some(self.incarnation) {
            self.lost_touch[edge] = false;
        }
    }

    fn send_delta(&mut self) {
        let edge = self.below(CLOCKS.len() as u64) as usize;
        let ours = self.edges[edge].position().map_or(0, |position| position.sequence);
        // From where it is, from further back, or from further on.
        let after = match self.below(6) {
            0 => ours.saturating_sub(self.below(50)),
            1 => self.head.0 - self.below(30).min(self.head.0 & 0xFF_FFFF_FFFF),
            _ => ours,
        };
        let Ok(delta) = self.ledger.delta(after, at(self.now)) else {
            if self.below(2) == 0 {
                self.send_manifest_to(edge);
            }
            return;
        };
        if self.below(3) > 0 {
            self.deliver(edge, &delta);
        }
        self.put_under_way(delta);
        if self.edges[edge].wants_manifest() {
            self.fold(edge);
        }
    }

    /// A manifest that an edge asked for, and that deltas overtake.
    fn fold(&mut self, edge: usize) {
        let manifest = self.ledger.manifest(at(self.now)).unwrap();
        for _ in 0..self.below(3) {
            self.batch();
            let ours = self.edges[edge].position().map_or(0, |position| position.sequence);
            if let Ok(delta) = self.ledger.delta(ours, at(self.now)) {
                self.deliver(edge, &delta);
            }
        }
        self.deliver(edge, &manifest);
        self.fetch_for(edge);
    }

    fn put_under_way(&mut self, message: Vec<u8>) {
        self.under_way.push_back(message);
        if self.under_way.len() > 40 {
            self.under_way.pop_front();
        }
    }

    fn replay(&mut self) {
        let edge = self.below(CLOCKS.len() as u64) as usize;
        let count = self.under_way.len() as u64;
        if count > 0 {
            let index = self.below(count) as usize;
            let message = self.under_way[index].clone();
            self.deliver(edge, &message);
        }
    }

    /// Followers get manifests only when deltas do not help, or when they want one.
    fn send_manifest(&mut self) {
        let edge = self.below((CLOCKS.len() - FOLLOWERS) as u64) as usize;
        self.send_manifest_to(edge);
    }

    fn send_manifest_to(&mut self, edge: usize) {
        let manifest = self.ledger.manifest(at(self.now)).unwrap();
        if self.below(4) > 0 {
            self.deliver(edge, &manifest);
        }
        self.put_under_way(manifest);
        if self.below(3) > 0 {
            self.fetch_for(edge);
        }
    }

    fn fetch(&mut self) {
        let edge = self.below(CLOCKS.len() as u64) as usize;
        self.fetch_for(edge);
    }

    /// Fetches some of the missing sections, now and then a broken one.
    fn fetch_for(&mut self, edge: usize) {
        for name in self.edges[edge].missing_sections() {
            if self.below(5) == 0 {
                continue;
            }
            let Some(section) = self.ledger.section(&name).map(<[u8]>::to_vec) else { continue };
            if self.below(20) == 0 {
                let mut broken = section.clone();
                let bit = self.below(broken.len() as u64 * 8);
                broken[bit as usize / 8] ^= 1 << (bit % 8);
                assert!(self.edges[edge].provide_section(broken).is_err());
            }
            // Wanted no longer, once one before it completed the manifest.
            if self.edges[edge].missing_sections().contains(&name) {
                self.edges[edge].provide_section(section).unwrap();
                self.tally.sections += 1;
            }
        }
        self.note_incarnation(edge);
    }

    fn tick(&mut self) {
        self.now += match self.below(20) {
            0 => self.below(200),
            1..=5 => 0,
            _ => self.below(12),
        };
    }

    fn forget(&mut self) {
        for edge in 0..self.edges.len() {
            let clock = self.clock(edge);
            self.edges[edge].forget_expired(at(clock));
        }
    }

    /// The store drops what may go; a new process reads the rest.
    fn restart(&mut self) {
        self.tally.restarts += 1;
        let now = self.now;
        self.rows.retain(|row| row.keep_until.is_none_or(|keep_until| keep_until > at(now)));
        self.ledger = new_ledger(self.incarnation);
        for row in &self.rows {
            self.ledger.restore(row).unwrap();
        }
        self.ledger.restore_head(self.head.0, self.head.1).unwrap();
        assert_eq!(self.ledger.head(), self.head);
    }

    /// The last few rows are lost, so a new incarnation begins.
    fn restore_backup(&mut self) {
        self.tally.backups += 1;
        self.incarnation += 1;
        let lost = self.below(40) as usize;
        self.rows.truncate(self.rows.len().saturating_sub(lost));
        let last = self.rows.last().map(|row| (row.sequence, row.chain));
        self.records.lose(last.map_or(0, |(sequence, _)| sequence));
        self.ledger = new_ledger(self.incarnation);
        for row in &self.rows {
            self.ledger.restore(row).unwrap();
        }
        self.head = self.ledger.head();
        assert_eq!(self.head.0, self.incarnation << 40);
        self.lost_touch.iter_mut().for_each(|lost| *lost = true);
        // What was signed before is still valid, but not for this history.
        self.under_way.clear();
    }
}

/// What an event is expected to do.
enum Effects {
    Token { id: String, expires_at: Option<u64> },
    Maximum { key: String, value: u64 },
    Replace { key: String, value: u64 },
    Ban { number: u8, value: u64 },
    Nothing,
}
