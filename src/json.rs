//! JSON as strict readers need it: strings that are borrowed, and values that are read whole.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A string, or the key of a member, that is borrowed unless it has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Any value. Unlike `IgnoredAny` it is read whole: a value that is nested too deeply, a number that is too great and
/// half a surrogate pair are errors, as they are for parsers that keep the value. `K` checks the keys of each object
/// in it.
pub(crate) struct Whole<K>(PhantomData<K>);

/// The keys of one object.
pub(crate) trait Keys: Default {
    /// Returns whether the object may have this key beside the earlier ones.
    fn accept(&mut self, key: &str) -> bool;
}

/// Accepts every key.
impl Keys for () {
    fn accept(&mut self, _: &str) -> bool {
        true
    }
}

impl<'de, K: Keys> Deserialize<'de> for Whole<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self(PhantomData))
    }
}

impl<'de, K: Keys> Visitor<'de> for Whole<K> {
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
        while let Some(Self(_)) = seq.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = K::default();
        while let Some((Text(key), Self(_))) = map.next_entry()? {
            if !keys.accept(&key) {
                return Err(A::Error::custom("a member is there twice"));
            }
        }
        Ok(self)
    }
}

/// Accepts each key once.
#[derive(Default)]
struct Distinct(HashSet<String>);

impl Keys for Distinct {
    fn accept(&mut self, key: &str) -> bool {
        self.0.insert(key.to_owned())
    }
}

/// Reads one object, in which no object has a member twice: two parsers could choose two values of it.
///
/// # Errors
///
/// What is wrong with the text, of which it quotes nothing.
pub(crate) fn read_object(json: &[u8]) -> Result<Map<String, Value>, &'static str> {
    let text = str::from_utf8(json).map_err(|_| "it is not UTF-8")?;
    let object = serde_json::from_str(text).map_err(|_| "it is not one JSON object")?;
    match serde_json::from_str::<Whole<Distinct>>(text) {
        Ok(_) => Ok(object),
        Err(_) => Err("a member is there twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_with_a_duplicate_member_at_any_depth_are_errors() {
        assert_eq!(read_object(br#"{"a":{"a":[1,{"a":2}]}}"#).unwrap()["a"]["a"][0], 1);
        for json in [r#"{"a":1,"a":1}"#, r#"{"a":{"b":1,"\u0062":2}}"#, r#"{"a":[{"b":1,"b":1}]}"#]
        {
            assert_eq!(read_object(json.as_bytes()).unwrap_err(), "a member is there twice");
        }
        for json in [&b"[]"[..], b"null", b"{} {}", b"{", b"\xef\xbb\xbf{}", b""] {
            assert_eq!(read_object(json).unwrap_err(), "it is not one JSON object");
        }
        assert_eq!(read_object(b"{\"\xff\":1}").unwrap_err(), "it is not UTF-8");
    }

    #[test]
    fn strings_are_borrowed_unless_they_have_escapes() {
        let read = |json| serde_json::from_str::<Text<'_>>(json).map(|Text(text)| text);
        assert!(matches!(read(r#""a""#), Ok(Cow::Borrowed("a"))));
        assert!(matches!(read(r#""\u0061""#), Ok(Cow::Owned(text)) if text == "a"));
        assert!(read("1").is_err());
    }

    #[test]
    fn values_that_a_parser_cannot_keep_are_errors() {
        let is_read = |json: &str| serde_json::from_str::<Whole<()>>(json).is_ok();
        for json in ["1", "null", r#""a\n""#, r#"[{"a":1,"a":[true]}]"#] {
            assert!(is_read(json), "{json}");
        }
        for json in [r#"["\udc00"]"#, r#"{"\ud800":1}"#, "1e999", "NaN", "1 2"] {
            assert!(!is_read(json), "{json}");
        }
        assert!(!is_read(&("[".repeat(1000) + &"]".repeat(1000))));
    }

    #[test]
    fn the_keys_of_each_object_are_checked_apart() {
        #[derive(Default)]
        struct AtMostOne(usize);
        impl Keys for AtMostOne {
            fn accept(&mut self, _: &str) -> bool {
                self.0 += 1;
                self.0 <= 1
            }
        }
        let is_read = |json: &str| serde_json::from_str::<Whole<AtMostOne>>(json).is_ok();
        assert!(is_read(r#"[{"a":{"a":1}},{"a":1}]"#));
        assert!(!is_read(r#"[{"a":{"a":1,"b":1}}]"#));
    }
}
