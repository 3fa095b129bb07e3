//! The metadata documents: where they are, who can read them, and what they contain. Cases 76 to 79, 82 to 84.

use axum::body::Body;
use http::{Method, Request};
use mcp_auth_layer::auth::Host;
use mcp_auth_layer::layer::{Discovery, ExactPath, Resource};
use mcp_auth_layer::{McpAuthLayer, Rejection};
use tower_http::cors::CorsLayer;
use tracing_subscriber::filter::LevelFilter;

use super::{ISSUER, TOKEN, WELL_KNOWN, document, layer, mcp, resource};
use crate::support::log::Log;
use crate::support::{get, recorder, request, send};

const URL: &str = "https://mcp.example.com/mcp";

/// Requests of every kind of client, good and bad.
const FIELDS: [&[(&str, &str)]; 8] = [
    &[],
    &[TOKEN],
    &[("authorization", "Bearer wrong")],
    &[("authorization", "Bearer tok"), ("authorization", "Basic YTpi")],
    &[("origin", "https://evil.example"), ("host", "evil.example")],
    &[("origin", "null"), ("sec-fetch-site", "cross-site")],
    &[("cookie", "a=b"), ("mcp-session-id", "x"), ("mcp-protocol-version", "2025-11-25")],
    &[
        ("host", "evil\", scope=\"x"),
        ("x-forwarded-host", "evil\", scope=\"x"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil"),
    ],
];

#[tokio::test]
async fn anyone_can_read_the_document() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for suffix in ["", "/", "/mcp", "/mcp/", "?x=1", "/mcp?x=1"] {
        for fields in FIELDS {
            let path = format!("{WELL_KNOWN}{suffix}");
            let response = send(app.clone(), get(&path, fields)).await;
            assert_eq!(response.status, 200, "{path} {fields:?}");
            assert_eq!(response.body, document(URL));
            let mut names: Vec<_> = response.headers.keys().map(|name| name.as_str()).collect();
            names.sort_unstable();
            let expected =
                ["access-control-allow-origin", "cache-control", "content-length", "content-type"];
            assert_eq!(names, expected);
            assert_eq!(response.headers["content-type"], "application/json");
            assert_eq!(response.headers["access-control-allow-origin"], "*");
            assert_eq!(response.headers["cache-control"], "max-age=300");
            assert_eq!(response.headers["content-length"], document(URL).len().to_string());
        }
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn head_of_a_document_is_get_without_a_body() {
    let (app, _) = recorder();
    let app = app.layer(layer());
    for path in [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/mcp")] {
        let whole = send(app.clone(), get(&path, &[])).await;
        let head = send(app.clone(), request(Method::HEAD, &path, &[])).await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
        assert_eq!(head.headers, whole.headers);
    }
}

#[tokio::test]
async fn preflight_of_a_document_is_204_for_every_field() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    let preflight = [
        ("origin", "http://localhost:6274"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization,mcp-protocol-version"),
        ("host", "localhost"),
    ];
    for fields in [&preflight[..], &[]] {
        let response =
            send(app.clone(), request(Method::OPTIONS, &format!("{WELL_KNOWN}/mcp"), fields)).await;
        assert_eq!((response.status.as_u16(), response.body.as_str()), (204, ""));
        assert_eq!(response.headers["access-control-allow-origin"], "*");
        assert_eq!(response.headers["access-control-allow-methods"], "GET, HEAD, OPTIONS");
        assert_eq!(response.headers["access-control-allow-headers"], "*, Authorization");
    }
    assert_eq!(seen.count(), 0);
    // A preflight of another path is the inner service's, as without a resource.
    assert_eq!(send(app, request(Method::OPTIONS, "/mcp", &preflight)).await.status, 200);
    assert_eq!(seen.count(), 1);
}

#[tokio::test]
async fn document_exists_beside_an_outer_cors_layer() {
    let app = recorder().0.layer(layer()).layer(CorsLayer::permissive());
    let origin = ("origin", "http://localhost:6274");
    let response = send(app, get(WELL_KNOWN, &[origin])).await;
    assert_eq!(response.status, 200);
    let allowed: Vec<_> = response.headers.get_all("access-control-allow-origin").iter().collect();
    assert_eq!(allowed, ["*"]);
}

#[tokio::test]
async fn other_methods_of_a_document_are_405() {
    let (app, seen) = recorder();
    let app = app.layer(layer().discovery(Discovery::Forward));
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
        for fields in [&[][..], &[TOKEN]] {
            let response = send(app.clone(), request(method.clone(), WELL_KNOWN, fields)).await;
            assert_eq!(response.status, 405, "{method}");
            assert_eq!(response.headers["allow"], "GET, HEAD, OPTIONS");
            assert!(response.message().contains("by GET"));
            assert!(response.challenges().is_empty());
        }
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn other_paths_below_the_well_known_path_are_404() {
    let (app, seen) = recorder();
    for layer in [layer(), layer().discovery(Discovery::Forward)] {
        let app = app.clone().layer(layer);
        for suffix in [
            "/other",
            "/mcp/x",
            "/Mcp",
            "/mcp//",
            "//mcp",
            "//",
            "/..",
            "/../mcp",
            "/../../mcp",
            "/./mcp",
            "/%2e%2e/mcp",
            "/%6dcp",
            "/mcp%2f",
            "%2fmcp",
            "/mcp;x",
            "/mcp/..%5cmcp",
            "x",
            ".json",
        ] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST] {
                let path = format!("{WELL_KNOWN}{suffix}");
                let response = send(app.clone(), request(method.clone(), &path, &[TOKEN])).await;
                assert_eq!(response.status, 404, "{method} {path}");
                assert!(
                    method == Method::HEAD || response.message().starts_with("no resource here")
                );
            }
        }
        for path in [
            "/.well-known/OAuth-protected-resource",
            "/.well-known/%6fauth-protected-resource",
            "//.well-known/oauth-protected-resource",
            "/.well-known/../.well-known/oauth-protected-resource",
        ] {
            assert_eq!(send(app.clone(), get(path, &[])).await.status, 401, "{path}");
        }
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn resource_without_a_copy_is_at_its_path_alone() {
    let (app, _) = recorder();
    let layer = McpAuthLayer::bearer("tok").resource(mcp().only_at_its_path());
    let app = app.layer(layer);
    for root in [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/")] {
        assert_eq!(send(app.clone(), get(&root, &[])).await.status, 404);
    }
    assert_eq!(send(app, get(&format!("{WELL_KNOWN}/mcp"), &[])).await.body, document(URL));
}

#[tokio::test]
async fn documents_have_configured_urls_byte_for_byte() {
    for (url, path) in [
        ("https://MCP.example.com", ""),
        ("https://mcp.example.com/", ""),
        ("https://mcp.example.com:443/Mcp", "/Mcp"),
        ("https://mcp.example.com/mcp/", "/mcp/"),
        ("https://mcp.example.com/mcp/", "/mcp"),
        ("http://127.0.0.1:7002/a%20b/{c}", "/a%20b/{c}"),
    ] {
        let layer = McpAuthLayer::bearer("tok").resource(resource(url).only_at_its_path());
        let app = recorder().0.layer(layer);
        let response = send(app, get(&format!("{WELL_KNOWN}{path}"), &[])).await;
        assert_eq!(response.body, document(url));
    }
    let resource = Resource::new(URL, "https://id.example.com/")
        .and_then(|resource| resource.authorization_server("https://ID.example.com/v2.0"))
        .and_then(|resource| resource.scopes_supported(["tools:read", "tools:write"]))
        .and_then(|resource| resource.documentation("https://example.com/docs#mcp"))
        .unwrap()
        .name("Tools");
    let app = recorder().0.layer(McpAuthLayer::bearer("tok").resource(resource));
    assert_eq!(
        send(app, get(WELL_KNOWN, &[])).await.body,
        concat!(
            r#"{"resource":"https://mcp.example.com/mcp","#,
            r#""authorization_servers":["https://id.example.com/","https://ID.example.com/v2.0"],"#,
            r#""scopes_supported":["tools:read","tools:write"],"bearer_methods_supported":["header"],"#,
            r#""resource_name":"Tools","resource_documentation":"https://example.com/docs#mcp"}"#
        )
    );
}

#[test]
fn impossible_resources_are_errors_at_build() {
    assert!(Resource::new(URL, ISSUER).is_ok());
    for (url, issuer) in [
        ("https://mcp.example.com/mcp#a", ISSUER),
        ("https://mcp.example.com/mcp?a", ISSUER),
        ("https://user:pw@mcp.example.com/mcp", ISSUER),
        ("http://mcp.example.com/mcp", ISSUER),
        (URL, ""),
        (URL, "http://id.example.com"),
        (URL, "https://id.example.com?a"),
    ] {
        assert!(Resource::new(url, issuer).is_err(), "{url} {issuer}");
    }
    assert!(mcp().scopes_supported(["tools:read"]).is_ok());
    assert!(mcp().scopes_supported(["tools:read", "offline_access"]).is_err());
}

#[tokio::test]
async fn other_discovery_documents_are_at_another_server() {
    let (app, seen) = recorder();
    let guarded = app.clone().layer(layer());
    let forwarding = app.layer(layer().discovery(Discovery::Forward));
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-protected-resource",
    ] {
        let response = send(guarded.clone(), get(path, &[])).await;
        assert_eq!(response.status, 404, "{path}");
        assert!(response.message().starts_with("not here: "), "{}", response.message());
        assert_eq!(seen.count(), 0);
        assert_eq!(send(forwarding.clone(), get(path, &[TOKEN])).await.status, 200);
        assert!(seen.only().headers.is_empty());
    }
}

#[tokio::test]
async fn registration_at_a_resource_is_a_plain_401() {
    let (app, seen) = recorder();
    let response = send(app.layer(layer()), request(Method::POST, "/register", &[])).await;
    assert_eq!(response.status, 401);
    assert_eq!(response.challenges().len(), 1);
    assert!(response.message().contains("log in with a client that supports OAuth"));
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn document_precedes_a_public_path() {
    let (app, seen) = recorder();
    let layer = layer().public_path(ExactPath::from_static(WELL_KNOWN));
    assert_eq!(send(app.layer(layer), get(WELL_KNOWN, &[])).await.body, document(URL));
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn host_of_the_resource_is_a_host_of_the_server() {
    let page = |host| [("host", host), ("origin", "https://mcp.example.com"), TOKEN];
    let app = recorder().0.layer(layer());
    assert_eq!(send(app.clone(), get("/mcp", &page("mcp.example.com"))).await.status, 200);
    assert_eq!(send(app, get("/mcp", &page("other.example.com"))).await.status, 403);
    let without = McpAuthLayer::bearer("tok").host(Host::from_static("other.example.com"));
    let app = recorder().0.layer(without);
    assert_eq!(send(app, get("/mcp", &page("mcp.example.com"))).await.status, 403);
}

#[tokio::test]
async fn documents_are_logged_as_exempt() {
    let (log, _guard) = Log::start(LevelFilter::DEBUG);
    let app = recorder().0.layer(layer());
    send(app.clone(), get(WELL_KNOWN, &[TOKEN])).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains(r#"exempt reason="resource metadata""#), "{lines:?}");
    send(app.clone(), get(&format!("{WELL_KNOWN}/other"), &[])).await;
    assert!(log.lines()[0].contains(r#"reason="no_discovery""#));
    send(app, request(Method::POST, WELL_KNOWN, &[])).await;
    assert!(log.lines()[0].contains(r#"reason="method_not_allowed""#));
}

#[tokio::test]
async fn body_of_a_document_request_is_dropped() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for (method, status) in [("GET", 200), ("OPTIONS", 204), ("POST", 405)] {
        let request = Request::builder().method(method).uri(WELL_KNOWN);
        let request = request.body(Body::from(vec![b'x'; 100_000])).unwrap();
        let response = send(app.clone(), request).await;
        assert_eq!(response.status, status, "{method}");
        assert!(response.extensions.get::<Rejection>().is_some() == (status == 405));
    }
    assert_eq!(seen.count(), 0);
}
