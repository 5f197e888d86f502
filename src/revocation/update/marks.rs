//! The position of a lost state, so that its replacement does not go back.

use crate::revocation::message::feed_key::KeyId;
use crate::revocation::position::Chain;

/// How far a state was, without the state. One that resumes from these marks accepts nothing older.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Sequence and chain hash of the lost state; `None`: nothing was ever loaded.
    pub last: Option<(u64, Chain)>,
    /// The greatest sequence accepted from each feed key.
    pub high_water: Vec<(KeyId, u64)>,
}
