//! The forms of a feed, one for each minor version of the format.

/// A form of the feed. A reader states the minor version that it reads; facts unknown to a lower version are stated in
/// a form that refuses at least as much. Sequence and chain are the same in every form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Without grants, key not-befores and the policy's digest: a grant becomes a not-before of its user, a key
    /// not-before one of the realm.
    V1_0,
    /// With grants, key not-befores and the policy's digest.
    V1_1,
}

impl Form {
    /// The newest form that this build reads and writes.
    pub const NEWEST: Self = Self::V1_1;

    /// The form for a reader of this minor version; a reader of a later version gets the newest form.
    #[must_use]
    pub const fn for_reader(minor: u8) -> Self {
        match minor {
            0 => Self::V1_0,
            1.. => Self::V1_1,
        }
    }

    /// The minor version, which is in the head of every statement of this form.
    #[must_use]
    pub const fn minor(self) -> u8 {
        match self {
            Self::V1_0 => 0,
            Self::V1_1 => 1,
        }
    }
}
