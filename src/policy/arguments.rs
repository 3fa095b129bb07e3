//! The arguments of a call, which are read only if a rule asks for one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::json::{MemberList, all_members, is_alike, reads_alike};

/// The text of a JSON object, of which single members are read.
pub(super) struct Arguments<'c> {
    text: &'c str,
    /// The members of the object; `None` if it is none.
    members: OnceLock<Option<MemberList<'c>>>,
    /// A member was asked for that parsers could read in different ways.
    ambiguous: AtomicBool,
}

struct Ambiguous;

impl<'c> Arguments<'c> {
    pub(super) fn new(text: &'c str) -> Self {
        Self { text, members: OnceLock::new(), ambiguous: AtomicBool::new(false) }
    }

    pub(super) fn text(&self) -> &'c str {
        self.text
    }

    /// Returns the member of this name, if it is there and is a `T`.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        match self.find(name) {
            Ok(value) => serde_json::from_str(value?.get()).ok(),
            Err(Ambiguous) => {
                self.ambiguous.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    pub(super) fn are_ambiguous(&self) -> bool {
        self.ambiguous.load(Ordering::Relaxed)
    }

    fn find(&self, name: &str) -> Result<Option<&'c RawValue>, Ambiguous> {
        let members = self.members.get_or_init(|| all_members(self.text));
        let mut found = None;
        for (key, value) in members.as_ref().ok_or(Ambiguous)? {
            let is_same = key == name;
            if is_same && found.is_none() {
                found = Some(*value);
            } else if is_same || is_alike(key, name) {
                return Err(Ambiguous);
            }
        }
        if found.is_none_or(|value| reads_alike(value.get())) { Ok(found) } else { Err(Ambiguous) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the argument `command` and whether it is ambiguous.
    fn command(json: &str) -> (Option<String>, bool) {
        let arguments = Arguments::new(json);
        (arguments.get("command"), arguments.are_ambiguous())
    }

    #[test]
    fn one_argument_is_found_among_others() {
        let found = (Some("id".to_owned()), false);
        assert_eq!(command(r#"{"command":"id"}"#), found);
        assert_eq!(command(r#"{"a":1,"a":2,"c\u006fmmand":"\u0069d","b":"\ud800"}"#), found);
    }

    #[test]
    fn absent_arguments_and_other_types_are_none() {
        for json in ["{}", r#"{"commands":"id"}"#, r#"{"command":5}"#, r#"{"command":null}"#] {
            assert_eq!(command(json), (None, false), "{json}");
        }
    }

    #[test]
    fn duplicate_and_similar_arguments_are_ambiguous() {
        for json in [
            r#"{"command":"id","command":"rm"}"#,
            r#"{"command":"id","command":"id"}"#,
            r#"{"command":"id","Command":"rm"}"#,
            r#"{"Command":"rm"}"#,
            r#"{"com_mand":"rm"}"#,
            r#"{"command":"id","comman\u0064":"rm"}"#,
        ] {
            assert_eq!(command(json), (None, true), "{json}");
        }
    }

    #[test]
    fn values_that_parsers_read_differently_are_ambiguous() {
        for json in [
            r#"{"command":"\ud800"}"#,
            r#"{"command":1e999}"#,
            r#"{"command":{"a":1,"a":2}}"#,
            r#"{"command":[{"a":1,"A":2}]}"#,
            r#"{"\ud800":1}"#,
            r#"["command"]"#,
            "not json",
        ] {
            assert_eq!(command(json), (None, true), "{json}");
        }
    }

    #[test]
    fn arguments_nobody_asks_for_are_not_ambiguous() {
        let arguments = Arguments::new(r#"{"a":1,"a":2,"b":3}"#);
        assert_eq!(arguments.get("b"), Some(3));
        assert!(!arguments.are_ambiguous());
    }
}
