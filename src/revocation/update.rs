//! Turns feed messages into a state.

mod apply;
pub(crate) mod history;
pub(crate) mod incoming;
pub(crate) mod marks;
mod missing_sections;
mod reuse;
