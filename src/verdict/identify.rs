//! Identifies a token that is to be revoked: its times, audience and revocation do not matter.

use thiserror::Error;

use super::authenticity::{candidates, decode, prove, select, Admitted, Proven, Selected};
use super::checks;
use super::host::{self, HostOutcome};
use super::observer::Observer;
use super::pending_signatures::{PendingSignature, PendingSignatures, Progress};
use super::realm::Realm;
use super::reason::Reason;
use crate::claims::Claims;
use crate::signature::Algorithms;
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, UntrustedToken, VerifiedToken};

/// Identifies an access token of one of `realms`: form, realm, key, signature and token use are checked as in
/// [`judge`](super::judge), and nothing else. An expired or revoked token is identified like any other; `now` only
/// determines whether the realm's keys are still usable.
///
/// # Errors
/// [`IdentifyError`] if it is not a token of these realms, is not an access token, or the keys are not available.
pub fn identify(token: &str, realms: &[Realm], now: UnixSeconds) -> Result<Identified, IdentifyError> {
    let bytes = decode(token, realms, &mut Observer::none()).map_err(of_no_realm)?;
    let addressed = address(&bytes, realms, now)?;
    let Admitted { index, realm, .. } = addressed;
    let Proven { token, .. } = prove(addressed).map_err(|unproven| invalid(index, unproven.reason))?;
    read(index, realm, &token)
}

/// The index of the realm of a token's issuer; `None` if the string is not a token, or the token belongs to none of
/// `realms`. Nothing is verified.
#[must_use]
pub fn realm_of(token: &str, realms: &[Realm]) -> Option<usize> {
    let bytes = decode(token, realms, &mut Observer::none()).ok()?;
    let token = UntrustedToken::read(&bytes).ok()?;
    select(&token, realms).ok().map(|selected| selected.index)
}

/// Begins to identify a token whose signature the host verifies, if the algorithm is in `host`. Runs the checks before
/// the signature. A token is decided at once if one of them refuses it or the host cannot verify its signature, as in
/// [`begin`](super::begin).
#[must_use]
pub fn begin_to_identify(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Progress<Result<Identified, IdentifyError>> {
    match hand_over(token, realms, awaiting_host, host, now) {
        Ok(Some(progress)) => progress,
        Ok(None) => Progress::Decided(identify(token, realms, now)),
        Err(error) => Progress::Decided(Err(error)),
    }
}

/// Finishes after [`begin_to_identify`], with the host's outcome. Keys and bans are checked now, so changes in the
/// meantime count: a key removed from the realm no longer verifies the token.
///
/// # Errors
/// As [`identify`].
pub fn finish_to_identify(
    pending: &PendingSignature,
    outcome: HostOutcome,
    realms: &[Realm],
    now: UnixSeconds,
) -> Result<Identified, IdentifyError> {
    let bytes = decode(pending.text(), realms, &mut Observer::none()).map_err(of_no_realm)?;
    let addressed = address(&bytes, realms, now)?;
    let Admitted { index, realm, .. } = addressed;
    let proven = host::prove(pending, outcome, addressed);
    let Proven { token, .. } = proven.map_err(|unproven| invalid(index, unproven.reason))?;
    read(index, realm, &token)
}

/// Returns `None` if the host cannot verify the signature.
fn hand_over<T>(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Result<Option<Progress<T>>, IdentifyError> {
    let bytes = decode(token, realms, &mut Observer::none()).map_err(of_no_realm)?;
    let addressed = address(&bytes, realms, now)?;
    Ok(host::hand_over(token, &bytes, &addressed, host, awaiting_host))
}

/// Runs the checks before the signature, as for a verdict, except that of the header's `typ`, which follows a valid
/// signature.
fn address<'r, 'd>(
    bytes: &'d TokenBytes<'_>,
    realms: &'r [Realm],
    now: UnixSeconds,
) -> Result<Admitted<'r, 'd>, IdentifyError> {
    let token = UntrustedToken::read(bytes).map_err(|_| of_no_realm(Reason::Malformed))?;
    let Selected { index, realm, name } = select(&token, realms).map_err(of_no_realm)?;
    let invalid = |reason| invalid(index, reason);
    let algorithm = checks::algorithm(token.header(), &realm.policy).map_err(invalid)?;
    let keys = realm.keys.usable_at(now).ok_or(IdentifyError::KeysUnavailable { realm: index })?;
    let candidates = candidates(realm, keys, algorithm, token.header().key_id()).map_err(invalid)?;
    Ok(Admitted { index, realm, name, token, candidates })
}

/// Reads a token with a valid signature. Not earlier: a result about the use of a forged token would give information
/// to the forger.
fn read(index: usize, realm: &Realm, token: &VerifiedToken<'_>) -> Result<Identified, IdentifyError> {
    let claims = access_claims(index, realm, token)?;
    Ok(Identified {
        realm: index,
        token_id: claims.token_id.map(Into::into),
        subject: claims.subject.map(Into::into),
        session: claims.session.map(Into::into),
        authorized_party: claims.authorized_party.map(Into::into),
        client_id: claims.client_id.map(Into::into),
        expires_at: claims.expires_at,
        issued_at: claims.issued_at,
    })
}

/// The claims of a token with a valid signature, if it is an access token.
pub(super) fn access_claims<'t>(
    index: usize,
    realm: &Realm,
    token: &'t VerifiedToken<'_>,
) -> Result<Claims<'t>, IdentifyError> {
    let unexpected = |_: Reason| IdentifyError::UnexpectedTokenUse { realm: index };
    checks::media_type(token.header(), realm.policy.profile).map_err(unexpected)?;
    let claims = Claims::read(token.claims(), &realm.policy.claim_names, realm.policy.numeric_ids);
    let claims = claims.map_err(|_| invalid(index, Reason::Malformed))?;
    checks::token_use(&claims, realm.policy.profile).map_err(unexpected)?;
    Ok(claims)
}

