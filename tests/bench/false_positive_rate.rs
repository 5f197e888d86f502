//! Measures the false-positive rate of full filters designed for one in a million: 10 filters of 100,000 ids, 20
//! million absent ids each. Prints the ratio of the rate to 1e-6.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss)]
#![allow(missing_docs)]

#[path = "../pair/mod.rs"]
mod pair;

use pair::{at, edge, is_revoked, ledger, load, subject, token, NOW};

const FILTERS: u64 = 10;
const IDS: u64 = 100_000;
const ABSENT: u64 = 20_000_000;

fn main() {
    let mut found = 0_u64;
    for _ in 0..FILTERS {
        let (mut ledger, mut edge) = (ledger(), edge());
        let mut id = *b"revoked-0000000000000000";
        for number in 0..IDS {
            ledger.stage(&token(spell(number, &mut id), NOW + 300, NOW), at(NOW)).unwrap();
        }
        ledger.commit();
        load(&mut edge, &mut ledger, NOW);
        assert_eq!(edge.stats().token_ids, IDS);
        let mut id = *b"absent--0000000000000000";
        for number in 0..ABSENT {
            found += u64::from(is_revoked(&edge, &subject(spell(number, &mut id), NOW + 300, NOW)));
        }
    }
    let ratio = found as f64 / (FILTERS * ABSENT) as f64 / 1e-6;
    println!(
        r#"{{"bench":"false_positive_rate","runtime":"native","value":{ratio:.4},"unit":"ratio to 1e-6","peers":{{}}}}"#
    );
    eprintln!("{found} of {}", FILTERS * ABSENT);
}

/// Writes the number in hexadecimal after the first eight bytes.
fn spell(number: u64, id: &mut [u8; 24]) -> &str {
    for (place, byte) in id.iter_mut().skip(8).enumerate() {
        *byte = b"0123456789abcdef".get((number >> (60 - place * 4) & 15) as usize).copied().unwrap_or(b'0');
    }
    core::str::from_utf8(id).unwrap()
}
