//! Where MCP clients look for an OAuth server after a 401.

use http::Method;
use http::request::Parts;

/// The message for a client that looks for OAuth where there is none.
pub(crate) const NO_OAUTH: &str =
    "no OAuth here: the credential is configured in the client, as a header";

/// The message for a client that looks for a document of the authorization server, or for that of a
/// resource in a wrong place.
pub(super) const ELSEWHERE: &str = "not here: the challenge of a 401 has the URL of the metadata of the resource, which names the \
     authorization server";

const DOCUMENTS: [&str; 3] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// How requests for OAuth discovery documents are handled.
///
/// MCP clients follow any 401 with a request for `/.well-known/oauth-protected-resource`,
/// `/.well-known/oauth-authorization-server` or `/.well-known/openid-configuration`. Any response
/// but a plain 404 leads them astray if credentials are configured by hand.
///
/// A [resource](crate::McpAuthLayer::resource) has its own document served in any case. This option is
/// for the others: those of an authorization server are at that server, and not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovery {
    /// The layer responds with 404. This is the default.
    #[default]
    NotFound,
    /// The request is forwarded without credentials, for an inner service that serves the documents.
    Forward,
}

/// Returns whether a request asks for a discovery document: RFC 8414 §3, RFC 9728 §3 and OpenID Connect
/// Discovery §4. The path of the resource may follow or precede that of the document: MCP clients
/// try both.
///
/// A path that an upstream's URL library could normalize into another one is not a document.
pub(super) fn is_discovery(head: &Parts) -> bool {
    let path = head.uri.path();
    matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS)
        && DOCUMENTS.into_iter().any(|document| is_document(path, document))
        && is_plain(path)
}

fn is_document(path: &str, document: &str) -> bool {
    let resource = path.strip_prefix(document);
    path.ends_with(document) || resource.is_some_and(|path| path.starts_with('/'))
}

/// Returns whether a path means the same to every URL library.
fn is_plain(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    !path.contains(['%', '\\', ';'])
        && !path.contains("//")
        && !segments.any(|segment| matches!(segment, "." | ".."))
}

/// Returns whether a request registers an OAuth client (RFC 7591), where clients of MCP revision 2025-03-26
/// look for registration if there is no discovery document.
pub(crate) fn is_registration(head: &Parts) -> bool {
    head.method == Method::POST && head.uri.path() == "/register"
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn head(method: &str, path: &str) -> Parts {
        Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
    }

    /// The kind of fault: of several forms of the same request, only some are recognized.
    #[test]
    fn documents_may_precede_or_follow_the_path() {
        for document in DOCUMENTS {
            for path in [
                document.to_owned(),
                format!("{document}/mcp"),
                format!("{document}/a/b"),
                format!("/mcp{document}"),
                format!("/a/b{document}"),
            ] {
                assert!(is_discovery(&head("GET", &path)), "{path}");
                assert!(is_discovery(&head("OPTIONS", &path)), "{path}");
                assert!(!is_discovery(&head("POST", &path)), "{path}");
            }
        }
    }

    #[test]
    fn ambiguous_paths_are_not_documents() {
        let document = DOCUMENTS[0];
        for path in [
            format!("{document}/../mcp"),
            format!("{document}/%2e%2e/mcp"),
            format!("{document}x"),
            format!("{document}//mcp"),
            format!("/mcp/..{document}"),
            format!("/mcp;x{document}"),
            format!("//mcp{document}"),
            format!("/a%2f{document}"),
            format!("/mcp{document}/mcp"),
            "/.well-known/".to_owned(),
            "/mcp/.well-known".to_owned(),
        ] {
            assert!(!is_discovery(&head("GET", &path)), "{path}");
        }
    }

    #[test]
    fn registration_is_one_path_and_one_method() {
        assert!(is_registration(&head("POST", "/register")));
        for (method, path) in
            [("GET", "/register"), ("POST", "/register/"), ("POST", "/a/register")]
        {
            assert!(!is_registration(&head(method, path)), "{method} {path}");
        }
    }
}
