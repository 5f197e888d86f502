//! Work that the benchmarks measure inside wasm, without calls from JavaScript.

mod input;
mod signature;
mod state;
