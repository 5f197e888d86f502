//! Compares hundreds of thousands of random operations with plain maps: no edge accepts a token revoked up to its
//! sequence.
//!
//! One origin (restarted, restored from a backup, with failing batches) and several edges with their own clocks, which
//! get manifests, sections and deltas late, repeated, out of order or not at all. The maps have the recorded events. An
//! edge at a sequence must refuse every token revoked up to it that it would otherwise accept. Some edges read the
//! newest form of the feed, some only that of version 1.0, and some both alternately: at the same sequence, a lower
//! form refuses every token that a newer one refuses. Other refusals are counted: false matches, or tokens over-killed
//! by the lower form.

#![cfg(feature = "origin")]

mod pair;
mod world;

use world::World;

/// Number of operations in a normal run, and with `cargo xtask test --long`.
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
