//! For whom a token was issued.

use std::fmt;

use crate::checks::Resource;

/// The audience that an access token must have (RFC 7519 §4.1.3, RFC 8707): the URL of the resource, or
/// the name that the authorization server uses for it, such as `api://8f3c…`.
///
/// ```
/// use mcp_auth_layer::layer::Resource;
/// use mcp_auth_layer::schemes::Audience;
///
/// let resource = Resource::new("https://mcp.example.com/mcp")?;
/// assert_eq!(Audience::from(&resource), Audience::from("https://mcp.example.com/mcp"));
/// # Ok::<(), mcp_auth_layer::layer::InvalidResource>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Audience(String);

impl Audience {
    /// Returns the audience as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a token's audience is this one. They are compared byte by byte, but that a host
    /// alone is the same with and without a slash (RFC 3986 §6.2.3), and its case does not count.
    pub(super) fn matches(&self, audience: &str) -> bool {
        let _ = audience;
        todo!()
    }
}

/// The URL of the resource.
impl From<&Resource> for Audience {
    fn from(resource: &Resource) -> Self {
        Self(resource.as_str().to_owned())
    }
}

/// The audience as the token has it. An empty one is an error where it is used.
impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self(audience.to_owned())
    }
}

impl From<String> for Audience {
    fn from(audience: String) -> Self {
        Self(audience)
    }
}

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
