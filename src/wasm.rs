//! The JavaScript boundary: parse, delegate, convert. No decision is made here.

// The bindings' macros write `unsafe` glue, and what is public here is public to JavaScript.
#![allow(unsafe_code, unreachable_pub)]

mod edge;
#[cfg(feature = "origin")]
mod origin;

use crate::time::{Seconds, UnixSeconds, MAX_SECONDS};
use crate::verdict::Reason;
use js_sys::{Error, Reflect};
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// Every reason code, in the order that verdict codes count in.
#[wasm_bindgen]
#[must_use]
pub fn reasons() -> Vec<String> {
    Reason::ALL.iter().map(|reason| reason.code().to_owned()).collect()
}

/// The HTTP status of a reason code; 0 when there is no such code.
#[wasm_bindgen(js_name = reasonStatus)]
#[must_use]
pub fn reason_status(code: &str) -> u16 {
    Reason::ALL.iter().find(|reason| reason.code() == code).map_or(0, |reason| reason.status())
}

/// The version of the core.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// An `Error` with a stable `code`.
fn error(code: &str, message: &str) -> JsValue {
    let error = Error::new(message);
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}

fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    T::deserialize(EveryMember(value.into())).map_err(|cause| error("invalid_option", &cause.to_string()))
}

/// Hands over every member of an object. The bindings' own deserializer asks an object for the members of the struct only,
/// so that no struct would ever find one too many.
struct EveryMember(serde_wasm_bindgen::Deserializer);

impl<'de> Deserializer<'de> for EveryMember {
    type Error = serde_wasm_bindgen::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.0.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// As plain objects with plain numbers; what is absent is left out.
fn write<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(false);
    value.serialize(&serializer).map_err(|cause| error("internal", &cause.to_string()))
}

/// Whole seconds from a `number`; what is below zero or no number becomes zero.
fn time(value: f64) -> UnixSeconds {
    UnixSeconds::from_numeric_date(value).unwrap_or(UnixSeconds::ZERO)
}

fn span(value: u64) -> Seconds {
    Seconds::new(value)
}

/// A whole number that JavaScript carries exactly.
#[allow(clippy::cast_precision_loss)] // Sequences and times stay below 2^53.
fn number(value: u64) -> f64 {
    value.min(MAX_SECONDS) as f64
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
