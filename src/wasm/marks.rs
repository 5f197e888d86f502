//! The position of a realm's state, as an object that JavaScript keeps for the gate that replaces a lost one.

use super::members::{member, required, seconds, text, texts};
use super::{error, hex, number, object, time};
use crate::revocation::{Chain, KeyId, Marks};
use crate::time::UnixSeconds;
use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `CoreMarks` of the package.
    #[wasm_bindgen(typescript_type = "object")]
    pub type MarksObject;
}

/// Without `sequence`, nothing was ever loaded. `feedKeys` and `highWater` have the same length.
pub(super) fn marks_object((marks, latest): (Marks, UnixSeconds)) -> JsValue {
    let (feed_keys, high_water): (Array, Array) =
        marks.high_water.iter().map(|(key, at)| (JsValue::from(hex(&key.0)), JsValue::from(number(*at)))).unzip();
    object(&[
        ("sequence", marks.last.map(|(sequence, _)| number(sequence)).into()),
        ("chain", marks.last.map(|(_, chain)| hex(&chain.0)).unwrap_or_default().into()),
        ("feedKeys", feed_keys.into()),
        ("highWater", high_water.into()),
        ("latest", number(latest.get()).into()),
    ])
}

/// Reads the marks and the time from an object made by [`marks_object`].
pub(super) fn read_marks(given: &MarksObject) -> Result<(Marks, UnixSeconds), JsValue> {
    let unreadable = || error("invalid_option", "marks: not a gate's marks");
    let last = match seconds(given, "sequence") {
        Some(sequence) => {
            let chain = text(given, "chain").and_then(|chain| bytes(&chain));
            Some((sequence.get(), Chain(chain.ok_or_else(unreadable)?)))
        }
        None => None,
    };
    let mut high_water = Vec::new();
    let greatest = Array::from(&member(given, "highWater"));
    for (key, at) in required(given, "feedKeys", texts)?.iter().zip(greatest) {
        high_water.push((KeyId(bytes(key).ok_or_else(unreadable)?), time(at.as_f64().ok_or_else(unreadable)?).get()));
    }
    Ok((Marks { last, high_water }, UnixSeconds::new(required(given, "latest", seconds)?.get())))
}

/// Decodes hexadecimal digits.
fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut all = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (at, byte) in all.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(all)
}
