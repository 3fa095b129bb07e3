//! The text of values.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Returns the name that a value is: a string that every parser reads in the same way. `None` if it is anything
/// else, has half a surrogate pair, which a Rust string cannot have, or a NUL, where some parsers end a text.
pub(crate) fn name_of(value: &RawValue) -> Option<Cow<'_, str>> {
    let content = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !content.contains('\\') {
        return Some(Cow::Borrowed(content)); // the syntax of the string was checked when it was found
    }
    let name: String = serde_json::from_str(value.get()).ok()?;
    if name.contains('\0') { None } else { Some(Cow::Owned(name)) }
}

/// Returns whether a value is `null`.
pub(crate) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(json: &str) -> Option<String> {
        let value: &RawValue = serde_json::from_str(json).expect("it is JSON");
        name_of(value).map(Cow::into_owned)
    }

    #[test]
    fn strings_are_names() {
        assert_eq!(name(r#""search""#).as_deref(), Some("search"));
        assert_eq!(name(r#""s\u0065arch\ud83d\ude00""#).as_deref(), Some("search😀"));
        assert_eq!(name(r#""""#).as_deref(), Some(""));
    }

    #[test]
    fn other_values_and_unclear_strings_are_no_names() {
        for json in ["1", "null", r#"["a"]"#, r#"{"a":"b"}"#, r#""\ud800""#, r#""a\u0000b""#] {
            assert_eq!(name(json), None, "{json}");
        }
    }
}
