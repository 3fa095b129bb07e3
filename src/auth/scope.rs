//! Scopes of OAuth.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::text::Shortened;

/// A scope, such as `tools:read`: a scope token of RFC 6749 §3.3.
///
/// It has printable ASCII characters without spaces, quotes and backslashes. Scopes are compared byte
/// by byte.
///
/// ```
/// use mcp_auth_layer::auth::Scope;
///
/// const READ: Scope = Scope::from_static("tools:read");
/// let configured: Scope = "tools:read".parse()?;
/// assert_eq!(configured, READ);
/// assert!("tools:read tools:write".parse::<Scope>().is_err());
/// # Ok::<(), mcp_auth_layer::auth::InvalidScope>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope(Cow<'static, str>);

/// An error that says that a text is not a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{:?} is not a scope: printable ASCII without spaces, quotes and backslashes",
    Shortened::new(.scope)
)]
#[non_exhaustive]
pub struct InvalidScope {
    scope: String,
}

const fn is_scope(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_graphic() || matches!(bytes[at], b'"' | b'\\') {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

impl Scope {
    /// Asks an authorization server for refresh tokens. It grants nothing at a resource.
    pub(crate) const OFFLINE_ACCESS: Self = Self::from_static("offline_access");

    /// Creates a scope from a literal.
    ///
    /// # Panics
    ///
    /// If it is not a scope token. In a `const` that is an error of the compiler.
    pub const fn from_static(scope: &'static str) -> Self {
        assert!(is_scope(scope), "not a scope (RFC 6749 §3.3)");
        Self(Cow::Borrowed(scope))
    }

    /// Returns the scope as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(scope: &str) -> Result<Self, InvalidScope> {
        if is_scope(scope) {
            Ok(Self(Cow::Owned(scope.to_owned())))
        } else {
            Err(InvalidScope { scope: scope.to_owned() })
        }
    }
}

impl TryFrom<&str> for Scope {
    type Error = InvalidScope;

    fn try_from(scope: &str) -> Result<Self, InvalidScope> {
        scope.parse()
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(scope: String) -> Result<Self, InvalidScope> {
        scope.parse()
    }
}

impl AsRef<str> for Scope {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_scope_tokens_of_rfc_6749() {
        for good in ["tools:read", "a", "!#[]~", "https://example.com/scope", "a,b"] {
            assert_eq!(good.parse::<Scope>().unwrap().as_str(), good);
            assert_eq!(Scope::from_static(good).to_string(), good);
        }
        for bad in ["", " ", "a b", "a\"", "a\\", "é", "a\n", "\u{7f}"] {
            let error = bad.parse::<Scope>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?} is not a scope")), "{error}");
        }
    }

    #[test]
    #[should_panic(expected = "not a scope")]
    fn a_literal_that_is_not_a_scope_panics() {
        let _ = Scope::from_static("a b");
    }
}
