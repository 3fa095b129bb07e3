//! A protected resource, and what its metadata says.

use std::fmt;

use bytes::Bytes;
use http::Uri;
use serde_json::json;

use super::error::InvalidResource;
use super::identifier::{Identifier, parse_without_query};
use crate::auth::{Host, Scope};

/// A protected resource (RFC 9728): the URL that clients connect to, and what its metadata document says,
/// by which clients find the login.
///
/// ```
/// use mcp_auth_layer::McpAuthLayer;
/// use mcp_auth_layer::layer::Resource;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let resource = Resource::new("https://mcp.example.com/mcp", "https://id.example.com")?
///     .scopes_supported(["tools:read", "tools:write"])?
///     .name("Example tools")
///     .documentation("https://example.com/tools")?;
/// assert_eq!(
///     resource.metadata_url(),
///     "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
/// );
/// # let authenticator = mcp_auth_layer::testing::never();
/// let layer = McpAuthLayer::new(authenticator).resource(resource);
/// # Ok(())
/// # }
/// ```
///
/// # Which URL
///
/// Use the exact URL of the MCP endpoint that users configure in their clients: some clients compare it
/// as a string, so that a slash at the end makes it another one. A server with two endpoints, such as
/// `/mcp` and `/sse`, or with two names, has a resource for each.
///
/// # The document
///
/// A [layer](crate::McpAuthLayer::resource) with this resource serves the document. It is
/// made of the configuration alone and contains every URL as it was given; nothing of a request is in
/// it.
///
/// A router that is nested (`nest("/api", guarded)`) receives no requests for `/.well-known/…`. Add
/// [`routes`](Self::routes) to the outer router then:
///
/// ```
/// # use axum::{Router, routing::post};
/// # use mcp_auth_layer::McpAuthLayer;
/// # use mcp_auth_layer::layer::Resource;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let authenticator = mcp_auth_layer::testing::never();
/// let resource = Resource::new("https://example.com/api/mcp", "https://id.example.com")?;
/// let documents = resource.routes();
/// let layer = McpAuthLayer::new(authenticator).resource(resource);
/// let api = Router::new().route("/mcp", post(|| async { "an MCP server" })).layer(layer);
/// let app: Router = Router::new().nest("/api", api).merge(documents);
/// # Ok(())
/// # }
/// ```
///
/// A proxy that forwards only some paths, or removes a prefix from them, must forward the path of the
/// document unchanged: for nginx, `location /.well-known/oauth-protected-resource { proxy_pass
/// http://127.0.0.1:8000; }`.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct Resource {
    pub(super) identifier: Identifier,
    authorization_servers: Vec<String>,
    scopes: Vec<Scope>,
    name: Option<String>,
    documentation: Option<String>,
    pub(super) is_at_root: bool,
}

impl Resource {
    /// Creates the resource of this URL, for which this authorization server issues tokens. The latter is
    /// named by its issuer identifier (RFC 8414 §2): the URL that is `iss` in its tokens. Both are sent
    /// exactly as they are given.
    ///
    /// # Errors
    ///
    /// If one of them is not an absolute `https` URL, or `http` and of a loopback host; if it has user
    /// information, a query or a fragment (RFC 8707 §2, RFC 9728 §1.2); if URL libraries would change the
    /// path of the resource.
    pub fn new(
        url: impl Into<String>,
        authorization_server: impl Into<String>,
    ) -> Result<Self, InvalidResource> {
        let resource = Self {
            identifier: Identifier::parse(url.into())?,
            authorization_servers: Vec::new(),
            scopes: Vec::new(),
            name: None,
            documentation: None,
            is_at_root: true,
        };
        resource.authorization_server(authorization_server)
    }

    /// Adds another authorization server, by its issuer identifier. Clients choose one; most choose the
    /// first.
    ///
    /// # Errors
    ///
    /// As for the first one, see [`new`](Self::new).
    pub fn authorization_server(
        mut self,
        issuer: impl Into<String>,
    ) -> Result<Self, InvalidResource> {
        let issuer = issuer.into();
        match parse_without_query(&issuer) {
            Ok(_) => self.authorization_servers.push(issuer),
            Err(problem) => {
                let what = "the issuer of an authorization server";
                return Err(InvalidResource::new(issuer, what, problem));
            }
        }
        Ok(self)
    }

