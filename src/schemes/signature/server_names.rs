//! How clients name the server: options of the authenticator that are checked when they are made.

use std::fmt;
use std::str::FromStr;

/// The name that clients know the server by: `@authority` (RFC 9421 §2.2.3) as `host` or
/// `host:port`.
///
/// ```
/// use mcp_auth_layer::schemes::Authority;
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::AuthorityError> {
/// let by_code = Authority::from_static("tools.example.com");
/// let by_configuration: Authority = "tools.example.com:8443".parse()?;
/// # let _ = (by_code, by_configuration);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority(String);

/// A text is not an [`Authority`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `host` or `host:port`, without scheme, user and path")]
#[non_exhaustive]
pub struct AuthorityError;

/// The prefix that a proxy strips from the path, such as `/tools`.
///
/// It begins with `/` and does not end with one: what is left of the path begins with `/`.
///
/// ```
/// use mcp_auth_layer::schemes::PathPrefix;
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::PathPrefixError> {
/// let by_code = PathPrefix::from_static("/tools");
/// let by_configuration: PathPrefix = "/v1/tools".parse()?;
/// # let _ = (by_code, by_configuration);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPrefix(String);

/// A text is not a [`PathPrefix`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a path such as `/tools`, without a slash at its end and without a query")]
#[non_exhaustive]
pub struct PathPrefixError;

impl Authority {
    /// Creates an authority from a text that is part of the program.
    ///
    /// # Panics
    ///
    /// If it is not `host` or `host:port`. Use [`FromStr`] for texts from a configuration.
    pub fn from_static(authority: &'static str) -> Self {
        match authority.parse() {
            Ok(authority) => authority,
            Err(error) => panic!("Authority::from_static({authority:?}): {error}"),
        }
    }

    /// Returns the text that it was made from.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Authority {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        let is_allowed = |c: char| c.is_ascii_graphic() && !"/@?#".contains(c);
        if text.is_empty() || !text.chars().all(is_allowed) {
            return Err(AuthorityError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PathPrefix {
    /// Creates a prefix from a text that is part of the program.
    ///
    /// # Panics
    ///
    /// If it is not a path such as `/tools`. Use [`FromStr`] for texts from a configuration.
    pub fn from_static(prefix: &'static str) -> Self {
        match prefix.parse() {
            Ok(prefix) => prefix,
            Err(error) => panic!("PathPrefix::from_static({prefix:?}): {error}"),
        }
    }

    /// Returns the text that it was made from.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PathPrefix {
    type Err = PathPrefixError;

    fn from_str(text: &str) -> Result<Self, PathPrefixError> {
        let is_allowed = |c: char| c.is_ascii_graphic() && !"?#".contains(c);
        if !text.starts_with('/') || text.ends_with('/') || !text.chars().all(is_allowed) {
            return Err(PathPrefixError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_is_host_with_optional_port() {
        for valid in ["tools.example", "tools.example:8443", "[::1]:80", "127.0.0.1"] {
            assert_eq!(valid.parse::<Authority>().unwrap().as_str(), valid);
        }
        for invalid in
            ["", "https://a.example", "a.example/", "a@b", "a b", "ä.example", "a?", "a#"]
        {
            assert_eq!(invalid.parse::<Authority>(), Err(AuthorityError), "{invalid}");
        }
    }

    #[test]
    fn path_prefix_begins_with_a_slash_and_ends_with_none() {
        for valid in ["/tools", "/v1/tools", "/a%20b", "/~"] {
            assert_eq!(valid.parse::<PathPrefix>().unwrap().as_str(), valid);
        }
        for invalid in ["", "/", "tools", "/tools/", "/a?b", "/a#b", "/a b", "/ä", "http://a/b"] {
            assert_eq!(invalid.parse::<PathPrefix>(), Err(PathPrefixError), "{invalid}");
        }
    }
}
