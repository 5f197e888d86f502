//! Time in whole seconds, passed in by the caller. Nothing here reads a clock.

use core::fmt;

/// The largest time or span: 2^53 - 1, the largest integer that a JavaScript `number` represents exactly.
pub const MAX_SECONDS: u64 = (1 << 53) - 1;

/// A point in time: whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, `NumericDate`), at most [`MAX_SECONDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// The beginning of the epoch.
    pub const ZERO: Self = Self(0);
    /// The latest time; later ones are clamped to it.
    pub const MAX: Self = Self(MAX_SECONDS);

    /// Creates a time from whole seconds; values above [`MAX_SECONDS`] become [`UnixSeconds::MAX`].
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        if seconds > MAX_SECONDS {
            Self::MAX
        } else {
            Self(seconds)
        }
    }

    /// Rounds down a `NumericDate`, which may be fractional. Negative values become zero, values above [`MAX_SECONDS`]
    /// become [`UnixSeconds::MAX`]. `None` if it is not a finite number.
    #[must_use]
    pub fn from_numeric_date(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        // A float-to-integer cast saturates at both ends, as intended.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Some(Self::new(value.floor() as u64))
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This time plus a span, at most [`UnixSeconds::MAX`].
    #[must_use]
    pub const fn plus(self, span: Seconds) -> Self {
        Self::new(self.0.saturating_add(span.0))
    }

    /// This time minus a span, at least zero.
    #[must_use]
    pub const fn minus(self, span: Seconds) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The span from `earlier` to this time; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// A span of time in whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u64);

impl Seconds {
    /// Creates a span of this many seconds, at most [`MAX_SECONDS`].
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        if seconds > MAX_SECONDS {
            Self(MAX_SECONDS)
        } else {
            Self(seconds)
        }
    }

    /// The number of seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum of two spans, at most [`MAX_SECONDS`].
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_dates_are_floored_and_clamped() {
        let date = |value: f64| UnixSeconds::from_numeric_date(value).map(UnixSeconds::get);
        assert_eq!(date(1_700_000_000.9), Some(1_700_000_000));
        assert_eq!(date(-0.5), Some(0));
        assert_eq!(date(-1e300), Some(0));
        assert_eq!(date(1e300), Some(MAX_SECONDS));
        assert_eq!(date(f64::NAN), None);
        assert_eq!(date(f64::INFINITY), None);
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(UnixSeconds::MAX.plus(Seconds::new(1)), UnixSeconds::MAX);
        assert_eq!(UnixSeconds::ZERO.minus(Seconds::new(1)), UnixSeconds::ZERO);
        assert_eq!(UnixSeconds::ZERO.since(UnixSeconds::MAX), Seconds::new(0));
        assert_eq!(Seconds::new(u64::MAX).get(), MAX_SECONDS);
    }
}
