//! The bytes of a feed: reading them, their limits, and what every section begins with.

pub(crate) mod reader;
pub(crate) mod section;
pub(crate) mod stated_policy;
