//! Strict base64url (RFC 7515 §2): no padding, no whitespace, no other alphabet, no non-zero trailing bits. Each byte
//! string has exactly one encoding, so a signature has only one spelling.
//!
//! `data-encoding` is as strict, but makes the slim wasm module 8.7 kB (gzip) larger. Decoding a 700-byte token in wasm
//! takes 0.77 µs here, 1.04 µs with `data-encoding`, 1.09 µs with `base64`, and 1.89 µs with `base64ct`.

/// The input is not strict base64url. Contains no part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

/// The number of bytes that `length` characters decode to.
pub(crate) const fn decoded_length(length: usize) -> usize {
    length / 4 * 3 + (length % 4).saturating_sub(1)
}

/// Decodes `text`.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, NotBase64Url> {
    let mut out = Vec::new();
    decode_onto(text, &mut out).map(|()| out)
}

/// Decodes exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Encodes without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for triple in bytes.chunks(3) {
        let (mut bits, characters) = (0_u32, triple.len() + 1);
        for at in 0..3 {
            bits = bits << 8 | u32::from(triple.get(at).copied().unwrap_or_default());
        }
        for _ in 0..characters {
            text.push(character(bits >> 18 & 63));
            bits <<= 6;
        }
    }
    text
}

/// Decodes `text` and appends the bytes to `out`. After an error, `out` has garbage beyond its old end.
pub(crate) fn decode_onto(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64Url> {
    let start = out.len();
    out.resize(start + decoded_length(text.len()), 0);
    let target = out.get_mut(start..).ok_or(NotBase64Url)?;

    let mut seen = 0;
    let mut quads = text.chunks_exact(4);
    let mut triples = target.chunks_exact_mut(3);
    for (quad, triple) in quads.by_ref().zip(triples.by_ref()) {
        if let [a, b, c, d] = *quad {
            let word = bits(&FIRST, a) | bits(&SECOND, b) | bits(&THIRD, c) | bits(&FOURTH, d);
            seen |= word;
            let [x, y, z, _] = word.to_le_bytes();
            triple.copy_from_slice(&[x, y, z]);
        }
    }
    let (last, unused) = match *quads.remainder() {
        [] => (0, 0),
        [a, b] => (bits(&FIRST, a) | bits(&SECOND, b), 0xff_ff00),
        [a, b, c] => (bits(&FIRST, a) | bits(&SECOND, b) | bits(&THIRD, c), 0xff_0000),
        // A single character carries only six bits, less than a byte.
        _ => return Err(NotBase64Url),
    };
    for (byte, decoded) in triples.into_remainder().iter_mut().zip(last.to_le_bytes()) {
        *byte = decoded;
    }
    match (seen | last) & OUTSIDE != 0 || last & unused != 0 {
        true => Err(NotBase64Url),
        false => Ok(()),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Maps a character at one position of a quad to the bits it adds to the three bytes, first byte lowest, or to
/// [`OUTSIDE`].
type Table = [u32; 256];

/// Marks a character outside the alphabet; the three bytes of a quad use only the 24 bits below.
const OUTSIDE: u32 = 1 << 31;

static FIRST: Table = table(0);
static SECOND: Table = table(1);
static THIRD: Table = table(2);
static FOURTH: Table = table(3);

// Evaluated at compile time, where an index out of bounds is an error.
#[allow(clippy::indexing_slicing)]
const fn table(place: u32) -> Table {
    let mut table = [OUTSIDE; 256];
    let mut value = 0_u32;
    while (value as usize) < ALPHABET.len() {
        let big_endian = value << (26 - 6 * place);
        table[ALPHABET[value as usize] as usize] = big_endian.swap_bytes();
        value += 1;
    }
    table
}

// A byte always indexes within 256 entries.
#[allow(clippy::indexing_slicing)]
fn bits(table: &Table, character: u8) -> u32 {
    table[usize::from(character)]
}

/// The character of a value below 64.
fn character(value: u32) -> char {
    ALPHABET.get(value as usize).copied().map_or('A', char::from)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    use super::*;

    #[test]
    fn agrees_with_an_encoder_at_every_length() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(97).wrapping_add(length)).collect();
            let text = Base64UrlUnpadded::encode_string(&bytes);
            assert_eq!(decoded_length(text.len()), bytes.len());
            assert_eq!(encode(&bytes), text);
            assert_eq!(decode(text.as_bytes()).unwrap(), bytes);
        }
    }

    #[test]
    fn no_other_character_anywhere() {
        for length in [2, 3, 4, 6, 7, 8, 11, 12] {
            for place in 0..length {
                for byte in 0..=0xff_u8 {
                    let mut text = vec![b'A'; length];
                    *text.get_mut(place).unwrap() = byte;
                    let same = Base64UrlUnpadded::decode_vec(core::str::from_utf8(&text).unwrap_or("!")).ok();
                    let mut out = Vec::new();
                    assert_eq!(decode_onto(&text, &mut out).ok().map(|()| out), same, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn one_spelling_only() {
        for bad in ["A", "AB==", "QUI=", "QR", "QUJ", "QU I", "QUI\n", "+/+/", "QUJD!", "QUJDQ", "\u{e9}\u{e9}"] {
            assert_eq!(decode(bad.as_bytes()), Err(NotBase64Url), "{bad}");
        }
        assert_eq!(decode(b"QQ").unwrap(), b"A");
        assert_eq!(decode(b"QUI").unwrap(), b"AB");
        assert_eq!(decode(b"-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }
}
