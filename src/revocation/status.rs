//! The query to a state, and its results.

use core::fmt;

use crate::time::UnixSeconds;

/// The names by which a token's grant, one client of one user, is looked up besides the user's.
#[derive(Clone, Copy, Default)]
pub enum GrantNames<'a> {
    /// The token's clients: `azp` and `client_id`.
    #[default]
    Clients,
    /// The value of the claim that the policy names; `None`: the token has no such claim, so no grant reaches it.
    Claim(Option<&'a str>),
}

/// The claims of one verified token that are looked up. Strings are compared and hashed exactly as in the token.
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
    /// By which names the user's grants are looked up.
    pub grant: GrantNames<'a>,
    /// The RFC 7638 thumbprint of the key that signed the token; `None`: not known.
    pub signing_key: Option<&'a [u8; 32]>,
    /// `iat`: a filter that holds only ids issued earlier is skipped.
    pub issued_at: UnixSeconds,
    /// The time that not-befores are compared with: `iat`, or `auth_time` if the policy says so.
    pub compared_at: UnixSeconds,
    /// The user's last logout according to the token (`last_logout_time`); `None` if it does not say. When it is before the
    /// user's not-before, the issuer did not know of that logout, whatever the other times are.
    pub logged_out_at: Option<UnixSeconds>,
    /// `exp`: selects the filter bucket.
    pub expires_at: UnixSeconds,
    /// The token's version; 0 when it has none.
    pub token_version: u64,
}

impl fmt::Debug for Subject<'_> {
    /// Prints the times only: names come from outside.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Subject");
        shown.field("issued_at", &self.issued_at).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl<'a> Subject<'a> {
    /// The token's clients, each once.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &'a str> {
        let other = self.client_id.filter(|client| Some(*client) != self.authorized_party);
        [self.authorized_party, other].into_iter().flatten()
    }

    /// The grants of the token, as user and client; none of a token without a user.
    pub(crate) fn grants(&self) -> impl Iterator<Item = [&'a str; 2]> {
        let user = self.user;
        let (by_client, by_claim) = match self.grant {
            GrantNames::Clients => (Some(self.clients()), None),
            GrantNames::Claim(named) => (None, named),
        };
        let names = by_client.into_iter().flatten().chain(by_claim);
        names.filter_map(move |name| Some([user?, name]))
    }
}

/// Whether a token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing recorded up to the state's sequence refuses it.
    NotRevoked,
    /// Refused; the widest level that refuses it.
    Revoked(Level),
    /// Unknown: the section has not arrived, or nothing was ever loaded. Must never be taken for `NotRevoked`.
    SectionUnavailable,
}

/// The scope of a revocation, in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Everybody's tokens of the realm.
    Realm,
    /// One client's tokens (`azp` or `client_id`).
    Client,
    /// The tokens that one key signed.
    Key,
    /// One user's tokens.
    User,
    /// One session's tokens.
    Session,
    /// One client's tokens in one session.
    ClientSession,
    /// One client's tokens of one user.
    Grant,
    /// The user's tokens below a version.
    Version,
    /// This token.
    Token,
}
