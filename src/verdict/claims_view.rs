//! The claims on which a verdict depends throughout a token's life.

use crate::claims::Claims;
use crate::policy::Policy;
use crate::time::UnixSeconds;

/// The claims that are compared with the time or with the revocation state, borrowed.
#[derive(Clone, Copy)]
pub(super) struct ClaimsView<'c> {
    /// The issuer name that qualifies user, session and token ([`IssuerNames`](crate::policy::IssuerNames)).
    pub(super) issuer: Option<&'c str>,
    pub(super) token_id: Option<&'c str>,
    pub(super) user: Option<&'c str>,
    pub(super) session: Option<&'c str>,
    pub(super) authorized_party: Option<&'c str>,
    pub(super) client_id: Option<&'c str>,
    pub(super) grant: Option<&'c str>,
    pub(super) expires_at: Option<UnixSeconds>,
    pub(super) not_before: Option<UnixSeconds>,
    pub(super) issued_at: Option<UnixSeconds>,
    pub(super) authenticated_at: Option<UnixSeconds>,
    pub(super) logged_out_at: Option<UnixSeconds>,
    pub(super) token_version: u64,
    pub(super) ledger_sequence: Option<u64>,
}

impl<'c> ClaimsView<'c> {
    /// `name`: the number of the issuer's name.
    pub(super) fn of(claims: &'c Claims<'_>, policy: &'c Policy, name: usize) -> Self {
        Self {
            issuer: policy.issuer.qualifier(name),
            token_id: claims.token_id.as_deref(),
            user: claims.subject.as_deref(),
            session: claims.session.as_deref(),
            authorized_party: claims.authorized_party.as_deref(),
            client_id: claims.client_id.as_deref(),
            grant: claims.grant.as_deref(),
            expires_at: claims.expires_at,
            not_before: claims.not_before,
            issued_at: claims.issued_at,
            authenticated_at: claims.authenticated_at,
            logged_out_at: claims.logged_out_at,
            token_version: claims.token_version,
            ledger_sequence: claims.ledger_sequence,
        }
    }
}
