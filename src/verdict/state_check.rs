//! Checks a token against the revocation state. No other file queries whether a token is revoked.

use super::agreement::{differing, Agreement};
use super::answer::{Acceptance, Signature};
use super::checks;
use super::claims_view::ClaimsView;
use super::observer::{CheckName, Observer};
use super::realm::Realm;
use super::reason::Reason;
use super::times::{at_most, relative, Times};
use crate::policy::{Policy, RevocationCheck};
use crate::revocation::{GrantNames, Level, Status, Subject};
use crate::time::UnixSeconds;

/// Checks a token against the revocation state, and that state's age.
#[inline(always)]
pub(super) fn check_state(
    (index, realm): (usize, &Realm),
    key: &[u8; 32],
    view: &ClaimsView<'_>,
    times: Times,
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Result<Acceptance, Reason> {
    let policy = &realm.policy;
    let bounds = realm.revocations.bounds();
    let login = checks::Login { retention: bounds.retention(), leeway: bounds.leeway, skew: bounds.skew };
    let compared_at =
        observer.check(CheckName::Login, checks::compared_at(view, times.issued_at, policy.compare, login, now))?;

    match policy.revocation {
        RevocationCheck::ByFeed => {}
        RevocationCheck::Unchecked => return Ok(unchecked(index, observer)),
    }
    let subject = subject_of(policy, view, Some(key), times, compared_at);
    let agreement = realm.agreement();
    if agreement == Agreement::Differs {
        observer.detail(CheckName::Feed, || differing(realm.policy_differences()));
    }
    let position = realm.revocations.position().ok_or(Reason::NoFeed);
    let position = position.and_then(|position| checks::agreed(agreement, policy.when_differing).map(|()| position));
    let position = observer.check(CheckName::Feed, position)?;
    if let Some(logged_out_at) = view.logged_out_at {
        let text =
            move || relative("the last logout in the token is", "the last logout in the token was", logged_out_at, now);
        observer.detail(CheckName::Revocation, text);
    }
    let status = realm.revocations.status(&subject);
    if status == Status::Revoked(Level::Key) {
        observer.detail(CheckName::Revocation, || KEY_NOT_BEFORE.into());
    }
    observer.check(CheckName::Revocation, refuse_revoked(status))?;
    let age = now.since(position.issued_at);
    observer.detail(CheckName::Freshness, move || {
        format!("{}, at sequence {}", at_most(checks::longest_age(policy.staleness), age), position.sequence)
    });
    observer.check(CheckName::Freshness, checks::freshness(age, policy.staleness))?;

    let behind = view.ledger_sequence.is_some_and(|known| known > position.sequence);
    Ok(Acceptance { realm: index, sequence: position.sequence, behind, signature: Signature::Checked })
}

/// Accepts a token of a realm that does not check revocation.
#[cold]
fn unchecked(index: usize, observer: &mut Observer<'_>) -> Acceptance {
    for name in [CheckName::Feed, CheckName::Revocation, CheckName::Freshness] {
        // The result is always `Ok`.
        let _ = observer.check(name, Ok(()));
        observer.detail(name, || "not checked: revocation is 'unchecked'".into());
    }
    Acceptance { realm: index, sequence: 0, behind: false, signature: Signature::Checked }
}

/// The names and times with which the revocation state may refuse the token.
pub(super) fn subject_of<'c>(
    policy: &Policy,
    view: &ClaimsView<'c>,
    key: Option<&'c [u8; 32]>,
    times: Times,
    compared_at: UnixSeconds,
) -> Subject<'c> {
    let grant = match policy.claim_names.grant {
        None => GrantNames::Clients,
        Some(_) => GrantNames::Claim(view.grant),
    };
    Subject {
        issuer: view.issuer,
        token_id: view.token_id,
        user: view.user,
        session: view.session,
        authorized_party: view.authorized_party,
        client_id: view.client_id,
        grant,
        signing_key: key,
        issued_at: times.issued_at,
        compared_at,
        logged_out_at: view.logged_out_at,
        expires_at: times.expires_at,
        token_version: view.token_version,
    }
}

/// Distinguishes a key's not-before from its ban, which have the same reason.
const KEY_NOT_BEFORE: &str = "the key is not banned: the token was issued before the key's not-before";

fn refuse_revoked(status: Status) -> Result<(), Reason> {
    match status {
        Status::NotRevoked => Ok(()),
        Status::SectionUnavailable => Err(Reason::StaleFeed),
        Status::Revoked(level) => Err(level.into()),
    }
}

impl From<Level> for Reason {
    fn from(level: Level) -> Self {
        match level {
            Level::Realm => Self::RealmRevoked,
            Level::Client => Self::ClientRevoked,
            Level::Key => Self::BannedKey,
            Level::User => Self::UserRevoked,
            Level::Grant => Self::GrantRevoked,
            Level::Session | Level::ClientSession => Self::SessionRevoked,
            Level::Version => Self::VersionRevoked,
            Level::Token => Self::TokenRevoked,
        }
    }
}
