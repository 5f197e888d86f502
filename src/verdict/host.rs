//! Judging with the host's help. Where it checks signatures faster than this crate does, it is handed the bytes and the
//! key, and its answer is taken back once.

use super::{admit, conclude, decode, judge, verdict, Admitted, Realm, Reason, Refused, Verdict};
use crate::explain::Unobserved;
use crate::keys::Key;
use crate::signature::{Algorithm, Algorithms};
use crate::time::UnixSeconds;

/// Begins to judge a token. Everything before the signature is checked; what is refused by then is decided, and so is a
/// token that the host is no good for: its algorithm is not among `host`, or several keys would have to be tried.
#[must_use]
pub fn begin(token: &str, realms: &[Realm], host: Algorithms, now: UnixSeconds) -> Begun {
    let refused = |refused| Begun::Decided(Verdict::Refused(refused));
    let bytes = match decode(token, realms, &mut Unobserved) {
        Ok(bytes) => bytes,
        Err(reason) => return refused(Refused { realm: None, reason }),
    };
    let admitted = match admit(&bytes, realms, now, &mut Unobserved) {
        Ok(admitted) => admitted,
        Err(reason) => return refused(reason),
    };
    match (admitted.candidates.as_slice(), admitted.token.header().algorithm()) {
        ([key], Some(algorithm)) if host.contains(algorithm) => Begun::Pending(Pending {
            token: token.into(),
            signing_input_length: bytes.signing_input().len(),
            signature: bytes.parts().signature().into(),
            realm: admitted.index,
            key: (*key).clone(),
            algorithm,
        }),
        _ => Begun::Decided(judge(token, realms, now)),
    }
}

/// Ends what [`begin`] began, with what the host found. Keys, bans, time, revocation and freshness are read now, so nothing
/// that happened meanwhile is missed: a key that has left the realm no longer vouches for the token.
#[must_use]
pub fn finish(pending: Pending, outcome: HostOutcome, realms: &[Realm], now: UnixSeconds) -> Verdict {
    let bytes = match decode(&pending.token, realms, &mut Unobserved) {
        Ok(bytes) => bytes,
        Err(reason) => return Verdict::Refused(Refused { realm: None, reason }),
    };
    let standing = admit(&bytes, realms, now, &mut Unobserved).and_then(|admitted| {
        let Admitted { index, realm, token, candidates } = admitted;
        let still_there = index == pending.realm
            && candidates.iter().any(|key| {
                key.thumbprint() == pending.key.thumbprint() && key.algorithms().contains(pending.algorithm)
            });
        let result = match (outcome, still_there) {
            (_, false) => Err(Reason::UnknownKey),
            (_, true) if realm.revocations.bans(pending.key.thumbprint()) => Err(Reason::BannedKey),
            (HostOutcome::Bad, true) => Err(Reason::BadSignature),
            (HostOutcome::Good, true) => conclude(index, realm, &token.verified_by_host(), now, &mut Unobserved),
        };
        result.map_err(|reason| Refused { realm: Some(index), reason })
    });
    verdict(bytes, standing)
}

/// How far [`begin`] got.
#[derive(Debug)]
pub enum Begun {
    /// To the end.
    Decided(Verdict),
    /// To the signature, which is the host's to check.
    Pending(Pending),
}

/// A token whose signature the host is checking. It owns what is checked, can be used once, and is the only way to
/// [`finish`]. Its `Debug` shows nothing of the token.
pub struct Pending {
    token: String,
    signing_input_length: usize,
    signature: Vec<u8>,
    realm: usize,
    key: Key,
    algorithm: Algorithm,
}

impl Pending {
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
        self.token.get(..self.signing_input_length).unwrap_or_default()
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
    /// It is not, or the host could not tell.
    Bad,
}
