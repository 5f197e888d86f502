//! Judging with the host's help. Where it checks signatures faster than this crate does, it is handed the bytes and the
//! key, and its answer is taken back once.

use super::admitted::{admit, decode, Admitted, Unproven};
use super::facts::Imprint;
use super::{
    admitted, conclude, find_admitted, find_afresh, read_claims, recall, reconsider, Finding, Realm, Reason, Refused,
    Signature, VerifiedTokens,
};
use crate::explain::Unobserved;
use crate::keys::Key;
use crate::signature::{Algorithm, Algorithms, CheckedBy};
use crate::time::UnixSeconds;
use crate::token::{TokenBytes, VerifiedToken};

/// Begins to judge a token. Everything before the signature is checked; what is refused by then is decided, so is a token
/// that is remembered as verified, and so is one that the host is no good for: its algorithm is not among `host`, its
/// signature has not the length of one, or several keys would have to be tried.
#[must_use]
pub fn begin(
    token: &[u8],
    realms: &[Realm],
    verified: &mut VerifiedTokens,
    host: Algorithms,
    now: UnixSeconds,
) -> Begun {
    if let Some(finding) = recall(token, realms, verified, now) {
        return Begun::Decided(finding);
    }
    begin_afresh(token, realms, verified, host, now).unwrap_or_else(|refused| Begun::Decided(Err(refused)))
}

/// Ends what [`begin`] began, with what the host found. Keys, bans, time, revocation and freshness are read now, so nothing
/// that happened meanwhile is missed: a key that has left the realm no longer vouches for the token.
///
/// # Errors
/// The token is refused.
pub fn finish(
    pending: Pending,
    outcome: HostOutcome,
    realms: &[Realm],
    verified: &mut VerifiedTokens,
    now: UnixSeconds,
) -> Finding {
    let Pending { token, realm: index, .. } = &pending;
    match (outcome, token) {
        (HostOutcome::Unknown, token) => find_afresh(token.text().as_bytes(), realms, verified, now),
        (HostOutcome::Good, Held::Whole(imprint)) => match reconsider(imprint, realms, now, Signature::Checked) {
            Some(result) => {
                let index = *index;
                if !matches!(result, Err(Reason::KeysUnavailable | Reason::BannedKey)) {
                    if let Held::Whole(imprint) = pending.token {
                        verified.insert(imprint);
                    }
                }
                result.map_err(|reason| Refused::new(Some(index), reason))
            }
            None => finish_by_text(&pending, outcome, realms, now),
        },
        (HostOutcome::Good, Held::Text(_)) | (HostOutcome::Bad, _) => finish_by_text(&pending, outcome, realms, now),
    }
}

/// The algorithm of a token whose signature only the host can check, in a build without that algorithm. Judged without the
/// host, such a token is refused on the basis [`Undecided`](super::Basis::Undecided). `None` also for a token that the host cannot
/// check, because several keys would have to be tried.
#[must_use]
pub fn host_needed(token: &str, realms: &[Realm], now: UnixSeconds) -> Option<Algorithm> {
    let bytes = decode(token, realms, &mut Unobserved).ok()?;
    let Admitted { token, candidates, .. } = admit(&bytes, realms, now, &mut Unobserved).ok()?;
    let [key] = candidates.as_slice() else { return None };
    match key.checked_by() {
        CheckedBy::HostOnly => token.header().algorithm(),
        CheckedBy::Rust => None,
    }
}

/// Hands a token to the host so that it can be explained ([`explain_by_host`](crate::explain::explain_by_host)). `None`: the host
/// is not needed for that, or is no good for it.
#[must_use]
pub fn begin_to_explain(token: &str, realms: &[Realm], host: Algorithms, now: UnixSeconds) -> Option<Pending> {
    let bytes = decode(token, realms, &mut Unobserved).ok()?;
    let admitted = admit(&bytes, realms, now, &mut Unobserved).ok()?;
    let (key, algorithm) = errand(&admitted, host)?;
    match key.checked_by() {
        CheckedBy::HostOnly => Some(Pending::of_text(token, &bytes, admitted.index, key, algorithm)),
        CheckedBy::Rust => None,
    }
}

fn begin_afresh(
    token: &[u8],
    realms: &[Realm],
    verified: &mut VerifiedTokens,
    host: Algorithms,
    now: UnixSeconds,
) -> Result<Begun, Refused> {
    let nowhere = |reason| Refused::new(None, reason);
    let text = core::str::from_utf8(token).map_err(|_| nowhere(Reason::Malformed))?;
    let bytes = decode(text, realms, &mut Unobserved).map_err(nowhere)?;
    let admitted = admit(&bytes, realms, now, &mut Unobserved)?;
    let Some((key, algorithm)) = errand(&admitted, host) else {
        return Ok(Begun::Decided(find_admitted(text, admitted, verified, now)));
    };
    let Admitted { index, realm, token, .. } = &admitted;
    let imprint = read_claims(token.unverified_claims(), &realm.policy)
        .ok()
        .and_then(|claims| Imprint::take(text, (*index, realm), token, &claims, key));
    Ok(Begun::Pending(Pending {
        token: imprint.map_or_else(|| Held::Text(text.into()), Held::Whole),
        signing_input_length: bytes.signing_input().len(),
        signature: token.signature().into(),
        realm: *index,
        key: key.clone(),
        algorithm,
    }))
}

