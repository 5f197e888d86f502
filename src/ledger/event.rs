//! What can be told to the ledger.

use core::fmt;

use crate::time::UnixSeconds;

/// Something that makes tokens be refused. Names are taken as they stand in tokens.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// One token is revoked.
    Token {
        /// `jti`.
        id: String,
        /// `exp`, if known; without it the id is kept as long as a token issued now could live.
        expires_at: Option<UnixSeconds>,
        /// `iat`, if known; without it every token of the bucket has to be probed.
        issued_at: Option<UnixSeconds>,
    },
    /// A session has ended: all its tokens up to a minute from now, as a `sid` is not used again.
    Session {
        /// `sid`.
        sid: String,
        /// When it ended, if an authenticated source states it.
        occurred_at: Option<UnixSeconds>,
        /// `iat` of the token presented, if one was.
        issued_at: Option<UnixSeconds>,
    },
    /// One client's part in a session has ended: its tokens up to then, as a later login may use the same `sid`.
    ClientSession {
        /// `sid`.
        sid: String,
        /// `azp`.
        azp: String,
        /// As for [`Event::Session`].
        occurred_at: Option<UnixSeconds>,
        /// `iat` of the token presented, if one was.
        issued_at: Option<UnixSeconds>,
    },
    /// A user is logged out everywhere.
    User {
        /// `sub`.
        sub: String,
        /// Up to when.
        not_before: NotBefore,
    },
    /// Everybody's tokens of a client (`azp` or `client_id`).
    Client {
        /// The client's id.
        client: String,
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// Everybody's tokens of the realm.
    Realm {
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// Whatever a key signed.
    KeyBanned {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
    },
    /// A user's tokens below a version.
    TokenVersion {
        /// `sub`.
        sub: String,
        /// Least version that still counts.
        minimum: u64,
    },
    /// The realm's keys, for gates that take them from the feed.
    Keys {
        /// The JWKS (RFC 7517 §5), JSON, without private or shared keys.
        jwks: Vec<u8>,
    },
    /// The feed carries the realm's keys no longer: gates that took them from there have none until they come again.
    KeysWithdrawn,
    /// The ledger's settings have the bounds that they have. Recorded when that is news: to be said after every start and now
    /// and then, for wider bounds than before count only once nothing forgotten under the old ones could be accepted.
    Bounds,
    /// A mistaken value is replaced. Nothing else takes back what was refused: all other events only ever refuse more.
    Correction(Correction),
}

/// The time of a not-before, by whose clock it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotBefore {
    /// The origin's: now, and as far beyond as the issuer may be ahead.
    #[default]
    Now,
    /// That of an authenticated source, by whose clock the issuer's tokens are dated too (a Keycloak event, the `iat` of a
    /// logout token, `event_timestamp` of a security event token): recorded without the issuer's skew.
    Source(UnixSeconds),
    /// A value that a caller chose.
    Caller(UnixSeconds),
}

impl NotBefore {
    /// A caller's value, a source's own time, or neither. Where both are given, the source's counts: it is authenticated.
    #[must_use]
    pub fn of(caller: Option<UnixSeconds>, source: Option<UnixSeconds>) -> Self {
        source.map(Self::Source).or(caller.map(Self::Caller)).unwrap_or_default()
    }
}

/// What is put right. `None` takes the not-before away.
#[derive(Clone, PartialEq, Eq)]
pub enum Correction {
    /// A user's not-before.
    User {
        /// `sub`.
        sub: String,
        /// The right value.
        not_before: Option<UnixSeconds>,
    },
    /// A session's not-before.
    Session {
        /// `sid`.
        sid: String,
        /// The right value.
        not_before: Option<UnixSeconds>,
    },
    /// A client session's not-before.
    ClientSession {
        /// `sid`.
        sid: String,
        /// `azp`.
        azp: String,
        /// The right value.
        not_before: Option<UnixSeconds>,
    },
    /// A client's not-before.
    Client {
        /// The client's id.
        client: String,
        /// The right value.
        not_before: Option<UnixSeconds>,
    },
    /// The realm's not-before.
    Realm {
        /// The right value.
        not_before: Option<UnixSeconds>,
    },
    /// A ban is lifted.
    KeyBanned {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
    },
    /// A user's minimum version; 0 for none.
    TokenVersion {
        /// `sub`.
        sub: String,
        /// The right value.
        minimum: u64,
    },
}

impl fmt::Debug for Event {
    /// The kind only: names come from outside.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token { .. } => "Token",
            Self::Session { .. } => "Session",
            Self::ClientSession { .. } => "ClientSession",
            Self::User { .. } => "User",
            Self::Client { .. } => "Client",
            Self::Realm { .. } => "Realm",
            Self::KeyBanned { .. } => "KeyBanned",
            Self::TokenVersion { .. } => "TokenVersion",
            Self::Keys { .. } => "Keys",
            Self::KeysWithdrawn => "KeysWithdrawn",
            Self::Bounds => "Bounds",
            Self::Correction(_) => "Correction",
        })
    }
}

impl fmt::Debug for Correction {
    /// The kind only: names come from outside.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User { .. } => "User",
            Self::Session { .. } => "Session",
            Self::ClientSession { .. } => "ClientSession",
            Self::Client { .. } => "Client",
            Self::Realm { .. } => "Realm",
            Self::KeyBanned { .. } => "KeyBanned",
            Self::TokenVersion { .. } => "TokenVersion",
        })
    }
}