pub(super) const fn of_no_realm(reason: Reason) -> IdentifyError {
    IdentifyError::InvalidToken { realm: None, reason }
}

pub(super) const fn invalid(realm: usize, reason: Reason) -> IdentifyError {
    IdentifyError::InvalidToken { realm: Some(realm), reason }
}

/// The claims of an access token that revocation needs. Its `Debug` shows only the realm.
#[derive(Clone, PartialEq, Eq)]
pub struct Identified {
    /// The realm's index.
    pub realm: usize,
    /// `jti`.
    pub token_id: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
    /// `sid`.
    pub session: Option<String>,
    /// `azp`.
    pub authorized_party: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// `exp`.
    pub expires_at: Option<UnixSeconds>,
    /// `iat`.
    pub issued_at: Option<UnixSeconds>,
}

impl core::fmt::Debug for Identified {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Identified").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The reason that a token cannot be revoked by presenting it. `realm` is the index of its issuer's realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentifyError {
    /// Malformed, of another realm, or not signed with one of its realm's usable keys.
    #[error("invalid token")]
    InvalidToken {
        /// `None` if the token belongs to none of the realms.
        realm: Option<usize>,
        /// The reason that a verdict would give.
        reason: Reason,
    },
    /// Not an access token.
    #[error("unexpected token use")]
    UnexpectedTokenUse {
        /// The token's realm.
        realm: usize,
    },
    /// The keys of its realm are not available, so nothing is known about its signature.
    #[error("the realm's keys are not available")]
    KeysUnavailable {
        /// The token's realm.
        realm: usize,
    },
}

impl IdentifyError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken { .. } => "invalid_token",
            Self::UnexpectedTokenUse { .. } => "unexpected_token_use",
            Self::KeysUnavailable { .. } => "keys_unavailable",
        }
    }

    /// The index of the token's realm; `None` if the token belongs to none of the realms.
    #[must_use]
    pub const fn realm(&self) -> Option<usize> {
        match self {
            Self::InvalidToken { realm, .. } => *realm,
            Self::UnexpectedTokenUse { realm } | Self::KeysUnavailable { realm } => Some(*realm),
        }
    }

    /// The reason that a verdict would give.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::InvalidToken { reason, .. } => *reason,
            Self::UnexpectedTokenUse { .. } => Reason::WrongType,
            Self::KeysUnavailable { .. } => Reason::KeysUnavailable,
        }
    }
}
