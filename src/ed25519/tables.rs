//! Signature checks for a key that is used often. ed25519-dalek checks the first few. Then the multiples of the two
//! points in the equation are computed once, which halves the time of every later check. Key, message and signature are
//! public, so nothing here has to run in constant time.

mod multiples;

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha512};

use self::multiples::Multiples;

/// Number of signature checks after which a key gets its multiples. They cost as much as ten checks and halve each
/// later one.
const WORTHWHILE_AFTER: u32 = 16;
/// Maximum number of keys with multiples at a time, 8 MB in total. Further keys get none.
const MOST_TABLES: u32 = 64;

static TABLES: AtomicU32 = AtomicU32::new(0);

/// The multiples of the base point B, shared by all keys.
static OF_BASE: OnceLock<Multiples> = OnceLock::new();

/// The tables of a key, shared by its clones.
#[derive(Clone)]
pub(super) struct Tables(Arc<Learnt>);

#[derive(Default)]
struct Learnt {
    signatures: AtomicU32,
    /// The multiples of -A, where A is the key's point.
    of_minus_key: OnceLock<Multiples>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn verify(&self, key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
        match self.0.of_minus_key_in_use(key) {
            Some(of_minus_key) => equation_holds(of_minus_key, key, message, signature),
            None => key.verify(message, signature).is_ok(),
        }
    }
}

impl Learnt {
    /// Returns the key's multiples, computing them when they are due.
    fn of_minus_key_in_use(&self, key: &VerifyingKey) -> Option<&Multiples> {
        if let Some(multiples) = self.of_minus_key.get() {
            return Some(multiples);
        }
        // Two concurrent checks may count as one.
        let before = self.signatures.load(Ordering::Relaxed);
        if before < WORTHWHILE_AFTER {
            self.signatures.store(before + 1, Ordering::Relaxed);
            return None;
        }
        let one_more = |tables: u32| (tables < MOST_TABLES).then_some(tables + 1);
        TABLES.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        if self.of_minus_key.set(Multiples::of(-key.to_edwards())).is_err() {
            // Another thread has set them in the meantime.
            TABLES.fetch_sub(1, Ordering::Relaxed);
        }
        self.of_minus_key.get()
    }
}

impl Drop for Learnt {
    fn drop(&mut self) {
        if self.of_minus_key.get().is_some() {
            TABLES.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Whether R is `S B - k A` (RFC 8032 §5.1.7 step 3, without the cofactor), compared as bytes, as
/// `VerifyingKey::verify` does.
fn equation_holds(of_minus_key: &Multiples, key: &VerifyingKey, message: &[u8], signature: &Signature) -> bool {
    let of_base = OF_BASE.get_or_init(|| Multiples::of(ED25519_BASEPOINT_POINT));
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(*signature.s_bytes())) else { return false };
    let r = signature.r_bytes();
    let hash = Sha512::new().chain_update(r).chain_update(key.as_bytes()).chain_update(message);
    let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
    let sum = of_minus_key.add_to(EdwardsPoint::default(), &k);
    of_base.add_to(sum, &s).compress().as_bytes() == r
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    #[test]
    fn more_keys_than_tables() {
        let signing: Vec<SigningKey> = (0..100_u8).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        let check = |key: &SigningKey, tables: &Tables| {
            for _ in 0..=WORTHWHILE_AFTER {
                assert!(tables.verify(&key.verifying_key(), b"message", &key.sign(b"message")));
                assert!(!tables.verify(&key.verifying_key(), b"another", &key.sign(b"message")));
            }
            tables.0.of_minus_key.get().is_some()
        };
        let tables: Vec<Tables> = signing.iter().map(|_| Tables::new()).collect();
        let with = signing.iter().zip(&tables).filter(|(key, tables)| check(key, tables)).count();
        // Tests that run at the same time use some of the tables.
        assert!((32..=MOST_TABLES as usize).contains(&with), "{with}");
        drop(tables);
        assert!(check(&signing[0], &Tables::new()));
    }
}
