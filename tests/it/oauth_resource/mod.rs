//! The layer as an OAuth resource: its metadata documents, and the challenges that name them. The numbers
//! in the tests are those of the cases in the specification of the OAuth support.

mod challenges;
mod documents;
mod placement;
mod several;
mod sockets;

use mcp_auth_layer::layer::Resource;
use mcp_auth_layer::{Bearer, McpAuthLayer};

pub const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
pub const ISSUER: &str = "https://id.example.com";
pub const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

pub fn resource(url: &str) -> Resource {
    Resource::new(url, ISSUER).unwrap()
}

pub fn mcp() -> Resource {
    resource("https://mcp.example.com/mcp")
}

pub fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer("tok").resource(mcp())
}

/// The document of a resource without options.
pub fn document(url: &str) -> String {
    format!(
        r#"{{"resource":"{url}","authorization_servers":["{ISSUER}"],"bearer_methods_supported":["header"]}}"#
    )
}

/// The challenge of a request without a token to the resource at this URL.
pub fn challenge(metadata_url: &str) -> String {
    format!(r#"Bearer realm="mcp", resource_metadata="{metadata_url}""#)
}
