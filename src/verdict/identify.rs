//! Identifies the token that is to be revoked, so neither its times nor its audience nor revocation matter.

use thiserror::Error;

use super::authenticity::{candidates, decode, prove, select, Admitted, Unproven};
use super::checks;
use super::host::{self, HostOutcome};
use super::observer::Unobserved;
use super::pending_signatures::{PendingSignature, PendingSignatures, Progress};
use super::realm::Realm;
use super::reason::Reason;
use crate::claims::Claims;
use crate::signature::Algorithms;
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, UntrustedToken, VerifiedToken};

/// Identifies an access token of one of `realms`: form, realm, key, signature and token use are checked as in
/// [`judge`](super::judge), and nothing else. An expired or revoked token is identified like any other; `now` says only
/// whether the realm's keys may still be used.
///
/// # Errors
/// [`IdentifyError`] when it is no token of ours, or not an access token, or there are no keys to tell.
pub fn identify(token: &str, realms: &[Realm], now: UnixSeconds) -> Result<Identified, IdentifyError> {
    let bytes = decode(token, realms, &mut Unobserved).map_err(invalid)?;
    let addressed = address(&bytes, realms, now)?;
    let Admitted { index, realm, .. } = addressed;
    let token = prove(addressed).map_err(unproven)?;
    read(index, realm, &token)
}

/// Begins to identify a token with the host's help, where its algorithm is one of `host`. Everything before the signature
/// is checked. A token that is refused by then is decided, and so is one whose signature the host cannot check, as in
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

/// Ends what [`begin_to_identify`] began, with the host's outcome. Keys and bans are read now, so nothing that happened
/// meanwhile is missed: a key that has left the realm no longer vouches for the token.
///
/// # Errors
/// As [`identify`].
pub fn finish_to_identify(
    pending: &PendingSignature,
    outcome: HostOutcome,
    realms: &[Realm],
    now: UnixSeconds,
) -> Result<Identified, IdentifyError> {
    let bytes = decode(pending.text(), realms, &mut Unobserved).map_err(invalid)?;
    let addressed = address(&bytes, realms, now)?;
    let Admitted { index, realm, .. } = addressed;
    let token = host::prove(pending, outcome, addressed).map_err(unproven)?;
    read(index, realm, &token)
}

/// `None`: the host cannot check the signature.
fn hand_over<T>(
    token: &str,
    realms: &[Realm],
    awaiting_host: &mut PendingSignatures,
    host: Algorithms,
    now: UnixSeconds,
) -> Result<Option<Progress<T>>, IdentifyError> {
    let bytes = decode(token, realms, &mut Unobserved).map_err(invalid)?;
    let addressed = address(&bytes, realms, now)?;
    Ok(host::hand_over(token, &bytes, &addressed, host, awaiting_host))
}

/// Everything before the signature, as for a verdict, but for the header's `typ`: that is read once the signature is good.
fn address<'r, 'd>(
    bytes: &'d TokenBytes<'_>,
    realms: &'r [Realm],
    now: UnixSeconds,
) -> Result<Admitted<'r, 'd>, IdentifyError> {
    let token = UntrustedToken::read(bytes).map_err(|_| IdentifyError::InvalidToken)?;
    let (index, realm) = select(&token, realms).map_err(invalid)?;
    let algorithm = checks::algorithm(token.header(), &realm.policy).map_err(invalid)?;
    let keys = realm.keys.usable_at(now).ok_or(IdentifyError::KeysUnavailable)?;
    let candidates = candidates(realm, keys, algorithm, token.header().key_id()).map_err(invalid)?;
    Ok(Admitted { index, realm, token, candidates })
}

/// Reads a token with a good signature. Only now: an answer about the use of a forged token would tell its maker something.
fn read(index: usize, realm: &Realm, token: &VerifiedToken<'_>) -> Result<Identified, IdentifyError> {
    let claims = access_claims(realm, token)?;
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

/// The claims of a token with a good signature, if it is an access token.
pub(super) fn access_claims<'t>(realm: &Realm, token: &'t VerifiedToken<'_>) -> Result<Claims<'t>, IdentifyError> {
    let unexpected = |_: Reason| IdentifyError::UnexpectedTokenUse;
    checks::media_type(token.header(), realm.policy.profile).map_err(unexpected)?;
    let claims = Claims::read(token.claims(), &realm.policy.claim_names).map_err(|_| IdentifyError::InvalidToken)?;
    checks::token_use(&claims, realm.policy.profile).map_err(unexpected)?;
    Ok(claims)
}

fn invalid(_: Reason) -> IdentifyError {
    IdentifyError::InvalidToken
}

fn unproven(_: Unproven) -> IdentifyError {
    IdentifyError::InvalidToken
}

/// What an access token says of itself. Its `Debug` shows the realm alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Identified {
    /// The realm's place in the list that was given.
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

/// Why a token cannot be revoked by presenting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentifyError {
    /// Not of good form, of no realm here, or not signed by one of its keys in good standing.
    #[error("invalid token")]
    InvalidToken,
    /// The realm's, but no access token.
    #[error("unexpected token use")]
    UnexpectedTokenUse,
    /// It names one of our realms, but that realm's keys cannot be had, so nobody can tell whether it is its.
    #[error("the realm's keys are not available")]
    KeysUnavailable,
}

impl IdentifyError {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidToken => "invalid_token",
            Self::UnexpectedTokenUse => "unexpected_token_use",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }
}
