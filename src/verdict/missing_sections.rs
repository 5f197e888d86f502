//! Finds the missing sections that a token's verdict depends on while a state is loading.

use super::authenticity::{decode, select, Selected};
use super::claims_view::ClaimsView;
use super::judge::read_claims;
use super::observer::Observer;
use super::realm::Realm;
use super::state_check::subject_of;
use super::times::Times;
use crate::token::UntrustedToken;

/// SHA-256 names of the missing sections on which this token's verdict depends, so that they can be fetched first. The
/// token is not verified; a forged one can only affect the order of downloads. Empty for a token of an unknown realm,
/// or without times.
#[must_use]
pub fn missing_sections(token: &str, realms: &[Realm]) -> Vec<[u8; 32]> {
    let bytes = decode(token, realms, &mut Observer::none()).ok();
    let token = bytes.as_ref().and_then(|bytes| UntrustedToken::read(bytes).ok());
    let missing = token.and_then(|token| {
        let Selected { realm, name, .. } = select(&token, realms).ok()?;
        let claims = read_claims(token.unverified_claims(), &realm.policy).ok()?;
        let times = Times { issued_at: claims.issued_at?, expires_at: claims.expires_at? };
        let view = ClaimsView::of(&claims, &realm.policy, name);
        // The sections do not depend on the key or on the time that not-befores are compared with.
        Some(realm.revocations.missing_for(&subject_of(&realm.policy, &view, None, times, times.issued_at)))
    });
    missing.unwrap_or_default()
}
