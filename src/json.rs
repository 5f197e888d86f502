//! Strict JSON (RFC 8259) for tokens and key sets: one pass, no tree, depth bounded, and no object with the same member
//! twice at any depth. Two parsers that pick different duplicates would read two tokens out of one.

use std::borrow::Cow;

/// Objects and arrays may nest this deep, the outermost counted. Keycloak's deepest claim (`resource_access`) needs 4.
pub(crate) const MAX_DEPTH: usize = 16;

/// Reads a text that is one object and nothing else: its members, in order, each value checked to the bottom.
pub(crate) fn read_object(text: &str, duplicates: Duplicates) -> Result<Vec<Member<'_>>, NotStrictJson> {
    let mut scanner = Scanner::new(text, duplicates);
    scanner.skip_whitespace();
    let mut members = Vec::with_capacity(MEMBERS_EXPECTED);
    scanner.take(b'{')?;
    scanner.object(0, |name, value| members.push(Member { name, value }))?;
    scanner.end()?;
    Ok(members)
}

/// Reads the items of an array that was checked as part of a larger text.
pub(crate) fn read_items<'j>(array: Raw<'j>, duplicates: Duplicates) -> Result<Vec<Item<'j>>, NotStrictJson> {
    let mut scanner = Scanner::new(array.0, duplicates);
    let mut items = Vec::new();
    scanner.take(b'[')?;
    scanner.array(0, |value, text| items.push(Item { value, text }))?;
    scanner.end()?;
    Ok(items)
}

/// A text is no strict JSON of the shape wanted. It carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrictJson;

/// What an object is with the same member twice (RFC 8259 §4 leaves it open, RFC 7515 §4 and RFC 7519 §4 allow refusal).
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

/// A checked string, still escaped.
#[derive(Clone, Copy)]
pub(crate) struct Text<'j> {
    raw: &'j str,
    spelling: Spelling,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Plain,
    Escaped,
}

impl<'j> Text<'j> {
    pub(crate) const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// The string itself; copied only when it was written with escapes.
    pub(crate) fn decode(self) -> Cow<'j, str> {
        match self.spelling {
            Spelling::Plain => Cow::Borrowed(self.raw),
            Spelling::Escaped => Cow::Owned(unescape(self.raw)),
        }
    }
}

/// A checked number, as it was written.
#[derive(Clone, Copy)]
pub(crate) struct Number<'j>(&'j str);

impl Number<'_> {
    /// The nearest double; infinite beyond its range (`1e400`).
    pub(crate) fn to_f64(self) -> f64 {
        // Every JSON number is a Rust float literal.
        self.0.parse().unwrap_or(f64::INFINITY)
    }

    /// The number, if it is whole, not negative and at most 2^53 - 1 (the range in which a double is exact).
    pub(crate) fn to_whole(self) -> Option<u64> {
        if self.0.len() <= SHORT_DIGITS && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.0.parse().ok();
        }
        let value = self.to_f64();
        // Within these bounds and without a fraction the cast is exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        ((0.0..=MAX_WHOLE).contains(&value) && value.fract() == 0.0).then_some(value as u64)
    }
}

/// Any number of so many digits is below 2^53.
const SHORT_DIGITS: usize = 15;
/// 2^53 - 1.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;
/// Members that a token's claims usually have at most: room for them is made at once.
const MEMBERS_EXPECTED: usize = 24;
/// Up to so many names are compared pair by pair, more are sorted first, so that no text costs quadratic time.
const PAIRWISE_NAMES: usize = 24;

struct Scanner<'j> {
    text: &'j str,
    at: usize,
    duplicates: Duplicates,
    /// Names of the objects that are open, the innermost last.
    names: Vec<Cow<'j, str>>,
}

impl<'j> Scanner<'j> {
    fn new(text: &'j str, duplicates: Duplicates) -> Self {
        Self { text, at: 0, duplicates, names: Vec::new() }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'j>, NotStrictJson> {
        let start = self.at;
        match self.next()? {
            b'"' => Ok(Value::String(self.string()?)),
            b'{' => {
                self.object(depth, |_, _| ())?;
                Ok(Value::Object)
            }
            b'[' => {
                self.array(depth, |_, _| ())?;
                Ok(Value::Array(Raw(self.since(start)?)))
            }
            b't' => self.word("rue").map(|()| Value::Bool),
            b'f' => self.word("alse").map(|()| Value::Bool),
            b'n' => self.word("ull").map(|()| Value::Null),
            b'-' => {
                let first = self.next()?;
                self.number(first, start)
            }
            first => self.number(first, start),
        }
    }

