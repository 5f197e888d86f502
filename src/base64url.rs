//! Strict base64url (RFC 7515 §2): no padding, no whitespace, no other alphabet, no non-zero trailing bits. Each byte
//! string has exactly one encoding, so a signature has only one spelling.

/// The input is not strict base64url. Contains no part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

/// The number of bytes that `length` characters decode to.
pub(crate) const fn decoded_length(length: usize) -> usize {
    length / 4 * 3 + (length % 4).saturating_sub(1)
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
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut table = [OUTSIDE; 256];
    let mut value = 0_u32;
    while (value as usize) < alphabet.len() {
        let big_endian = value << (26 - 6 * place);
        table[alphabet[value as usize] as usize] = big_endian.swap_bytes();
        value += 1;
    }
    table
}

// A byte always indexes within 256 entries.
#[allow(clippy::indexing_slicing)]
fn bits(table: &Table, character: u8) -> u32 {
    table[usize::from(character)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64ct::{Base64UrlUnpadded, Encoding as _};

    use super::*;

    fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
        let mut out = Vec::new();
        decode_onto(text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn agrees_with_an_encoder_at_every_length() {
        for length in 0..70_u8 {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(97).wrapping_add(length)).collect();
            let text = Base64UrlUnpadded::encode_string(&bytes);
            assert_eq!(decoded_length(text.len()), bytes.len());
            assert_eq!(decode(&text).unwrap(), bytes);
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
            assert_eq!(decode(bad), Err(NotBase64Url), "{bad}");
        }
        assert_eq!(decode("QQ").unwrap(), b"A");
        assert_eq!(decode("QUI").unwrap(), b"AB");
        assert_eq!(decode("-_-_").unwrap(), [0xfb, 0xff, 0xbf]);
    }
}
