//! Checks a token's times: expired, not valid yet, issued in the future, lifetime too long.

use super::checks;
use super::claims_view::ClaimsView;
use super::observer::{CheckName, Observer};
use super::realm::Realm;
use super::reason::Reason;
use crate::time::{Seconds, UnixSeconds};

/// The times that every token has.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) issued_at: UnixSeconds,
    pub(super) expires_at: UnixSeconds,
}

/// Checks the token's times. Inlined like [`check_state`](super::state_check::check_state), so that the check of a
/// cached token, which never has an observer, contains no code for one.
#[inline(always)]
pub(super) fn check_times(
    realm: &Realm,
    view: &ClaimsView<'_>,
    now: UnixSeconds,
    observer: &mut Observer<'_>,
) -> Result<Times, Reason> {
    let bounds = realm.revocations.bounds();
    if let Some(expires_at) = view.expires_at {
        observer.detail(CheckName::Expiry, move || relative("expires", "expired", expires_at, now));
    }
    let expires_at = observer.check(CheckName::Expiry, checks::expiry(view, bounds.leeway, now))?;
    observer.check(CheckName::NotBefore, checks::not_before(view, bounds.leeway, now))?;
    if let Some(issued_at) = view.issued_at {
        observer.detail(CheckName::IssuedAt, move || relative("will be issued", "issued", issued_at, now));
    }
    let issued_at = observer.check(CheckName::IssuedAt, checks::issued_at(view, bounds.skew, now))?;
    observer.detail(CheckName::Lifetime, move || at_most(bounds.max_lifetime, expires_at.since(issued_at)));
    observer.check(CheckName::Lifetime, checks::lifetime(issued_at, expires_at, bounds.max_lifetime))?;
    Ok(Times { issued_at, expires_at })
}

/// A span with its bound.
pub(super) fn at_most(bound: Seconds, found: Seconds) -> String {
    format!("expected at most {bound}; found {found}")
}

/// A time relative to now, for people.
pub(super) fn relative(coming: &str, gone: &str, time: UnixSeconds, now: UnixSeconds) -> String {
    match time > now {
        true => format!("{coming} in {}", time.since(now)),
        false => format!("{gone} {} ago", now.since(time)),
    }
}
