//! JWT validation with instant revocation at the edge.

pub mod claims;
pub mod explain;
pub mod keys;
pub mod policy;
pub mod signature;
pub mod token;
pub mod verdict;

mod base64url;
mod json;

pub mod revocation;

#[cfg(feature = "origin")]
pub mod ledger;

pub mod error;
pub mod time;
