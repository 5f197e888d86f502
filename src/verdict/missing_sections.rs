//! The sections that a state which is still loading lacks for one token.

use super::authenticity::{decode, select, Selected};
use super::claims_view::ClaimsView;
use super::judge::read_claims;
use super::observer::Observer;
use super::realm::Realm;
use super::state_check::subject_of;
use super::times::Times;
use crate::token::UntrustedToken;

/// SHA-256 names of the sections that have not arrived and in which the answer about this token lies, so that they can
/// be fetched before the others. Nothing is checked and no answer is given; a made-up token changes no more than the
/// order. None for a token of no realm, or without times.
#[must_use]
pub fn missing_sections(token: &str, realms: &[Realm]) -> Vec<[u8; 32]> {
    let bytes = decode(token, realms, &mut Observer::none()).ok();
    let token = bytes.as_ref().and_then(|bytes| UntrustedToken::read(bytes).ok());
    let missing = token.and_then(|token| {
        let Selected { realm, name, .. } = select(&token, realms).ok()?;
        let claims = read_claims(token.unverified_claims(), &realm.policy).ok()?;
        let times = Times { issued_at: claims.issued_at?, expires_at: claims.expires_at? };
        let view = ClaimsView::of(&claims, &realm.policy, name);
        // The sections depend neither on the key nor on the time that is compared.
        Some(realm.revocations.missing_for(&subject_of(&realm.policy, &view, None, times, times.issued_at)))
    });
    missing.unwrap_or_default()
}
