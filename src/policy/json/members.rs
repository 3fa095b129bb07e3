//! The members of an object, all or those of certain names.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::alike::is_alike;
use crate::json::Text;

/// The members of an object that have one of these names, and why one of them cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct Members<'de, const N: usize> {
    names: &'static [&'static str; N],
    is_present: [bool; N],
    values: [Option<&'de RawValue>; N],
    faults: [Option<FaultKind>; N],
}

/// Members in the order in which they came, duplicates included.
pub(crate) type MemberList<'de> = Vec<(Cow<'de, str>, &'de RawValue)>;

/// Why a member cannot be read: parsers could read different ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) kind: FaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The member is there twice.
    Duplicate,
    /// A member has almost the same name.
    Alike,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FaultKind::Duplicate => write!(f, "the member `{}` is there twice", self.name),
            FaultKind::Alike => write!(f, "a member has almost the name `{}`", self.name),
        }
    }
}

impl<'de, const N: usize> Members<'de, N> {
    pub(crate) fn new(names: &'static [&'static str; N]) -> Self {
        Self { names, is_present: [false; N], values: [None; N], faults: [None; N] }
    }

    /// Reads a text that is one object. `None` if it is anything else.
    pub(crate) fn read(names: &'static [&'static str; N], object: &'de str) -> Option<Self> {
        let mut members = Self::new(names);
        each_member(object, &mut members)?;
        Some(members)
    }

    /// Reads the members of an object that a deserializer is in.
    pub(crate) fn read_map<A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match self.note(&key) {
                Some(index) => self.set(index, map.next_value()?),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }

    /// Takes note of a key. Returns which member it is, unless it is none or was there before.
    pub(crate) fn note(&mut self, key: &str) -> Option<usize> {
        if let Some(index) = self.names.iter().position(|name| *name == key) {
            if !self.is_present[index] {
                self.is_present[index] = true;
                return Some(index);
            }
            self.faults[index] = Some(FaultKind::Duplicate);
        } else if let Some(index) = self.names.iter().position(|name| is_alike(key, name)) {
            self.faults[index] = Some(FaultKind::Alike);
        }
        None
    }

    pub(crate) fn set(&mut self, index: usize, value: &'de RawValue) {
        self.values[index] = Some(value);
    }

    /// Returns whether a member of this name is there.
    pub(crate) fn has(&self, index: usize) -> bool {
        self.is_present[index]
    }

    /// Returns the value of a member, if it is there.
    pub(crate) fn get(&self, index: usize) -> Result<Option<&'de RawValue>, Fault> {
        match self.faults[index] {
            Some(kind) => Err(Fault { name: self.names[index], kind }),
            None => Ok(self.values[index]),
        }
    }

    /// Checks that no member has a fault.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        (0..N).try_for_each(|index| self.get(index).map(|_| ()))
    }
}

/// Returns all members of a text that is one object or `null`, which has none. `None` if it is anything else.
pub(crate) fn all_members(json: &str) -> Option<MemberList<'_>> {
    let mut all = Vec::new();
    if json.trim_ascii() != "null" {
        each_member(json, &mut all)?;
    }
    Some(all)
}

trait TakeMembers<'de> {
    fn take<A: MapAccess<'de>>(&mut self, map: A) -> Result<(), A::Error>;
}

impl<'de, const N: usize> TakeMembers<'de> for Members<'de, N> {
    fn take<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        self.read_map(&mut map)
    }
}

impl<'de> TakeMembers<'de> for MemberList<'de> {
    fn take<A: MapAccess<'de>>(&mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(key), value)) = map.next_entry()? {
            self.push((key, value));
        }
        Ok(())
    }
}

fn each_member<'de>(object: &'de str, taker: &mut impl TakeMembers<'de>) -> Option<()> {
    struct Object<'t, T>(&'t mut T);

    impl<'de, T: TakeMembers<'de>> Visitor<'de> for Object<'_, T> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
            self.0.take(map)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_str(object);
    deserializer.deserialize_map(Object(taker)).ok()?;
    deserializer.end().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Members<'_, 2>> {
        Members::read(&["name", "taskId"], json)
    }

    fn fault(json: &str) -> Option<Fault> {
        read(json)?.check().err()
    }

    #[test]
    fn members_are_found_whatever_is_between_them() {
        let members = read(r#" {"x":{"name":1},"n\u0061me" : "a" , "y":[{}],"taskId":null} "#);
        let members = members.expect("it is an object");
        let value = |index| members.get(index).ok().flatten().map(RawValue::get);
        assert_eq!((value(0), value(1)), (Some(r#""a""#), Some("null")));
    }

    #[test]
    fn duplicate_and_similar_names_are_faults() {
        let of = |name, kind| Some(Fault { name, kind });
        assert_eq!(fault(r#"{"name":1,"x":2,"x":3}"#), None);
        assert_eq!(fault(r#"{"name":1,"name":1}"#), of("name", FaultKind::Duplicate));
        assert_eq!(fault(r#"{"name":1,"Name":1}"#), of("name", FaultKind::Alike));
        assert_eq!(fault(r#"{"task_id":1}"#), of("taskId", FaultKind::Alike));
    }

    #[test]
    fn anything_but_one_object_is_not_read() {
        for json in
            ["", "1", "[]", "{", "{}{}", "{} x", r#"{"a":NaN}"#, r#"{"\ud800":1}"#, "{\"a\":1,}"]
        {
            assert!(read(json).is_none(), "{json}");
            assert!(all_members(json).is_none(), "{json}");
        }
        assert!(read("{}").is_some() && all_members("{}").is_some());
    }
}
