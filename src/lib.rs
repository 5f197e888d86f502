//! JWT validation with instant revocation at the edge.

pub mod error;
pub mod time;
