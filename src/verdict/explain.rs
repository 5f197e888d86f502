//! Lists every check of a token with its outcome, for people. It observes the code of [`judge`](super::judge::judge),
//! so the two cannot differ. It returns no claims, so it cannot be mistaken for a verdict.

use super::authenticity::{admit, decode, prove, select, Selected};
use super::expectation::{write_expectation, write_issuers, Text};
use super::host::{self, HostOutcome};
use super::judge::{examine, SignatureCheck};
use super::observer::{Check, Observer, Record};
use super::pending_signatures::{PendingSignature, PendingSignatures, Progress};
use super::realm::Realm;
use super::reason::Reason;
use crate::signature::{Algorithms, CheckedBy};
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, UntrustedToken};

/// Runs the checks of [`judge`](super::judge::judge) and returns their outcomes: passed, failed, or not reached.
#[must_use]
pub fn explain(token: &str, realms: &[Realm], now: UnixSeconds) -> Vec<Check> {
    observe(token, realms, &prove, now)
}

/// Begins to explain a token whose signature the host verifies. `Decided`: [`explain`] needs no host.
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

/// Finishes after [`begin_to_explain`], with the host's outcome.
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
    let mut observer = Observer::of(&mut record);
    if let Ok(bytes) = decode(token, realms, &mut observer) {
        // The finding is dropped: the record is complete, and this must not yield a verdict.
        let _ = examine(&bytes, realms, check_signature, now, &mut observer);
        add_details(&bytes, realms, now, &mut record);
    }
    record.into_checks()
}

/// Adds the expected and the found value to the failed check.
fn add_details(bytes: &TokenBytes<'_>, realms: &[Realm], now: UnixSeconds, record: &mut Record) {
    let Some((check, reason)) = record.failure() else { return };
    let Ok(token) = UntrustedToken::read(bytes) else { return };
    let mut text = Text::default();
    match select(&token, realms) {
        Err(Reason::WrongIssuer) => write_issuers(&mut text, token.unverified_claims(), realms),
        Err(_) => {}
        Ok(Selected { realm, .. }) => write_expectation(&mut text, &token, realm, (check, reason), now),
    }
    record.add_detail(check, text.as_str());
}

fn hand_over<T>(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Option<Progress<T>> {
    let bytes = decode(token, realms, &mut Observer::none()).ok()?;
    let admitted = admit(&bytes, realms, now, &mut Observer::none()).ok()?;
    let is_for_host = admitted.candidates.iter().any(|key| key.checked_by() == CheckedBy::HostOnly);
    if is_for_host {
        host::hand_over(token, &bytes, &admitted, host, awaiting_host)
    } else {
        None
    }
}
