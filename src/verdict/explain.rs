//! Every check of a token with its outcome, for people. It observes [`judge`](super::judge::judge)'s own code, so the two
//! cannot differ; and it returns no claims, so it cannot be taken for a verdict.

use super::authenticity::{admit, decode, prove};
use super::host::{self, HostOutcome};
use super::judge::{examine, SignatureCheck};
use super::observer::{CheckName, Observer, Unobserved};
use super::pending_signatures::{PendingSignature, PendingSignatures, Progress};
use super::realm::Realm;
use super::reason::Reason;
use crate::signature::{Algorithms, CheckedBy};
use crate::time::UnixSeconds;

/// Runs the checks of [`judge`](super::judge::judge) and returns their outcomes: those passed, the one that failed, and
/// those that were not reached.
#[must_use]
pub fn explain(token: &str, realms: &[Realm], now: UnixSeconds) -> Vec<Check> {
    observe(token, realms, &prove, now)
}

/// Leaves the signature to the host so that the token can be explained. `Decided`: [`explain`] does without the host.
#[must_use]
pub fn begin_to_explain(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Progress<()> {
    hand_over(token, realms, awaiting_host, host, now).unwrap_or(Progress::Decided(()))
}

/// Ends what [`begin_to_explain`] began, with the host's outcome.
#[must_use]
pub fn finish_to_explain(
    pending: &PendingSignature,
    outcome: HostOutcome,
    realms: &[Realm],
    now: UnixSeconds,
) -> Vec<Check> {
    observe(pending.text(), realms, &|admitted| host::prove(pending, outcome, admitted), now)
}

fn observe(token: &str, realms: &[Realm], check_signature: &SignatureCheck<'_>, now: UnixSeconds) -> Vec<Check> {
    let mut record = Record::default();
    // The record is complete, and a verdict must not come out of here.
    let _ = examine(token, realms, check_signature, now, &mut record);
    record.0
}

fn hand_over<T>(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Option<Progress<T>> {
    let bytes = decode(token, realms, &mut Unobserved).ok()?;
    let admitted = admit(&bytes, realms, now, &mut Unobserved).ok()?;
    let is_for_host = admitted.candidates.iter().any(|key| key.checked_by() == CheckedBy::HostOnly);
    if is_for_host {
        host::hand_over(token, &bytes, &admitted, host, awaiting_host)
    } else {
        None
    }
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
