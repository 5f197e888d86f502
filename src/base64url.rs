//! Strict base64url (RFC 7515 §2): no padding, no whitespace, no other alphabet, no non-zero trailing bits. One text
//! per byte string, so a signature cannot be spelled two ways here.

/// Why a text is no strict base64url. It carries nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotBase64Url;

/// Bytes that a text of `length` characters decodes to.
pub(crate) const fn decoded_length(length: usize) -> usize {
    length / 4 * 3 + (length % 4).saturating_sub(1)
}

/// Decodes `text` to the end of `out`. On an error `out` holds garbage behind its old end.
pub(crate) fn decode_onto(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64Url> {
    let start = out.len();
    out.resize(start + decoded_length(text.len()), 0);
    let target = out.get_mut(start..).ok_or(NotBase64Url)?;

    let mut seen = 0;
    let mut quads = text.chunks_exact(4);
    let mut triples = target.chunks_exact_mut(3);
    for (quad, triple) in quads.by_ref().zip(triples.by_ref()) {
        if let ([a, b, c, d], [x, y, z]) = (quad, triple) {
            let (a, b, c, d) = (sextet(*a), sextet(*b), sextet(*c), sextet(*d));
            seen |= a | b | c | d;
            *x = a << 2 | b >> 4;
            *y = b << 4 | c >> 2;
            *z = c << 6 | d;
        }
    }
    let trailing = match (quads.remainder(), triples.into_remainder()) {
        ([], []) => 0,
        ([a, b], [x]) => {
            let (a, b) = (sextet(*a), sextet(*b));
            seen |= a | b;
            *x = a << 2 | b >> 4;
            b & 0b1111
        }
        ([a, b, c], [x, y]) => {
            let (a, b, c) = (sextet(*a), sextet(*b), sextet(*c));
            seen |= a | b | c;
            *x = a << 2 | b >> 4;
            *y = b << 4 | c >> 2;
            c & 0b11
        }
        // One character alone carries six bits: no byte ends there.
        _ => return Err(NotBase64Url),
    };
    if seen & OUTSIDE != 0 || trailing != 0 {
        return Err(NotBase64Url);
    }
    Ok(())
}

/// Decodes `text` into a new buffer.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    let mut out = Vec::with_capacity(decoded_length(text.len()));
    decode_onto(text.as_bytes(), &mut out)?;
    Ok(out)
}

/// Set in a table entry whose character is outside the alphabet; sextets use the six bits below.
const OUTSIDE: u8 = 0x80;

// Evaluated by the compiler, which would refuse an index out of bounds.
#[allow(clippy::indexing_slicing)]
const SEXTETS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut table = [OUTSIDE; 256];
    let mut value = 0_u8;
    while (value as usize) < alphabet.len() {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table
};

// A byte cannot index beyond 256 entries.
#[allow(clippy::indexing_slicing)]
fn sextet(character: u8) -> u8 {
    SEXTETS[usize::from(character)]
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
            assert_eq!(decode(&text).unwrap(), bytes);
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
