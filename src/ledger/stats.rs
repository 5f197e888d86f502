//! Sizes and counts of a ledger.

use super::Ledger;
use crate::revocation::Bounds;

/// Sizes and counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LedgerStats {
    /// The head's sequence.
    pub sequence: u64,
    /// Revoked token ids.
    pub token_ids: u64,
    /// Their expiry buckets, except those of unknown expiry.
    pub buckets: u64,
    /// Fill of the fullest filter of an expiry bucket, published or not, from 0 to 1; above 1 it is rebuilt bigger.
    pub filter_fill: f64,
    /// Rate at which a full filter refuses token ids that are not revoked, as set.
    pub error_rate: f64,
    /// Not-befores of users, sessions and client sessions.
    pub epochs: u64,
    /// Not-befores of grants.
    pub grants: u64,
    /// Not-befores of clients.
    pub clients: u64,
    /// Not-befores of keys.
    pub key_not_befores: u64,
    /// Banned keys.
    pub bans: u64,
    /// Minimum token versions.
    pub versions: u64,
    /// Distinct sections of the last manifest of each form.
    pub sections: u64,
    /// Their bytes.
    pub section_bytes: u64,
    /// Changes kept for deltas.
    pub recent_changes: u64,
    /// The published bounds. Smaller than the settings' for a while after those were widened.
    pub bounds: Bounds,
}

impl Ledger {
    /// Sizes and counts of the committed state.
    #[must_use]
    pub fn stats(&self) -> LedgerStats {
        let (sections, section_bytes) = self.sections.current();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        LedgerStats {
            sequence: self.head.sequence,
            token_ids: count(self.state.token_ids.count()),
            buckets: count(self.state.token_ids.buckets()),
            filter_fill: self.state.token_ids.fill(),
            error_rate: self.settings.error_rate,
            epochs: count(self.state.not_befores.len()),
            grants: count(self.state.grants.len()),
            clients: count(self.state.exact.clients.len()),
            key_not_befores: count(self.state.exact.key_not_befores.len()),
            bans: count(self.state.exact.bans.len()),
            versions: count(self.state.minimum_versions.len()),
            sections: count(sections),
            section_bytes: count(section_bytes),
            recent_changes: count(self.changes.len()),
            bounds: self.published_bounds(),
        }
    }
}
