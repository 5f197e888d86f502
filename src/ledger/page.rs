//! Many rows at a time, as a store hands them over after a start.

use crate::error::LedgerError;
use crate::revocation::Chain;

const CHAIN_BYTES: usize = 16;

/// Rows in order of sequence, each of their parts on end: a column is read and handed over at once, where a million rows
/// one by one would each be a few objects.
#[derive(Clone, Copy)]
pub struct RowPage<'a> {
    /// Every row's sequence.
    pub sequences: &'a [u64],
    /// Every payload's length in bytes.
    pub lengths: &'a [u32],
    /// Every row's chain hash, 16 bytes each.
    pub chains: &'a [u8],
    /// Every payload.
    pub payloads: &'a [u8],
}

impl core::fmt::Debug for RowPage<'_> {
    /// How many there are: payloads have names in them.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("RowPage").field("rows", &self.sequences.len()).finish_non_exhaustive()
    }
}

impl<'a> RowPage<'a> {
    /// Sequence, payload and chain of each row. Refuses a page whose parts are not of as many rows, or do not end together.
    pub(crate) fn rows(self) -> Result<impl Iterator<Item = (u64, &'a [u8], Chain)>, LedgerError> {
        let Self { sequences, lengths, chains, payloads } = self;
        let rows = sequences.len();
        let length = lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(usize::try_from(*length).ok()?));
        if lengths.len() != rows
            || Some(chains.len()) != rows.checked_mul(CHAIN_BYTES)
            || length != Some(payloads.len())
        {
            return Err(LedgerError::UnreadablePage { rows });
        }
        let mut rest = payloads;
        let chains = chains.chunks_exact(CHAIN_BYTES);
        let rows = sequences.iter().zip(lengths).zip(chains).map_while(move |((sequence, length), chain)| {
            // They end together, so there is always as much.
            let (payload, next) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
            rest = next;
            Some((*sequence, payload, Chain(*chain.first_chunk()?)))
        });
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lengths: &[u32], chains: usize, payloads: &[u8]) -> Option<Vec<(u64, Vec<u8>)>> {
        let chains = vec![7; chains];
        let page = RowPage { sequences: &[4, 9], lengths, chains: &chains, payloads };
        let rows = page.rows().ok()?;
        Some(rows.map(|(sequence, payload, _)| (sequence, payload.to_vec())).collect())
    }

    #[test]
    fn a_page_is_cut_into_its_rows() {
        assert_eq!(rows(&[2, 1], 32, b"abc"), Some(vec![(4, b"ab".to_vec()), (9, b"c".to_vec())]));
        assert_eq!(rows(&[0, 0], 32, b""), Some(vec![(4, Vec::new()), (9, Vec::new())]));
    }

    #[test]
    fn a_page_that_contradicts_itself_is_refused() {
        for (lengths, chains, payloads) in [
            (&[2, 1][..], 32, &b"ab"[..]),
            (&[2, 1], 32, b"abcd"),
            (&[2], 32, b"ab"),
            (&[2, 1, 0], 32, b"abc"),
            (&[2, 1], 16, b"abc"),
            (&[2, 1], 33, b"abc"),
            (&[u32::MAX, u32::MAX], 32, b"abc"),
        ] {
            assert_eq!(rows(lengths, chains, payloads), None, "{lengths:?} {chains}");
        }
    }
}
