//! The bounds that a ledger was run with, one after the other, and which of them edges may be told of.

use crate::revocation::Bounds;
use crate::time::UnixSeconds;

use super::Ledger;

// A revocation is forgotten once no token that it refuses could be accepted any more, and that follows from the bounds the
// ledger is run with. Under wider ones some of those tokens would be good again, with nothing left to refuse them. So the
// ledger records its bounds, and an era lasts as long as they are the same:
//
// - Whatever an era recorded, and may have forgotten, refuses tokens issued (or logged in) up to `refused_up_to` at the
//   latest: its end, how far clocks may be ahead, and the latest not-before that was known then.
// - Under the bounds of today the last of those tokens is over `retention + margin` later. Until then the era's bounds
//   count as well, field by field the smaller: nothing is accepted that it may have forgotten.
// - Revocations recorded from the change on are kept by the new bounds, so that nothing stands in their way afterwards.
//
// What edges are told is recorded too, and only ever changes with a record ([`Event::Bounds`](super::Event::Bounds)): so
// that deltas tell of it, and a clock that goes back changes nothing. Bounds that are not recorded yet are published only
// as far as the recorded ones allow. A store from before there were such records says nothing of its earlier bounds: the
// first that are recorded count as those it always had.
#[derive(Clone, Debug, Default)]
pub(crate) struct Eras {
    eras: Vec<Era>,
    /// What edges were told last; `None`: nothing is recorded.
    told: Option<Bounds>,
}

/// The time during which revocations were kept by the same bounds.
#[derive(Clone, Copy, Debug)]
struct Era {
    kept_by: Bounds,
    /// [`UnixSeconds::MAX`] while it lasts.
    refused_up_to: UnixSeconds,
}

impl Eras {
    /// From here on revocations are kept by `kept_by`, and edges are told `told`.
    pub(crate) fn record(&mut self, kept_by: Bounds, told: Bounds, refused_up_to: UnixSeconds) {
        self.told = Some(told);
        if self.lasts(&kept_by) {
            return;
        }
        if let Some(last) = self.eras.last_mut() {
            last.refused_up_to = refused_up_to;
        }
        self.eras.push(Era { kept_by, refused_up_to: UnixSeconds::MAX });
    }

    /// Whether exactly this was recorded last.
    pub(crate) fn says(&self, kept_by: &Bounds, told: &Bounds) -> bool {
        self.lasts(kept_by) && self.told == Some(*told)
    }

    /// The widest bounds that a ledger may tell of which keeps revocations by `kept_by`.
    pub(crate) fn allowed(&self, kept_by: &Bounds, now: UnixSeconds) -> Bounds {
        let kept_for = kept_by.retention().plus(kept_by.margin());
        let counting = self.eras.iter().filter(|era| now <= era.refused_up_to.plus(kept_for));
        counting.fold(*kept_by, |allowed, era| allowed.and(&era.kept_by))
    }

    fn lasts(&self, kept_by: &Bounds) -> bool {
        self.eras.last().is_some_and(|last| last.kept_by == *kept_by)
    }
}

impl Ledger {
    /// What edges are told: the settings' bounds, as far as what is recorded allows.
    pub(crate) fn told_bounds(&self) -> Bounds {
        let kept_by = self.settings.bounds;
        self.book.eras.told.map_or(kept_by, |told| told.and(&kept_by))
    }

    /// The latest issue time, or login, of anything that may have been refused up to now.
    pub(crate) fn refused_up_to(&self, now: UnixSeconds) -> UnixSeconds {
        let earlier = self.book.eras.eras.iter().map(|era| era.kept_by.skew);
        let skew = earlier.chain([self.settings.bounds.skew]).max().unwrap_or_default();
        now.plus(skew).max(UnixSeconds::new(self.book.epochs.latest()))
    }
}
