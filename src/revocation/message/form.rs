//! The forms in which an origin states its facts: one for each minor version of the format.

/// A form of the feed. A reader names the minor version that it reads; facts that a lower one does not know are stated
/// to it in a form that refuses at least as much. Sequence and chain are the same in every form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Without grants, key not-befores and the policy's digest: a grant is a not-before of its user, a key not-before
    /// one of the realm.
    V1_0,
    /// With all three.
    V1_1,
}

impl Form {
    /// The newest form that this build reads and writes.
    pub const NEWEST: Self = Self::V1_1;

    /// The form for a reader of this minor version; a reader of a later one reads the newest form, too.
    #[must_use]
    pub const fn for_reader(minor: u8) -> Self {
        match minor {
            0 => Self::V1_0,
            1.. => Self::V1_1,
        }
    }

    /// Its minor version, which every statement of this form begins with.
    #[must_use]
    pub const fn minor(self) -> u8 {
        match self {
            Self::V1_0 => 0,
            Self::V1_1 => 1,
        }
    }
}
