//! The checks up to and including the signature: form, realm, header, key, signature.

use super::answer::{Basis, Refused};
use super::checks;
use super::observer::{CheckName, Observer};
use super::realm::Realm;
use super::reason::Reason;
use crate::keys::{Key, Keys, NoCandidate};
use crate::name::digest;
use crate::signature::{Algorithm, CheckedBy};
use crate::time::UnixSeconds;
use crate::token::{Malformed, TokenBytes, UntrustedToken, VerifiedToken, MAX_TOKEN_BYTES};

pub(super) fn decode<'t>(
    token: &'t str,
    realms: &[Realm],
    observer: &mut Observer<'_>,
) -> Result<TokenBytes<'t>, Reason> {
    if token.is_empty() {
        return observer.check(CheckName::Form, Err(Reason::MissingToken));
    }
    // The token's realm, and so its limit, is not known until the token is parsed.
    let limits = realms.iter().map(|realm| realm.policy.max_token_bytes);
    // 0: all slots are vacant.
    let limit = limits.max().filter(|limit| *limit > 0).unwrap_or(MAX_TOKEN_BYTES);
    observe_form(TokenBytes::decode(token, limit), observer)
}

fn observe_form<T>(result: Result<T, Malformed>, observer: &mut Observer<'_>) -> Result<T, Reason> {
    if let Err(malformed) = &result {
        observer.detail(CheckName::Form, || malformed.to_string());
    }
    observer.check(CheckName::Form, result.map_err(|_| Reason::Malformed))
}

/// The realm of a token's issuer.
#[derive(Clone, Copy)]
pub(super) struct Selected<'r> {
    pub(super) index: usize,
    pub(super) realm: &'r Realm,
    /// The number of the issuer's name.
    pub(super) name: usize,
}

/// Finds the first realm with the token's issuer, by exact match only. With a tenant claim, the tenant must match too.
pub(super) fn select<'r>(token: &UntrustedToken<'_>, realms: &'r [Realm]) -> Result<Selected<'r>, Reason> {
    let claims = token.unverified_claims();
    // Usually all realms use the same issuer claim, which is then read once.
    let (mut claim, mut issuer) = ("", None);
    for (index, realm) in realms.iter().enumerate() {
        let named_by = realm.policy.claim_names.issuer.as_str();
        if named_by != claim {
            claim = named_by;
            issuer = claims.text(claim).map(|issuer| (digest(issuer.as_bytes()), issuer));
        }
        let Some((digest, issuer)) = &issuer else { continue };
        let Some(name) = realm.policy.issuer.find(issuer, *digest) else { continue };
        if let Some(tenant_claim) = realm.policy.issuer.tenant_claim() {
            if claims.text(tenant_claim).as_deref() != realm.policy.issuer.tenant(name) {
                return Err(Reason::WrongIssuer);
            }
        }
        if token.length() > realm.policy.max_token_bytes {
            return Err(Reason::Malformed);
        }
        return Ok(Selected { index, realm, name });
    }
    Err(Reason::WrongIssuer)
}

/// A token that passed every check before the signature, which is not verified yet.
pub(super) struct Admitted<'r, 'd> {
    pub(super) index: usize,
    pub(super) realm: &'r Realm,
    /// The number of the issuer's name.
    pub(super) name: usize,
    pub(super) token: UntrustedToken<'d>,
    pub(super) candidates: Vec<&'r Key>,
}

/// Runs the checks before the signature: form, realm, header and key.
pub(super) fn admit<'r, 'd>(
    bytes: &'d TokenBytes<'_>,
    realms: &'r [Realm],
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Result<Admitted<'r, 'd>, Refused> {
    let nowhere = |reason| Refused::new(None, reason);
    let token = observe_form(UntrustedToken::read(bytes), observer).map_err(nowhere)?;
    let Selected { index, realm, name } = observer.check(CheckName::Realm, select(&token, realms)).map_err(nowhere)?;
    observer.detail(CheckName::Realm, || realm.name.clone());
    match admit_to(realm, &token, now, observer) {
        Ok(candidates) => Ok(Admitted { index, realm, name, token, candidates }),
        Err(reason) => Err(Refused::new(Some(index), reason)),
    }
}

fn admit_to<'r>(
    realm: &'r Realm,
    token: &UntrustedToken<'_>,
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Result<Vec<&'r Key>, Reason> {
    let algorithm = observer.check(CheckName::Algorithm, checks::algorithm(token.header(), &realm.policy))?;
    observer.detail(CheckName::Algorithm, || algorithm.name().into());
    observer.check(CheckName::Type, checks::media_type(token.header(), realm.policy.profile))?;
    let candidates = realm.keys_at(now).and_then(|keys| candidates(realm, keys, algorithm, token.header().key_id()));
    observer.check(CheckName::Key, candidates)
}

/// The keys the token may have been signed with. If all of them are banned, it is refused before anything is computed.
pub(super) fn candidates<'r>(
    realm: &Realm,
    keys: &'r Keys,
    algorithm: Algorithm,
    key_id: Option<&str>,
) -> Result<Vec<&'r Key>, Reason> {
    let candidates = keys.candidates(algorithm, key_id).map_err(|none| match none {
        NoCandidate::UnknownKey => Reason::UnknownKey,
        NoCandidate::OtherAlgorithm => Reason::UnsupportedAlgorithm,
    })?;
    match candidates.iter().all(|key| realm.revocations.bans(key.thumbprint())) {
        true => Err(Reason::BannedKey),
        false => Ok(candidates),
    }
}

/// The reason that a signature does not count as valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unproven {
    pub(super) reason: Reason,
    pub(super) basis: Basis,
}

impl Unproven {
    /// The refusal of a token of this realm.
    pub(super) const fn of_realm(self, index: usize) -> Refused {
        Refused { realm: Some(index), reason: self.reason, basis: self.basis }
    }

    const fn undecided(reason: Reason) -> Self {
        Self { reason, basis: Basis::Undecided }
    }
}

impl From<Reason> for Unproven {
    fn from(reason: Reason) -> Self {
        Self { reason, basis: Basis::Checked }
    }
}

/// A token with a valid signature, and the key that verified it.
pub(super) struct Proven<'r, 'd> {
    pub(super) token: VerifiedToken<'d>,
    pub(super) key: &'r Key,
}

pub(super) fn prove<'r, 'd>(admitted: Admitted<'r, 'd>) -> Result<Proven<'r, 'd>, Unproven> {
    let Admitted { realm, mut token, candidates, .. } = admitted;
    for &key in &candidates {
        match token.verify(key) {
            Ok(_) if realm.revocations.bans(key.thumbprint()) => return Err(Reason::BannedKey.into()),
            Ok(token) => return Ok(Proven { token, key }),
            Err(untrusted) => token = untrusted,
        }
    }
    let needs_host = candidates.iter().any(|key| key.checked_by() == CheckedBy::HostOnly);
    match (needs_host, candidates.len(), token.header().algorithm()) {
        (false, _, _) | (true, _, None) => Err(Reason::BadSignature.into()),
        // The host verifies one signature with one key. An issuer with several keys is expected to send `kid`.
        (true, 2.., Some(_)) => Err(Unproven::undecided(Reason::UnknownKey)),
        (true, 0..=1, Some(algorithm)) if algorithm.permits_length(token.signature().len()) => {
            Err(Unproven::undecided(Reason::UnsupportedAlgorithm))
        }
        (true, 0..=1, Some(_)) => Err(Reason::BadSignature.into()),
    }
}
