//! Splits a feed message into its parts by the layout.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing)]

/// Key id and signature.
const TRAILER_BYTES: usize = 72;
const ENTRY_BYTES: usize = 72;
/// The offset of a manifest's blocks.
const MANIFEST_BODY: usize = 60;

/// Returns number and contents of each block; `body`: the offset of the blocks.
pub fn blocks(message: &[u8], body: usize) -> Vec<(u16, Vec<u8>)> {
    let mut rest = &message[body..message.len() - TRAILER_BYTES];
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let kind = u16::from_le_bytes(rest[..2].try_into().unwrap());
        let length = usize::try_from(u32::from_le_bytes(rest[4..8].try_into().unwrap())).unwrap();
        blocks.push((kind, rest[8..8 + length].to_vec()));
        rest = &rest[8 + length..];
    }
    blocks
}

/// Returns the section entries of a manifest.
pub fn sections(manifest: &[u8]) -> Vec<Vec<u8>> {
    let of_kind = blocks(manifest, MANIFEST_BODY).into_iter().filter(|(kind, _)| *kind == 7);
    of_kind.flat_map(|(_, contents)| contents.chunks(ENTRY_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>()).collect()
}

/// Returns the name of an entry's section.
pub fn name(entry: &[u8]) -> [u8; 32] {
    entry[40..].try_into().unwrap()
}
