//! The identifier of a protected resource: its URL.

use std::fmt;

use http::Uri;

use super::error::InvalidResource;
use crate::auth::{Host, parse_server_url};

/// The path below which the metadata of resources are (RFC 9728 §3.1).
pub(super) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The URL of a protected resource, whose metadata has a URL of its own.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identifier {
    /// As it was configured: clients compare it as a string.
    url: String,
    host: Host,
    default_port: u16,
    /// Empty if the URL has none.
    path: String,
    metadata_url: String,
}

impl Identifier {
    pub(super) fn parse(url: String) -> Result<Self, InvalidResource> {
        match parts(&url) {
            Ok((uri, path, host)) => {
                let scheme = uri.scheme_str().unwrap_or_default();
                let authority = uri.authority().map_or("", |authority| authority.as_str());
                let metadata_url = format!("{scheme}://{authority}{}", metadata_path(&path));
                let default_port = if scheme == "http" { 80 } else { 443 };
                Ok(Self { url, host, default_port, path, metadata_url })
            }
            Err(problem) => Err(InvalidResource::new(url, "the URL of a resource", problem)),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.url
    }

    pub(super) fn metadata_url(&self) -> &str {
        &self.metadata_url
    }

    pub(super) fn metadata_path(&self) -> String {
        metadata_path(&self.path)
    }

    /// Returns the host as the URL has it.
    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Returns the host with the port that the URL means.
    pub(super) fn host_and_port(&self) -> Host {
        self.host.clone().or_port(self.default_port)
    }

    /// Returns the path without a slash at its end.
    pub(super) fn path(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.url, f)
    }
}

/// Inserts the well-known path before that of the resource. A slash that is the whole path of the resource
/// is dropped, any other one belongs to the path (RFC 9728 §3.1).
fn metadata_path(path: &str) -> String {
    let path = if path == "/" { "" } else { path };
    format!("{WELL_KNOWN}{path}")
}

fn parts(url: &str) -> Result<(Uri, String, Host), &'static str> {
    let uri = parse_without_query(url)?;
    let authority = uri.authority().ok_or("it is not an absolute URL")?.as_str();
    let host = authority.parse().map_err(|_| "its host is not a name or an IP address")?;
    // `Uri` adds the path `/` where there is none. A path may end as the authority does: `https://mcp/mcp`.
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest != authority);
    let path = if has_path { uri.path() } else { "" };
    if is_rewritten(path) {
        return Err("URL libraries change its path: it has a segment `.` or `..`, or two slashes");
    }
    Ok((uri.clone(), path.to_owned(), host))
}

/// Parses the URL of a server that is also its identifier: without a query.
pub(super) fn parse_without_query(url: &str) -> Result<Uri, &'static str> {
    let uri = parse_server_url(url)?;
    if uri.query().is_some() { Err("it has a query") } else { Ok(uri) }
}

/// Returns whether a client would ask for another path than this one.
fn is_rewritten(path: &str) -> bool {
    let is_dots = |segment: &str| {
        let segment = segment.to_ascii_lowercase().replace("%2e", ".");
        segment == "." || segment == ".."
    };
    path.contains("//") || path.split('/').any(is_dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Identifier, InvalidResource> {
        Identifier::parse(url.to_owned())
    }

    #[test]
    fn metadata_url_has_the_well_known_path_inserted() {
        for (url, expected) in [
            ("https://h.example", "https://h.example/.well-known/oauth-protected-resource"),
            ("https://h.example/", "https://h.example/.well-known/oauth-protected-resource"),
            ("https://h.example/mcp", "https://h.example/.well-known/oauth-protected-resource/mcp"),
            ("https://h.example/a/", "https://h.example/.well-known/oauth-protected-resource/a/"),
            ("http://[::1]:80/a/b", "http://[::1]:80/.well-known/oauth-protected-resource/a/b"),
            ("https://mcp", "https://mcp/.well-known/oauth-protected-resource"),
            ("https://mcp/mcp", "https://mcp/.well-known/oauth-protected-resource/mcp"),
            ("https://a.b/x/a.b", "https://a.b/.well-known/oauth-protected-resource/x/a.b"),
        ] {
            let identifier = parse(url).unwrap();
            assert_eq!(identifier.metadata_url(), expected);
            assert!(expected.ends_with(&identifier.metadata_path()));
            assert_eq!(identifier.as_str(), url);
        }
    }

    #[test]
    fn errors_do_not_show_user_information() {
        let error = parse("https://alice:hunter2@mcp.example.com/mcp").unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("mcp.example.com/mcp"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("alice"), "{shown}");
    }

    #[test]
    fn a_resource_is_a_url_that_clients_do_not_change() {
        for good in [
            "https://mcp.example.com/mcp",
            "https://MCP.example.com:443/Mcp/",
            "http://localhost:8000/a.b/..c",
            "https://h.example/a%20b",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for (bad, problem) in [
            ("http://mcp.example.com/mcp", "https://"),
            ("https://mcp.example.com/mcp?a", "a query"),
            ("https://mcp.example.com/mcp?", "a query"),
            ("https://mcp.example.com/mcp#a", "a fragment"),
            ("https://mcp.example.com/mcp#", "a fragment"),
            ("https://user@mcp.example.com/mcp", "user information"),
            ("https://mcp.example.com/a/../mcp", "segment"),
            ("https://mcp.example.com/a/%2E./mcp", "segment"),
            ("https://mcp.example.com/.", "segment"),
            ("https://mcp.example.com//mcp", "two slashes"),
            ("https://mcp.example.com:/mcp", ""),
            ("https://a~b/mcp", "its host"),
            ("https://h/\"x", "characters"),
            ("mcp.example.com/mcp", ""),
            ("", ""),
        ] {
            let error = parse(bad).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }
}
