//! A JSON number (RFC 8259 §6), converted from its decimal digits.

/// A validated number in its source form.
#[derive(Clone, Copy)]
pub(crate) struct Number<'j>(&'j str);

impl<'j> Number<'j> {
    /// A number that the scanner accepted.
    pub(super) const fn checked(raw: &'j str) -> Self {
        Self(raw)
    }

    /// The number rounded down and clamped to the range of `u64`. `None` beyond a double's range (`1e400`).
    pub(crate) fn floor(self) -> Option<u64> {
        let Decimal { sign, whole, .. } = self.read()?;
        Some(match sign {
            Sign::Minus => 0,
            Sign::None => whole,
        })
    }

    /// The number, if it is an integer from 0 to 2^53 - 1 (the range in which a double is exact).
    pub(crate) fn to_whole(self) -> Option<u64> {
        if self.0.len() <= SHORT_DIGITS && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.0.parse().ok();
        }
        let Decimal { sign, whole, is_whole } = self.read()?;
        let fits = is_whole && whole <= MAX_WHOLE && (sign == Sign::None || whole == 0);
        fits.then_some(whole)
    }

    /// The source form, if it is an integer in shortest decimal form with magnitude at most 2^53 - 1.
    pub(crate) fn as_integer(self) -> Option<&'j str> {
        // The scanner refuses leading zeros, and a minus anywhere but before the number or its exponent.
        let is_short = self.0 != "-0" && self.0.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
        let fits = is_short && self.read().is_some_and(|decimal| decimal.whole <= MAX_WHOLE);
        fits.then_some(self.0)
    }

    /// Converts digit by digit. Parsing a double would also work, but needs ten kilobytes of tables.
    fn read(self) -> Option<Decimal> {
        let (sign, unsigned) = match self.0.strip_prefix('-') {
            Some(rest) => (Sign::Minus, rest),
            None => (Sign::None, self.0),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') { -FAR } else { FAR });
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // The number of digits before the decimal point after the exponent is applied.
        let point = i64::try_from(before.len()).ok()?.saturating_add(exponent);

        let mut decimal = Decimal { sign, whole: 0, is_whole: true };
        let mut places = 0;
        for digit in before.bytes().chain(after.bytes()).map(|byte| u64::from(byte - b'0')) {
            match places < point {
                true => decimal.whole = decimal.whole.saturating_mul(10).saturating_add(digit),
                false => decimal.is_whole &= digit == 0,
            }
            if decimal.whole != 0 && point - places > MAX_PLACES {
                return None;
            }
            places += 1;
        }
        while decimal.whole != 0 && places < point {
            decimal.whole = decimal.whole.saturating_mul(10);
            places += 1;
        }
        Some(decimal)
    }
}

struct Decimal {
    sign: Sign,
    /// The integer part, or `u64::MAX`.
    whole: u64,
    /// Whether the fraction is zero.
    is_whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Minus,
}

/// A number with more digits before the decimal point is beyond a double's range.
const MAX_PLACES: i64 = 309;
/// Stands for an exponent that does not fit.
const FAR: i64 = i64::MAX / 2;
/// Any number with this many digits is below 2^53.
const SHORT_DIGITS: usize = 15;
/// 2^53 - 1.
const MAX_WHOLE: u64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let whole = |text| Number(text).to_whole();
        assert_eq!(whole("0"), Some(0));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("5.0"), Some(5));
        assert_eq!(whole("9007199254740991"), Some((1 << 53) - 1));
        for other in ["9007199254740992", "9007199254740993", "1.5", "-1", "1e400", "1e16"] {
            assert_eq!(whole(other), None, "{other}");
        }
        assert_eq!(whole("-0"), Some(0));
        assert_eq!(whole("50e-1"), Some(5));
        assert_eq!(whole("0e999999999999999999999"), Some(0));
    }

    #[test]
    fn integers_as_they_are_written() {
        for integer in ["0", "7", "-1", "10", "9007199254740991", "-9007199254740991"] {
            assert_eq!(Number(integer).as_integer(), Some(integer));
        }
        for other in [
            "-0",
            "1.0",
            "1e2",
            "1E2",
            "-1.0",
            "0.0",
            "0e0",
            "9007199254740992",
            "-9007199254740992",
            "1e400",
            "18446744073709551617",
            "123456789012345678901234567890",
        ] {
            assert_eq!(Number(other).as_integer(), None, "{other}");
        }
    }

    #[test]
    fn rounded_down() {
        let floor = |text| Number(text).floor();
        for (text, seconds) in [
            ("1800000000.9", 1_800_000_000),
            ("18000000009e-1", 1_800_000_000),
            ("1.8000000009E+9", 1_800_000_000),
            ("0.99", 0),
            ("99e-99999999999999999999", 0),
            ("-1.5", 0),
            ("1e300", u64::MAX),
            ("99999999999999999999", u64::MAX),
            ("0.001e4", 10),
        ] {
            assert_eq!(floor(text), Some(seconds), "{text}");
        }
        for beyond in ["1e400", "-1e400", "1e99999999999999999999", "0.1e310"] {
            assert_eq!(floor(beyond), None, "{beyond}");
        }
        assert_eq!(floor(&format!("1{}", "0".repeat(400))), None);
    }
}
