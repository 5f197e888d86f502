//! The position of a state: sequence, chain hash, and the time of the origin's statement.

use core::fmt;

use crate::time::UnixSeconds;

/// A sequence counts an incarnation's events below this bit, and the ledger's incarnations from it on.
pub(crate) const INCARNATION_SHIFT: u32 = 40;

/// Hash over the ledger's events up to a sequence, 16 bytes. Different histories have different hashes.
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

/// The position of an edge's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Every event of the ledger up to this sequence is in force. Below 2^53.
    pub sequence: u64,
    /// The ledger's chain hash at that sequence.
    pub chain: Chain,
    /// When the origin last signed that this is its head; the state's age counts from here.
    pub issued_at: UnixSeconds,
    /// The last second at which the statement may be forwarded. Later it is refused; a state that is already loaded
    /// only ages.
    pub not_after: UnixSeconds,
}
