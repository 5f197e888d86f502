//! The JavaScript boundary: parse, delegate, convert. No decision is made here.

// The bindings' macros generate `unsafe` glue, and public items here are public to JavaScript.
#![allow(unsafe_code, unreachable_pub)]

mod edge;
mod finding;
mod marks;
mod members;
mod options;
#[cfg(feature = "origin")]
mod origin;
mod realm;

use crate::time::{Seconds, UnixSeconds, MAX_SECONDS};
use crate::verdict::Reason;
use js_sys::{Error, Object, Reflect};
use wasm_bindgen::prelude::*;

/// Every reason code, in the order that finding codes refer to.
#[wasm_bindgen]
#[must_use]
pub fn reasons() -> Vec<String> {
    Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect()
}

/// Creates an `Error` with a stable `code`.
fn error(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    // Setting a property of a new object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

/// Creates a plain object.
fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in members {
        // Setting a property of a new object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// Converts a `number` to whole seconds; a negative or non-finite one becomes zero.
fn time(value: f64) -> UnixSeconds {
    UnixSeconds::from_numeric_date(value).unwrap_or(UnixSeconds::ZERO)
}

fn span(value: u64) -> Seconds {
    Seconds::new(value)
}

/// Converts an integer that a JavaScript `number` represents exactly.
#[allow(clippy::cast_precision_loss)] // Sequences and times stay below 2^53.
fn number(value: u64) -> f64 {
    value.min(MAX_SECONDS) as f64
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
