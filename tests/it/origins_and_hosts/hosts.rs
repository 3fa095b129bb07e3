//! The server's names are configured and never read from the request: a page of `evil.example` whose
//! name was rebound to the server's address sends matching `Host` and `Origin` headers.

use http::Method;
use mcp_auth_layer::auth::{Host, authenticate_fn};
use mcp_auth_layer::{McpAuthLayer, Principal, Rejection};

use super::{TOKEN, layer, status};
use crate::support::{recorder, request, send};

fn named() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    layer()
        .host(Host::from_static("tools.example.com"))
        .host(Host::from_static("other.example.com:8443"))
}

#[tokio::test]
async fn dns_rebinding_is_403_on_every_path() {
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
    // Without `Origin`, browsers send `Sec-Fetch-Site`.
    for site in ["same-origin", "none", "cross-site"] {
        let loaded = [("host", "evil.example"), ("sec-fetch-site", site), TOKEN];
        assert_eq!(status(&app, "/sse", &loaded).await, 403, "{site}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn dns_rebinding_is_403_before_authentication() {
    let accepts_all = authenticate_fn(|_: &http::request::Parts| async {
        Ok::<_, Rejection>(Principal::new("local"))
    });
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(accepts_all));
    let page = [("host", "evil.example:8000"), ("origin", "http://evil.example:8000")];
    assert_eq!(status(&app, "/mcp", &page).await, 403);
    assert_eq!(seen.count(), 0);
    let own = [("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8000")];
    assert_eq!(status(&app, "/mcp", &own).await, 200);
}

#[tokio::test]
async fn non_browser_clients_may_use_any_host() {
    let (app, _) = recorder();
    for app in [app.clone().layer(layer()), app.layer(named())] {
        for host in ["evil.example", "tools.internal:8000", "10.0.0.1"] {
            assert_eq!(status(&app, "/mcp", &[("host", host), TOKEN]).await, 200, "{host}");
            // Node's `fetch` sends this.
            let node = [("host", host), ("sec-fetch-mode", "cors"), TOKEN];
            assert_eq!(status(&app, "/mcp", &node).await, 200, "{host}");
        }
    }
}

#[tokio::test]
async fn configured_hosts_accept_their_https_origins_only() {
    let (app, _) = recorder();
    let app = app.layer(named());
    for (host, origin, expected) in [
        ("tools.example.com", "https://tools.example.com", 200),
        ("TOOLS.example.com", "https://tools.EXAMPLE.com", 200),
        ("tools.example.com:8000", "https://tools.example.com:8000", 200),
        // A proxy may send another `Host`.
        ("127.0.0.1:8000", "https://tools.example.com", 200),
        ("other.example.com:8443", "https://other.example.com:8443", 200),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", 200),
        ("localhost:8000", "http://localhost:8000", 200),
        // A network attacker can serve pages over plain HTTP.
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
async fn every_host_in_a_browser_request_must_be_configured() {
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
