//! The identifier of a protected resource.

use std::fmt;
use std::str::FromStr;

use http::uri::Authority;

use crate::auth::parse_server_url;
use crate::text::Shortened;

/// A protected resource (RFC 9728): the URL that clients connect to, such as
/// `https://mcp.example.com/mcp`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Resource {
    /// As it was configured: clients compare it as a string.
    url: String,
    authority: Authority,
    path: String,
}

/// An error that says why a text is not the URL of a [`Resource`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not the URL of a resource: {problem}", Shortened::new(.url))]
#[non_exhaustive]
pub struct InvalidResource {
    url: String,
    problem: &'static str,
}

impl Resource {
    /// Creates the resource of this URL, which is sent exactly as it is given.
    ///
    /// # Errors
    ///
    /// If it is not an absolute `https` URL, or `http` and of a loopback host; if it has user
    /// information, a query or a fragment (RFC 8707 §2, RFC 9728 §1.2).
    pub fn new(url: impl Into<String>) -> Result<Self, InvalidResource> {
        let url = url.into();
        match parse(&url) {
            Ok((authority, path)) => Ok(Self { authority, path, url }),
            Err(problem) => Err(InvalidResource { url, problem }),
        }
    }

    /// Returns the URL as it was given.
    pub fn as_str(&self) -> &str {
        &self.url
    }
}

fn parse(url: &str) -> Result<(Authority, String), &'static str> {
    let uri = parse_server_url(url)?;
    if uri.query().is_some() {
        return Err("it has a query");
    }
    let authority = uri.authority().ok_or("it is not an absolute URL")?;
    // `Uri` adds the path `/` where there is none.
    let path = if url.ends_with(authority.as_str()) { "" } else { uri.path() };
    Ok((authority.clone(), path.to_owned()))
}

impl FromStr for Resource {
    type Err = InvalidResource;

    fn from_str(url: &str) -> Result<Self, InvalidResource> {
        Self::new(url)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}
