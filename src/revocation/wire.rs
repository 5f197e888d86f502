//! The binary format of a feed: reading, limits, and the head of every section.

pub(crate) mod reader;
pub(crate) mod section;
pub(crate) mod stated_policy;
