//! From a token to a verdict. Only `verdict/state_check.rs` queries the revocation state about a token.

// Judging.
mod agreement;
mod judge;
mod realm;

mod authenticity;
mod checks;
mod claims_view;
mod state_check;
mod times;

mod answer;
mod reason;

// Signatures that are not verified here: verified before, or by the host.
mod cached_token;
mod entry;
mod token_cache;

mod host;
mod pending_signatures;

// Besides judging: identify a token, explain every check, list the sections that a verdict needs.
mod identify;
mod identify_withdrawn;

mod expectation;
mod explain;
mod observer;

mod missing_sections;

pub use self::agreement::{state_policy, Agreement};
pub use self::answer::{Acceptance, Accepted, Basis, Finding, Refused, Signature, Verdict};
pub use self::entry::Entry;
pub use self::explain::{begin_to_explain, explain, finish_to_explain};
pub use self::host::{begin, finish, host_needed, HostOutcome};
pub use self::identify::{begin_to_identify, finish_to_identify, identify, realm_of, Identified, IdentifyError};
pub use self::identify_withdrawn::{identify_withdrawn, WithdrawnKeys, WithdrawnToken, MAX_WITHDRAWN_KEYS};
pub use self::judge::{find, judge, recheck};
pub use self::missing_sections::missing_sections;
pub use self::observer::{Check, CheckName, Outcome};
pub use self::pending_signatures::{Handle, PendingSignature, PendingSignatures, Progress, MAX_HANDLES};
pub use self::realm::{KeysFrom, Realm, RealmKeys};
pub use self::reason::Reason;
pub use self::token_cache::{CacheLimits, VerifiedTokenCache};

pub(crate) use self::answer::verdict_of;

/// The algorithms whose signatures a host can verify.
pub use crate::signature::{Algorithm, Algorithms};
