//! The origin of a web page.

use std::fmt;
use std::str::FromStr;

use crate::text::Shortened;

/// The origin of a web page (RFC 6454), such as `https://app.example.com` or
/// `http://localhost:6274`.
///
/// It is held in the form in which browsers send it: in lower case, without the default port of
/// `http` and `https`.
///
/// ```
/// use mcp_auth_layer::layer::Origin;
///
/// let inspector = Origin::from_static("http://localhost:6274");
/// let configured: Origin = "https://App.example.com:443".parse()?;
/// assert_eq!(configured, Origin::from_static("https://app.example.com"));
/// assert!("*".parse::<Origin>().is_err());
/// # Ok::<_, mcp_auth_layer::layer::InvalidOrigin>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Origin {
    /// Creates an origin from a literal.
    ///
    /// # Panics
    ///
    /// If it is invalid, see [`from_str`](Self::from_str).
    #[track_caller]
    pub fn from_static(origin: &'static str) -> Self {
        origin.parse().unwrap_or_else(|error: InvalidOrigin| panic!("{error}"))
    }

    /// Returns the origin in the form in which browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a browser's `Origin` field has this value.
    pub(super) fn matches(&self, sent: &str) -> bool {
        self.0.eq_ignore_ascii_case(sent)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    /// Parses `scheme://host` or `scheme://host:port`.
    ///
    /// # Errors
    ///
    /// If it has another form: with a path, with a slash at the end, or without a scheme. `*` and
    /// `null` are not origins; any page can have the origin `null`.
    fn from_str(origin: &str) -> Result<Self, InvalidOrigin> {
        if !is_origin(origin) {
            return Err(InvalidOrigin { origin: origin.to_owned() });
        }
        let mut origin = origin.to_ascii_lowercase();
        origin.truncate(origin.len() - default_port_suffix(&origin).len());
        Ok(Self(origin))
    }
}

impl TryFrom<&str> for Origin {
    type Error = InvalidOrigin;

    fn try_from(origin: &str) -> Result<Self, InvalidOrigin> {
        origin.parse()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an [`Origin`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not `scheme://host` or `scheme://host:port`", Shortened::new(.origin))]
#[non_exhaustive]
pub struct InvalidOrigin {
    origin: String,
}

fn is_origin(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(scheme, authority)| {
        is_scheme(scheme)
            && !authority.is_empty()
            && authority.chars().all(|c| c.is_ascii_graphic() && !"/?#*\\".contains(c))
    })
}

/// Returns whether a text is the name of a URI scheme (RFC 3986 §3.1).
pub(super) fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Returns the end of an origin that names the default port of its scheme; empty if it does not.
fn default_port_suffix(origin: &str) -> &str {
    let port = match origin.split_once("://") {
        Some((scheme, _)) => default_port(scheme),
        None => "",
    };
    if origin.ends_with(port) { port } else { "" }
}

/// Returns the default port of a web scheme, with its colon. Other schemes have none.
pub(super) fn default_port(scheme: &str) -> &'static str {
    match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_have_the_form_that_browsers_send() {
        for (given, normal) in [
            ("http://localhost:6274", "http://localhost:6274"),
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("HTTP://app.example.com:80", "http://app.example.com"),
            ("http://app.example.com:443", "http://app.example.com:443"),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("vscode-webview://0b5b", "vscode-webview://0b5b"),
        ] {
            let origin: Origin = given.parse().unwrap();
            assert_eq!(origin.to_string(), normal);
            assert_eq!(origin, Origin::from_static(normal));
            assert!(origin.matches(normal) && origin.matches(&normal.to_ascii_uppercase()));
        }
        for bad in [
            "",
            "*",
            "null",
            "localhost",
            "localhost:6274",
            "http://",
            "://a",
            "1http://a",
            "http://a/",
            "http://a/b",
            "http://a?b",
            "http://*.a",
            "http://a b",
            "http://é",
        ] {
            let error = bad.parse::<Origin>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{bad:?}")), "{error}");
            assert!(std::panic::catch_unwind(|| Origin::from_static(bad)).is_err(), "{bad:?}");
        }
    }
}
