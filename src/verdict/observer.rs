//! The checks by name, their outcomes, and who sees them.

use super::reason::Reason;

/// One check and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// How it came out.
    pub outcome: Outcome,
    /// Expected and found value, times and limits. Values of the token are quoted in it, escaped and cut: it is for
    /// people who run a gate, not for the token's sender, and not for logs.
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
    /// It is an access token, by the claims that state its kind and, where the policy asks, not an actor's.
    TokenUse,
    /// It is not bound to a key.
    Binding,
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
        Self::TokenUse,
        Self::Binding,
        Self::Audience,
        Self::Expiry,
        Self::NotBefore,
        Self::IssuedAt,
        Self::Lifetime,
        Self::RequiredClaims,
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
            Self::TokenUse => "token_use",
            Self::Binding => "binding",
            Self::Audience => "audience",
            Self::Expiry => "expiry",
            Self::NotBefore => "not_before",
            Self::IssuedAt => "issued_at",
            Self::Lifetime => "lifetime",
            Self::RequiredClaims => "required_claims",
            Self::Login => "login",
            Self::Feed => "feed",
            Self::Revocation => "revocation",
            Self::Freshness => "freshness",
        }
    }
}

/// Sees the checks of a judgement, and cannot change their outcome. Not a trait: the judgement would be compiled twice,
/// with a record and without.
pub(super) struct Observer<'r>(Option<&'r mut Record>);

impl<'r> Observer<'r> {
    pub(super) fn of(record: &'r mut Record) -> Self {
        Self(Some(record))
    }

    /// Keeps nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Sees the result of a check.
    #[inline]
    pub(super) fn check<T>(&mut self, name: CheckName, result: Result<T, Reason>) -> Result<T, Reason> {
        if let Some(record) = &mut self.0 {
            record.set_outcome(name, result.as_ref().err().copied());
        }
        result
    }

    /// Sees a text about a check, which is made only where it is kept.
    #[inline]
    pub(super) fn detail(&mut self, name: CheckName, text: impl FnOnce() -> String) {
        if let Some(record) = &mut self.0 {
            record.set_detail(name, text);
        }
    }
}

/// Every check, as far as it was reached.
pub(super) struct Record(Vec<Check>);

impl Default for Record {
    fn default() -> Self {
        Self(CheckName::ALL.map(|name| Check { name, outcome: Outcome::NotReached, detail: None }).into())
    }
}

impl Record {
    pub(super) fn into_checks(self) -> Vec<Check> {
        self.0
    }

    /// The check that refused the token.
    pub(super) fn failure(&self) -> Option<(CheckName, Reason)> {
        self.0.iter().find_map(|check| Some((check.name, check.outcome.reason()?)))
    }

    /// Adds a sentence to the text about a check, unless it is empty.
    pub(super) fn add_detail(&mut self, name: CheckName, sentence: &str) {
        if let Some(entry) = self.entry(name).filter(|_| !sentence.is_empty()) {
            let detail = entry.detail.get_or_insert_default();
            if !detail.is_empty() {
                detail.push_str(": ");
            }
            detail.push_str(sentence);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_outcome(&mut self, name: CheckName, failure: Option<Reason>) {
        if let Some(entry) = self.entry(name) {
            entry.outcome = failure.map_or(Outcome::Passed, Outcome::Failed);
        }
    }

    #[cold]
    #[inline(never)]
    fn set_detail(&mut self, name: CheckName, text: impl FnOnce() -> String) {
        if let Some(entry) = self.entry(name) {
            entry.detail = Some(text());
        }
    }

    fn entry(&mut self, name: CheckName) -> Option<&mut Check> {
        self.0.iter_mut().find(|check| check.name == name)
    }
}
