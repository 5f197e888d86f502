//! Strict JSON (RFC 8259) for tokens and key sets: one pass, no tree, bounded depth, and no duplicate members at any
//! depth. Two parsers that choose different duplicates would read two different tokens.

mod number;
mod scanner;
mod text;

use std::borrow::Cow;

pub(crate) use self::number::Number;
use self::scanner::Scanner;
pub(crate) use self::text::Text;

/// Parses a JSON text that is exactly one object. Returns its members in order; nested values are validated at every
/// depth.
pub(crate) fn read_object(text: &str, duplicates: Duplicates) -> Result<Vec<Member<'_>>, NotStrictJson> {
    Scanner::new(text, duplicates).whole_object()
}

/// Parses an object and returns its members, except those that are `null`: issuers write `null` for an absent member.
/// Duplicates are an error, even if one is `null`.
pub(crate) fn read_present_members(text: &str) -> Result<Vec<Member<'_>>, NotStrictJson> {
    let mut members = read_object(text, Duplicates::Refuse)?;
    // Searching first avoids moving members when there is no `null`.
    if members.iter().any(Member::is_null) {
        members.retain(|member| !member.is_null());
    }
    Ok(members)
}

/// Parses the items of an array that was validated as part of a larger text.
pub(crate) fn read_items<'j>(array: Raw<'j>, duplicates: Duplicates) -> Result<Vec<Item<'j>>, NotStrictJson> {
    let mut items = Vec::new();
    Scanner::new(array.0, duplicates).whole_array(|value, text| items.push(Item { value, text }))?;
    Ok(items)
}

/// The input is not strict JSON of the expected shape. Contains no part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrictJson;

/// Treatment of duplicate members of an object (RFC 8259 §4 leaves it open; RFC 7515 §4 and RFC 7519 §4 allow refusal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// An error: for tokens, and for a single JWK.
    Refuse,
    /// Accepted, because the parts are parsed again strictly: for a JWK set, in which one bad key must not break the
    /// others.
    Permit,
}

pub(crate) struct Member<'j> {
    pub(crate) name: Cow<'j, str>,
    pub(crate) value: Value<'j>,
}

impl Member<'_> {
    fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}

pub(crate) struct Item<'j> {
    pub(crate) value: Value<'j>,
    /// The item's source text.
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
    /// The JSON type, for messages.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object => "an object",
        }
    }

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

/// The source of a validated array, including the brackets.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'j>(&'j str);

/// Initial capacity: the claims of most tokens have at most this many members, including those of nested objects.
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
}
