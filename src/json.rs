//! Strict JSON (RFC 8259) for tokens and key sets: one pass, no tree, depth bounded, and no object with the same member
//! twice at any depth. Two parsers that pick different duplicates would read two tokens out of one.

mod scanner;
mod text;

use std::borrow::Cow;

use self::scanner::Scanner;
pub(crate) use self::text::Text;

/// Reads a text that is one object and nothing else: its members, in order, each value checked to the bottom.
pub(crate) fn read_object(text: &str, duplicates: Duplicates) -> Result<Vec<Member<'_>>, NotStrictJson> {
    Scanner::new(text, duplicates).whole_object()
}

/// Reads the items of an array that was checked as part of a larger text.
pub(crate) fn read_items<'j>(array: Raw<'j>, duplicates: Duplicates) -> Result<Vec<Item<'j>>, NotStrictJson> {
    let mut items = Vec::new();
    Scanner::new(array.0, duplicates).whole_array(|value, text| items.push(Item { value, text }))?;
    Ok(items)
}

/// A text is no strict JSON of the shape wanted. It carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrictJson;

/// How an object with the same member twice is read (RFC 8259 §4 leaves it open, RFC 7515 §4 and RFC 7519 §4 allow refusal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// An error: for tokens, and for one JWK.
    Refuse,
    /// Left to a later, stricter reading of the parts: for a JWK set, in which one bad key must not break the others.
    Permit,
}

pub(crate) struct Member<'j> {
    pub(crate) name: Cow<'j, str>,
    pub(crate) value: Value<'j>,
}

pub(crate) struct Item<'j> {
    pub(crate) value: Value<'j>,
    /// The item as it stands in the text.
    pub(crate) text: &'j str,
}

#[derive(Clone, Copy)]
pub(crate) enum Value<'j> {
    Null,
    Bool,
    Number(Number<'j>),
    String(Text<'j>),
    Array(Raw<'j>),
    Object,
}

impl<'j> Value<'j> {
    pub(crate) const fn text(self) -> Option<Text<'j>> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool | Self::Number(_) | Self::Array(_) | Self::Object => None,
        }
    }

    pub(crate) const fn number(self) -> Option<Number<'j>> {
        match self {
            Self::Number(number) => Some(number),
            Self::Null | Self::Bool | Self::String(_) | Self::Array(_) | Self::Object => None,
        }
    }

    pub(crate) const fn array(self) -> Option<Raw<'j>> {
        match self {
            Self::Array(array) => Some(array),
            Self::Null | Self::Bool | Self::Number(_) | Self::String(_) | Self::Object => None,
        }
    }
}

/// The text of a checked array, brackets included.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'j>(&'j str);

/// A checked number, as it was written.
#[derive(Clone, Copy)]
pub(crate) struct Number<'j>(&'j str);

