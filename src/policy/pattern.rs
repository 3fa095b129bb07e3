//! Patterns for the names of tools, prompts, resources and methods.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::text::Shortened;

/// A pattern for names, such as `search` or `read_*`.
///
/// `*` stands for any run of characters, and nothing else is special. A pattern matches the whole name,
/// byte by byte: `Search` and `searchx` do not match `search`. It is not empty, and has no control
/// characters, and no space at its beginning or end.
///
/// ```
/// use mcp_auth_layer::policy::Pattern;
///
/// const READ: Pattern = Pattern::from_static("read_*");
/// let configured: Pattern = "read_*".parse()?;
/// assert_eq!(configured, READ);
/// # Ok::<(), mcp_auth_layer::policy::InvalidPattern>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Cow<'static, str>);

/// An error that says that a text is not a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{:?} is not a pattern: it must not be empty, have control characters, or begin or end with a space",
    Shortened::new(.pattern)
)]
#[non_exhaustive]
pub struct InvalidPattern {
    pattern: String,
}

const fn is_pattern(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_control() {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes[0] != b' ' && bytes[bytes.len() - 1] != b' '
}

impl Pattern {
    /// Creates a pattern from a literal.
    ///
    /// # Panics
    ///
    /// If it is not a pattern. In a `const` that is an error of the compiler.
    pub const fn from_static(pattern: &'static str) -> Self {
        assert!(
            is_pattern(pattern),
            "not a pattern: it is empty, has control characters, or begins or ends with a space"
        );
        Self(Cow::Borrowed(pattern))
    }

    /// Returns the pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it matches one name only.
    pub(crate) fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }

    /// Returns whether it matches every name.
    pub(crate) fn is_universal(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// Returns whether it matches this name.
    #[cfg(test)]
    pub(super) fn matches(&self, name: &str) -> bool {
        matches(self.as_str(), name)
    }
}

/// Returns whether the text of a pattern matches a name. The time is proportional to the length of the name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    // The first place where a part fits leaves the most for those after it.
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(pattern: &str) -> Result<Self, InvalidPattern> {
        if is_pattern(pattern) {
            Ok(Self(Cow::Owned(pattern.to_owned())))
        } else {
            Err(InvalidPattern { pattern: pattern.to_owned() })
        }
    }
}

impl TryFrom<&str> for Pattern {
    type Error = InvalidPattern;

    fn try_from(pattern: &str) -> Result<Self, InvalidPattern> {
        pattern.parse()
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(pattern: String) -> Result<Self, InvalidPattern> {
        pattern.parse()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(name)
    }

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("search", "search"));
        for other in ["searchx", "xsearch", "Search", "", "search "] {
            assert!(!matches("search", other), "{other:?}");
        }
        assert!(matches("read_*", "read_") && matches("read_*", "read_a"));
        assert!(!matches("read_*", "xread_a") && !matches("read_*", "Read_a"));
        assert!(matches("*_internal", "x_internal") && !matches("*_internal", "x_internal_"));
        assert!(!matches("a*a", "a") && matches("a*a", "aa") && matches("a*b*c", "a-b-b-c"));
        assert!(matches("*", "") && matches("**", "a"));
    }

    #[test]
    fn star_is_the_only_special_character() {
        for literal in ["a?c", "a.c", "[abc]", "a\\c", "a+", "{a,b}", "!a", "é"] {
            assert!(matches(literal, literal));
            assert!(!matches(literal, "abc"), "{literal}");
        }
    }

    #[test]
    fn patterns_that_are_surely_mistakes_are_errors() {
        for good in ["a", "a b", "*", "docs://*", "é"] {
            assert!(good.parse::<Pattern>().is_ok(), "{good:?}");
        }
        for bad in ["", " ", " a", "a ", "a\n", "\u{7f}", "a\0b"] {
            let error = bad.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{bad:?} is not a pattern: ")), "{error}");
        }
    }

    #[test]
    #[should_panic(expected = "not a pattern")]
    fn a_literal_that_is_not_a_pattern_panics() {
        let _ = Pattern::from_static("");
    }

    /// Matches by the definition: `*` is nothing, or a character and `*` again.
    fn oracle(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern, name) {
            ([], _) => name.is_empty(),
            ([b'*', rest @ ..], _) => {
                oracle(rest, name) || !name.is_empty() && oracle(pattern, &name[1..])
            }
            ([first, pattern @ ..], [other, name @ ..]) => first == other && oracle(pattern, name),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn patterns_match_by_their_definition(pattern in "[ab*]{1,8}", name in "[ab]{0,10}") {
            prop_assert_eq!(
                matches(&pattern, &name),
                oracle(pattern.as_bytes(), name.as_bytes())
            );
        }
    }
}