    /// Behind the opening brace of an object that is `outer` levels deep.
    fn object(&mut self, outer: usize, mut each: impl FnMut(Cow<'j, str>, Value<'j>)) -> Result<(), NotStrictJson> {
        let depth = deeper(outer)?;
        let first_name = self.names.len();
        self.skip_whitespace();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.take(b'"')?;
            let name = self.string()?.decode();
            self.skip_whitespace();
            self.take(b':')?;
            self.skip_whitespace();
            if self.duplicates == Duplicates::Refuse {
                self.names.push(name.clone());
            }
            let value = self.value(depth)?;
            each(name, value);
            self.skip_whitespace();
            match self.next()? {
                b',' => self.skip_whitespace(),
                b'}' => break,
                _ => return Err(NotStrictJson),
            }
        }
        let own = self.names.get_mut(first_name..).ok_or(NotStrictJson)?;
        if has_duplicates(own) {
            return Err(NotStrictJson);
        }
        self.names.truncate(first_name);
        Ok(())
    }

    /// Behind the opening bracket of an array that is `outer` levels deep.
    fn array(&mut self, outer: usize, mut each: impl FnMut(Value<'j>, &'j str)) -> Result<(), NotStrictJson> {
        let depth = deeper(outer)?;
        self.skip_whitespace();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let start = self.at;
            let value = self.value(depth)?;
            each(value, self.since(start)?);
            self.skip_whitespace();
            match self.next()? {
                b',' => self.skip_whitespace(),
                b']' => return Ok(()),
                _ => return Err(NotStrictJson),
            }
        }
    }

    /// Behind the opening quote.
    fn string(&mut self) -> Result<Text<'j>, NotStrictJson> {
        let start = self.at;
        let mut spelling = Spelling::Plain;
        loop {
            match self.next()? {
                b'"' => {
                    let raw = self.text.get(start..self.at - 1).ok_or(NotStrictJson)?;
                    return Ok(Text { raw, spelling });
                }
                b'\\' => {
                    spelling = Spelling::Escaped;
                    self.escape()?;
                }
                0..=0x1f => return Err(NotStrictJson),
                _ => (),
            }
        }
    }

    /// Behind a backslash. A surrogate must come as a pair: half a pair is no character.
    fn escape(&mut self) -> Result<(), NotStrictJson> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.hexadecimal()? {
                HIGH_SURROGATE_FIRST..=HIGH_SURROGATE_LAST => {
                    self.take(b'\\')?;
                    self.take(b'u')?;
                    match self.hexadecimal()? {
                        LOW_SURROGATE_FIRST..=LOW_SURROGATE_LAST => Ok(()),
                        _ => Err(NotStrictJson),
                    }
                }
                LOW_SURROGATE_FIRST..=LOW_SURROGATE_LAST => Err(NotStrictJson),
                _ => Ok(()),
            },
            _ => Err(NotStrictJson),
        }
    }

    fn hexadecimal(&mut self) -> Result<u32, NotStrictJson> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = char::from(self.next()?).to_digit(16).ok_or(NotStrictJson)?;
            value = value << 4 | digit;
        }
        Ok(value)
    }

    /// Behind the first digit.
    fn number(&mut self, first: u8, start: usize) -> Result<Value<'j>, NotStrictJson> {
        match first {
            b'0' => (),
            b'1'..=b'9' => self.skip_digits(),
            _ => return Err(NotStrictJson),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(Number(self.since(start)?)))
    }

    fn digits(&mut self) -> Result<(), NotStrictJson> {
        match self.next()? {
            b'0'..=b'9' => {
                self.skip_digits();
                Ok(())
            }
            _ => Err(NotStrictJson),
        }
    }

    fn skip_digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn word(&mut self, rest: &str) -> Result<(), NotStrictJson> {
        rest.bytes().try_for_each(|byte| self.take(byte))
    }

    fn take(&mut self, expected: u8) -> Result<(), NotStrictJson> {
        match self.next()? == expected {
            true => Ok(()),
            false => Err(NotStrictJson),
        }
    }

    fn next(&mut self) -> Result<u8, NotStrictJson> {
        let byte = self.peek().ok_or(NotStrictJson)?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn since(&self, start: usize) -> Result<&'j str, NotStrictJson> {
        self.text.get(start..self.at).ok_or(NotStrictJson)
    }

    fn end(&mut self) -> Result<(), NotStrictJson> {
        self.skip_whitespace();
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(NotStrictJson),
        }
    }
}

fn deeper(outer: usize) -> Result<usize, NotStrictJson> {
    if outer < MAX_DEPTH {
        Ok(outer + 1)
    } else {
        Err(NotStrictJson)
    }
}

fn has_duplicates(names: &mut [Cow<'_, str>]) -> bool {
    if names.len() <= PAIRWISE_NAMES {
        let mut rest = &*names;
        while let [first, others @ ..] = rest {
            if others.contains(first) {
                return true;
            }
            rest = others;
        }
        return false;
    }
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
}

const HIGH_SURROGATE_FIRST: u32 = 0xd800;
const HIGH_SURROGATE_LAST: u32 = 0xdbff;
const LOW_SURROGATE_FIRST: u32 = 0xdc00;
const LOW_SURROGATE_LAST: u32 = 0xdfff;

/// Resolves the escapes of a checked string.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match rest.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let unit = four_digits(&mut rest);
                let scalar = if (HIGH_SURROGATE_FIRST..=HIGH_SURROGATE_LAST).contains(&unit) {
                    rest.nth(1);
                    let low = four_digits(&mut rest).wrapping_sub(LOW_SURROGATE_FIRST);
                    0x1_0000 + ((unit - HIGH_SURROGATE_FIRST) << 10 | low)
                } else {
                    unit
                };
                out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(itself) => out.push(itself),
            None => (),
        }
    }
    out
}

fn four_digits(rest: &mut core::str::Chars<'_>) -> u32 {
    (0..4).fold(0, |value, _| value << 4 | rest.next().and_then(|digit| digit.to_digit(16)).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
    fn whole_numbers() {
        let whole = |text| Number(text).to_whole();
        assert_eq!(whole("0"), Some(0));
        assert_eq!(whole("1e3"), Some(1000));
        assert_eq!(whole("5.0"), Some(5));
        assert_eq!(whole("9007199254740991"), Some((1 << 53) - 1));
        for other in ["9007199254740992", "9007199254740993", "1.5", "-1", "1e400", "1e16"] {
            assert_eq!(whole(other), None, "{other}");
        }
        assert!(Number("1e400").to_f64().is_infinite());
    }
}
