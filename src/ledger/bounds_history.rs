//! History of retention bounds, and the widest bounds that are safe to publish.

use crate::revocation::Bounds;
use crate::time::UnixSeconds;

use super::Ledger;

// A revocation is dropped once no token that it refuses can still be accepted, which follows from the ledger's bounds.
// Under wider bounds some of those tokens would be acceptable again, with nothing left to refuse them. So the ledger
// records its bounds; a period lasts as long as they stay the same:
//
// - Revocations recorded in a period, which may have been dropped, refuse tokens issued (or logins made) up to
//   `refused_up_to`: the period's end, plus how far clocks may be ahead, or the latest not-before known then.
// - Under today's bounds the last of those tokens ends `kept_for` later. Until then the period's bounds apply too, the
//   smaller of each field: nothing is accepted whose revocation may have been forgotten.
// - Revocations recorded after the change are kept by the new bounds and hold nothing back.
//
// The published bounds are recorded too and change by a record only ([`Event::Bounds`](super::Event::Bounds)), so that
// deltas carry them and a clock that goes back changes nothing. Bounds not recorded yet are published only as far as
// the recorded ones allow. They also say how far ahead a token's `iat` may be, which follows the measured lead of the
// issuer's clock ([`LedgerSettings::within_reach`](super::LedgerSettings::within_reach)); retention goes by the
// settings alone.
//
// A store from before such records existed does not state its bounds: the first ones recorded count as having always
// applied.
#[derive(Clone, Debug, Default)]
pub(crate) struct BoundsHistory {
    periods: Vec<Period>,
    /// The bounds published last; `None`: nothing is recorded.
    published: Option<Bounds>,
}

/// A period in which revocations were kept by the same bounds.
#[derive(Clone, Copy, Debug)]
struct Period {
    retention: Bounds,
    /// [`UnixSeconds::MAX`] while it lasts.
    refused_up_to: UnixSeconds,
}

impl BoundsHistory {
    /// Records that revocations are kept by `retention` from now on, and that edges are sent `published`.
    pub(crate) fn record(&mut self, retention: Bounds, published: Bounds, refused_up_to: UnixSeconds) {
        self.published = Some(published);
        if self.is_current(&retention) {
            return;
        }
        if let Some(last) = self.periods.last_mut() {
            last.refused_up_to = refused_up_to;
        }
        self.periods.push(Period { retention, refused_up_to: UnixSeconds::MAX });
    }

    /// Whether the last record states exactly these bounds.
    pub(crate) fn says(&self, retention: &Bounds, published: &Bounds) -> bool {
        self.is_current(retention) && self.published == Some(*published)
    }

    /// The widest bounds that may be published by a ledger that keeps revocations by `retention`.
    pub(crate) fn allowed(&self, retention: &Bounds, now: UnixSeconds) -> Bounds {
        let kept_for = retention.kept_for();
        let counting = self.periods.iter().filter(|period| now <= period.refused_up_to.plus(kept_for));
        counting.fold(*retention, |allowed, period| allowed.and(&period.retention))
    }

    fn is_current(&self, retention: &Bounds) -> bool {
        self.periods.last().is_some_and(|last| last.retention == *retention)
    }
}

impl Ledger {
    /// The bounds sent to edges: those of the settings, limited by the recorded ones.
    pub(crate) fn published_bounds(&self) -> Bounds {
        let retention = self.settings.bounds;
        self.state.bounds_history.published.map_or(retention, |published| published.and(&retention))
    }

    /// The latest issue time, or login, of anything that may have been refused up to now.
    pub(crate) fn refused_up_to(&self, now: UnixSeconds) -> UnixSeconds {
        let earlier = self.state.bounds_history.periods.iter().map(|period| period.retention.skew);
        let skew = earlier.chain([self.settings.bounds.skew]).max().unwrap_or_default();
        let latest = self.state.not_befores.latest().max(self.state.grants.latest());
        now.plus(skew).max(UnixSeconds::new(latest))
    }
}
