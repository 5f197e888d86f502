//! A ledger's settings and their limits.

use core::fmt;

use super::key::SigningKey;
use crate::error::LedgerError;
use crate::revocation::position::INCARNATION_SHIFT;
use crate::revocation::wire::reader::MAX_SEQUENCE;
use crate::revocation::{Bounds, StatedPolicy};
use crate::time::Seconds;

/// Maximum of `max_lifetime`: 40 days, for which a bucket every 512 seconds fits into a manifest.
pub const MAX_LIFETIME_SECONDS: u64 = 40 * 86_400;

/// A ledger's settings.
pub struct LedgerSettings {
    /// The realm's `iss`.
    pub issuer: String,
    /// Signs the feed.
    pub signing_key: SigningKey,
    /// The bounds published to edges, which also determine retention.
    pub bounds: Bounds,
    /// How far the issuer's clock may be ahead: added to now if an event has no time of its own. Usually 2 s; 0 if
    /// issuer and ledger share the clock.
    pub issuer_skew: Seconds,
    /// How far the clocks of the issuer's nodes may differ: added to the time of an authenticated source. Usually 0.
    pub source_skew: Seconds,
    /// Rate at which a full filter refuses token ids that are not revoked. Usually 1e-6: 28.8 bits an id.
    pub error_rate: f64,
    /// How long a statement may be forwarded after it was signed. Usually 300 s, less than 2^32.
    pub valid_for: Seconds,
    /// The digests of the policy that revocations are recorded with, which gates of form 1.1 compare with their own;
    /// `None`: not stated.
    pub policy: Option<StatedPolicy>,
    /// Number of restored backups: sequences are `incarnation` * 2^40 + n, n from 1. Below 2^13.
    pub incarnation: u64,
}

impl fmt::Debug for LedgerSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LedgerSettings").field("signing_key", &self.signing_key).finish_non_exhaustive()
    }
}

impl LedgerSettings {
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        let LedgerSettings { bounds, error_rate, valid_for, incarnation, .. } = self;
        let in_range = [
            ("issuer", !self.issuer.is_empty()),
            ("bounds.max_lifetime", (1..=MAX_LIFETIME_SECONDS).contains(&bounds.max_lifetime.get())),
            ("error_rate", (1e-12..=0.1).contains(error_rate)),
            ("valid_for", (1..=u64::from(u32::MAX)).contains(&valid_for.get())),
            ("incarnation", *incarnation <= MAX_SEQUENCE >> INCARNATION_SHIFT),
        ];
        match in_range.into_iter().find(|(_, is_in_range)| !is_in_range) {
            Some((setting, _)) => Err(LedgerError::Setting { setting }),
            None => Ok(()),
        }
    }
}
