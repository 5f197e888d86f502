//! Writes bytes: the counterpart of the edge's reader.

use crate::revocation::message::statement::{BlockKind, CRITICAL};

#[derive(Clone, Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u48(&mut self, value: u64) -> &mut Self {
        let [a, b, c, d, e, f, ..] = value.to_le_bytes();
        self.bytes(&[a, b, c, d, e, f])
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn varint(&mut self, mut value: u64) -> &mut Self {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.u8(low & 0x7F);
            }
            self.u8(low | 0x80);
        }
    }

    pub(crate) fn count(&mut self, count: usize) -> &mut Self {
        self.varint(count as u64)
    }

    /// Appends a block, unless it is empty.
    pub(crate) fn block(&mut self, kind: BlockKind, contents: &Self) -> &mut Self {
        if contents.0.is_empty() {
            return self;
        }
        let length = u32::try_from(contents.0.len()).unwrap_or(u32::MAX);
        self.u16(kind.number()).u16(CRITICAL).u32(length).bytes(&contents.0)
    }
}
