//! RSA in a build without `rust-rsa`: the same rules apply to keys, but the host verifies their signatures.

use super::{Algorithm, CheckedBy, KeyType};

/// The maximum exponent, as in the `rsa` crate.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

#[derive(Clone)]
pub(crate) struct RsaKey;

impl RsaKey {
    pub(crate) const CHECKED_BY: CheckedBy = CheckedBy::HostOnly;

    /// Creates a key from big-endian numbers. `None` unless `algorithm` is RSA, the modulus is odd, and the exponent is
    /// odd and between 3 and 2^33 - 1.
    pub(crate) fn new(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let bytes = exponent.iter().rev().take(size_of::<u64>()).rev();
        let value = bytes.fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
        let usable = odd(modulus)
            && odd(exponent)
            && exponent.len() <= size_of::<u64>()
            && (3..=MAX_EXPONENT).contains(&value)
            && algorithm.key_type() == KeyType::Rsa;
        usable.then_some(Self)
    }

    /// Always `false`: see [`CheckedBy::HostOnly`].
    pub(crate) fn verifies(&self, _message: &[u8], _signature: &[u8]) -> bool {
        false
    }
}
