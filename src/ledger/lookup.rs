//! The revocations in force, by exact name.

use crate::revocation::{Form, Level, Subject};
use crate::time::UnixSeconds;

use super::record::SubjectName;
use super::Ledger;

impl Ledger {
    /// The widest level at which a token is refused. Exact except for token ids, which are known by 48 bits of a keyed
    /// hash within their bucket.
    #[must_use]
    pub fn refuses(&self, subject: &Subject<'_>) -> Option<Level> {
        self.state.refuses(subject)
    }

    /// The user's not-before. An issuer must issue only tokens with a later `iat`. `issuer`: as for
    /// [`Ledger::stage_under`].
    #[must_use]
    pub fn user_not_before(&self, issuer: Option<&str>, sub: &str) -> Option<UnixSeconds> {
        Some(self.state.not_before(SubjectName::User(issuer, sub))).filter(|at| *at > 0).map(UnixSeconds::new)
    }

    /// The not-before of a client's tokens of one user, regardless of those of the user or the client alone.
    #[must_use]
    pub fn grant_not_before(&self, issuer: Option<&str>, sub: &str, client: &str) -> Option<UnixSeconds> {
        Some(self.state.not_before(SubjectName::Grant(issuer, sub, client))).filter(|at| *at > 0).map(UnixSeconds::new)
    }

    /// The not-before of tokens that the key with this RFC 7638 thumbprint signs.
    #[must_use]
    pub fn key_not_before(&self, thumbprint: &[u8; 32]) -> Option<UnixSeconds> {
        self.state.exact.key_not_befores.get(thumbprint).copied().map(UnixSeconds::new)
    }

    /// The lowest form that states everything in force exactly. In a lower one, readers refuse more.
    #[must_use]
    pub fn exact_form(&self) -> Form {
        if self.state.grants.is_empty() && self.state.exact.key_not_befores.len() == 0 {
            Form::V1_0
        } else {
            Form::V1_1
        }
    }

    /// The lowest accepted version of the user's tokens; 0 if none was set. An issuer must not issue a lower version.
    #[must_use]
    pub fn minimum_version(&self, issuer: Option<&str>, sub: &str) -> u64 {
        self.state.minimum_version(issuer, sub)
    }

    /// Whether the key with this RFC 7638 thumbprint is banned.
    #[must_use]
    pub fn bans(&self, thumbprint: &[u8; 32]) -> bool {
        self.state.exact.bans.contains_key(thumbprint)
    }

    /// The realm's JWKS in the feed; `None`: the feed carries none.
    #[must_use]
    pub fn jwks(&self) -> Option<&[u8]> {
        self.state.exact.jwks.as_deref()
    }
}
