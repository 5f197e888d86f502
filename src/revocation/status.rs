//! The question put to a state, and its answers.

use core::fmt;

use crate::time::UnixSeconds;

/// What is looked up: the claims of one verified token. Strings are compared and hashed as they stand in the token.
#[derive(Clone, Copy, Default)]
pub struct Subject<'a> {
    /// `jti`.
    pub token_id: Option<&'a str>,
    /// `sub`.
    pub user: Option<&'a str>,
    /// `sid`.
    pub session: Option<&'a str>,
    /// `azp`.
    pub authorized_party: Option<&'a str>,
    /// `client_id`.
    pub client_id: Option<&'a str>,
    /// `iat`: a filter that holds only ids issued earlier is skipped.
    pub issued_at: UnixSeconds,
    /// What not-befores are compared with: `iat`, or `auth_time` if the policy says so.
    pub compared_at: UnixSeconds,
    /// The user's last logout, as the token says (`last_logout_time`); `None` when it does not. Before the user's
    /// not-before: the issuer did not know of it, whatever the other times are.
    pub logged_out_at: Option<UnixSeconds>,
    /// `exp`: names the filter bucket.
    pub expires_at: UnixSeconds,
    /// The token's version; 0 when it has none.
    pub token_version: u64,
}

impl fmt::Debug for Subject<'_> {
    /// The times only: names come from outside.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Subject");
        shown.field("issued_at", &self.issued_at).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Whether a token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing recorded up to the state's sequence refuses it.
    NotRevoked,
    /// Something does; at the widest level that does.
    Revoked(Level),
    /// The answer lies in a section that has not arrived, or nothing was ever loaded. Never to be taken for `NotRevoked`.
    SectionUnavailable,
}

/// What a revocation was aimed at, in the order in which they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everybody's tokens of the realm.
    Realm,
    /// One client's tokens (`azp` or `client_id`).
    Client,
    /// One user's tokens.
    User,
    /// One session's tokens.
    Session,
    /// One client's tokens in one session.
    ClientSession,
    /// The user's tokens below a version.
    Version,
    /// This token.
    Token,
}