/// The key under which the host is to check the signature, and how. `None`: the host is no good for it.
pub(super) fn errand<'r>(admitted: &Admitted<'r, '_>, host: Algorithms) -> Option<(&'r Key, Algorithm)> {
    let algorithm = admitted.token.header().algorithm()?;
    // It checks one signature under one key.
    let [key] = admitted.candidates.as_slice() else { return None };
    let is_for_host = host.contains(algorithm) && algorithm.permits_length(admitted.token.signature().len());
    is_for_host.then_some((*key, algorithm))
}

/// Reads the token again, for it is refused, or its key is another now and the reason must be found.
fn finish_by_text(pending: &Pending, outcome: HostOutcome, realms: &[Realm], now: UnixSeconds) -> Finding {
    let nowhere = |reason| Refused::new(None, reason);
    let bytes = decode(pending.text(), realms, &mut Unobserved).map_err(nowhere)?;
    let admitted = admit(&bytes, realms, now, &mut Unobserved)?;
    let Admitted { index, realm, .. } = admitted;
    let token = prove(pending, outcome, admitted).map_err(|unproven| unproven.of_realm(index))?;
    let claims = read_claims(token.claims(), &realm.policy);
    let concluded = claims.and_then(|claims| conclude(index, realm, token.claims(), &claims, now, &mut Unobserved));
    concluded.map_err(|reason| Refused::new(Some(index), reason))
}

/// The signature on the word of the host, as long as the key that it was given is still one the token may have been signed
/// with. Where it could not tell, the signature is checked here.
pub(super) fn prove<'d>(
    pending: &Pending,
    outcome: HostOutcome,
    admitted: Admitted<'_, 'd>,
) -> Result<VerifiedToken<'d>, Unproven> {
    let is_good = match outcome {
        HostOutcome::Good => true,
        HostOutcome::Bad => false,
        HostOutcome::Unknown => return admitted::prove(admitted),
    };
    let Admitted { index, realm, token, candidates } = admitted;
    let key = &pending.key;
    let is_it = |candidate: &&Key| {
        candidate.thumbprint() == key.thumbprint() && candidate.algorithms().contains(pending.algorithm)
    };
    if index != pending.realm || !candidates.iter().any(is_it) {
        return Err(Reason::UnknownKey.into());
    }
    if realm.revocations.bans(key.thumbprint()) {
        return Err(Reason::BannedKey.into());
    }
    is_good.then(|| token.verified_by_host()).ok_or(Unproven::from(Reason::BadSignature))
}

/// How far [`begin`] got.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // It is taken apart where it was made; a box would cost more.
pub enum Begun {
    /// To the end.
    Decided(Finding),
    /// To the signature, which is the host's to check.
    Pending(Pending),
}

/// A token whose signature the host is checking. It owns what is checked, can be used once, and is the only way to
/// [`finish`], [`finish_to_identify`](super::finish_to_identify) and
/// [`explain_by_host`](crate::explain::explain_by_host). Its `Debug` shows nothing of the token.
pub struct Pending {
    token: Held,
    signing_input_length: usize,
    signature: Vec<u8>,
    realm: usize,
    key: Key,
    algorithm: Algorithm,
}

/// A token as far as it is needed again.
enum Held {
    /// With all that is left to be judged.
    Whole(Imprint),
    /// Its text: its claims are not as they must be, which is to be said only once the signature is good.
    Text(Box<str>),
}

impl Held {
    fn text(&self) -> &str {
        match self {
            Self::Whole(imprint) => imprint.token(),
            Self::Text(text) => text,
        }
    }
}

impl Pending {
    /// A token of which only the text is kept.
    pub(super) fn of_text(text: &str, bytes: &TokenBytes<'_>, realm: usize, key: &Key, algorithm: Algorithm) -> Self {
        Self {
            token: Held::Text(text.into()),
            signing_input_length: bytes.signing_input().len(),
            signature: bytes.parts().signature().into(),
            realm,
            key: key.clone(),
            algorithm,
        }
    }

    /// The token.
    pub(crate) fn text(&self) -> &str {
        self.token.text()
    }

    /// The realm's place in the list that was given.
    #[must_use]
    pub fn realm(&self) -> usize {
        self.realm
    }

    /// The key to check with.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The algorithm to check by. Signatures are as in JOSE: ECDSA's are R and S, not DER.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What the signature is over.
    #[must_use]
    pub fn signing_input(&self) -> &str {
        self.token.text().get(..self.signing_input_length).unwrap_or_default()
    }

    /// The signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl core::fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Pending").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What the host found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostOutcome {
    /// The signature is the key's.
    Good,
    /// It is not.
    Bad,
    /// The host could not tell: it does not know the algorithm, or cannot use the key. It is checked here; where this build
    /// cannot either, the token is refused as [`Reason::UnsupportedAlgorithm`], on the basis
    /// [`Undecided`](super::Basis::Undecided).
    Unknown,
}
