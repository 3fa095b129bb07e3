//! The realm of challenges.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The realm of every challenge (RFC 9110 §11.5), which browsers show: printable ASCII.
///
/// ```
/// use mcp_auth_layer::auth::Realm;
///
/// let fixed = Realm::from_static("Tools of Example Ltd.");
/// let configured: Realm = "mcp".parse()?;
/// assert_eq!(configured, Realm::default());
/// # Ok::<(), mcp_auth_layer::auth::InvalidRealm>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Realm(Cow<'static, str>);

/// An error that says that a realm has a character which clients cannot read in a header field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm has printable ASCII characters only")]
#[non_exhaustive]
pub struct InvalidRealm;

const fn is_realm(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !matches!(bytes[at], b' '..=b'~') {
            return false;
        }
        at += 1;
    }
    true
}

impl Realm {
    /// Creates a realm from a literal.
    ///
    /// # Panics
    ///
    /// If it has anything but printable ASCII.
    pub const fn from_static(realm: &'static str) -> Self {
        assert!(is_realm(realm), "a realm has printable ASCII characters only");
        Self(Cow::Borrowed(realm))
    }

    /// Returns the realm, without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Realm {
    type Err = InvalidRealm;

    fn from_str(realm: &str) -> Result<Self, InvalidRealm> {
        if is_realm(realm) { Ok(Self(Cow::Owned(realm.to_owned()))) } else { Err(InvalidRealm) }
    }
}

/// The realm `mcp`.
impl Default for Realm {
    fn default() -> Self {
        Self::from_static("mcp")
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_realm_is_printable_ascii() {
        assert_eq!("say \"mcp\"".parse::<Realm>().unwrap().as_str(), "say \"mcp\"");
        for realm in ["a\nb", "é", "\u{7f}", "\t"] {
            assert!(realm.parse::<Realm>().is_err(), "{realm:?}");
        }
    }

    #[test]
    #[should_panic(expected = "printable ASCII")]
    fn a_literal_that_is_no_realm_panics() {
        let _ = Realm::from_static("a\nb");
    }
}
