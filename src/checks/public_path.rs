//! Paths that need no credential.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::text::Shortened;

/// A path that needs no credential, such as `/health`.
///
/// It is one exact path, not a pattern, and it is compared with the request's path byte for byte:
/// `/health/`, `/Health` and `//health` are other paths.
///
/// ```
/// use mcp_auth_layer::layer::PublicPath;
///
/// const HEALTH: PublicPath = PublicPath::from_static("/health");
/// let configured: PublicPath = "/health".parse()?;
/// assert_eq!(configured, HEALTH);
/// assert!("/files/*".parse::<PublicPath>().is_err());
/// # Ok::<_, mcp_auth_layer::layer::InvalidPublicPath>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicPath(Cow<'static, str>);

impl PublicPath {
    /// Creates a public path from a literal.
    ///
    /// # Panics
    ///
    /// If it is invalid, see [`from_str`](Self::from_str).
    #[track_caller]
    pub const fn from_static(path: &'static str) -> Self {
        assert!(is_exact_path(path), "a public path is one exact path that begins with `/`");
        Self(Cow::Borrowed(path))
    }

    /// Returns the path as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a text begins with `/` and consists of the characters of a path, without wildcards.
const fn is_exact_path(path: &str) -> bool {
    let path = path.as_bytes();
    let mut at = 0;
    while at < path.len() {
        if !path[at].is_ascii_graphic() || matches!(path[at], b'?' | b'#' | b'*' | b'{' | b'}') {
            return false;
        }
        at += 1;
    }
    matches!(path, [b'/', ..])
}

impl FromStr for PublicPath {
    type Err = InvalidPublicPath;

    /// Parses a path.
    ///
    /// # Errors
    ///
    /// If it does not begin with `/`, or has a `?`, `#`, `*`, `{` or `}`, white space, control
    /// characters, or anything but ASCII.
    fn from_str(path: &str) -> Result<Self, InvalidPublicPath> {
        if is_exact_path(path) {
            Ok(Self(Cow::Owned(path.to_owned())))
        } else {
            Err(InvalidPublicPath { path: path.to_owned() })
        }
    }
}

impl TryFrom<&str> for PublicPath {
    type Error = InvalidPublicPath;

    fn try_from(path: &str) -> Result<Self, InvalidPublicPath> {
        path.parse()
    }
}

impl fmt::Display for PublicPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a [`PublicPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not one exact path that begins with `/`", Shortened::new(.path))]
#[non_exhaustive]
pub struct InvalidPublicPath {
    path: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_paths_are_exact_paths() {
        for good in ["/", "/health", "/Health/", "//health", "/a.b-c_d~e", "/%2e", "/a;b=c"] {
            assert_eq!(good.parse::<PublicPath>().unwrap().as_str(), good);
            assert_eq!(PublicPath::from_static(good).to_string(), good);
        }
        for bad in ["", "health", "/a?b", "/a#b", "/*", "/{id}", "/a b", "/a\n", "/é", "*"] {
            let error = bad.parse::<PublicPath>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?}")), "{error}");
            assert!(std::panic::catch_unwind(|| PublicPath::from_static(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn literals_equal_parsed_public_paths() {
        let paths: std::collections::HashSet<_> =
            [PublicPath::from_static("/a"), "/a".parse().unwrap(), "/b".parse().unwrap()].into();
        assert_eq!(paths.len(), 2);
    }
}
