//! Fuzzes the feed: sequences of signed statements at several edges, late, repeated, out of order, damaged before or
//! after signing, compared with plain maps of the recorded events; and arbitrary bytes with a valid signature.

use crate::statement::sign;
use crate::statement_map;
use crate::world::World;

/// If the first byte is 255, the rest is a statement; otherwise the whole input is the script of a world.
pub fn check(input: &[u8]) {
    match input.split_first() {
        Some((0xFF, statement)) => statement_map::check(statement),
        Some(_) | None => World::follow(input, sign),
    }
}
