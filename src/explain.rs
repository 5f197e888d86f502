//! Every check with its outcome, for people. It looks on while [`judge`](crate::verdict::judge)'s own code runs, so the
//! two cannot differ; and it hands out no claims, so it cannot be taken for a verdict.

use crate::time::UnixSeconds;
use crate::verdict::{examine, HostOutcome, Pending, Prover, Realm, Reason};

/// Runs the checks of [`judge`](crate::verdict::judge) and says how each came out: those passed, the one that failed, and
/// those that were not reached.
#[must_use]
pub fn explain(token: &str, realms: &[Realm], now: UnixSeconds) -> Vec<Check> {
    let mut record = Record::default();
    // The record says it all, and a verdict must not come out of here.
    let _ = examine(token, realms, Prover::Here, now, &mut record);
    record.0
}

/// The same of a token whose signature the host has looked at ([`begin_to_explain`](crate::verdict::begin_to_explain)).
#[must_use]
pub fn explain_by_host(pending: &Pending, outcome: HostOutcome, realms: &[Realm], now: UnixSeconds) -> Vec<Check> {
    let mut record = Record::default();
    let _ = examine(pending.text(), realms, Prover::Host(pending, outcome), now, &mut record);
    record.0
}

/// One check and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it came out.
    pub outcome: Outcome,
    /// Times, limits and configured names; nothing that the token's sender chose.
    pub detail: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed.
    Passed,
    /// It refused the token.
    Failed(Reason),
    /// One before it refused the token.
    NotReached,
}

impl Outcome {
    /// The outcome as a stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::NotReached => "not_reached",
        }
    }

    /// Why the token was refused here.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Failed(reason) => Some(reason),
            Self::Passed | Self::NotReached => None,
        }
    }
}

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

/// Looks on while a token is judged, and cannot change how it comes out.
pub(crate) trait Observer {
    /// Sees a check's result pass by.
    fn check<T>(&mut self, name: CheckName, result: Result<T, Reason>) -> Result<T, Reason>;
    /// Gets something to say about a check; asked for only by who wants it.
    fn detail(&mut self, name: CheckName, text: impl FnOnce() -> String);
}

/// Nobody looks on.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn check<T>(&mut self, _name: CheckName, result: Result<T, Reason>) -> Result<T, Reason> {
        result
    }

    fn detail(&mut self, _name: CheckName, _text: impl FnOnce() -> String) {}
}

/// Every check, as far as it was reached.
struct Record(Vec<Check>);

impl Default for Record {
    fn default() -> Self {
        Self(CheckName::ALL.map(|name| Check { name, outcome: Outcome::NotReached, detail: None }).into())
    }
}

impl Record {
    fn entry(&mut self, name: CheckName) -> Option<&mut Check> {
        self.0.iter_mut().find(|check| check.name == name)
    }
}

impl Observer for Record {
    fn check<T>(&mut self, name: CheckName, result: Result<T, Reason>) -> Result<T, Reason> {
        if let Some(entry) = self.entry(name) {
            entry.outcome = match &result {
                Ok(_) => Outcome::Passed,
                Err(reason) => Outcome::Failed(*reason),
            };
        }
        result
    }

    fn detail(&mut self, name: CheckName, text: impl FnOnce() -> String) {
        if let Some(entry) = self.entry(name) {
            entry.detail = Some(text());
        }
    }
}
