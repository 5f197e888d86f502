//! Why a token was refused: the one list that Rust, TypeScript, vectors and documentation share.

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no token.
    MissingToken,
    /// The request presents more than one token.
    InvalidRequest,
    /// Not one strict compact JWT, too long, it names a critical extension, or a claim that is read has the wrong type.
    Malformed,
    /// `alg` is unknown, not allowed by the policy, or not the one of the key that `kid` names; or neither this build
    /// nor the host can check a signature by it.
    UnsupportedAlgorithm,
    /// The realm has no such key.
    UnknownKey,
    /// The realm has banned the key.
    BannedKey,
    /// The signature is not the key's.
    BadSignature,
    /// Another kind of token: `typ` in header or claims, `token_use`, one that is bound to a key (`cnf`), or one with
    /// an actor other than the user (`act`) where the policy refuses that.
    WrongType,
    /// No realm here has that issuer.
    WrongIssuer,
    /// The token is not meant for us.
    WrongAudience,
    /// A required claim is absent.
    MissingClaim,
    /// `exp` has passed.
    Expired,
    /// `nbf` has not come.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// The token, or the login it goes back to, lives longer than revocations are kept for.
    LifetimeExceeded,
    /// This token was revoked.
    TokenRevoked,
    /// Its session has ended.
    SessionRevoked,
    /// The client's tokens of the user up to then were revoked.
    GrantRevoked,
    /// The client's tokens up to then were revoked.
    ClientRevoked,
    /// The user's tokens up to then were revoked.
    UserRevoked,
    /// The realm's tokens up to then were revoked.
    RealmRevoked,
    /// The user's tokens of that version were revoked.
    VersionRevoked,
    /// A token in a cookie, in a request that a page of another site may have caused.
    CrossSite,
    /// Good, but it does not permit this.
    InsufficientScope,
    /// The realm's keys are not available.
    KeysUnavailable,
    /// The revocation state is too old or incomplete.
    StaleFeed,
    /// Nothing is known of revocations yet.
    NoFeed,
}

impl Reason {
    /// All of them, in the order of the documentation.
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

    /// The reason with that code.
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

    /// The HTTP status to answer with (RFC 6750 §3.1): 400 for a request that contradicts itself, 401 for the token,
    /// 403 for what it may not do, 503 where we are to blame.
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
