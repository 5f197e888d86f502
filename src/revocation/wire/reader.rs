//! Reads untrusted bytes: little-endian, with every length checked before use.

use crate::error::FeedError;

/// Maximum length of a manifest: 4 MiB, about 50,000 sections or client not-befores.
pub const MAX_MANIFEST_BYTES: usize = 4 << 20;
/// Maximum length of a delta: 1 MiB, about 170,000 token ids.
pub const MAX_DELTA_BYTES: usize = 1 << 20;
/// Maximum length of a section: 32 MiB, a filter of nine million ids at an error rate of one in a million.
pub const MAX_SECTION_BYTES: usize = 32 << 20;
/// Maximum number of sections of a manifest.
pub const MAX_SECTIONS: usize = 8_192;
/// Maximum number of hash keys in use at once.
pub const MAX_GENERATIONS: usize = 64;
/// Maximum number of client not-befores of a realm.
pub const MAX_CLIENTS: usize = 16_384;
/// Maximum length of a client id in bytes.
pub const MAX_CLIENT_ID_BYTES: usize = 1_024;
/// Maximum number of banned keys of a realm.
pub const MAX_BANS: usize = 4_096;
/// Maximum number of key not-befores of a realm.
pub const MAX_KEY_NOT_BEFORES: usize = MAX_BANS;
/// Maximum length of a feed's JWKS: 256 KiB.
pub const MAX_JWKS_BYTES: usize = 256 << 10;
/// Sequences stay below 2^53, so that a JavaScript `number` carries them exactly.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// Reads fields from the front of a byte string.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], FeedError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(FeedError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FeedError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(FeedError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FeedError> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FeedError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FeedError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u48(&mut self) -> Result<u64, FeedError> {
        self.array().map(|[a, b, c, d, e, f]: [u8; 6]| u64::from_le_bytes([a, b, c, d, e, f, 0, 0]))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FeedError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads LEB128 in its shortest form: seven bits a byte, low ones first, no superfluous zero byte at the end.
    pub(crate) fn varint(&mut self) -> Result<u64, FeedError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                return Err(FeedError::Malformed { part: "varint" });
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(FeedError::Malformed { part: "varint" })
    }

    /// Reads a count of items of at least `least_bytes` each. Refuses more items than the remaining bytes can hold, so
    /// that the count is safe to allocate by.
    pub(crate) fn count(&mut self, least_bytes: usize) -> Result<usize, FeedError> {
        let count = usize::try_from(self.varint()?).map_err(|_| FeedError::Truncated)?;
        if count > self.remaining() / least_bytes.max(1) {
            return Err(FeedError::Truncated);
        }
        Ok(count)
    }

    pub(crate) fn end(&self, part: &'static str) -> Result<(), FeedError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(FeedError::Malformed { part })
        }
    }
}

/// Refuses an order that is not strictly increasing, so that each state has exactly one encoding.
pub(crate) fn check_order<T: PartialOrd + ?Sized>(
    previous: Option<&T>,
    next: &T,
    part: &'static str,
) -> Result<(), FeedError> {
    match previous {
        Some(previous) if previous >= next => Err(FeedError::Malformed { part }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_have_one_form() {
        let read = |bytes: &[u8]| Reader::new(bytes).varint();
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[0x80, 1]), Ok(128));
        assert_eq!(read(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]), Ok(u64::MAX));
        assert_eq!(read(&[0x80]), Err(FeedError::Truncated));
        for bad in [&[0x80, 0][..], &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2], &[0xFF; 11]] {
            assert_eq!(read(bad), Err(FeedError::Malformed { part: "varint" }));
        }
    }

    #[test]
    fn counts_are_held_against_the_bytes_left() {
        assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
        assert_eq!(Reader::new(&[3, 0, 0, 0, 0]).count(2), Err(FeedError::Truncated));
    }
}
