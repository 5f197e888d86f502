//! The checks by name, their outcomes, and their observer.

use super::reason::Reason;

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The check.
    pub name: CheckName,
    /// The outcome.
    pub outcome: Outcome,
    /// Expected and found values, times and limits. Quotes values of the token, escaped and truncated. For people who
    /// run a gate; not for the token's sender, and not for logs.
    pub detail: Option<String>,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The check passed.
    Passed,
    /// The check refused the token.
    Failed(Reason),
    /// An earlier check refused the token.
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

    /// The reason, if the check failed.
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
    /// It is a strict compact JWT.
    Form,
    /// Its issuer belongs to one of the realms.
    Realm,
    /// `alg` is allowed.
    Algorithm,
    /// The header's `typ` fits the profile.
    Type,
    /// The realm has a key for it, and that key is not banned.
    Key,
    /// The signature is valid for that key.
    Signature,
    /// The claims in use have the right types.
    Claims,
    /// It is an access token according to the claims that state its kind and, if the policy requires it, has no actor.
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
    /// All required claims are present.
    RequiredClaims,
    /// The time of the login, if the policy compares not-befores with it.
    Login,
    /// Revocation state is available.
    Feed,
    /// Nothing in the revocation state refuses the token.
    Revocation,
    /// The revocation state is fresh enough.
    Freshness,
}

impl CheckName {
    /// All checks, in order.
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

/// Observes the checks of a judgement without affecting their outcome. Not a trait, since the judgement would then be
/// compiled twice, with a record and without.
pub(super) struct Observer<'r>(Option<&'r mut Record>);

impl<'r> Observer<'r> {
    pub(super) fn of(record: &'r mut Record) -> Self {
        Self(Some(record))
    }

    /// An observer that records nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Observes the result of a check and passes it on.
    #[inline]
    pub(super) fn check<T>(&mut self, name: CheckName, result: Result<T, Reason>) -> Result<T, Reason> {
        if let Some(record) = &mut self.0 {
            record.set_outcome(name, result.as_ref().err().copied());
        }
        result
    }

    /// Records a detail about a check; it is only computed if it is recorded.
    #[inline]
    pub(super) fn detail(&mut self, name: CheckName, text: impl FnOnce() -> String) {
        if let Some(record) = &mut self.0 {
            record.set_detail(name, text);
        }
    }
}

/// A record of all checks.
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

    /// Appends a sentence to a check's detail, unless it is empty.
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
