//! RSA in a build without `rust-rsa`: keys are held to the same rules, their signatures are the host's to check.

use super::{Algorithm, CheckedBy, KeyType};

/// The longest exponent that `rsa` takes, too.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

#[derive(Clone)]
pub(crate) struct RsaKey;

impl RsaKey {
    pub(crate) const CHECKED_BY: CheckedBy = CheckedBy::HostOnly;

    /// Takes big-endian numbers. `None` unless `algorithm` is RSA, the modulus odd, the exponent odd and between 3 and
    /// 2^33 - 1.
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

    /// `false` says nothing of the signature: see [`CheckedBy::HostOnly`].
    pub(crate) fn verifies(&self, _message: &[u8], _signature: &[u8]) -> bool {
        false
    }
}
