//! JSON objects as `serde_json` reads them, member by member.

use core::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// The members of an object in order, the same name perhaps more than once. `None`: it is not an object, or has a
/// number that only a reader of text can hold.
pub fn members(text: &str) -> Option<Vec<(String, Value)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Value)>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members).ok()?;
    deserializer.end().ok()?;
    Some(members)
}
