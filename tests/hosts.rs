//! What the server is called is configured, never taken from the request.
//!
//! The kind of fault: the request itself says what it is compared with. A page of `evil.example`,
//! whose name was rebound to the server's address, sends `Host` and `Origin` alike.

mod common;

use axum::Router;
use common::{get, recorder, request, send};
use http::Method;
use mcp_auth_layer::{McpAuthLayer, Principal, Rejection, authenticate_fn};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok").public_path("/health")
}

fn named() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    layer().host("tools.example.com").host("other.example.com:8443")
}

async fn status(app: &Router, target: &str, fields: &[(&str, &str)]) -> u16 {
    send(app.clone(), get(target, fields)).await.status.as_u16()
}

#[tokio::test]
async fn a_rebinding_page_is_refused_whatever_it_asks_for() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    let page = [("host", "evil.example:8000"), ("origin", "http://evil.example:8000"), TOKEN];
    for target in ["/sse", "/mcp", "/health", "/.well-known/openid-configuration"] {
        assert_eq!(status(&app, target, &page).await, 403, "{target}");
        let post = send(app.clone(), request(Method::POST, target, &page)).await;
        assert_eq!(post.status, 403, "{target}");
        assert!(post.message().contains("McpAuthLayer::host"), "{}", post.body);
    }
    let preflight = [&page[..], &[("access-control-request-method", "POST")]].concat();
    let preflight = send(app.clone(), request(Method::OPTIONS, "/mcp", &preflight)).await;
    assert_eq!((preflight.status.as_u16(), seen.count()), (403, 0));
    // Where the browser names no origin, it says what site asks.
    for site in ["same-origin", "none", "cross-site"] {
        let loaded = [("host", "evil.example"), ("sec-fetch-site", site), TOKEN];
        assert_eq!(status(&app, "/sse", &loaded).await, 403, "{site}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn a_rebinding_page_reaches_no_authenticator_without_a_secret() {
    let anybody = authenticate_fn(|_: &http::request::Parts| async {
        Ok::<_, Rejection>(Principal::new("local"))
    });
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(anybody));
    let page = [("host", "evil.example:8000"), ("origin", "http://evil.example:8000")];
    assert_eq!(status(&app, "/mcp", &page).await, 403);
    assert_eq!(seen.count(), 0);
    let own = [("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8000")];
    assert_eq!(status(&app, "/mcp", &own).await, 200);
}

#[tokio::test]
async fn requests_of_other_clients_may_use_any_name() {
    let (app, _) = recorder();
    for app in [app.clone().layer(layer()), app.layer(named())] {
        for host in ["evil.example", "tools.internal:8000", "10.0.0.1"] {
            assert_eq!(status(&app, "/mcp", &[("host", host), TOKEN]).await, 200, "{host}");
            // As Node's `fetch` sends it.
            let node = [("host", host), ("sec-fetch-mode", "cors"), TOKEN];
            assert_eq!(status(&app, "/mcp", &node).await, 200, "{host}");
        }
    }
}

#[tokio::test]
async fn own_pages_are_those_of_a_configured_host_over_tls() {
    let (app, _) = recorder();
    let app = app.layer(named());
    for (host, origin, expected) in [
        ("tools.example.com", "https://tools.example.com", 200),
        ("TOOLS.example.com", "https://tools.EXAMPLE.com", 200),
        ("tools.example.com:8000", "https://tools.example.com:8000", 200),
        // A proxy may give it another name inside.
        ("127.0.0.1:8000", "https://tools.example.com", 200),
        ("other.example.com:8443", "https://other.example.com:8443", 200),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", 200),
        ("localhost:8000", "http://localhost:8000", 200),
        // An attacker on the network serves the page of plain http.
        ("tools.example.com", "http://tools.example.com", 403),
        ("tools.example.com", "https://evil.example", 403),
        ("evil.example", "https://tools.example.com", 403),
        ("other.example.com", "https://other.example.com", 403),
        ("tools.example.com.evil.example", "https://tools.example.com", 403),
        ("127.0.0.1:8000", "http://127.0.0.1:9000", 403),
        ("127.0.0.1:8000", "http://localhost:8000", 403),
    ] {
        let fields = [("host", host), ("origin", origin), TOKEN];
        assert_eq!(status(&app, "/mcp", &fields).await, expected, "{host} {origin}");
    }
}

#[tokio::test]
async fn every_host_that_a_request_names_must_be_own() {
    let (app, _) = recorder();
    let app = app.layer(named());
    let own = ("origin", "https://tools.example.com");
    for (target, hosts, expected) in [
        ("https://tools.example.com/mcp", &[][..], 200),
        ("https://tools.example.com/mcp", &["tools.example.com"], 200),
        ("https://tools.example.com/mcp", &["evil.example"], 403),
        ("https://evil.example/mcp", &["tools.example.com"], 403),
        ("/mcp", &["tools.example.com", "evil.example"], 403),
        ("/mcp", &["", "tools.example.com"], 403),
        ("/mcp", &[], 403),
    ] {
        let mut fields = vec![own, TOKEN];
        fields.extend(hosts.iter().map(|host| ("host", *host)));
        assert_eq!(status(&app, target, &fields).await, expected, "{target} {hosts:?}");
    }
}

#[tokio::test]
async fn origins_of_a_whole_scheme_can_be_allowed() {
    let (app, _) = recorder();
    let webviews = app.layer(
        layer().danger_allow_origin_scheme("vscode-webview").danger_allow_origin_scheme("file"),
    );
    for (origin, expected) in [
        ("vscode-webview://0b5b-made-up", 200),
        ("VSCODE-WEBVIEW://other", 200),
        ("file://", 200),
        ("vscode-webview2://x", 403),
        ("http://vscode-webview", 403),
        ("vscode-webview", 403),
        ("null", 403),
    ] {
        let fields = [("host", "localhost:8000"), ("origin", origin), TOKEN];
        assert_eq!(status(&webviews, "/mcp", &fields).await, expected, "{origin}");
    }
    for scheme in ["http", "HTTPS", "", "a b", "*", "file:"] {
        let allow = || layer().danger_allow_origin_scheme(scheme);
        assert!(std::panic::catch_unwind(allow).is_err(), "{scheme}");
    }
}

#[test]
fn a_host_that_cannot_be_meant_panics() {
    for host in ["", "https://tools.example.com", "tools.example.com/mcp", "*", "a b", "::1"] {
        assert!(std::panic::catch_unwind(|| layer().host(host)).is_err(), "{host}");
    }
}