impl Number<'_> {
    /// The number rounded down: zero when it is below zero, `u64::MAX` when it is above that. `None` beyond a double's range
    /// (`1e400`).
    pub(crate) fn floor(self) -> Option<u64> {
        let Decimal { sign, whole, .. } = self.read()?;
        Some(match sign {
            Sign::Minus => 0,
            Sign::None => whole,
        })
    }

    /// The number, if it is whole, not negative and at most 2^53 - 1 (the range in which a double is exact).
    pub(crate) fn to_whole(self) -> Option<u64> {
        if self.0.len() <= SHORT_DIGITS && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.0.parse().ok();
        }
        let Decimal { sign, whole, is_whole } = self.read()?;
        let fits = is_whole && whole <= MAX_WHOLE && (sign == Sign::None || whole == 0);
        fits.then_some(whole)
    }

    /// Reads it digit by digit. Doubles would do, but reading them takes tables of ten kilobytes.
    fn read(self) -> Option<Decimal> {
        let (sign, unsigned) = match self.0.strip_prefix('-') {
            Some(rest) => (Sign::Minus, rest),
            None => (Sign::None, self.0),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let exponent = exponent.parse().unwrap_or(if exponent.starts_with('-') { -FAR } else { FAR });
        let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // How many of the digits stand before the point, once the exponent has moved it.
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
    /// The digits before the point, or `u64::MAX`.
    whole: u64,
    /// Whether nothing but zeros stands behind it.
    is_whole: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    None,
    Minus,
}

/// A number with more digits before the point is beyond a double's range.
const MAX_PLACES: i64 = 309;
/// An exponent beyond all bounds.
const FAR: i64 = i64::MAX / 2;
/// Any number of so many digits is below 2^53.
const SHORT_DIGITS: usize = 15;
/// 2^53 - 1.
const MAX_WHOLE: u64 = (1 << 53) - 1;
/// Members that a token's claims usually have at most, those of an object in them included: room for them is made at once.
const MEMBERS_EXPECTED: usize = 24;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::scanner::MAX_DEPTH;
    use super::*;

    fn reads(text: &str) -> bool {
        read_object(text, Duplicates::Refuse).is_ok()
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        let values = [
            "1",
            "-1",
            "0",
            "-0",
            "01",
            "1.",
            ".5",
            "1.5",
            "1e5",
            "1E+5",
            "1e",
            "1e-",
            "--1",
            "+1",
            "NaN",
            "1_000",
            "true",
            "false",
            "null",
            "tru",
            "True",
            "nulll",
            "\"\"",
            "\"a\"",
            "\"\\n\"",
            "\"\\x\"",
            "\"\\u00e9\"",
            "\"\\u00g9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83d\\u0041\"",
            "\"\n\"",
            "\"",
            "[]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1,2",
            "{}",
            "{\"b\":1}",
            "{\"b\":1,}",
            "{b:1}",
            "{\"b\" 1}",
            "",
            " ",
            "1 ",
            "[ ]",
            "{ }",
            "[[],[]]",
            "'a'",
            "/**/1",
            "\u{a0}1",
            "\"\u{e9}\u{1f600}\"",
        ];
        for value in values {
            let text = format!("{{\"a\":{value}}}");
            assert_eq!(reads(&text), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
        for text in ["", "1", "[]", "{}", " {} ", "{}x", "{} {}", "{", "}", "\u{feff}{}", "null"] {
            assert_eq!(reads(text), matches!(text, "{}" | " {} "), "{text:?}");
        }
    }

    #[test]
    fn no_member_twice_at_any_depth() {
        assert!(!reads(r#"{"a":1,"a":1}"#));
        assert!(!reads(r#"{"a":1,"\u0061":1}"#));
        assert!(!reads(r#"{"a":{"b":[{"c":1,"d":2,"c":3}]}}"#));
        assert!(reads(r#"{"a":{"a":{"a":1},"b":{"a":1}}}"#));
        let many = |last: &str| {
            let names: Vec<String> = (0..500).map(|at| format!("\"n{at}\":0")).collect();
            format!("{{{},\"{last}\":0}}", names.join(","))
        };
        assert!(reads(&many("n500")));
        assert!(!reads(&many("n250")));
        assert!(read_object(r#"{"a":1,"a":1}"#, Duplicates::Permit).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(reads(&nested(MAX_DEPTH - 1)));
        assert!(!reads(&nested(MAX_DEPTH)));
        assert!(!reads(&nested(100_000)));
        assert!(!reads(&"{\"a\":".repeat(100_000)));
    }

    #[test]
    fn escapes_resolve() {
        let members = read_object(r#"{"\u0061\/\"\\\n":"\ud83d\ude00\u00e9\t"}"#, Duplicates::Refuse).unwrap();
        assert_eq!(members[0].name, "a/\"\\\n");
        assert!(matches!(&members[0].value, Value::String(text) if text.decode() == "\u{1f600}\u{e9}\t"));
    }

    #[test]
    fn strings_end_where_they_end() {
        for special in (0..=0xff_u8).map(char::from) {
            for before in 0..20 {
                for after in [0, 1, 7, 8, 9, 17] {
                    let (before, after) = ("\u{7f}!\u{e9} ~".repeat(before), "\u{fc}#[]".repeat(after));
                    let text = format!("{{\"a\":\"{before}{special}{after}\"}}");
                    let good = serde_json::from_str::<serde_json::Value>(&text).is_ok();
                    assert_eq!(reads(&text), good, "{text:?}");
                    assert!(good || special < ' ' || special == '"' || special == '\\');
                }
            }
        }
    }

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
