//! The reasons for refusing a token: the single list shared by Rust, TypeScript, vectors and documentation.

/// The reason for refusing a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The request has no token.
    MissingToken,
    /// The request presents more than one token.
    InvalidRequest,
    /// Not a strict compact JWT, too long, names a critical extension, or a claim in use has the wrong type.
    Malformed,
    /// `alg` is unknown, not allowed by the policy, or not that of the key named by `kid`; or neither this build nor
    /// the host can verify it.
    UnsupportedAlgorithm,
    /// The realm has no such key.
    UnknownKey,
    /// The realm has banned the key.
    BannedKey,
    /// The signature is invalid.
    BadSignature,
    /// The wrong kind of token: by `typ` in header or claims, by `token_use`, bound to a key (`cnf`), or with an actor
    /// other than the user (`act`) if the policy refuses that.
    WrongType,
    /// The issuer belongs to no configured realm.
    WrongIssuer,
    /// The token is not meant for us.
    WrongAudience,
    /// A required claim is absent.
    MissingClaim,
    /// `exp` has passed.
    Expired,
    /// `nbf` is in the future.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// The lifetime of the token, or the age of its login, exceeds the retention of revocations.
    LifetimeExceeded,
    /// This token was revoked.
    TokenRevoked,
    /// Its session has ended.
    SessionRevoked,
    /// The client's tokens of the user, up to some time, were revoked.
    GrantRevoked,
    /// The client's tokens, up to some time, were revoked.
    ClientRevoked,
    /// The user's tokens, up to some time, were revoked.
    UserRevoked,
    /// The realm's tokens, up to some time, were revoked.
    RealmRevoked,
    /// The token's version is below the user's minimum.
    VersionRevoked,
    /// The token is in a cookie, and a page of another site may have caused the request.
    CrossSite,
    /// The token is valid but lacks a scope.
    InsufficientScope,
    /// The realm's keys are not available.
    KeysUnavailable,
    /// The revocation state is too old or incomplete.
    StaleFeed,
    /// No revocation state has arrived yet.
    NoFeed,
}

impl Reason {
    /// All reasons, in the order of the documentation.
    pub const ALL: [Self; 27] = [
        Self::MissingToken,
        Self::InvalidRequest,
        Self::Malformed,
        Self::UnsupportedAlgorithm,
        Self::UnknownKey,
        Self::BannedKey,
        Self::BadSignature,
        Self::WrongType,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::MissingClaim,
        Self::Expired,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::LifetimeExceeded,
        Self::TokenRevoked,
        Self::SessionRevoked,
        Self::GrantRevoked,
        Self::ClientRevoked,
        Self::UserRevoked,
        Self::RealmRevoked,
        Self::VersionRevoked,
        Self::CrossSite,
        Self::InsufficientScope,
        Self::KeysUnavailable,
        Self::StaleFeed,
        Self::NoFeed,
    ];

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::InvalidRequest => "invalid_request",
            Self::Malformed => "malformed",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::UnknownKey => "unknown_key",
            Self::BannedKey => "banned_key",
            Self::BadSignature => "bad_signature",
            Self::WrongType => "wrong_type",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::MissingClaim => "missing_claim",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::LifetimeExceeded => "lifetime_exceeded",
            Self::TokenRevoked => "token_revoked",
            Self::SessionRevoked => "session_revoked",
            Self::GrantRevoked => "grant_revoked",
            Self::ClientRevoked => "client_revoked",
            Self::UserRevoked => "user_revoked",
            Self::RealmRevoked => "realm_revoked",
            Self::VersionRevoked => "version_revoked",
            Self::CrossSite => "cross_site",
            Self::InsufficientScope => "insufficient_scope",
            Self::KeysUnavailable => "keys_unavailable",
            Self::StaleFeed => "stale_feed",
            Self::NoFeed => "no_feed",
        }
    }

    /// The HTTP status of the response (RFC 6750 §3.1): 400 for a contradictory request, 401 for the token, 403 for
    /// missing permission, 503 for a fault on our side.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::MissingToken
            | Self::Malformed
            | Self::UnsupportedAlgorithm
            | Self::UnknownKey
            | Self::BannedKey
            | Self::BadSignature
            | Self::WrongType
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::MissingClaim
            | Self::Expired
            | Self::NotYetValid
            | Self::IssuedInFuture
            | Self::LifetimeExceeded
            | Self::TokenRevoked
            | Self::SessionRevoked
            | Self::GrantRevoked
            | Self::ClientRevoked
            | Self::UserRevoked
            | Self::RealmRevoked
            | Self::VersionRevoked => 401,
            Self::CrossSite | Self::InsufficientScope => 403,
            Self::KeysUnavailable | Self::StaleFeed | Self::NoFeed => 503,
        }
    }
}
