//! JWT validation with instant revocation at the edge.

pub mod revocation;

pub mod error;
pub mod time;
