//! ECDSA in a build without `rust-ecdsa`: keys are not validated here; the host checks both the point and the
//! signatures. No host accepts a point that is not on its curve.

use super::{CheckedBy, Curve, EcPoint};

#[derive(Clone)]
pub(crate) struct EcdsaKey;

impl EcdsaKey {
    pub(crate) const CHECKED_BY: CheckedBy = CheckedBy::HostOnly;

    pub(crate) fn new(_curve: Curve, _point: &EcPoint<'_>) -> Option<Self> {
        Some(Self)
    }

    /// Always `false`: see [`CheckedBy::HostOnly`].
    pub(crate) fn verifies(&self, _message: &[u8], _signature: &[u8]) -> bool {
        false
    }
}
