//! A JSON string and its escapes (RFC 8259 §7).

use std::borrow::Cow;

/// A validated string, still escaped.
#[derive(Clone, Copy)]
pub(crate) struct Text<'j> {
    raw: &'j str,
    spelling: Spelling,
}

/// Whether a string contains escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Plain,
    Escaped,
}

impl<'j> Text<'j> {
    /// Wraps the characters between the quotes of a string that the scanner accepted.
    pub(super) const fn checked(raw: &'j str, spelling: Spelling) -> Self {
        Self { raw, spelling }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// The unescaped string; copied only if it contains escapes.
    pub(crate) fn decode(self) -> Cow<'j, str> {
        match self.spelling {
            Spelling::Plain => Cow::Borrowed(self.raw),
            Spelling::Escaped => Cow::Owned(unescape(self.raw)),
        }
    }
}

pub(super) const HIGH_SURROGATE_FIRST: u32 = 0xd800;
pub(super) const HIGH_SURROGATE_LAST: u32 = 0xdbff;
pub(super) const LOW_SURROGATE_FIRST: u32 = 0xdc00;
pub(super) const LOW_SURROGATE_LAST: u32 = 0xdfff;

/// Resolves the escapes of a validated string.
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
