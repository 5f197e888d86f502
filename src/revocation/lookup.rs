//! The tables for looking up revoked names, each decoded from a section and changed by deltas.

pub(crate) mod bucket;
pub(crate) mod changes;
pub(crate) mod chunked_map;
pub(crate) mod epochs;
pub(crate) mod exact;
pub(crate) mod filter;
pub(crate) mod fingerprint;
mod prefix_bitmap;
pub(crate) mod shards;
pub(crate) mod slot;
pub(crate) mod sorted_map;
pub(crate) mod versions;
