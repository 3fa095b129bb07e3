//! Which values of `Origin` and `Sec-Fetch-Site` are accepted.

use super::{TOKEN, layer, status};
use crate::support::{get, recorder, request, send};
use http::Method;
use mcp_auth_layer::layer::{Origin, OriginScheme};

#[tokio::test]
async fn foreign_origin_is_403_even_with_valid_credentials() {
    let (app, seen) = recorder();
    let app = app.layer(layer().allow_origin(Origin::from_static("https://app.example:443")));
    let host = ("host", "localhost:8000");
    for (origin, status) in [
        ("http://localhost:8000", 200),
        ("https://localhost:8000", 200), // TLS may end in front of the server
        ("http://LOCALHOST:8000", 200),
        ("https://app.example", 200),
        ("https://APP.example", 200),
        ("http://app.example", 403),
        ("https://app.example:8443", 403),
        ("https://app.example.evil", 403),
        ("https://sub.app.example", 403),
        ("http://localhost", 403),
        ("http://localhost:8001", 403),
        ("http://localhost:8000/", 403),
        ("http://localhost:8000.evil.example", 403),
        ("http://user@localhost:8000", 403),
        ("localhost:8000", 403),
        ("ftp://localhost:8000", 403),
        ("null", 403),
        ("", 403),
    ] {
        let response = send(app.clone(), get("/mcp", &[TOKEN, host, ("origin", origin)])).await;
        assert_eq!(response.status, status, "{origin}");
        assert_eq!(seen.count(), usize::from(status == 200), "{origin}");
        if status == 200 {
            seen.only();
        } else {
            assert!(response.challenges().is_empty());
            assert!(response.message().contains("allow_origin"));
            assert!(response.message().contains(origin));
        }
    }
    // The check comes before authentication; requests without an origin pass it.
    let foreign = [host, ("origin", "http://evil.example")];
    assert_eq!(send(app.clone(), get("/mcp", &foreign)).await.status, 403);
    assert_eq!(send(app, get("/mcp", &[TOKEN, host])).await.status, 200);
}

#[tokio::test]
async fn own_origin_considers_default_ports_and_every_host() {
    let (app, _) = recorder();
    let app = app.layer(layer());
    for (target, host, origin, status) in [
        ("/mcp", Some("192.0.2.1:80"), "http://192.0.2.1", 200),
        ("/mcp", Some("192.0.2.1:443"), "https://192.0.2.1", 200),
        ("/mcp", Some("192.0.2.1:443"), "http://192.0.2.1", 403),
        ("/mcp", Some("[::1]:80"), "http://[::1]", 200),
        ("http://localhost/mcp", None, "http://localhost", 200),
        ("http://localhost/mcp", None, "http://other.example", 403),
        ("http://localhost/mcp", Some("localhost"), "http://localhost", 200),
        ("http://localhost/mcp", Some("192.0.2.1"), "http://192.0.2.1", 403),
        ("http://192.0.2.1/mcp", Some("localhost"), "http://192.0.2.1", 403),
        ("/mcp", None, "http://localhost", 403),
        ("/mcp", Some(""), "http://", 403),
    ] {
        let mut fields = vec![TOKEN, ("origin", origin)];
        fields.extend(host.map(|host| ("host", host)));
        let response = send(app.clone(), get(target, &fields)).await;
        assert_eq!(response.status, status, "{target} {host:?} {origin}");
    }
    let two = [TOKEN, ("host", "127.0.0.1"), ("origin", "http://127.0.0.1")];
    assert_eq!(send(app.clone(), get("/mcp", &two)).await.status, 200);
    let two = [two.as_slice(), &[("origin", "http://127.0.0.1")]].concat();
    assert_eq!(send(app, get("/mcp", &two)).await.status, 403);
}

#[tokio::test]
async fn cross_site_fetch_metadata_is_403_without_an_origin() {
    let (app, seen) = recorder();
    let app = app.layer(layer().allow_origin(Origin::from_static("https://app.example")));
    for (site, status) in [
        (None, 200),
        (Some("same-origin"), 200),
        (Some("none"), 200), // navigation by the user
        (Some("cross-site"), 403),
        (Some("same-site"), 403),
        (Some("whatever"), 403),
    ] {
        let mut fields = vec![TOKEN, ("host", "localhost")];
        fields.extend(site.map(|site| ("sec-fetch-site", site)));
        let response = send(app.clone(), get("/mcp", &fields)).await;
        assert_eq!(response.status, status, "{site:?}");
        // If there is an origin, only the origin counts.
        fields.push(("origin", "https://app.example"));
        assert_eq!(send(app.clone(), get("/mcp", &fields)).await.status, 200, "{site:?}");
    }
    assert_eq!(seen.count(), 3 + 6);
}

#[tokio::test]
async fn cross_site_fetch_metadata_is_403_for_every_method() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    // A proxy or a browser extension has removed `Origin` from the last four.
    let methods =
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS];
    for method in &methods {
        for (site, status) in
            [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
        {
            let fields = [TOKEN, ("host", "localhost"), ("sec-fetch-site", site)];
            let response = send(app.clone(), request(method.clone(), "/mcp", &fields)).await;
            assert_eq!(response.status, status, "{method} {site}");
        }
    }
    assert_eq!(seen.count(), 2 * methods.len());
    // Every value decides, not the first alone.
    for (second, status) in [("same-origin", 200), ("cross-site", 403)] {
        let sites = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", second)];
        let fields = [TOKEN, ("host", "localhost"), sites[0], sites[1]];
        assert_eq!(send(app.clone(), get("/mcp", &fields)).await.status, status, "{second}");
    }
}

#[tokio::test]
async fn hostile_origin_is_escaped_and_truncated_in_the_message() {
    let (app, _) = recorder();
    let origin = format!("http://\"}},\"id\":1,{}", "x".repeat(10_000));
    let response = send(app.layer(layer()), get("/mcp", &[("origin", &origin)])).await;
    assert_eq!(response.status, 403);
    assert!(response.message().len() < 500, "the message is truncated");
}

#[tokio::test]
async fn all_origins_of_a_custom_scheme_can_be_allowed() {
    let (app, _) = recorder();
    let webviews = app.layer(
        layer()
            .danger_allow_origin_scheme(OriginScheme::from_static("vscode-webview"))
            .danger_allow_origin_scheme(OriginScheme::from_static("file")),
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
        assert!(scheme.parse::<OriginScheme>().is_err(), "{scheme}");
    }
}
