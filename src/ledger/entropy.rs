//! Random bytes from the host, for keys. The only file that names `getrandom`; edge builds do not contain it.

use crate::error::LedgerError;

/// `N` random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes).map_err(|_| LedgerError::NoEntropy)?;
    Ok(bytes)
}
