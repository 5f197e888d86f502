//! A lookup in a state, and its results.

use core::array::IntoIter;
use core::fmt;
use core::iter::Flatten;

use crate::time::UnixSeconds;

/// The client names by which a token's grant, one client of one user, is looked up.
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
    /// The token's issuer name, unless it is the realm's first.
    pub issuer: Option<&'a str>,
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
    /// The client names by which the user's grants are looked up.
    pub grant: GrantNames<'a>,
    /// The RFC 7638 thumbprint of the key that signed the token; `None`: not known.
    pub signing_key: Option<&'a [u8; 32]>,
    /// `iat`: a filter that holds only ids issued earlier is skipped.
    pub issued_at: UnixSeconds,
    /// The time that not-befores are compared with: `iat`, or `auth_time` if the policy requires it.
    pub compared_at: UnixSeconds,
    /// The user's last logout according to the token (`last_logout_time`); `None` if absent. If it is before the user's
    /// not-before, the issuer did not know of that logout, and the token is refused regardless of its other times.
    pub logged_out_at: Option<UnixSeconds>,
    /// `exp`: selects the filter bucket.
    pub expires_at: UnixSeconds,
    /// The token's version; 0 when it has none.
    pub token_version: u64,
}

impl fmt::Debug for Subject<'_> {
    /// Prints only the times, because names are untrusted input.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Subject");
        shown.field("issued_at", &self.issued_at).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl<'a> Subject<'a> {
    /// The token's clients, each once.
    pub(crate) fn clients(&self) -> impl Iterator<Item = &'a str> {
        [self.authorized_party, self.other_client()].into_iter().flatten()
    }

    /// `client_id`, unless it is the authorized party.
    fn other_client(&self) -> Option<&'a str> {
        self.client_id.filter(|client| Some(*client) != self.authorized_party)
    }

    /// The token's client sessions, as session and client.
    pub(crate) fn client_sessions(&self) -> Pairs<'a> {
        pairs(self.session, self.authorized_party, self.other_client())
    }

    /// The token's grants, as user and client; empty for a token without a user.
    pub(crate) fn grants(&self) -> Pairs<'a> {
        match self.grant {
            GrantNames::Clients => pairs(self.user, self.authorized_party, self.other_client()),
            GrantNames::Claim(named) => pairs(self.user, named, None),
        }
    }
}

/// Names composed of two claims.
pub(crate) type Pairs<'a> = Flatten<IntoIter<Option<[&'a str; 2]>, 2>>;

fn pairs<'a>(first: Option<&'a str>, one: Option<&'a str>, other: Option<&'a str>) -> Pairs<'a> {
    let pair = |second: Option<&'a str>| Some([first?, second?]);
    [pair(one), pair(other)].into_iter().flatten()
}

/// Whether a token is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing recorded up to the state's sequence refuses it.
    NotRevoked,
    /// Refused; the widest level that refuses it.
    Revoked(Level),
    /// Unknown: the section has not arrived, or nothing was ever loaded. Must never be treated as `NotRevoked`.
    SectionUnavailable,
}

/// The scope of a revocation. Levels are checked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// All tokens of the realm.
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
