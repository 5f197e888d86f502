//! How far a state is: sequence, chain hash and the time for which it was stated.

use core::fmt;

use crate::time::UnixSeconds;

/// A sequence counts an incarnation's events below this bit, and the ledger's incarnations from it on.
pub(crate) const INCARNATION_SHIFT: u32 = 40;

/// Hash over the ledger's events up to a sequence, 16 bytes. Two histories that differ have different ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chain(pub [u8; 16]);

impl fmt::Display for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Chain({self})")
    }
}

/// Where an edge's state stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Every event of the ledger up to this sequence is in force. Below 2^53.
    pub sequence: u64,
    /// The ledger's chain hash at that sequence.
    pub chain: Chain,
    /// When the origin last stated that this is its head; the age of the state is counted from here.
    pub issued_at: UnixSeconds,
    /// Until when that statement may be passed on. Refused at intake afterwards; a state already held goes by its age.
    pub not_after: UnixSeconds,
}
