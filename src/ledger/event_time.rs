//! The time of a not-before: the clock that states it, and the time that the ledger records.
//!
//! ```text
//! an authenticated source   exactly T + source_skew; more than an hour ahead of us: as if no time was given
//! a caller                  the value; more than `bounds.skew` ahead of us: as if no time was given
//! none                      now + max(issuer_skew, the issuer's measured lead, at most `bounds.skew`)
//! ```
//! The issuer sets `iat` by its own clock, so its own time needs no tolerance; the origin's time needs as much as the
//! issuer may be ahead. Tokens issued before the event are then refused at every later second.

use crate::revocation::Bounds;
use crate::time::{Seconds, UnixSeconds};

use super::event::NotBefore;
use super::settings::LedgerSettings;

/// How far a source's own time may be ahead of us. More than an hour is a mistake: local time instead of UTC, or
/// milliseconds instead of seconds.
pub const MAX_SOURCE_LEAD_SECONDS: u64 = 3_600;
/// A session's tokens issued up to this long after its end are refused too, since some may still be issued in the
/// meantime. A `sid` is not reused, so this can be generous.
pub const SESSION_GRACE_SECONDS: u64 = 60;

/// The clocks at an event's arrival, as measured by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The origin's time.
    pub now: UnixSeconds,
    /// The issuer's measured lead over it, rounded up. At most [`Bounds::skew`](crate::revocation::Bounds::skew) of it
    /// is used.
    pub issuer_lead: Seconds,
}

impl Clocks {
    /// The origin's time, with no measured lead of the issuer.
    #[must_use]
    pub const fn at(now: UnixSeconds) -> Self {
        Self { now, issuer_lead: Seconds::new(0) }
    }
}

/// How an event's own time was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeTaken {
    /// Nothing to report: the given time was used, or none was given.
    AsGiven,
    /// A source's own time is ahead of us; it is recorded as given.
    SourceAhead {
        /// How far ahead.
        by: Seconds,
    },
    /// A source's own time is more than [`MAX_SOURCE_LEAD_SECONDS`] ahead of us; the origin's time is recorded.
    SourceReplaced {
        /// How far ahead.
        by: Seconds,
    },
    /// A caller's value is more than [`Bounds::skew`](crate::revocation::Bounds::skew) ahead of us; the origin's time
    /// is recorded.
    CallerReplaced {
        /// How far ahead.
        by: Seconds,
    },
}

impl TimeTaken {
    /// A stable name for programs; `None` if there is nothing to report.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::AsGiven => None,
            Self::SourceAhead { .. } => Some("source_ahead"),
            Self::SourceReplaced { .. } => Some("source_replaced"),
            Self::CallerReplaced { .. } => Some("caller_replaced"),
        }
    }

    /// How far the time was ahead of us; 0 if there is nothing to report.
    #[must_use]
    pub const fn ahead_by(&self) -> Seconds {
        match self {
            Self::AsGiven => Seconds::new(0),
            Self::SourceAhead { by } | Self::SourceReplaced { by } | Self::CallerReplaced { by } => *by,
        }
    }
}

/// A decided not-before.
#[derive(Clone, Copy)]
pub(crate) struct Decided {
    pub(crate) not_before: UnixSeconds,
    pub(crate) taken: TimeTaken,
}

impl LedgerSettings {
    /// The not-before of a user, a client or the realm.
    pub(crate) fn not_before(&self, given: NotBefore, clocks: Clocks) -> Decided {
        match given {
            NotBefore::Now => Decided { not_before: self.origin_time(clocks), taken: TimeTaken::AsGiven },
            NotBefore::Source(at) => self.source_time(at, clocks),
            NotBefore::Caller(at) => match at.since(clocks.now) {
                by if by > self.bounds.skew => {
                    Decided { not_before: self.origin_time(clocks), taken: TimeTaken::CallerReplaced { by } }
                }
                _ => Decided { not_before: at, taken: TimeTaken::AsGiven },
            },
        }
    }

    /// The not-before of a session. No more tokens are issued for it, so the latest of all times is used, plus the
    /// grace period.
    pub(crate) fn session_end(
        &self,
        occurred_at: Option<UnixSeconds>,
        issued_at: Option<UnixSeconds>,
        clocks: Clocks,
    ) -> Decided {
        let Decided { not_before: stated, taken } = match occurred_at.map(|at| self.source_time(at, clocks)) {
            Some(decided @ Decided { taken: TimeTaken::AsGiven | TimeTaken::SourceAhead { .. }, .. }) => decided,
            Some(Decided { taken, .. }) => Decided { not_before: clocks.now, taken },
            None => Decided { not_before: clocks.now, taken: TimeTaken::AsGiven },
        };
        let latest = stated.max(clocks.now).max(issued_at.unwrap_or_default());
        // The grace period is usually longer than the issuer's possible lead.
        let not_before = latest.plus(Seconds::new(SESSION_GRACE_SECONDS)).max(self.origin_time(clocks));
        Decided { not_before, taken }
    }

    /// The not-before of a client's part in a session. The client may return to it, so there is no grace period.
    pub(crate) fn client_session_end(
        &self,
        occurred_at: Option<UnixSeconds>,
        issued_at: Option<UnixSeconds>,
        clocks: Clocks,
    ) -> Decided {
        let stated = occurred_at.map_or(NotBefore::Now, NotBefore::Source);
        let Decided { not_before, taken } = self.not_before(stated, clocks);
        Decided { not_before: not_before.max(issued_at.unwrap_or_default()), taken }
    }

    fn source_time(&self, at: UnixSeconds, clocks: Clocks) -> Decided {
        let by = at.since(clocks.now);
        if by.get() > MAX_SOURCE_LEAD_SECONDS {
            return Decided { not_before: self.origin_time(clocks), taken: TimeTaken::SourceReplaced { by } };
        }
        let taken = if by.get() > 0 { TimeTaken::SourceAhead { by } } else { TimeTaken::AsGiven };
        Decided { not_before: at.plus(self.source_skew), taken }
    }

    /// Narrows bounds so that gates accept no token whose `iat` is further ahead than the not-before of an event
    /// without its own time. Otherwise a token accepted before a logout could be accepted after it. At least one
    /// second, since the clocks of two machines do not tick at the same moment.
    pub(crate) fn within_reach(&self, bounds: &Bounds, issuer_lead: Seconds) -> Bounds {
        Bounds { skew: bounds.skew.min(self.reach(issuer_lead).max(Seconds::new(1))), ..*bounds }
    }

    /// The latest `iat` that the issuer can have used by now.
    fn origin_time(&self, clocks: Clocks) -> UnixSeconds {
        clocks.now.plus(self.reach(clocks.issuer_lead))
    }

    /// How far ahead of us the issuer may be.
    fn reach(&self, issuer_lead: Seconds) -> Seconds {
        self.issuer_skew.max(issuer_lead.min(self.bounds.skew))
    }
}
