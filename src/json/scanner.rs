//! A one-pass JSON scanner.

use std::collections::BinaryHeap;

use super::text::{Spelling, HIGH_SURROGATE_FIRST, HIGH_SURROGATE_LAST, LOW_SURROGATE_FIRST, LOW_SURROGATE_LAST};
use super::{Duplicates, Member, NotStrictJson, Number, Raw, Text, Value, MEMBERS_EXPECTED};

/// Maximum nesting depth of objects and arrays, including the outermost. Keycloak's deepest claim (`resource_access`)
/// needs 4.
pub(super) const MAX_DEPTH: usize = 16;

/// Up to this many names are compared pairwise; more are sorted first, so that no input takes quadratic time.
const PAIRWISE_NAMES: usize = 24;

/// A scanner at a position of its input.
pub(super) struct Scanner<'j> {
    text: &'j str,
    at: usize,
    duplicates: Duplicates,
    /// Members of the open objects, innermost last.
    members: Vec<Member<'j>>,
}

impl<'j> Scanner<'j> {
    pub(super) fn new(text: &'j str, duplicates: Duplicates) -> Self {
        Self { text, at: 0, duplicates, members: Vec::new() }
    }

    /// Scans input that is exactly one object and returns its members.
    pub(super) fn whole_object(mut self) -> Result<Vec<Member<'j>>, NotStrictJson> {
        self.members.reserve_exact(MEMBERS_EXPECTED);
        self.skip_whitespace();
        self.take(b'{')?;
        self.object(0)?;
        self.end()?;
        Ok(self.members)
    }

    /// Scans input that is exactly one array and passes its items to `each`.
    pub(super) fn whole_array(mut self, each: impl FnMut(Value<'j>, &'j str)) -> Result<(), NotStrictJson> {
        self.skip_whitespace();
        self.take(b'[')?;
        self.array(0, each)?;
        self.end()
    }

    fn value(&mut self, depth: usize) -> Result<Value<'j>, NotStrictJson> {
        let start = self.at;
        match self.next()? {
            b'"' => Ok(Value::String(self.string()?)),
            b'{' => {
                let own = self.members.len();
                self.object(depth)?;
                self.members.truncate(own);
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

    /// Scans an object after its opening brace, at depth `outer`. Pushes its members onto the existing ones.
    fn object(&mut self, outer: usize) -> Result<(), NotStrictJson> {
        let depth = deeper(outer)?;
        let first = self.members.len();
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
            let value = self.value(depth)?;
            self.members.push(Member { name, value });
            self.skip_whitespace();
            match self.next()? {
                b',' => self.skip_whitespace(),
                b'}' => break,
                _ => return Err(NotStrictJson),
            }
        }
        let own = self.members.get(first..).ok_or(NotStrictJson)?;
        match self.duplicates == Duplicates::Refuse && has_duplicates(own) {
            true => Err(NotStrictJson),
            false => Ok(()),
        }
    }

    /// Scans an array after its opening bracket, at depth `outer`.
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

    /// Scans a string after its opening quote.
    fn string(&mut self) -> Result<Text<'j>, NotStrictJson> {
        let start = self.at;
        let mut spelling = Spelling::Plain;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += plain_length(rest).ok_or(NotStrictJson)?;
            match self.next()? {
                b'"' => {
                    let raw = self.text.get(start..self.at - 1).ok_or(NotStrictJson)?;
                    return Ok(Text::checked(raw, spelling));
                }
                b'\\' => {
                    spelling = Spelling::Escaped;
                    self.escape()?;
                }
                _ => return Err(NotStrictJson),
            }
        }
    }

    /// Scans an escape after its backslash. A surrogate must be part of a pair: half a pair is not a character.
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

    /// Scans a number after its first character.
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
        Ok(Value::Number(Number::checked(self.since(start)?)))
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

/// The distance to the next byte with a special meaning in a string: a quote, a backslash or a control character.
fn plain_length(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH_BITS: u64 = ONES << 7;
    // Sets the high bit of the lowest zero byte, and possibly of bytes above it. Sets none if no byte is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;

    let mut words = text.chunks_exact(size_of::<u64>());
    let mut at = 0;
    for word in words.by_ref() {
        let word = word.try_into().map(u64::from_le_bytes).ok()?;
        let quote = zeros(word ^ (ONES * b'"' as u64));
        let backslash = zeros(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let special = (quote | backslash | control) & HIGH_BITS;
        if special != 0 {
            return Some(at + special.trailing_zeros() as usize / 8);
        }
        at += size_of::<u64>();
    }
    let last = words.remainder().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))?;
    Some(at + last)
}

/// Whether two members have the same name. Names with different marks differ, so few pairs need comparing.
fn has_duplicates(members: &[Member<'_>]) -> bool {
    if members.len() > PAIRWISE_NAMES {
        // A heap sorts with a tenth of the code size of `sort_unstable`.
        let mut names: BinaryHeap<&str> = members.iter().map(|member| &*member.name).collect();
        while let Some(name) = names.pop() {
            if names.peek() == Some(&name) {
                return true;
            }
        }
        return false;
    }
    let mut seen = 0_u64;
    for (at, Member { name, .. }) in members.iter().enumerate() {
        let mark = 1 << mark(name);
        let before = members.get(..at).unwrap_or_default();
        if seen & mark != 0 && before.iter().any(|other| other.name == *name) {
            return true;
        }
        seen |= mark;
    }
    false
}

/// A hash of the name below 64, which differs for the claims of most tokens.
fn mark(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let of = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
    let (first, last) = (of(bytes.first()), of(bytes.last()));
    let middle = of(bytes.get(bytes.len() / 2));
    (first ^ last << 2 ^ middle << 4).wrapping_mul(0x9e37_79b1) >> 26
}
