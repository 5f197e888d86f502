//! The finding about a token, and the verdict derived from it.

use super::entry::Entry;
use super::reason::Reason;
use crate::claims::{ClaimNames, ClaimSet};
use crate::token::{Parts, TokenBytes};

/// The verdict on a token. Both outcomes are values; neither is an error.
#[derive(Debug)]
pub enum Verdict {
    /// Every check passed.
    Accepted(Accepted),
    /// A check failed.
    Refused(Refused),
}

/// A token that passed every check. Only this module creates one.
#[derive(Debug)]
pub struct Accepted {
    /// The realm's index.
    pub realm: usize,
    /// The sequence of the revocation state that was used.
    pub sequence: u64,
    /// Whether the issuer knew a later sequence when it issued the token (`rsq`): the state should be refreshed.
    pub behind: bool,
    parts: Parts,
}

impl Accepted {
    /// The header as JSON. It has no duplicate members, so all parsers read it the same way.
    #[must_use]
    pub fn header_json(&self) -> &str {
        self.parts.header_text().unwrap_or_default()
    }

    /// The claims as JSON.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        self.parts.claims_text().unwrap_or_default()
    }

    /// Checks that the token grants all of `scopes`. Its scope claim is a space-separated list (RFC 8693 §4.2) or an
    /// array of strings, each one scope token (RFC 6749 §3.3): an element with a space is not a scope, and an array
    /// with a member that is not a string grants nothing.
    ///
    /// # Errors
    /// [`Reason::InsufficientScope`] if a scope is missing.
    pub fn grants(&self, names: &ClaimNames, scopes: &[&str]) -> Result<(), Refused> {
        let granted = ClaimSet::read(self.claims_json()).is_ok_and(|claims| claims.grants(&names.scope, scopes));
        match granted {
            true => Ok(()),
            false => Err(Refused::new(Some(self.realm), Reason::InsufficientScope)),
        }
    }
}

/// A refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The token's realm; `None` if it is not a known one.
    pub realm: Option<usize>,
    /// The reason.
    pub reason: Reason,
    /// The basis of the reason.
    pub basis: Basis,
}

impl Refused {
    /// Creates a refusal based on a failed check.
    #[must_use]
    pub const fn new(realm: Option<usize>, reason: Reason) -> Self {
        Self { realm, reason, basis: Basis::Checked }
    }
}

/// The basis of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A check that failed.
    Checked,
    /// No check: neither this build nor the host could verify the signature, so the token may be valid or forged. Other
    /// keys or a newer state would not help.
    Undecided,
}

/// The finding about a token, without its contents.
pub type Finding = Result<Acceptance, Refused>;

/// An accepted token, without its contents. Only the judgement creates one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The realm's index.
    pub realm: usize,
    /// The sequence of the revocation state that was used.
    pub sequence: u64,
    /// Whether the issuer knew a later sequence when it issued the token (`rsq`): the state should be refreshed.
    pub behind: bool,
    /// The evidence that the signature is valid.
    pub signature: Signature,
}

/// The evidence that a signature is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It was verified now.
    Checked,
    /// It was verified before, for exactly this token with exactly this key.
    Remembered(Entry),
}

/// Turns a finding into a verdict.
pub(super) fn verdict(bytes: TokenBytes<'_>, finding: Finding) -> Verdict {
    match finding {
        Ok(Acceptance { realm, sequence, behind, signature: _ }) => {
            Verdict::Accepted(Accepted { realm, sequence, behind, parts: bytes.into_parts() })
        }
        Err(refused) => Verdict::Refused(refused),
    }
}

/// Turns the finding about this token into a verdict.
pub(crate) fn verdict_of(token: &str, finding: Finding) -> Verdict {
    let malformed = Refused::new(None, Reason::Malformed);
    match finding.and_then(|found| Ok((TokenBytes::decode(token, usize::MAX).map_err(|_| malformed)?, found))) {
        Ok((bytes, acceptance)) => verdict(bytes, Ok(acceptance)),
        Err(refused) => Verdict::Refused(refused),
    }
}
