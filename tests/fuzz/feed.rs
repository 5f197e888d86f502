//! The feed: sequences of signed statements at several edges, late, twice, out of order, damaged, and damaged by the
//! signer, beside plain maps of what was recorded; and any bytes under a good signature.

use crate::statement::sign;
use crate::statement_map;
use crate::world::World;

/// With a first byte of 255 the rest is a statement; else all of it is the script of a world.
pub fn check(input: &[u8]) {
    match input.split_first() {
        Some((0xFF, statement)) => statement_map::check(statement),
        Some(_) | None => World::follow(input, sign),
    }
}
