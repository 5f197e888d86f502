//! The position of a lost state, from which its replacement resumes.

use crate::revocation::message::feed_key::KeyId;
use crate::revocation::position::Chain;

/// The position of a state, without the state. A state that resumes from these marks accepts no older message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Sequence and chain hash of the lost state; `None`: nothing was ever loaded.
    pub last: Option<(u64, Chain)>,
    /// The greatest sequence accepted from each feed key.
    pub high_water: Vec<(KeyId, u64)>,
}
