//! Makes a feed for the benchmarks from a JSON line on standard input that states the numbers of revocations. Writes
//! the files that an edge would fetch. `cargo run --release --features origin --example feed_maker`.
//!
//! ```text
//! {"folder","issuer","now","ids","epochs","buckets","banned":[thumbprint],"deltas","changes","rows"}
//! folder/manifest  folder/sections/{sha256}  folder/deltas/{number}  folder/rows
//! ```
//! Id number n expires in bucket `n % buckets`; generators of tokens use the same format for ids.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use base64ct::{Base64UrlUnpadded, Encoding};
use pair::{at, edge_of, settings, FORM};
use portcullis::ledger::{Event, Ledger, LedgerSettings, NotBefore, Row};
use portcullis::time::Seconds;
use serde::Deserialize;

/// Seconds of `exp` that share a filter.
const BUCKET_SECONDS: u64 = 512;
/// Number of events per commit.
const BATCH: u64 = 1_000;

#[derive(Deserialize)]
struct Order {
    folder: PathBuf,
    issuer: String,
    now: u64,
    /// Revoked token ids.
    ids: u64,
    /// Number of not-befores: half are logged-out users, half ended sessions.
    epochs: u64,
    /// Number of buckets that the ids are spread over.
    buckets: u64,
    /// Thumbprints of banned keys.
    banned: Vec<String>,
    /// Number of deltas after the manifest, each with `changes` revoked token ids.
    deltas: u64,
    changes: u64,
    /// Whether to write the ledger's rows too, as the origin stores them.
    rows: bool,
}

fn main() {
    let order: Order = serde_json::from_reader(io::stdin().lock()).unwrap();
    fs::create_dir_all(order.folder.join("sections")).unwrap();
    fs::create_dir_all(order.folder.join("deltas")).unwrap();
    let settings = LedgerSettings { issuer: order.issuer.clone(), valid_for: Seconds::new(86_400), ..settings() };
    let mut ledger = Ledger::new(settings).unwrap();

    let banned = order.banned.iter().map(|thumbprint| {
        let mut bytes = [0; 32];
        Base64UrlUnpadded::decode(thumbprint, &mut bytes).unwrap();
        Event::KeyBanned { thumbprint: bytes }
    });
    let ids = (0..order.ids).map(|number| order.token(number));
    let epochs = (0..order.epochs).map(|number| order.epoch(number));
    let mut rows = order.rows.then(|| BufWriter::new(fs::File::create(order.folder.join("rows")).unwrap()));
    for (number, event) in (1..).zip(banned.chain(ids).chain(epochs)) {
        let row = ledger.stage(&event, at(order.now)).unwrap();
        if let (Some(file), Some(row)) = (&mut rows, row) {
            write_row(file, &row);
        }
        if number % BATCH == 0 {
            ledger.commit();
        }
    }
    ledger.commit();
    publish(&mut ledger, &order);
    for delta in 0..order.deltas {
        let (after, _) = ledger.head();
        for change in 0..order.changes {
            ledger.stage(&order.token(order.ids + delta * order.changes + change), at(order.now)).unwrap();
        }
        ledger.commit();
        fs::write(
            order.folder.join("deltas").join(delta.to_string()),
            ledger.delta(FORM, after, at(order.now)).unwrap().bytes,
        )
        .unwrap();
    }
}

impl Order {
    fn token(&self, number: u64) -> Event {
        let expires_at = (self.now / BUCKET_SECONDS + 2 + number % self.buckets) * BUCKET_SECONDS + 100;
        Event::Token { id: name("id", number), expires_at: Some(at(expires_at)), issued_at: Some(at(self.now)) }
    }

    fn epoch(&self, number: u64) -> Event {
        match number % 2 {
            0 => Event::User { sub: name("user", number), not_before: NotBefore::Caller(at(self.now - 1)) },
            _ => Event::Session { sid: name("session", number), occurred_at: None, issued_at: None },
        }
    }
}

/// Writes the manifest and its sections.
fn publish(ledger: &mut Ledger, order: &Order) {
    let manifest = ledger.manifest(FORM, at(order.now)).unwrap();
    let mut edge = edge_of(&order.issuer);
    edge.apply(&manifest, at(order.now)).unwrap();
    for section in edge.missing_sections() {
        let name: String = section.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(order.folder.join("sections").join(name), ledger.section(&section).unwrap()).unwrap();
    }
    fs::write(order.folder.join("manifest"), manifest).unwrap();
}

/// Writes sequence, `keep_until` (0: none), chain, length, payload; little-endian.
fn write_row(file: &mut impl Write, row: &Row) {
    let keep_until = row.keep_until.map_or(0, portcullis::time::UnixSeconds::get);
    let length = u32::try_from(row.payload.len()).unwrap();
    for bytes in
        [&row.sequence.to_le_bytes()[..], &keep_until.to_le_bytes(), &row.chain.0, &length.to_le_bytes(), &row.payload]
    {
        file.write_all(bytes).unwrap();
    }
}

/// A name of a UUID's length.
fn name(kind: &str, number: u64) -> String {
    format!("revoked{number:09x}-{kind:-<19}")
}
