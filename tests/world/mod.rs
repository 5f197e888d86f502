//! The world of the model test: an origin, its edges with their own clocks, the recorded events, and a series of random
//! operations.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![allow(dead_code)] // The model test draws its operations; the fuzz target reads them from its input.

mod edges;
mod events;
mod readers;
mod records;
mod script;

use std::collections::VecDeque;

use portcullis::ledger::{Ledger, LedgerSettings, Row};
use portcullis::revocation::{Bounds, Chain, Form, RealmId, Revocations};
use portcullis::time::Seconds;
use readers::EDGES;
use records::{Records, Token, ISSUERS, KEYS};
use script::Script;

use crate::pair::{at, feed_key, settings, ISSUER, NOW};

const LIFETIME: u64 = 3_600;
const LEEWAY: u64 = 5;
const SKEW: u64 = 5;
const TOKENS: usize = 2_000;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    events: u64,
    queries: u64,
    /// Refusals by level, widest first.
    pub(crate) refused: [u64; 9],
    unavailable: u64,
    pub(crate) false_matches: u64,
    /// Tokens refused only because of a lower form.
    pub(crate) over_killed: u64,
    /// Number of comparisons of a reader of a lower form with one of the newest.
    pub(crate) compared: u64,
    pub(crate) early: u64,
    applied: u64,
    staged: u64,
    pub(crate) folded: u64,
    rejected: u64,
    sections: u64,
    restarts: u64,
    pub(crate) backups: u64,
}

pub(crate) struct World {
    random: u64,
    /// The source of draws instead of `random`.
    script: Option<Script>,
    now: u64,
    pub(crate) operations: u64,
    incarnation: u64,
    ledger: Ledger,
    /// Contents of the store: rows in order, and the head.
    rows: Vec<Row>,
    head: (u64, Chain),
    edges: Vec<Revocations>,
    records: Records,
    tokens: VecDeque<Token>,
    minted: u64,
    /// Messages that may still arrive at a reader of their form.
    under_way: VecDeque<(Form, Vec<u8>)>,
    /// Edges whose state may have events lost by a backup.
    lost_touch: Vec<bool>,
    pub(crate) tally: Tally,
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
    pub(crate) fn new(seed: u64) -> Self {
        let ledger = new_ledger(1);
        Self {
            random: seed,
            script: None,
            now: NOW,
            operations: 0,
            incarnation: 1,
            head: ledger.head(),
            ledger,
            rows: Vec::new(),
            edges: EDGES.iter().map(|_| new_edge()).collect(),
            records: Records::default(),
            tokens: VecDeque::new(),
            minted: 0,
            under_way: VecDeque::new(),
            lost_touch: vec![false; EDGES.len()],
            tally: Tally::default(),
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        if let Some(script) = &mut self.script {
            return script.below(limit);
        }
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ (word >> 31)) % limit
    }

    pub(crate) fn step(&mut self) {
        self.operations += 1;
        match self.below(100_000) {
            0..=21_999 => self.mint(),
            22_000..=51_999 => self.batch(),
            52_000..=90_999 => self.query(),
            91_000..=94_999 => self.send_delta(),
            95_000..=95_999 => self.replay(),
            96_000..=96_499 => self.send_manifest(),
            96_500..=97_899 => self.fetch(),
            97_900..=97_999 => self.side_by_side(),
            98_000..=99_499 => self.tick(),
            99_500..=99_799 => self.forget(),
            99_800..=99_899 => {
                self.ledger.prune(at(self.now));
            }
            99_900..=99_959 => {
                let edge = self.below(EDGES.len() as u64) as usize;
                self.edges[edge] = new_edge();
                self.lost_touch[edge] = false;
            }
            99_960..=99_997 => self.restart(),
            _ => self.restore_backup(),
        }
    }

    fn clock(&self, edge: usize) -> u64 {
        self.now.saturating_add_signed(EDGES[edge].clock)
    }

    fn mint(&mut self) {
        let issued_at = self.now + 2 - self.below(5);
        let expires_at = match self.below(4) {
            // Near the end of a bucket.
            0 => ((issued_at / 512 + 1 + self.below(6)) * 512 + self.below(3) - 1).min(issued_at + LIFETIME),
            1 => issued_at + LIFETIME,
            2 => issued_at + 60,
            _ => issued_at + 1 + self.below(LIFETIME),
        };
        self.minted += 1;
        let (user, session) = (self.below(1_000), self.below(3));
        let mut token = Token {
            issuer: ISSUERS[self.minted as usize % ISSUERS.len()],
            id: format!("token {}", self.minted / ISSUERS.len() as u64),
            user: format!("user {user}"),
            session: format!("session {user} {session} {}", self.now / 2_000),
            client: format!("client {}", self.below(20)),
            client_id: (self.below(4) == 0).then(|| format!("client {}", self.below(20))),
            key: [self.below(u64::from(KEYS)) as u8; 32],
            issued_at,
            expires_at,
            version: 0,
        };
        token.version = self.records.value(&token.own_version(), u64::MAX) + self.below(2);
        self.tokens.push_back(token);
        if self.tokens.len() > TOKENS {
            self.tokens.pop_front();
        }
    }

    fn some_token(&mut self) -> Option<Token> {
        let count = self.tokens.len() as u64;
        // Mostly recent tokens, so that revoked ones are drawn.
        let index = if count == 0 { return None } else { count - 1 - self.below(count).min(self.below(count)) };
        self.tokens.get(index as usize).cloned()
    }

    fn tick(&mut self) {
        self.now += match self.below(20) {
            0 => self.below(200),
            1..=5 => 0,
            _ => self.below(12),
        };
    }

    /// Restarts the origin: the store drops expired rows; a new process reads the rest.
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

    /// Restores a backup: the last rows are lost, so a new incarnation begins.
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
        // Messages signed before are still valid, but not for this history.
        self.under_way.clear();
    }
}
