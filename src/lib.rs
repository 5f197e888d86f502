//! JWT validation with instant revocation at the edge.

pub mod keys;
pub mod signature;

mod base64url;
mod json;

pub mod error;
pub mod time;
