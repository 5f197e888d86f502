//! JWT validation with instant revocation at the edge.
//!
//! Three data paths, in the order the data travels:
//!
//! ```text
//! edge    token -> realm -> key -> signature -> claims -> revocation status -> Verdict
//! feed    manifest or delta bytes -> signature, sequence, freshness -> state applied all or nothing
//! origin  event -> ledger -> manifest + sections | delta
//! ```
//!
//! A refused token is a [`Verdict`](verdict::Verdict), a value. A broken manifest, key or option is an error. Nothing
//! here has a clock: the time is an argument.

// Path 1: a token in, a verdict out.
pub mod gate;
pub mod verdict;

pub mod explain;
pub mod policy;

pub mod token;

pub mod keys;
pub mod signature;

pub mod claims;

mod base64url;
mod json;

// Path 2: what an edge holds of a ledger.
pub mod revocation;

// Path 3: events in, signed state out.
#[cfg(feature = "origin")]
pub mod ledger;

pub mod error;
pub mod time;

#[cfg(feature = "wasm")]
mod wasm;
