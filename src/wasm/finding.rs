//! A finding as a number, as JavaScript takes it apart.

use crate::verdict::{Basis, Finding, Reason, Signature};

/// Finding codes: 0 in the low byte is acceptance, any other value one more than a reason's place in `reasons()`.
const REALM_SHIFT: u32 = 8;
/// The token's `rsq` is beyond our sequence.
const BEHIND: u32 = 1 << 24;
/// The signature was known to be good.
const REMEMBERED: u32 = 1 << 25;
/// Nothing is found yet: the host is to check the signature, and then call `finish`.
pub(super) const AWAITING_HOST: u32 = 1 << 26;
/// The handle or cache entry has expired.
pub(super) const GONE: u32 = 1 << 27;
/// The token is refused because neither this module nor the host could check its signature.
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
    // The list is in the order of the enum; a test says so.
    reason as u32 + 1
}
