//! A reference to a cached token.

/// Refers to one cached token. Not reused after the token's eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its slot.
    pub place: u32,
    /// The number of tokens inserted so far, including this one.
    pub number: u64,
}
