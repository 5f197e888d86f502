//! Sizes and counts of a state.

/// Sizes and counts of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StateStats {
    /// Revoked token ids.
    pub token_ids: u64,
    /// Not-befores of users, sessions and client sessions.
    pub epochs: u64,
    /// Not-befores of clients.
    pub clients: u64,
    /// Banned keys.
    pub bans: u64,
    /// Minimum token versions.
    pub versions: u64,
    /// Not-befores of grants.
    pub grants: u64,
    /// Not-befores of signing keys.
    pub key_not_befores: u64,
    /// Sections named by the manifest.
    pub sections: u64,
    /// How many of these have not arrived.
    pub missing_sections: u64,
    /// Bytes of the sections that have arrived.
    pub section_bytes: u64,
    /// Entries held outside the sections.
    pub live_entries: u64,
    /// Rate of false matches of a full bucket; the highest of all buckets.
    pub error_rate: f64,
}
