//! The name of a cached token.

/// Names one cached token. After its eviction the name is never given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub place: u32,
    /// How many tokens had been inserted with it.
    pub number: u64,
}
