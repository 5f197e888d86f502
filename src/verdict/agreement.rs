//! Whether a realm's policy agrees with the one its origin records with. If they differ, a revocation is looked up
//! under a different name than it was recorded under, and would be lost.

use crate::policy::{Policy, PolicyDigest, DIGEST_VERSION};
use crate::revocation::StatedPolicy;

/// The result of comparing a realm's policy with the one stated in its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The policies agree.
    Same,
    /// The policies differ: tokens are refused as [`NoFeed`](super::Reason::NoFeed), unless the policy accepts that.
    Differs,
    /// The feed states no policy, like that of an older origin, or nothing is loaded.
    NotStated,
    /// The policy is stated in a form that this version does not know.
    OtherVersion,
}

impl Agreement {
    /// A stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::NotStated => "not_stated",
            Self::OtherVersion => "other_version",
        }
    }
}

/// Compares a policy, by its digest, with the one stated in a feed.
pub(super) fn agreement(own: &PolicyDigest, stated: Option<&StatedPolicy>) -> Agreement {
    match stated {
        None => Agreement::NotStated,
        Some(stated) if stated.version != DIGEST_VERSION => Agreement::OtherVersion,
        Some(stated) if stated.digest == *own.as_bytes() => Agreement::Same,
        Some(_) => Agreement::Differs,
    }
}

/// Names the options in which the origin's policy differs, without their values.
#[cold]
pub(super) fn differing(fields: Vec<&'static str>) -> String {
    let mut text = String::from("the origin's policy differs");
    for (at, field) in fields.into_iter().enumerate() {
        text.push_str(if at == 0 { " in " } else { ", " });
        text.push_str(field);
    }
    text
}

/// The statement of an origin that records with this policy.
#[must_use]
pub fn state_policy(policy: &Policy) -> StatedPolicy {
    StatedPolicy { version: DIGEST_VERSION, digest: *policy.digest().as_bytes(), fields: policy.field_digests() }
}
