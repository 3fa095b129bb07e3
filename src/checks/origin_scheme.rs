//! Schemes whose origins are all allowed.

use std::fmt;
use std::str::FromStr;

use super::origin::is_scheme;
use crate::text::Shortened;

/// The scheme of pages that are not on the web, such as `vscode-webview` or `file`.
///
/// ```
/// use mcp_auth_layer::layer::OriginScheme;
///
/// let webviews = OriginScheme::from_static("vscode-webview");
/// assert!("https".parse::<OriginScheme>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginScheme(String);

impl OriginScheme {
    /// Creates a scheme from a literal.
    ///
    /// # Panics
    ///
    /// If it is invalid, see [`from_str`](Self::from_str).
    #[track_caller]
    pub fn from_static(scheme: &'static str) -> Self {
        scheme.parse().unwrap_or_else(|error: InvalidOriginScheme| panic!("{error}"))
    }

    /// Returns the name of the scheme, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a browser's `Origin` field has this scheme.
    pub(super) fn matches(&self, sent: &str) -> bool {
        sent.split_once("://").is_some_and(|(scheme, _)| self.0.eq_ignore_ascii_case(scheme))
    }
}

impl FromStr for OriginScheme {
    type Err = InvalidOriginScheme;

    /// Parses the name of a scheme.
    ///
    /// # Errors
    ///
    /// If it is not the name of a scheme (RFC 3986 §3.1), or is `http` or `https`: every page of
    /// the web has one of these.
    fn from_str(scheme: &str) -> Result<Self, InvalidOriginScheme> {
        let scheme_lower = scheme.to_ascii_lowercase();
        if is_scheme(scheme) && !["http", "https"].contains(&&*scheme_lower) {
            Ok(Self(scheme_lower))
        } else {
            Err(InvalidOriginScheme { scheme: scheme.to_owned() })
        }
    }
}

impl TryFrom<&str> for OriginScheme {
    type Error = InvalidOriginScheme;

    fn try_from(scheme: &str) -> Result<Self, InvalidOriginScheme> {
        scheme.parse()
    }
}

impl fmt::Display for OriginScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an [`OriginScheme`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not the scheme of local pages, such as `vscode-webview`", Shortened::new(.scheme))]
#[non_exhaustive]
pub struct InvalidOriginScheme {
    scheme: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_schemes_are_not_origin_schemes() {
        for good in ["vscode-webview", "file", "VSCode", "a+b-c.d"] {
            let scheme: OriginScheme = good.parse().unwrap();
            assert_eq!(scheme, OriginScheme::from_static(good));
            assert!(scheme.matches(&format!("{good}://x")) && !scheme.matches(good));
        }
        for bad in ["", "http", "HTTPS", "a b", "*", "file:", "1a", "é"] {
            let error = bad.parse::<OriginScheme>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?}")), "{error}");
            let made = std::panic::catch_unwind(|| OriginScheme::from_static(bad));
            assert!(made.is_err(), "{bad:?}");
        }
    }
}
