//! The checks by name, and who sees their outcome.

use super::reason::Reason;

/// The checks, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckName {
    /// A strict compact JWT.
    Form,
    /// The issuer is one of ours.
    Realm,
    /// `alg` is allowed.
    Algorithm,
    /// The header's `typ` fits the profile.
    Type,
    /// The realm has a key for it that is not banned.
    Key,
    /// The signature is that key's.
    Signature,
    /// The claims that are read have the right types.
    Claims,
    /// `aud`.
    Audience,
    /// `exp`.
    Expiry,
    /// `nbf`.
    NotBefore,
    /// `iat`.
    IssuedAt,
    /// `exp - iat`.
    Lifetime,
    /// Everything that must be there is.
    RequiredClaims,
    /// It is an access token.
    TokenUse,
    /// It is not bound to a key.
    Binding,
    /// The login it goes back to, where the policy compares with that.
    Login,
    /// There is revocation state.
    Feed,
    /// Nothing in it refuses the token.
    Revocation,
    /// It is fresh enough.
    Freshness,
}

impl CheckName {
    /// All of them, in order.
    pub const ALL: [Self; 19] = [
        Self::Form,
        Self::Realm,
        Self::Algorithm,
        Self::Type,
        Self::Key,
        Self::Signature,
        Self::Claims,
        Self::Audience,
        Self::Expiry,
        Self::NotBefore,
        Self::IssuedAt,
        Self::Lifetime,
        Self::RequiredClaims,
        Self::TokenUse,
        Self::Binding,
        Self::Login,
        Self::Feed,
        Self::Revocation,
        Self::Freshness,
    ];

    /// The check's stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Realm => "realm",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Audience => "audience",
            Self::Expiry => "expiry",
            Self::NotBefore => "not_before",
            Self::IssuedAt => "issued_at",
            Self::Lifetime => "lifetime",
            Self::RequiredClaims => "required_claims",
            Self::TokenUse => "token_use",
            Self::Binding => "binding",
            Self::Login => "login",
            Self::Feed => "feed",
            Self::Revocation => "revocation",
            Self::Freshness => "freshness",
        }
    }
}

/// Sees the checks of a judgement, and cannot change their outcome.
pub(super) trait Observer {
    /// Sees the result of a check.
    fn check<T>(&mut self, name: CheckName, result: Result<T, Reason>) -> Result<T, Reason>;
    /// Sees a text about a check, which is made only where it is used.
    fn detail(&mut self, name: CheckName, text: impl FnOnce() -> String);
}

/// No observer.
pub(super) struct Unobserved;

impl Observer for Unobserved {
    fn check<T>(&mut self, _name: CheckName, result: Result<T, Reason>) -> Result<T, Reason> {
        result
    }

    fn detail(&mut self, _name: CheckName, _text: impl FnOnce() -> String) {}
}
