//! How far a realm's state is, as an object that JavaScript keeps for the gate that replaces a lost one.

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

    #[wasm_bindgen(method, getter)]
    fn sequence(this: &MarksObject) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn chain(this: &MarksObject) -> String;
    #[wasm_bindgen(method, getter, js_name = feedKeys)]
    fn feed_keys(this: &MarksObject) -> Vec<String>;
    #[wasm_bindgen(method, getter, js_name = highWater)]
    fn high_water(this: &MarksObject) -> Vec<f64>;
    #[wasm_bindgen(method, getter)]
    fn latest(this: &MarksObject) -> f64;
}

/// Without `sequence`, nothing was ever loaded. `feedKeys` and `highWater` are of one length.
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

/// The marks and the time in an object made by [`marks_object`].
pub(super) fn read_marks(given: &MarksObject) -> Result<(Marks, UnixSeconds), JsValue> {
    let unreadable = || error("invalid_option", "marks: not those of a gate");
    let last = match given.sequence() {
        Some(sequence) => Some((time(sequence).get(), Chain(bytes(&given.chain()).ok_or_else(unreadable)?))),
        None => None,
    };
    let keys = given.feed_keys().into_iter().map(|key| bytes(&key).map(KeyId));
    let keys = keys.collect::<Option<Vec<_>>>().ok_or_else(unreadable)?;
    let high_water = keys.into_iter().zip(given.high_water().into_iter().map(|at| time(at).get())).collect();
    Ok((Marks { last, high_water }, time(given.latest())))
}

/// Bytes from hexadecimal digits.
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
