//! Signatures under a key that has many to check. The first few are checked as the crate does. Then the multiples of the two
//! points in the equation are computed once, and every later signature takes half the time. All of it is public: key, message
//! and signature; nothing here need take the same time for all of them.

mod multiples;

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha512};

use self::multiples::Multiples;

/// From so many signatures on a key gets its multiples: they take as long as ten signatures, and spare half of each.
const WORTHWHILE_AFTER: u32 = 16;

/// The multiples of B, the base point, which all keys share.
static OF_BASE: OnceLock<Multiples> = OnceLock::new();

/// What a key has learnt, shared by its clones.
#[derive(Clone)]
pub(super) struct Tables(Arc<Learnt>);

#[derive(Default)]
struct Learnt {
    signatures: AtomicU32,
    /// The multiples of -A, A being the key's point.
    of_minus_key: OnceLock<Multiples>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        let Learnt { signatures, of_minus_key } = &*self.0;
        // Two at the same time may count as one.
        let before = signatures.load(Ordering::Relaxed);
        if before < WORTHWHILE_AFTER {
            signatures.store(before + 1, Ordering::Relaxed);
            return key.verify(message, signature).is_ok();
        }
        let of_base = OF_BASE.get_or_init(|| Multiples::of(ED25519_BASEPOINT_POINT));
        let of_minus_key = of_minus_key.get_or_init(|| Multiples::of(-key.to_edwards()));
        equation_holds(of_base, of_minus_key, key, message, signature)
    }
}

/// Whether R is `S B - k A` (RFC 8032 §5.1.7 step 3, without the cofactor), compared as bytes: what `VerifyingKey::verify` checks.
fn equation_holds(
    of_base: &Multiples,
    of_minus_key: &Multiples,
    key: &VerifyingKey,
    message: &[u8],
    signature: &Signature,
) -> bool {
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(*signature.s_bytes())) else { return false };
    let r = signature.r_bytes();
    let hash = Sha512::new().chain_update(r).chain_update(key.as_bytes()).chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let sum = of_minus_key.add_to(EdwardsPoint::default(), &k);
    of_base.add_to(sum, &s).compress().as_bytes() == r
}
