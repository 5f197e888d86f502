//! What the benchmarks measure from inside wasm, where no call of JavaScript's is in the way.

mod input;
mod signature;
mod state;
