//! Encodes a finding as a number for JavaScript.

use crate::verdict::{Basis, Finding, Reason, Signature};

/// Shift of the realm in a finding code. The low byte is 0 for acceptance, otherwise one more than the reason's index
/// in `reasons()`.
const REALM_SHIFT: u32 = 8;
/// Flag: the token's `rsq` is beyond our sequence.
const BEHIND: u32 = 1 << 24;
/// Flag: the signature was cached as valid.
const REMEMBERED: u32 = 1 << 25;
/// No finding yet: the host must verify the signature and then call `finish`.
pub(super) const AWAITING_HOST: u32 = 1 << 26;
/// The handle or cache entry has expired.
pub(super) const GONE: u32 = 1 << 27;
/// Flag: the token is refused because neither this module nor the host could verify its signature.
const UNDECIDED: u32 = 1 << 28;

pub(super) fn finding_code(finding: Finding) -> u32 {
    match finding {
        Ok(acceptance) => {
            let behind = if acceptance.behind { BEHIND } else { 0 };
            let remembered = match acceptance.signature {
                Signature::Remembered(_) => REMEMBERED,
                Signature::Checked => 0,
            };
            realm_bits(Some(acceptance.realm)) | behind | remembered
        }
        Err(refused) => {
            let undecided = match refused.basis {
                Basis::Checked => 0,
                Basis::Undecided => UNDECIDED,
            };
            realm_bits(refused.realm) | reason_bits(refused.reason) | undecided
        }
    }
}

fn realm_bits(realm: Option<usize>) -> u32 {
    let number = realm.and_then(|index| u16::try_from(index + 1).ok()).unwrap_or_default();
    u32::from(number) << REALM_SHIFT
}

fn reason_bits(reason: Reason) -> u32 {
    // The list is in the order of the enum, which a test checks.
    reason as u32 + 1
}
