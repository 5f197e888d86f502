//! Identifies a token whose signing key the issuer has withdrawn. Gates that fetch keys themselves may accept such a
//! token for a while, so it can still be revoked, but only by its id.

use super::authenticity::{decode, select, Selected};
use super::checks;
use super::identify::{access_claims, invalid, of_no_realm, IdentifyError};
use super::observer::Observer;
use super::realm::Realm;
use super::reason::Reason;
use crate::keys::{Key, Keys, MAX_CANDIDATES};
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, UntrustedToken, VerifiedToken};

/// Maximum number of withdrawn keys kept for a realm; beyond that, the one withdrawn first is dropped. Issuers rotate
/// one or two keys at a time, and a key is kept for one token lifetime only.
pub const MAX_WITHDRAWN_KEYS: usize = 16;

/// Identifies an access token signed with a key of `withdrawn`: form, realm, signature and token use are checked as in
/// [`identify`](super::identify). In addition, it must have an id (`jti`) and a lifetime that a gate could accept, and
/// must not have been issued after the key was withdrawn. `withdrawn` has an element for each of `realms`.
///
/// A banned key identifies no token. The result has no user and no session, so it cannot be used to end theirs.
///
/// # Errors
/// [`IdentifyError`] if it is not such a token.
pub fn identify_withdrawn(
    token: &str,
    realms: &[Realm],
    withdrawn: &[WithdrawnKeys],
    now: UnixSeconds,
) -> Result<WithdrawnToken, IdentifyError> {
    let bytes = decode(token, realms, &mut Observer::none()).map_err(of_no_realm)?;
    let (index, realm, (key, token)) = prove(&bytes, realms, withdrawn, now)?;
    let claims = access_claims(index, realm, &token)?;
    let bounds = realm.revocations.bounds();
    let (Some(token_id), Some(issued_at), Some(expires_at)) = (claims.token_id, claims.issued_at, claims.expires_at)
    else {
        return Err(invalid(index, Reason::MissingClaim));
    };
    checks::lifetime(issued_at, expires_at, bounds.max_lifetime).map_err(|reason| invalid(index, reason))?;
    if token_id.is_empty() {
        return Err(invalid(index, Reason::MissingClaim));
    }
    // The key was no longer in the issuer's set when the token was issued.
    if issued_at > key.withdrawn_at {
        return Err(invalid(index, Reason::UnknownKey));
    }
    Ok(WithdrawnToken {
        realm: index,
        thumbprint: *key.key.thumbprint(),
        token_id: token_id.into(),
        issued_at,
        expires_at,
        authorized_party: claims.authorized_party.map(Into::into),
        client_id: claims.client_id.map(Into::into),
    })
}

/// Keys that a realm's issuer has withdrawn. A separate set: keys that verify tokens and administrators are in
/// [`RealmKeys`](super::RealmKeys), and only [`identify_withdrawn`] uses this one.
#[derive(Debug, Default)]
pub struct WithdrawnKeys(Vec<WithdrawnKey>);

impl WithdrawnKeys {
    /// Adds keys that the issuer removed from its set at `withdrawn_at`.
    pub fn add(&mut self, keys: &Keys, withdrawn_at: UnixSeconds) {
        self.0.extend(keys.iter().map(|key| WithdrawnKey { key: key.clone(), withdrawn_at }));
        self.0.sort_by_key(|key| key.withdrawn_at);
        self.0.drain(..self.0.len().saturating_sub(MAX_WITHDRAWN_KEYS));
    }

    /// Drops all keys.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[derive(Debug)]
struct WithdrawnKey {
    key: Key,
    withdrawn_at: UnixSeconds,
}

/// A token signed with a withdrawn key: only the claims needed to revoke it by id. Its `Debug` shows only the realm.
#[derive(Clone, PartialEq, Eq)]
pub struct WithdrawnToken {
    /// The realm's index.
    pub realm: usize,
    /// The key's RFC 7638 thumbprint.
    pub thumbprint: [u8; 32],
    /// `jti`.
    pub token_id: String,
    /// `iat`.
    pub issued_at: UnixSeconds,
    /// `exp`.
    pub expires_at: UnixSeconds,
    /// `azp`.
    pub authorized_party: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
}

impl core::fmt::Debug for WithdrawnToken {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("WithdrawnToken").field("realm", &self.realm).finish_non_exhaustive()
    }
}

type Proven<'r, 'w, 'd> = (usize, &'r Realm, (&'w WithdrawnKey, VerifiedToken<'d>));

fn prove<'r, 'w, 'd>(
    bytes: &'d TokenBytes<'_>,
    realms: &'r [Realm],
    withdrawn: &'w [WithdrawnKeys],
    now: UnixSeconds,
) -> Result<Proven<'r, 'w, 'd>, IdentifyError> {
    let mut token = UntrustedToken::read(bytes).map_err(|_| of_no_realm(Reason::Malformed))?;
    let Selected { index, realm, .. } = select(&token, realms).map_err(of_no_realm)?;
    let algorithm = checks::algorithm(token.header(), &realm.policy).map_err(|reason| invalid(index, reason))?;
    let id = token.header().key_id();
    let bounds = realm.revocations.bounds();
    // As long as some gate may accept a token signed with it.
    let keep = bounds.max_lifetime.plus(bounds.margin());
    let may_have_signed = |entry: &&WithdrawnKey| {
        let WithdrawnKey { key, withdrawn_at } = entry;
        (id.is_none() || key.id() == id)
            && key.algorithms().contains(algorithm)
            && now.since(*withdrawn_at) <= keep
            && !realm.revocations.bans(key.thumbprint())
    };
    let of_realm = withdrawn.get(index).map(|keys| keys.0.as_slice()).unwrap_or_default();
    let candidates: Vec<_> = of_realm.iter().filter(may_have_signed).take(MAX_CANDIDATES).collect();
    let refusal = if candidates.is_empty() { Reason::UnknownKey } else { Reason::BadSignature };
    for entry in candidates {
        match token.verify(&entry.key) {
            Ok(verified) => return Ok((index, realm, (entry, verified))),
            Err(untrusted) => token = untrusted,
        }
    }
    Err(invalid(index, refusal))
}
