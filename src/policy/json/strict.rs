//! Values that every parser reads in the same way, whatever is in them.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::alike::skeleton;
use super::key::Key;

/// Returns whether every parser reads this JSON value in the same way: no object in it has a member twice, even in
/// another spelling; no string has half a surrogate pair, no number is too great, and it is not nested too deeply.
pub(crate) fn reads_alike(json: &str) -> bool {
    serde_json::from_str::<Strict>(json).is_ok()
}

struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while let Some(Self) = seq.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = HashSet::new();
        while let Some((Key(key), Self)) = map.next_entry()? {
            if !keys.insert(skeleton(&key).collect::<String>()) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_read_alike() {
        for json in ["1", "-1.5", "null", r#""a\n""#, r#"[{"a":1},{"a":2,"b":{"a":3}}]"#] {
            assert!(reads_alike(json), "{json}");
        }
    }

    #[test]
    fn values_with_two_readings_do_not() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"[[{"a":1,"A":1}]]"#,
            r#"{"a_b":1,"aB":1}"#,
            r#"["\udc00"]"#,
            r#"{"\ud800":1}"#,
            "1e999",
            "NaN",
            "1 2",
        ] {
            assert!(!reads_alike(json), "{json}");
        }
        assert!(!reads_alike(&("[".repeat(1000) + &"]".repeat(1000))));
    }
}