    /// Sets the scopes that clients may ask for, and replaces earlier ones. Clients ask for all of them
    /// where a challenge names no scope.
    ///
    /// # Errors
    ///
    /// If one is not a scope token (RFC 6749 §3.3), or is `offline_access`: a resource does not grant
    /// refresh tokens, and MCP forbids to list it.
    pub fn scopes_supported<S: AsRef<str>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<Self, InvalidResource> {
        let invalid =
            |scope: &S, problem| InvalidResource::new(scope.as_ref(), "a supported scope", problem);
        let parse = |scope: S| match scope.as_ref().parse::<Scope>() {
            Ok(parsed) if parsed == Scope::OFFLINE_ACCESS => {
                Err(invalid(&scope, "clients add it where the authorization server supports it"))
            }
            Ok(parsed) => Ok(parsed),
            Err(_) => Err(invalid(&scope, "it is empty, or has characters that no scope has")),
        };
        self.scopes = scopes.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// Sets the name that clients show to their users.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the URL of a page for developers of clients.
    ///
    /// # Errors
    ///
    /// If it is not an absolute `https` or `http` URL.
    pub fn documentation(mut self, url: impl Into<String>) -> Result<Self, InvalidResource> {
        let url = url.into();
        let is_web_page = url.bytes().all(|byte| byte.is_ascii_graphic())
            && url.parse::<Uri>().is_ok_and(|uri| {
                uri.host().is_some() && matches!(uri.scheme_str(), Some("https" | "http"))
            });
        if !is_web_page {
            let problem = "it is not an absolute URL that begins with https:// or http://";
            return Err(InvalidResource::new(url, "the URL of a page", problem));
        }
        self.documentation = Some(url);
        Ok(self)
    }

    /// Serves the document at the path of this resource alone.
    ///
    /// By default a copy is at `/.well-known/oauth-protected-resource` itself, where some clients look
    /// first. Strict clients discard that copy, as it is of another resource than the root. Without it,
    /// other resources of the same host can have the place.
    pub fn only_at_its_path(mut self) -> Self {
        self.is_at_root = false;
        self
    }

    /// Returns the URL as it was given.
    pub fn as_str(&self) -> &str {
        self.identifier.as_str()
    }

    /// Returns the URL of the document, which challenges name as `resource_metadata`.
    pub fn metadata_url(&self) -> &str {
        self.identifier.metadata_url()
    }

    /// Returns the server's name that the URL has.
    pub(crate) fn host(&self) -> Host {
        self.identifier.host().clone()
    }

    /// Returns the document (RFC 9728 §2). Strings are those of the configuration.
    pub(super) fn document(&self) -> Bytes {
        let mut members = vec![
            ("resource", json!(self.as_str())),
            ("authorization_servers", json!(self.authorization_servers)),
        ];
        if !self.scopes.is_empty() {
            let scopes: Vec<_> = self.scopes.iter().map(Scope::as_str).collect();
            members.push(("scopes_supported", json!(scopes)));
        }
        members.push(("bearer_methods_supported", json!(["header"])));
        let texts =
            [("resource_name", &self.name), ("resource_documentation", &self.documentation)];
        members.extend(
            texts.into_iter().filter_map(|(name, text)| Some((name, json!(text.as_ref()?)))),
        );
        let members: Vec<_> =
            members.into_iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", members.join(",")).into()
    }
}

/// The URL.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("url", &self.identifier)
            .field("authorization_servers", &self.authorization_servers)
            .field("scopes_supported", &self.scopes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mcp.example.com/mcp";
    const ISSUER: &str = "https://id.example.com/";

    fn resource() -> Resource {
        Resource::new(URL, ISSUER).unwrap()
    }

    #[test]
    fn document_has_the_configured_strings_byte_for_byte() {
        assert_eq!(
            resource().document(),
            r#"{"resource":"https://mcp.example.com/mcp","authorization_servers":["https://id.example.com/"],"bearer_methods_supported":["header"]}"#
        );
        let all = Resource::new("https://MCP.example.com:443", "https://ID.example.com")
            .unwrap()
            .authorization_server("http://localhost:7001/a%2Fb/")
            .unwrap()
            .scopes_supported(["tools:read", "a"])
            .unwrap()
            .name("Ödipus \"tools\"\n")
            .documentation("https://example.com/a?b#c")
            .unwrap();
        assert_eq!(
            all.document(),
            r#"{"resource":"https://MCP.example.com:443","authorization_servers":["https://ID.example.com","http://localhost:7001/a%2Fb/"],"scopes_supported":["tools:read","a"],"bearer_methods_supported":["header"],"resource_name":"Ödipus \"tools\"\n","resource_documentation":"https://example.com/a?b#c"}"#
        );
    }

    #[test]
    fn issuers_are_https_urls_without_query_and_fragment() {
        for good in ["https://id.example.com", "https://id.example.com/a/v2.0", "http://[::1]:1"] {
            assert!(Resource::new(URL, good).is_ok(), "{good}");
            assert!(resource().authorization_server(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "https://id/?a",
            "https://id/#",
            "https://u@id",
        ] {
            let error = Resource::new(URL, bad).unwrap_err().to_string();
            assert!(error.contains("cannot be the issuer of an authorization server"), "{error}");
            assert!(resource().authorization_server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn supported_scopes_are_scope_tokens_without_offline_access() {
        assert!(resource().scopes_supported(["offline_access:x", "a"]).is_ok());
        for bad in ["offline_access", "a b", "", "a\""] {
            let error = resource().scopes_supported(["a", bad]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{bad:?} cannot be a supported scope")), "{error}");
        }
        let none = resource().scopes_supported([""; 0]).unwrap();
        assert_eq!(none.document(), resource().document());
    }

    #[test]
    fn documentation_is_a_page_of_the_web() {
        assert!(resource().documentation("http://example.com/docs").is_ok());
        for bad in ["javascript:alert(1)", "/docs", "ftp://example.com/", "https://", "https://a b"]
        {
            assert!(resource().documentation(bad).is_err(), "{bad}");
        }
    }
}
