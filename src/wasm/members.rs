//! Reads the members of JavaScript objects that the package has made. All reads go through one import: an import per
//! member takes more space than the reading code, and a general object reader is as large as the rest of the gate.

use super::{error, span, time};
use crate::time::Seconds;
use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    pub(super) fn member(of: &JsValue, name: &str) -> JsValue;
}

/// A required member.
pub(super) fn required<T>(of: &JsValue, name: &str, read: impl Fn(&JsValue, &str) -> Option<T>) -> Result<T, JsValue> {
    read(of, name).ok_or_else(|| unknown(name))
}

pub(super) fn text(of: &JsValue, name: &str) -> Option<String> {
    member(of, name).as_string()
}

pub(super) fn texts(of: &JsValue, name: &str) -> Option<Vec<String>> {
    let list = member(of, name);
    if list.is_undefined() {
        return None;
    }
    Array::from(&list).into_iter().map(|each| each.as_string()).collect()
}

pub(super) fn seconds(of: &JsValue, name: &str) -> Option<Seconds> {
    member(of, name).as_f64().map(|seconds| span(time(seconds).get()))
}

pub(super) fn count(of: &JsValue, name: &str) -> Result<usize, JsValue> {
    required(of, name, seconds).map(|count| usize::try_from(count.get()).unwrap_or(usize::MAX))
}

pub(super) fn is_true(of: &JsValue, name: &str) -> bool {
    member(of, name).as_bool() == Some(true)
}

pub(super) fn unknown(option: &str) -> JsValue {
    error("invalid_option", &[option, ": not an allowed value"].concat())
}
