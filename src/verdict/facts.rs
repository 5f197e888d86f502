//! What of a token is judged, apart from its signature: borrowed while it is read, owned where it is kept.

use super::checks;
use super::Realm;
use crate::claims::{ClaimSet, Claims};
use crate::keys::Key;
use crate::policy::{Compare, Policy};
use crate::signature::Algorithm;
use crate::time::UnixSeconds;
use crate::token::UntrustedToken;

/// The claims whose answer depends on time or on the revocation state.
#[derive(Clone, Copy)]
pub(super) struct Facts<'c> {
    pub(super) token_id: Option<&'c str>,
    pub(super) user: Option<&'c str>,
    pub(super) session: Option<&'c str>,
    pub(super) authorized_party: Option<&'c str>,
    pub(super) client_id: Option<&'c str>,
    pub(super) expires_at: Option<UnixSeconds>,
    pub(super) not_before: Option<UnixSeconds>,
    pub(super) issued_at: Option<UnixSeconds>,
    pub(super) authenticated_at: Option<UnixSeconds>,
    pub(super) token_version: u64,
    pub(super) ledger_sequence: Option<u64>,
}

impl<'c> Facts<'c> {
    pub(super) fn of(claims: &'c Claims<'_>) -> Self {
        Self {
            token_id: claims.token_id.as_deref(),
            user: claims.subject.as_deref(),
            session: claims.session.as_deref(),
            authorized_party: claims.authorized_party.as_deref(),
            client_id: claims.client_id.as_deref(),
            expires_at: claims.expires_at,
            not_before: claims.not_before,
            issued_at: claims.issued_at,
            authenticated_at: claims.authenticated_at,
            token_version: claims.token_version,
            ledger_sequence: claims.ledger_sequence,
        }
    }
}

/// A token and its facts, together with the one key that can have signed it. Only made of a token in which everything
/// that neither time nor revocation can change is in order, so that the facts are all there is left to judge.
///
/// Whether the signature is good is not said here but by who holds it: [`VerifiedTokens`](super::VerifiedTokens) or
/// [`Pending`](super::Pending).
pub(super) struct Imprint {
    realm: usize,
    algorithm: Algorithm,
    thumbprint: [u8; 32],
    /// The token, then the other parts, one after the other.
    text: Box<str>,
    /// Where each part ends.
    ends: [u32; PARTS],
    /// Bit n: part n is there. A `kid` may be there and empty.
    present: u8,
    times: [Option<UnixSeconds>; 4],
    token_version: u64,
    ledger_sequence: Option<u64>,
}

/// The token, `kid`, `jti`, `sub`, `sid`, `azp`, `client_id`.
const PARTS: usize = 7;

impl Imprint {
    /// `None` unless the token's claims are such that only time or a revocation can refuse it.
    pub(super) fn take(
        text: &str,
        (index, realm): (usize, &Realm),
        token: &UntrustedToken<'_>,
        claims: &Claims<'_>,
        key: &Key,
    ) -> Option<Self> {
        if !is_in_lasting_order(token.unverified_claims(), claims, &realm.policy) {
            return None;
        }
        let facts = Facts::of(claims);
        let parts: [Option<&str>; PARTS] = [
            Some(text),
            token.header().key_id(),
            facts.token_id,
            facts.user,
            facts.session,
            facts.authorized_party,
            facts.client_id,
        ];
        let mut joined = String::with_capacity(parts.iter().flatten().map(|part| part.len()).sum());
        let (mut ends, mut present) = ([0; PARTS], 0);
        for (at, (part, end)) in parts.into_iter().zip(&mut ends).enumerate() {
            joined.push_str(part.unwrap_or_default());
            present |= u8::from(part.is_some()) << at;
            *end = u32::try_from(joined.len()).ok()?;
        }
        Some(Self {
            realm: index,
            algorithm: token.header().algorithm()?,
            thumbprint: *key.thumbprint(),
            text: joined.into_boxed_str(),
            ends,
            present,
            times: [facts.expires_at, facts.not_before, facts.issued_at, facts.authenticated_at],
            token_version: facts.token_version,
            ledger_sequence: facts.ledger_sequence,
        })
    }

    pub(super) fn realm(&self) -> usize {
        self.realm
    }

    pub(super) fn token(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.part(1)
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// Whether that is the key.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        key.thumbprint() == &self.thumbprint
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        let [expires_at, not_before, issued_at, authenticated_at] = self.times;
        Facts {
            token_id: self.part(2),
            user: self.part(3),
            session: self.part(4),
            authorized_party: self.part(5),
            client_id: self.part(6),
            expires_at,
            not_before,
            issued_at,
            authenticated_at,
            token_version: self.token_version,
            ledger_sequence: self.ledger_sequence,
        }
    }

    /// Bytes it takes up.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }

    fn part(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        (self.present >> at & 1 == 1).then_some(self.text.get(start..end)?)
    }
}

/// Whether everything is in order that will be so for as long as the token exists.
fn is_in_lasting_order(set: &ClaimSet<'_>, claims: &Claims<'_>, policy: &Policy) -> bool {
    let login_is_told = match policy.compare {
        Compare::IssuedAt => true,
        Compare::AuthTime => claims.authenticated_at.is_some(),
    };
    claims.expires_at.is_some()
        && claims.issued_at.is_some()
        && login_is_told
        && checks::audience(claims, &policy.audience).is_ok()
        && checks::first_missing(set, policy).is_none()
        && checks::token_use(claims, policy.profile).is_ok()
        && checks::binding(claims).is_ok()
}
