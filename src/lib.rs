//! JWT validation with instant revocation at the edge.

pub mod revocation;

#[cfg(feature = "origin")]
pub mod ledger;

pub mod error;
pub mod time;
