//! The signed messages of a feed: manifests and deltas.

pub(crate) mod delta;
pub(crate) mod feed_key;
pub(crate) mod form;
pub(crate) mod manifest;
pub(crate) mod statement;
