//! A token in its cached form.

use super::authenticity::Selected;
use super::checks;
use super::claims_view::ClaimsView;
use crate::claims::Claims;
use crate::keys::Key;
use crate::policy::{Compare, Policy};
use crate::signature::Algorithm;
use crate::time::UnixSeconds;
use crate::token::UntrustedToken;

/// A token with the claims that are checked at each use, and the only key that can have signed it. Created only for a
/// token that passes every check whose outcome neither time nor revocation can change.
///
/// Whether the signature is valid depends on the owner: in a [`VerifiedTokenCache`](super::VerifiedTokenCache) it is,
/// in a [`PendingSignature`](super::PendingSignature) it is not known yet.
pub(super) struct CachedToken {
    realm: usize,
    /// The number of the issuer's name.
    name: usize,
    algorithm: Algorithm,
    thumbprint: [u8; 32],
    /// The token followed by the other parts, concatenated.
    text: Box<str>,
    /// The end offset of each part.
    ends: [u32; PARTS],
    /// Bit n: part n is present. A `kid` may be present and empty.
    present: u8,
    times: [Option<UnixSeconds>; 5],
    token_version: u64,
    ledger_sequence: Option<u64>,
}

/// The token, `kid`, `jti`, `sub`, `sid`, `azp`, `client_id`, the claim that names the app of a grant.
const PARTS: usize = 8;

impl CachedToken {
    /// Creates the cached form. `None` if anything besides time or a revocation could refuse the token.
    pub(super) fn new(
        text: &str,
        Selected { index, realm, name }: Selected<'_>,
        token: &UntrustedToken<'_>,
        claims: &Claims<'_>,
        key: &Key,
    ) -> Option<Self> {
        if !passes_lasting_checks(token, claims, &realm.policy) {
            return None;
        }
        let view = ClaimsView::of(claims, &realm.policy, name);
        let parts: [Option<&str>; PARTS] = [
            Some(text),
            token.header().key_id(),
            view.token_id,
            view.user,
            view.session,
            view.authorized_party,
            view.client_id,
            view.grant,
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
            name,
            algorithm: token.header().algorithm()?,
            thumbprint: *key.thumbprint(),
            text: joined.into_boxed_str(),
            ends,
            present,
            times: [view.expires_at, view.not_before, view.issued_at, view.authenticated_at, view.logged_out_at],
            token_version: view.token_version,
            ledger_sequence: view.ledger_sequence,
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

    /// Whether `key` signed it.
    pub(super) fn is_signed_by(&self, key: &Key) -> bool {
        key.thumbprint() == &self.thumbprint
    }

    /// The claims. `policy`: its realm's policy.
    pub(super) fn claims<'c>(&'c self, policy: &'c Policy) -> ClaimsView<'c> {
        let [expires_at, not_before, issued_at, authenticated_at, logged_out_at] = self.times;
        ClaimsView {
            issuer: policy.issuer.qualifier(self.name),
            token_id: self.part(2),
            user: self.part(3),
            session: self.part(4),
            authorized_party: self.part(5),
            client_id: self.part(6),
            grant: self.part(7),
            expires_at,
            not_before,
            issued_at,
            authenticated_at,
            logged_out_at,
            token_version: self.token_version,
            ledger_sequence: self.ledger_sequence,
        }
    }

    /// Its size in bytes.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }

    fn part(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)? as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        (self.present >> at & 1 == 1).then_some(self.text.get(start..end)?)
    }
}

/// Whether the token passes the checks whose outcome cannot change.
fn passes_lasting_checks(token: &UntrustedToken<'_>, claims: &Claims<'_>, policy: &Policy) -> bool {
    let set = token.unverified_claims();
    let has_login = match policy.compare {
        Compare::IssuedAt => true,
        Compare::AuthTime => claims.authenticated_at.is_some(),
    };
    claims.expires_at.is_some()
        && claims.issued_at.is_some()
        && has_login
        && checks::token_use(claims, policy.profile).is_ok()
        && checks::impersonation(set, policy).is_ok()
        && checks::binding(claims).is_ok()
        && checks::audience(token.header(), set, claims, policy).is_ok()
        && checks::first_missing(set, policy).is_none()
}
