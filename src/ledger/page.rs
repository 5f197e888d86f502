//! Many rows at once, as a store returns them at start.

use crate::error::LedgerError;
use crate::revocation::Chain;

const CHAIN_BYTES: usize = 16;

/// Rows in order of sequence, by column. Columns cross the boundary in one piece, whereas a million single rows would
/// be a few objects each.
#[derive(Clone, Copy)]
pub struct RowPage<'a> {
    /// Every row's sequence.
    pub sequences: &'a [u64],
    /// Every payload's length in bytes.
    pub lengths: &'a [u32],
    /// Every row's chain hash, 16 bytes, followed by its payload.
    pub contents: &'a [u8],
}

impl core::fmt::Debug for RowPage<'_> {
    /// Prints the number of rows: payloads contain names.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("RowPage").field("rows", &self.sequences.len()).finish_non_exhaustive()
    }
}

impl<'a> RowPage<'a> {
    /// Iterates over sequence, payload and chain of each row. Refuses a page whose columns differ in the number of rows
    /// or in their end.
    pub(crate) fn rows(self) -> Result<impl Iterator<Item = (u64, &'a [u8], Chain)>, LedgerError> {
        let Self { sequences, lengths, contents } = self;
        let rows = sequences.len();
        let length = lengths
            .iter()
            .try_fold(0_usize, |sum, length| sum.checked_add(CHAIN_BYTES)?.checked_add(usize::try_from(*length).ok()?));
        if lengths.len() != rows || length != Some(contents.len()) {
            return Err(LedgerError::UnreadablePage { rows });
        }
        let mut rest = contents;
        let rows = sequences.iter().zip(lengths).map_while(move |(sequence, length)| {
            // The columns end together, so enough bytes are left.
            let (chain, next) = rest.split_first_chunk::<CHAIN_BYTES>()?;
            let (payload, next) = next.split_at_checked(usize::try_from(*length).ok()?)?;
            rest = next;
            Some((*sequence, payload, Chain(*chain)))
        });
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lengths: &[u32], contents: &[u8]) -> Option<Vec<(u64, Vec<u8>, Chain)>> {
        let page = RowPage { sequences: &[4, 9], lengths, contents };
        let rows = page.rows().ok()?;
        Some(rows.map(|(sequence, payload, chain)| (sequence, payload.to_vec(), chain)).collect())
    }

    #[test]
    fn a_page_is_cut_into_its_rows() {
        let chains = (Chain(*b"0123456789abcdef"), Chain(*b"ghijklmnopqrstuv"));
        assert_eq!(
            rows(&[2, 1], b"0123456789abcdef+-ghijklmnopqrstuv*"),
            Some(vec![(4, b"+-".to_vec(), chains.0), (9, b"*".to_vec(), chains.1)])
        );
        assert_eq!(
            rows(&[0, 0], b"0123456789abcdefghijklmnopqrstuv"),
            Some(vec![(4, Vec::new(), chains.0), (9, Vec::new(), chains.1)])
        );
    }

    #[test]
    fn a_page_that_contradicts_itself_is_refused() {
        for (lengths, length) in [
            (&[2, 1][..], 34),
            (&[2, 1], 36),
            (&[2], 18),
            (&[2], 34),
            (&[2, 1, 0], 35),
            (&[2, 1, 0], 51),
            (&[u32::MAX, u32::MAX], 35),
        ] {
            assert_eq!(rows(lengths, &vec![7; length]), None, "{lengths:?} {length}");
        }
    }
}
