//! Paths that are compared byte for byte.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::request::Parts;

use crate::text::Shortened;

/// One exact path, such as `/health`, for options that concern some requests only:
/// [`public_path`](crate::McpAuthLayer::public_path) and [`not_mcp`](crate::McpAuthLayer::not_mcp).
///
/// It is not a pattern. It is compared with the request's path (RFC 3986 §3.3), without the query, byte for byte:
/// `/health/`, `/Health`, `//health` and `/%68ealth` are other paths. Inside of `Router::nest` it is compared with the
/// path that is left there.
///
/// ```
/// use mcp_auth_layer::layer::ExactPath;
///
/// const HEALTH: ExactPath = ExactPath::from_static("/health");
/// let configured: ExactPath = "/health".parse()?;
/// assert_eq!(configured, HEALTH);
/// assert!("/files/*".parse::<ExactPath>().is_err());
/// # Ok::<_, mcp_auth_layer::layer::InvalidExactPath>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExactPath(Cow<'static, str>);

impl ExactPath {
    /// Creates a path from a literal.
    ///
    /// # Panics
    ///
    /// If it is invalid, see [`from_str`](Self::from_str).
    #[track_caller]
    pub const fn from_static(path: &'static str) -> Self {
        assert!(
            is_exact_path(path),
            "give one exact path that begins with `/`, without wildcards and a query"
        );
        Self(Cow::Borrowed(path))
    }

    /// Returns whether a request is for this path. Inside of `Router::nest` the path is the one that is left.
    pub(crate) fn is_of(&self, head: &Parts) -> bool {
        self.as_str() == head.uri.path()
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

impl FromStr for ExactPath {
    type Err = InvalidExactPath;

    /// Parses a path.
    ///
    /// # Errors
    ///
    /// If it does not begin with `/`, or has a `?`, `#`, `*`, `{` or `}`, white space, control
    /// characters, or anything but ASCII.
    fn from_str(path: &str) -> Result<Self, InvalidExactPath> {
        if is_exact_path(path) {
            Ok(Self(Cow::Owned(path.to_owned())))
        } else {
            Err(InvalidExactPath { path: path.to_owned() })
        }
    }
}

impl TryFrom<&str> for ExactPath {
    type Error = InvalidExactPath;

    fn try_from(path: &str) -> Result<Self, InvalidExactPath> {
        path.parse()
    }
}

impl fmt::Display for ExactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an [`ExactPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not one exact path that begins with `/`", Shortened::new(.path))]
#[non_exhaustive]
pub struct InvalidExactPath {
    path: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_no_wildcards_and_begin_with_a_slash() {
        for good in ["/", "/health", "/Health/", "//health", "/a.b-c_d~e", "/%2e", "/a;b=c"] {
            assert_eq!(good.parse::<ExactPath>().unwrap().as_str(), good);
            assert_eq!(ExactPath::from_static(good).to_string(), good);
        }
        for bad in ["", "health", "/a?b", "/a#b", "/*", "/{id}", "/a b", "/a\n", "/é", "*"] {
            let error = bad.parse::<ExactPath>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?}")), "{error}");
            assert!(std::panic::catch_unwind(|| ExactPath::from_static(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn literals_equal_parsed_paths() {
        let paths: std::collections::HashSet<_> =
            [ExactPath::from_static("/a"), "/a".parse().unwrap(), "/b".parse().unwrap()].into();
        assert_eq!(paths.len(), 2);
    }
}
