//! Runs the fuzz targets without the fuzzer, over their seeds and over each input in `corpus/`. `README.md` explains
//! how to search for more.

#![cfg(feature = "origin")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../pair/mod.rs"]
mod pair;
#[path = "../world/mod.rs"]
mod world;

mod feed;
mod input;
mod json;
mod jwks;
mod names;
mod row_map;
mod rows;
mod section_map;
mod sections;
mod seeds;
mod statement;
mod statement_map;
mod token;

use std::fs;
use std::path::{Path, PathBuf};

/// Maximum total size of the corpus.
const MAX_CORPUS_BYTES: u64 = 300_000;

#[test]
fn tokens() {
    replay("token", token::check);
}

#[test]
fn jwk_sets() {
    replay("jwks", jwks::check);
}

#[test]
fn statements_of_a_feed() {
    replay("feed", feed::check);
}

#[test]
fn ledger_rows() {
    replay("rows", rows::check);
}

#[test]
fn sections_of_a_state() {
    replay("sections", sections::check);
}

#[test]
fn the_corpus_is_small() {
    let targets = ["token", "jwks", "feed", "rows", "sections"];
    let bytes: u64 =
        targets.iter().flat_map(|target| inputs(target)).map(|file| fs::metadata(file).unwrap().len()).sum();
    assert!((1..=MAX_CORPUS_BYTES).contains(&bytes), "{bytes} bytes");
}

/// Runs the target over its seeds and over its corpus in git.
fn replay(target: &str, check: fn(&[u8])) {
    let seeds = seeds::of(target);
    for (number, seed) in seeds.iter().enumerate() {
        run(check, seed, &format!("seed {number} of {target}"));
    }
    let files = inputs(target);
    for file in &files {
        run(check, &fs::read(file).unwrap(), &file.display().to_string());
    }
    println!("figure: {target}, {} seeds, {} inputs found", seeds.len(), files.len());
}

fn run(check: fn(&[u8]), input: &[u8], name: &str) {
    assert!(std::panic::catch_unwind(|| check(input)).is_ok(), "{name} fails, {} bytes: {input:02x?}", input.len());
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}
