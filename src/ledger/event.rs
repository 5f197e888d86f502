//! The events that a ledger records.

use core::fmt;

use crate::time::UnixSeconds;

/// A recordable event, usually a revocation. Names are exactly those in tokens.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// One token is revoked.
    Token {
        /// `jti`.
        id: String,
        /// `exp`, if known; without it the id is kept for the longest lifetime from now.
        expires_at: Option<UnixSeconds>,
        /// `iat`, if known; without it edges probe the bucket for every token.
        issued_at: Option<UnixSeconds>,
    },
    /// A session has ended: refuses all its tokens up to a minute from now, since a `sid` is not reused.
    Session {
        /// `sid`.
        sid: String,
        /// When it ended, if an authenticated source says so.
        occurred_at: Option<UnixSeconds>,
        /// `iat` of the presented token, if there was one.
        issued_at: Option<UnixSeconds>,
    },
    /// One client's part in a session has ended: refuses its tokens up to then, since a later login may use the same
    /// `sid`.
    ClientSession {
        /// `sid`.
        sid: String,
        /// `azp`.
        azp: String,
        /// As for [`Event::Session`].
        occurred_at: Option<UnixSeconds>,
        /// `iat` of the presented token, if there was one.
        issued_at: Option<UnixSeconds>,
    },
    /// A user is logged out everywhere.
    User {
        /// `sub`.
        sub: String,
        /// The latest issue time that is refused.
        not_before: NotBefore,
    },
    /// Refuses all tokens of a client (`azp` or `client_id`).
    Client {
        /// The client's id.
        client: String,
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// Refuses all tokens of the realm.
    Realm {
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// A user has disconnected a client: refuses the client's tokens of that user. Tokens without a user cannot be
    /// reached.
    Grant {
        /// `sub`.
        sub: String,
        /// The client (`azp` or `client_id`), or the value of the claim that the policy names.
        client: String,
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// Refuses all tokens that a key has signed.
    KeyBanned {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
    },
    /// Refuses tokens that a key has signed up to a time. Not for a leaked key, which must be banned, because a thief
    /// can sign with any time.
    KeyNotBefore {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
        /// As for [`Event::User`].
        not_before: NotBefore,
    },
    /// Refuses a user's tokens below a version.
    TokenVersion {
        /// `sub`.
        sub: String,
        /// Lowest accepted version.
        minimum: u64,
    },
    /// Publishes the realm's keys, for gates that take them from the feed.
    Keys {
        /// The JWKS (RFC 7517 §5), JSON, without private or shared keys.
        jwks: Vec<u8>,
    },
    /// Removes the realm's keys from the feed: gates that take them from there have none until new ones are published.
    KeysWithdrawn,
    /// Records the bounds of the ledger's settings, and how far ahead a token's `iat` may be, if they have changed.
    /// Stage it after every start and regularly: wider bounds take effect only once no token whose revocation was
    /// dropped under the old ones can be accepted, and the measured lead of the issuer's clock changes.
    Bounds,
    /// Replaces a wrong value. Only a correction removes a refusal: all other events can only add refusals.
    Correction(Correction),
}

/// The time of a not-before, and the clock that states it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotBefore {
    /// The origin's time: now, plus the possible lead of the issuer.
    #[default]
    Now,
    /// The time of an authenticated source, whose clock also dates the issuer's tokens (a Keycloak event, the `iat` of
    /// a logout token, `event_timestamp` of a security event token): recorded without the issuer's skew.
    Source(UnixSeconds),
    /// A value that a caller chose.
    Caller(UnixSeconds),
}

impl NotBefore {
    /// Combines a caller's value and a source's own time. The source takes precedence, because it is authenticated.
    #[must_use]
    pub fn of(caller: Option<UnixSeconds>, source: Option<UnixSeconds>) -> Self {
        source.map(Self::Source).or(caller.map(Self::Caller)).unwrap_or_default()
    }
}

/// A corrected value. `None` removes the not-before.
#[derive(Clone, PartialEq, Eq)]
pub enum Correction {
    /// A user's not-before.
    User {
        /// `sub`.
        sub: String,
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// A session's not-before.
    Session {
        /// `sid`.
        sid: String,
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// A client session's not-before.
    ClientSession {
        /// `sid`.
        sid: String,
        /// `azp`.
        azp: String,
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// A client's not-before.
    Client {
        /// The client's id.
        client: String,
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// The realm's not-before.
    Realm {
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// A grant's not-before.
    Grant {
        /// `sub`.
        sub: String,
        /// The client.
        client: String,
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// A key's not-before.
    KeyNotBefore {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
        /// The correct value.
        not_before: Option<UnixSeconds>,
    },
    /// Lifts a ban.
    KeyBanned {
        /// The key's RFC 7638 thumbprint.
        thumbprint: [u8; 32],
    },
    /// A user's minimum version; 0 for none.
    TokenVersion {
        /// `sub`.
        sub: String,
        /// The correct value.
        minimum: u64,
    },
}

impl fmt::Debug for Event {
    /// Prints only the kind, because names are untrusted input.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token { .. } => "Token",
            Self::Session { .. } => "Session",
            Self::ClientSession { .. } => "ClientSession",
            Self::User { .. } => "User",
            Self::Client { .. } => "Client",
            Self::Realm { .. } => "Realm",
            Self::Grant { .. } => "Grant",
            Self::KeyBanned { .. } => "KeyBanned",
            Self::KeyNotBefore { .. } => "KeyNotBefore",
            Self::TokenVersion { .. } => "TokenVersion",
            Self::Keys { .. } => "Keys",
            Self::KeysWithdrawn => "KeysWithdrawn",
            Self::Bounds => "Bounds",
            Self::Correction(_) => "Correction",
        })
    }
}

impl fmt::Debug for Correction {
    /// Prints only the kind, because names are untrusted input.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::User { .. } => "User",
            Self::Session { .. } => "Session",
            Self::ClientSession { .. } => "ClientSession",
            Self::Client { .. } => "Client",
            Self::Realm { .. } => "Realm",
            Self::Grant { .. } => "Grant",
            Self::KeyNotBefore { .. } => "KeyNotBefore",
            Self::KeyBanned { .. } => "KeyBanned",
            Self::TokenVersion { .. } => "TokenVersion",
        })
    }
}
