//! The finding about a token, and the verdict that follows.

use super::entry::Entry;
use super::reason::Reason;
use crate::claims::{ClaimNames, ClaimSet};
use crate::token::{Parts, TokenBytes};

/// The answer to a token. Both ways are values; nothing here is an error.
#[derive(Debug)]
pub enum Verdict {
    /// Every check passed.
    Accepted(Accepted),
    /// One did not.
    Refused(Refused),
}

/// A token that passed every check. Only this module makes one.
#[derive(Debug)]
pub struct Accepted {
    /// The realm's place in the list that was given.
    pub realm: usize,
    /// The sequence of the revocation state that was asked.
    pub sequence: u64,
    /// Whether the issuer knew a later sequence when it made the token (`rsq`): the state should be refreshed.
    pub behind: bool,
    parts: Parts,
}

impl Accepted {
    /// The header as JSON text. Every parser reads it alike: it has no duplicate members.
    #[must_use]
    pub fn header_json(&self) -> &str {
        self.parts.header_text().unwrap_or_default()
    }

    /// The claims as JSON text.
    #[must_use]
    pub fn claims_json(&self) -> &str {
        self.parts.claims_text().unwrap_or_default()
    }

    /// Checks that the token grants every one of `scopes`. Its scope claim is a string, a list with spaces between (RFC
    /// 8693 §4.2), or an array of strings, each one scope token (RFC 6749 §3.3): an element with a space names no
    /// scope, and an array with anything but strings grants nothing.
    ///
    /// # Errors
    /// [`Reason::InsufficientScope`] when one is lacking.
    pub fn grants(&self, names: &ClaimNames, scopes: &[&str]) -> Result<(), Refused> {
        let granted = ClaimSet::read(self.claims_json()).is_ok_and(|claims| claims.grants(&names.scope, scopes));
        match granted {
            true => Ok(()),
            false => Err(Refused::new(Some(self.realm), Reason::InsufficientScope)),
        }
    }
}

/// A token that was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The realm that would have been asked; `None` when the token names none that is known.
    pub realm: Option<usize>,
    /// Why.
    pub reason: Reason,
    /// The basis of the reason.
    pub basis: Basis,
}

impl Refused {
    /// A refusal that rests on a check.
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
    /// The lack of one: neither this build nor the host could check the signature, so the token may be good or forged.
    /// Other keys or a newer state would not help.
    Undecided,
}

/// The finding about a token, without its contents.
pub type Finding = Result<Acceptance, Refused>;

/// An accepted token, without its contents. Only the verdict makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acceptance {
    /// The realm's place in the list that was given.
    pub realm: usize,
    /// The sequence of the revocation state that was asked.
    pub sequence: u64,
    /// Whether the issuer knew a later sequence when it made the token (`rsq`): the state should be refreshed.
    pub behind: bool,
    /// How the signature is known to be good.
    pub signature: Signature,
}

/// How a signature is known to be good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// It was checked now.
    Checked,
    /// It was checked before, for this exact token under this exact key.
    Remembered(Entry),
}

/// The verdict that follows from a finding.
pub(super) fn verdict(bytes: TokenBytes<'_>, finding: Finding) -> Verdict {
    match finding {
        Ok(Acceptance { realm, sequence, behind, signature: _ }) => {
            Verdict::Accepted(Accepted { realm, sequence, behind, parts: bytes.into_parts() })
        }
        Err(refused) => Verdict::Refused(refused),
    }
}

/// The verdict that follows from the finding about this token.
pub(crate) fn verdict_of(token: &str, finding: Finding) -> Verdict {
    let malformed = Refused::new(None, Reason::Malformed);
    match finding.and_then(|found| Ok((TokenBytes::decode(token, usize::MAX).map_err(|_| malformed)?, found))) {
        Ok((bytes, acceptance)) => verdict(bytes, Ok(acceptance)),
        Err(refused) => Verdict::Refused(refused),
    }
}
