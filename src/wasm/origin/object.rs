//! Reads and writes JavaScript objects.

use crate::wasm::error;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// Reads an object and refuses unknown members. Throws `invalid_option`.
pub(super) fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, JsValue> {
    T::deserialize(EveryMember(value.into())).map_err(|cause| error("invalid_option", &cause.to_string()))
}

/// Visits every member of an object. The bindings' own deserializer reads only the members of the struct and would miss
/// unknown ones.
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

/// Writes plain objects with plain numbers; absent members are left out.
pub(super) fn write<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = Serializer::new().serialize_maps_as_objects(true).serialize_missing_as_null(false);
    value.serialize(&serializer).map_err(|cause| error("internal", &cause.to_string()))
}
