//! Strict reading of JSON objects: a member that is there twice refuses the object.
//!
//! RFC 7519 §4 lets a parser choose one of two members of the same name, so two parsers could read two tokens.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use crate::json::{Text, Whole};

/// A type that is filled with the members of an object.
pub(super) trait Members<'de> {
    /// Takes the value of a member that the type knows. Others are skipped.
    fn member<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        value: Value<'_, A>,
    ) -> Result<(), A::Error>;
}

/// The value of the member that is read.
pub(super) struct Value<'v, A> {
    map: &'v mut A,
    wrong: &'v mut Option<&'static str>,
}

impl<'de, A: MapAccess<'de>> Value<'_, A> {
    /// Reads it as the value of the member `name`.
    pub(super) fn read<T: Deserialize<'de>>(self, name: &'static str) -> Result<T, A::Error> {
        *self.wrong = Some(name);
        let value = self.map.next_value()?;
        *self.wrong = None;
        Ok(value)
    }

    /// Skips it. It is read whole, so that a token that another parser could not read is refused.
    pub(super) fn skip(self) -> Result<(), A::Error> {
        self.map.next_value::<Whole<()>>().map(drop)
    }
}

/// Why a text is not the object that was expected. It quotes nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ObjectError {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is not one JSON object")]
    NotAnObject,
    #[error("a member is there twice")]
    DuplicateMember,
    #[error("`{0}` does not have the type that it must have")]
    WrongType(&'static str),
}

/// Fills `into` with the members of the object that `json` is.
///
/// # Errors
///
/// If it is anything but one JSON object in UTF-8, has a member twice, or has a member of the wrong type.
pub(super) fn read_object<'de>(
    json: &'de [u8],
    into: &mut impl Members<'de>,
) -> Result<(), ObjectError> {
    let text = str::from_utf8(json).map_err(|_| ObjectError::NotUtf8)?;
    // Most tokens have fewer members.
    let (mut wrong, mut names) = (None, Vec::with_capacity(16));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Object { into, wrong: &mut wrong, names: &mut names }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|_| wrong.map_or(ObjectError::NotAnObject, ObjectError::WrongType))?;
    if has_duplicates(&mut names) { Err(ObjectError::DuplicateMember) } else { Ok(()) }
}

/// Sorted first, as a token may have thousands of members.
fn has_duplicates(names: &mut [Cow<'_, str>]) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

struct Object<'o, 'de, T> {
    into: &'o mut T,
    wrong: &'o mut Option<&'static str>,
    names: &'o mut Vec<Cow<'de, str>>,
}

impl<'de, T: Members<'de>> DeserializeSeed<'de> for Object<'_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Members<'de>> Visitor<'de> for Object<'_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            let value = Value { map: &mut map, wrong: &mut *self.wrong };
            self.into.member(&name, value)?;
            self.names.push(name);
        }
        Ok(())
    }
}

/// One string, or an array of strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OneOrMany<'de> {
    One(Cow<'de, str>),
    Many(Vec<Cow<'de, str>>),
}

impl OneOrMany<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::One(one) => (Some(&**one), &[][..]),
            Self::Many(many) => (None, &**many),
        };
        one.into_iter().chain(many.iter().map(|text| &**text))
    }
}

impl<'de> Deserialize<'de> for OneOrMany<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor;

        impl<'de> Visitor<'de> for OneOrManyVisitor {
            type Value = OneOrMany<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut many = Vec::new();
                while let Some(Text(text)) = seq.next_element()? {
                    many.push(text);
                }
                Ok(OneOrMany::Many(many))
            }
        }
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

/// Seconds since 1970 (`NumericDate` of RFC 7519 §2), between that year and 9999.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct NumericDate(pub(super) f64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const YEAR_9999: f64 = 253_402_300_799.0;
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=YEAR_9999).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(D::Error::custom("a time between 1970 and 9999"))
        }
    }
}
