//! Where MCP clients look for an OAuth server after a 401.

use http::Method;
use http::request::Parts;

const DOCUMENTS: [&str; 3] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

/// Whether a request asks for a discovery document: RFC 8414 §3, RFC 9728 §3 and OpenID Connect
/// Discovery §4. The path of the resource may stand behind the document or in front of it, as MCP
/// clients try both.
///
/// A path that an upstream's URL library could normalize into another one is none of them.
pub(super) fn is_discovery(head: &Parts) -> bool {
    let path = head.uri.path();
    let is_document = |document: &str| {
        let behind = path.strip_prefix(document);
        path.ends_with(document) || behind.is_some_and(|rest| rest.starts_with('/'))
    };
    matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS)
        && DOCUMENTS.into_iter().any(is_document)
        && is_plain(path)
}

fn is_plain(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    !path.contains(['%', '\\', ';'])
        && !path.contains("//")
        && !segments.any(|segment| matches!(segment, "." | ".."))
}

/// Whether a request registers an OAuth client (RFC 7591), where MCP revision 2025-03-26 has
/// clients look for it if there is no discovery document.
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

    /// The kind: of several forms of the same request, one is recognized and the others are not.
    #[test]
    fn documents_are_found_before_and_behind_the_path() {
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
    fn paths_that_could_mean_another_one_are_no_documents() {
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
    fn a_registration_is_one_path_and_one_method() {
        assert!(is_registration(&head("POST", "/register")));
        for (method, path) in
            [("GET", "/register"), ("POST", "/register/"), ("POST", "/a/register")]
        {
            assert!(!is_registration(&head(method, path)), "{method} {path}");
        }
    }
}
