//! The targets as a library, for the fuzzer's binaries.

#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../pair/mod.rs"]
mod pair;
#[path = "../world/mod.rs"]
mod world;

pub mod feed;
mod input;
mod json;
pub mod jwks;
mod names;
mod row_map;
pub mod rows;
mod section_map;
pub mod sections;
pub mod seeds;
mod statement;
mod statement_map;
pub mod token;
