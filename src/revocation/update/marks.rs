//! The facts that a state needs of the lost one that it replaces.

use crate::revocation::message::feed_key::KeyId;
use crate::revocation::position::Chain;

/// How far a state had come, without the state: one that starts with these takes nothing older for news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Sequence and chain hash of the last state; `None`: nothing was ever loaded.
    pub last: Option<(u64, Chain)>,
    /// The greatest sequence taken from each feed key.
    pub high_water: Vec<(KeyId, u64)>,
}
