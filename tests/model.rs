//! Hundreds of thousands of random operations against plain maps: no edge accepts a token revoked up to its sequence.
//!
//! One origin (restarted, restored from a backup, with batches that fail) and several edges with clocks of their own,
//! which get manifests, sections and deltas late, twice, out of order or not at all. The maps hold what was recorded;
//! an edge that claims a sequence must refuse everything recorded up to it, of every token that it would otherwise
//! accept. Some edges read the newest form of the feed, some only that of version 1.0, and some both in turns: at the
//! same sequence a lower form refuses all that a newer one refuses. Other refusals are counted; they are false matches,
//! or tokens that the lower form over-kills.

#![cfg(feature = "origin")]

mod pair;
mod world;

use world::World;

/// For every change, and with `cargo xtask test --long`.
const OPERATIONS: u64 = 500_000;
const OPERATIONS_LONG: u64 = 2_000_000;
const SEED: u64 = 0x5EED_0F7A_6A7E;

#[test]
fn no_edge_accepts_a_token_revoked_up_to_its_sequence() {
    let seed = std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let is_long = std::env::var("TEST_TIER").is_ok_and(|tier| tier == "long");
    let usual = if is_long { OPERATIONS_LONG } else { OPERATIONS };
    let operations = std::env::var("MODEL_OPERATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(usual);
    println!("seed {seed}");
    let mut world = World::new(seed);
    while world.operations < operations {
        world.step();
    }
    println!("figure: seed {seed}, {operations} operations, {:?}", world.tally);
    assert!(world.tally.refused.iter().all(|count| *count > operations / 20_000), "hardly anything was refused");
    assert!(world.tally.folded >= 10, "hardly any state was folded");
    assert!(world.tally.backups > 0, "no backup was restored");
    assert!(world.tally.early > 0, "no filter served before the whole of its manifest");
    assert!(world.tally.over_killed > operations / 10_000, "no lower form refused more than the newest");
    assert!(world.tally.compared > operations / 100, "readers were hardly compared");
    assert!(world.tally.false_matches <= 3, "{} false matches", world.tally.false_matches);
}
