//! For whom a token was issued.

use http::Uri;

use crate::checks::Resource;

/// The audience that an access token must have (RFC 7519 §4.1.3, RFC 8707): the URL of the resource, or
/// the name that the authorization server uses for it, such as `api://8f3c…`.
///
/// It is compared byte by byte. A URL without a path is the same with and without a slash, and in any
/// case (RFC 3986 §6.2).
///
/// ```
/// use mcp_auth_layer::layer::Resource;
/// use mcp_auth_layer::schemes::Audience;
///
/// let resource = Resource::new("https://mcp.example.com/mcp", "https://id.example.com")?;
/// assert_eq!(Audience::from(&resource), Audience::from("https://mcp.example.com/mcp"));
/// # Ok::<(), mcp_auth_layer::layer::InvalidResource>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Audience(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Name(String),
    Clients(Vec<String>),
}

impl Audience {
    /// Accepts tokens **without an audience** that were issued to one of these clients.
    ///
    /// It is for authorization servers whose access tokens name a client and no audience, such as
    /// Amazon Cognito. A token that one of these clients was issued for another server is accepted as
    /// well. A token that names an audience is rejected.
    pub fn danger_clients_instead(clients: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(Kind::Clients(clients.into_iter().map(Into::into).collect()))
    }

    /// Returns whether it could match any token.
    pub(super) fn is_empty(&self) -> bool {
        match &self.0 {
            Kind::Name(name) => name.is_empty(),
            Kind::Clients(clients) => clients.is_empty() || clients.iter().any(String::is_empty),
        }
    }

    /// Returns whether a member of `aud` is this audience.
    pub(super) fn matches(&self, audience: &str) -> bool {
        let Kind::Name(name) = &self.0 else { return false };
        name == audience
            || matches!((origin(name), origin(audience)), (Some(ours), Some(theirs)) if ours == theirs)
    }

    /// Returns whether a token without `aud` may be accepted that was issued to this client.
    pub(super) fn stands_for_client(&self, client: Option<&str>) -> bool {
        let Kind::Clients(clients) = &self.0 else { return false };
        client.is_some_and(|client| clients.iter().any(|allowed| allowed == client))
    }
}

/// Returns scheme and authority, in lower case, of a URL that has neither path, query nor fragment.
fn origin(url: &str) -> Option<String> {
    let without_slash = url.strip_suffix('/').unwrap_or(url);
    let uri: Uri = without_slash.parse().ok()?;
    let (scheme, authority) = (uri.scheme_str()?, uri.authority()?);
    let is_origin = ["http", "https"].contains(&scheme)
        && without_slash.len() == scheme.len() + "://".len() + authority.as_str().len();
    is_origin.then(|| without_slash.to_ascii_lowercase())
}

/// The URL of the resource.
impl From<&Resource> for Audience {
    fn from(resource: &Resource) -> Self {
        Self::from(resource.as_str())
    }
}

/// The audience as the token has it.
impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self::from(audience.to_owned())
    }
}

/// The audience as the token has it.
impl From<String> for Audience {
    fn from(audience: String) -> Self {
        Self(Kind::Name(audience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_compared_byte_by_byte() {
        let audience = Audience::from("https://mcp.example.com/mcp");
        assert!(audience.matches("https://mcp.example.com/mcp"));
        for other in [
            "https://mcp.example.com/mcp/",
            "https://mcp.example.com/MCP",
            "https://mcp.example.com/mcp/x",
            "https://MCP.example.com/mcp",
            "https://mcp.example.com",
            "http://mcp.example.com/mcp",
            "",
        ] {
            assert!(!audience.matches(other), "{other}");
        }
    }

    #[test]
    fn origins_are_the_same_with_and_without_slash() {
        for configured in ["https://mcp.example.com", "https://mcp.example.com/"] {
            let audience = Audience::from(configured);
            for same in
                ["https://mcp.example.com", "https://mcp.example.com/", "HTTPS://MCP.Example.com"]
            {
                assert!(audience.matches(same), "{configured} {same}");
            }
            for other in [
                "https://mcp.example.com//",
                "https://mcp.example.com/x",
                "https://mcp.example.com?",
                "https://mcp.example.com#",
                "https://mcp.example.com:443",
                "http://mcp.example.com",
                "mcp.example.com",
            ] {
                assert!(!audience.matches(other), "{configured} {other}");
            }
        }
    }

    #[test]
    fn clients_stand_for_an_audience_only_if_they_are_named() {
        let audience = Audience::danger_clients_instead(["web"]);
        assert!(audience.stands_for_client(Some("web")) && !audience.matches("web"));
        assert!(!audience.stands_for_client(Some("cli")) && !audience.stands_for_client(None));
        assert!(!Audience::from("web").stands_for_client(Some("web")));
    }
}
