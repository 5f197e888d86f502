//! Bounds on lifetimes and clocks: edge and origin must agree on them before a revocation may be dropped.

use crate::time::Seconds;

/// Bounds on tokens and clocks. The manifest carries them; an edge uses the smaller of them and its own, so that it
/// never accepts a token whose revocation the origin may have dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long after `exp` a token is still accepted. Default: 5 s.
    pub leeway: Seconds,
    /// How far two clocks may be apart. Default: 5 s.
    pub skew: Seconds,
    /// Longest accepted `exp - iat`. Default: 86,400 s, one day.
    pub max_lifetime: Seconds,
    /// Longest accepted age of a login (`auth_time`), if not-befores are compared with it; they are kept as long.
    /// Default: none; not-befores are compared with `iat` and kept for `max_lifetime`.
    pub max_session: Option<Seconds>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { leeway: Seconds::new(5), skew: Seconds::new(5), max_lifetime: Seconds::new(86_400), max_session: None }
    }
}

impl Bounds {
    /// Leeway and skew: how long after a token's `exp` some edge may still accept it.
    #[must_use]
    pub const fn margin(&self) -> Seconds {
        self.leeway.plus(self.skew)
    }

    /// How long a not-before can still refuse an otherwise acceptable token, without the margin.
    #[must_use]
    pub fn retention(&self) -> Seconds {
        self.max_session.map_or(self.max_lifetime, |session| session.max(self.max_lifetime))
    }

    /// How long a not-before is kept: until no edge accepts a token that it refuses.
    #[must_use]
    pub fn kept_for(&self) -> Seconds {
        self.retention().plus(self.margin())
    }

    /// The bounds that two statements of an origin both allow. If they limit the age of a login differently,
    /// `max_session` is stated explicitly, since omitting it means a different limit in each.
    pub(crate) fn and(&self, other: &Self) -> Self {
        let limit_alike = self.max_lifetime == other.max_lifetime && self.max_session == other.max_session;
        let smaller = self.retention().min(other.retention());
        Self {
            leeway: self.leeway.min(other.leeway),
            skew: self.skew.min(other.skew),
            max_lifetime: self.max_lifetime.min(other.max_lifetime),
            max_session: if limit_alike { self.max_session } else { Some(smaller) },
        }
    }

    /// The smaller of both, field by field. A login must not be older than the origin's retention of not-befores by the
    /// `published` bounds: their `max_session` or, without one, their `max_lifetime`.
    #[must_use]
    pub fn within(&self, published: &Self) -> Self {
        Self {
            leeway: self.leeway.min(published.leeway),
            skew: self.skew.min(published.skew),
            max_lifetime: self.max_lifetime.min(published.max_lifetime),
            max_session: match (self.max_session, published.max_session) {
                (Some(own), _) => Some(own.min(published.retention())),
                (None, published) => published,
            },
        }
    }
}
