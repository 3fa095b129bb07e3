//! OAuth discovery and client registration: rejected in the form that clients display, because the
//! server has no OAuth; or forwarded without credentials if configured.

use http::Method;
use mcp_auth_layer::layer::{Discovery, ExactPath};
use mcp_auth_layer::{McpAuthLayer, Principal};

use crate::support::{get, recorder, request, send};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok")
        .public_path(ExactPath::from_static("/health"))
        .public_path(ExactPath::from_static("/"))
}

const DOCUMENTS: [&str; 3] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

#[tokio::test]
async fn discovery_requests_are_404() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for document in DOCUMENTS {
        for suffix in ["", "/", "/mcp", "/mcp/sse", "?x=1"] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let target = format!("{document}{suffix}");
                let response = send(app.clone(), request(method.clone(), &target, &[])).await;
                assert_eq!(response.status, 404, "{target}");
                assert_eq!(response.headers["cache-control"], "no-store");
                assert!(response.challenges().is_empty());
                // The response to HEAD has no body.
                assert!(method == Method::HEAD || response.message().contains("no OAuth here"));
            }
        }
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn forwarded_discovery_requests_have_no_credentials() {
    let (app, seen) = recorder();
    let app = app.layer(layer().discovery(Discovery::Forward));
    for document in DOCUMENTS {
        let target = format!("{document}/mcp");
        assert_eq!(send(app.clone(), get(&target, &[TOKEN])).await.status, 200);
        let head = seen.only();
        assert!(head.headers.is_empty());
        assert!(head.extensions.get::<Principal>().is_none());
    }
}

#[tokio::test]
async fn paths_similar_to_discovery_require_authentication() {
    for app_layer in [layer(), layer().discovery(Discovery::Forward)] {
        let (app, seen) = recorder();
        let app = app.layer(app_layer);
        for document in DOCUMENTS {
            for suffix in [
                "x",
                "/..",
                "/../mcp",
                "/../../mcp",
                "/a/../../../mcp",
                "/.",
                "/./mcp",
                "/%2e%2e/mcp",
                "/%2E%2E/mcp",
                "/mcp%2f..",
                "/;/../mcp",
                "/mcp;x",
                ";/mcp",
                "//mcp",
                "/mcp//",
                "%2f",
                "/..%5cmcp",
                ".json",
            ] {
                let target = format!("{document}{suffix}");
                assert_eq!(send(app.clone(), get(&target, &[])).await.status, 401, "{target}");
            }
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                let response = send(app.clone(), request(method, document, &[])).await;
                assert_eq!(response.status, 401, "{document}");
            }
        }
        for target in [
            "/.well-known",
            "/.well-known/",
            "/.well-known/mcp.json",
            "/register",
            "/authorize",
            "/token",
            "/x/.well-known/openid-configuratio",
            "//.well-known/openid-configuration",
            "/.Well-Known/openid-configuration",
            "/.well-known/oauth-protected-resourcE",
            "/.well-known/../mcp",
        ] {
            assert_eq!(send(app.clone(), get(target, &[])).await.status, 401, "{target}");
        }
        assert_eq!(seen.count(), 0);
    }
}

#[tokio::test]
async fn discovery_after_a_path_prefix_is_404() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for path in [
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-protected-resource",
        "/a/b/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/mcp",
    ] {
        assert_eq!(send(app.clone(), get(path, &[])).await.status, 404, "{path}");
    }
    for path in [
        "/mcp/.well-known/other",
        "/mcp/.well-known/openid-configuration/x",
        "/a/../.well-known/openid-configuration",
    ] {
        assert_eq!(send(app.clone(), get(path, &[])).await.status, 401, "{path}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn client_registration_is_an_oauth_error() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    let register =
        |fields: &[(&str, &str)]| send(app.clone(), request(Method::POST, "/register", fields));
    let response = register(&[]).await;
    assert_eq!(response.status, 400);
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["error"], "invalid_request");
    assert!(body["error_description"].as_str().unwrap().contains("configured in the client"));
    assert!(response.challenges().is_empty());
    // Invalid credentials get a 401, which explains more; with valid ones the service responds.
    assert_eq!(register(&[("authorization", "Bearer wrong")]).await.status, 401);
    assert_eq!(seen.count(), 0);
    assert_eq!(register(&[("authorization", "Bearer tok")]).await.status, 200);
    // The layer does not handle registration if discovery is forwarded.
    let inner = recorder().0.layer(layer().discovery(Discovery::Forward));
    assert_eq!(send(inner, request(Method::POST, "/register", &[])).await.status, 401);
}
