//! What needs no credential, and that nothing else becomes such: public paths, preflights,
//! discovery probes. And whom the `Origin` check lets pass.

mod common;

use axum::body::Body;
use axum::extract::OriginalUri;
use common::{get, recorder, request, send};
use http::Method;
use mcp_auth_layer::{McpAuthLayer, Principal};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok").public_path("/health").public_path("/")
}

#[tokio::test]
async fn a_public_path_needs_no_credential_under_any_method() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for target in ["/health", "/health?verbose=1", "/", "http://example.com/health"] {
        for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE, Method::OPTIONS] {
            assert_eq!(
                send(app.clone(), request(method, target, &[])).await.status,
                200,
                "{target}"
            );
            assert!(seen.only().extensions.get::<Principal>().is_none());
        }
    }
}

#[tokio::test]
async fn no_other_spelling_of_it_is_public() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for target in [
        "/health/",
        "/Health",
        "/HEALTH",
        "//health",
        "/./health",
        "/x/../health",
        "/%68ealth",
        "/health%2f",
        "/health%2e",
        "/health;x",
        "/health;",
        "/health/..",
        "/health/../mcp",
        "/health/%2e%2e/mcp",
        "/health//mcp",
        "/health\\mcp",
        "/healthz",
        "/healt",
        "/mcp",
        "/mcp?/health",
        "/mcp/health",
        "//",
        "/%2f",
        "http://example.com/mcp",
        "http://health/mcp",
    ] {
        // What the library for URIs refuses, no server ever sees.
        if target.parse::<http::Uri>().is_err() {
            continue;
        }
        assert_eq!(send(app.clone(), get(target, &[])).await.status, 401, "{target}");
        assert_eq!(seen.count(), 0, "{target}");
    }
}

#[tokio::test]
async fn what_passes_without_a_credential_passes_bare() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    let fields = [
        ("authorization", "Bearer somebody-elses"),
        ("mcp-session-id", "1"),
        ("Mcp-Session-Id", "2"),
        ("last-event-id", "3"),
        ("mcp_session_id", "4"),
        ("last_event-id", "5"),
        ("x-other", "stays"),
    ];
    for (target, passed) in [
        ("/health", "/health"),
        ("/health?a=1&b=%20", "/health?a=1&b=%20"),
        ("/health?session_id=x", "/health"),
        ("/health?a=1&sessionId=x;b=2", "/health?a=1&b=2"),
        ("/health?a=1&SESSION_ID=x&session%5Fid=y&session%5fId", "/health?a=1"),
        ("/health?my_session_id=1", "/health?my_session_id=1"),
        ("http://example.com/health?sessionid=x", "http://example.com/health"),
    ] {
        assert_eq!(send(app.clone(), get(target, &fields)).await.status, 200);
        let head = seen.only();
        assert_eq!(head.uri.to_string(), passed);
        assert_eq!(head.headers.len(), 1, "{:?}", head.headers);
        assert_eq!(head.headers["x-other"], "stays");
    }
    // axum keeps a copy of the URI, as it was before a `nest`.
    let inside = |OriginalUri(original): OriginalUri| async move { original.to_string() };
    let inside = axum::Router::new().route("/health", axum::routing::get(inside)).layer(layer());
    let nested = axum::Router::new().nest("/a", inside);
    assert_eq!(send(nested, get("/a/health?session_id=s&b", &[])).await.body, "/a/health?b");
    // Even with a credential that is good, and though another layer would keep it.
    let (app, seen) = recorder();
    let app = app.layer(layer().forward_authorization());
    send(app, get("/health", &[TOKEN])).await;
    assert!(seen.only().headers.is_empty());
}

#[tokio::test]
async fn a_preflight_passes_bare_and_other_options_do_not() {
    let origin = ("origin", "https://evil.example");
    let method = ("access-control-request-method", "POST");
    let options = |fields: &[(&str, &str)]| {
        request(Method::OPTIONS, "/mcp", &[&[("host", "localhost:8000")], fields].concat())
    };

    let (app, seen) = recorder();
    let app = app.layer(layer());
    let preflight = options(&[origin, method, TOKEN, ("mcp-session-id", "1")]);
    assert_eq!(send(app.clone(), preflight).await.status, 200);
    let head = seen.only();
    assert!(!head.headers.contains_key("authorization"));
    assert!(!head.headers.contains_key("mcp-session-id"));

    // Each lacks one part of a preflight.
    let own = ("origin", "http://localhost:8000");
    assert_eq!(send(app.clone(), options(&[method])).await.status, 401);
    assert_eq!(send(app.clone(), options(&[own])).await.status, 401);
    assert_eq!(send(app.clone(), options(&[])).await.status, 401);
    let get = request(Method::GET, "/mcp", &[own, ("host", "localhost:8000"), method]);
    assert_eq!(send(app.clone(), get).await.status, 401);
    let mut with_body = options(&[own, method]);
    *with_body.body_mut() = Body::from("{}");
    assert_eq!(send(app, with_body).await.status, 401);
    assert_eq!(seen.count(), 0);
}

const DOCUMENTS: [&str; 3] = [
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
];

#[tokio::test]
async fn discovery_probes_are_answered_404() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for document in DOCUMENTS {
        for behind in ["", "/", "/mcp", "/mcp/sse", "?x=1"] {
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                let target = format!("{document}{behind}");
                let answer = send(app.clone(), request(method.clone(), &target, &[])).await;
                assert_eq!(answer.status, 404, "{target}");
                assert_eq!(answer.headers["cache-control"], "no-store");
                assert!(answer.challenges().is_empty());
                // HTTP has no body in the answer to HEAD.
                assert!(method == Method::HEAD || answer.message().contains("no OAuth here"));
            }
        }
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn discovery_probes_pass_bare_where_the_option_says_so() {
    let (app, seen) = recorder();
    let app = app.layer(layer().forward_discovery());
    for document in DOCUMENTS {
        let target = format!("{document}/mcp");
        assert_eq!(send(app.clone(), get(&target, &[TOKEN])).await.status, 200);
        let head = seen.only();
        assert!(head.headers.is_empty());
        assert!(head.extensions.get::<Principal>().is_none());
    }
}

#[tokio::test]
async fn what_only_looks_like_a_discovery_probe_is_authenticated() {
    for app_layer in [layer(), layer().forward_discovery()] {
        let (app, seen) = recorder();
        let app = app.layer(app_layer);
        for document in DOCUMENTS {
            for behind in [
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
                let target = format!("{document}{behind}");
                assert_eq!(send(app.clone(), get(&target, &[])).await.status, 401, "{target}");
            }
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                let answer = send(app.clone(), request(method, document, &[])).await;
                assert_eq!(answer.status, 401, "{document}");
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
async fn a_foreign_origin_is_403_whatever_the_credential() {
    let (app, seen) = recorder();
    let app = app.layer(layer().allow_origin("https://app.example:443"));
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
        let answer = send(app.clone(), get("/mcp", &[TOKEN, host, ("origin", origin)])).await;
        assert_eq!(answer.status, status, "{origin}");
        assert_eq!(seen.count(), usize::from(status == 200), "{origin}");
        if status == 200 {
            seen.only();
        } else {
            assert!(answer.challenges().is_empty());
            assert!(answer.message().contains("allow_origin"));
            assert!(answer.message().contains(origin));
        }
    }
    // It is looked at before the credential, and not needed.
    let foreign = [host, ("origin", "http://evil.example")];
    assert_eq!(send(app.clone(), get("/mcp", &foreign)).await.status, 403);
    assert_eq!(send(app, get("/mcp", &[TOKEN, host])).await.status, 200);
}

#[tokio::test]
async fn default_ports_and_every_host_count_for_the_own_origin() {
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
        let answer = send(app.clone(), get(target, &fields)).await;
        assert_eq!(answer.status, status, "{target} {host:?} {origin}");
    }
    let two = [TOKEN, ("host", "127.0.0.1"), ("origin", "http://127.0.0.1")];
    assert_eq!(send(app.clone(), get("/mcp", &two)).await.status, 200);
    let two = [two.as_slice(), &[("origin", "http://127.0.0.1")]].concat();
    assert_eq!(send(app, get("/mcp", &two)).await.status, 403);
}

#[tokio::test]
async fn what_a_page_makes_the_browser_load_is_foreign_without_an_origin() {
    let (app, seen) = recorder();
    let app = app.layer(layer().allow_origin("https://app.example"));
    for (site, status) in [
        (None, 200),
        (Some("same-origin"), 200),
        (Some("none"), 200), // typed by the user
        (Some("cross-site"), 403),
        (Some("same-site"), 403),
        (Some("whatever"), 403),
    ] {
        let mut fields = vec![TOKEN, ("host", "localhost")];
        fields.extend(site.map(|site| ("sec-fetch-site", site)));
        let answer = send(app.clone(), get("/mcp", &fields)).await;
        assert_eq!(answer.status, status, "{site:?}");
        // Where there is an origin, it decides.
        fields.push(("origin", "https://app.example"));
        assert_eq!(send(app.clone(), get("/mcp", &fields)).await.status, 200, "{site:?}");
    }
    assert_eq!(seen.count(), 3 + 6);
}

#[tokio::test]
async fn a_hostile_origin_is_quoted_and_cut() {
    let (app, _) = recorder();
    let origin = format!("http://\"}},\"id\":1,{}", "x".repeat(10_000));
    let answer = send(app.layer(layer()), get("/mcp", &[("origin", &origin)])).await;
    assert_eq!(answer.status, 403);
    assert!(answer.message().len() < 500, "and it parses");
}

#[test]
fn options_that_cannot_be_meant_panic() {
    let panics = |build: fn() -> McpAuthLayer<mcp_auth_layer::Bearer>| {
        std::panic::catch_unwind(build).is_err()
    };
    assert!(!panics(|| layer().public_path("/a/b-c.d~e").allow_origin("vscode-webview://x")));
    assert!(panics(|| layer().public_path("")));
    assert!(panics(|| layer().public_path("health")));
    assert!(panics(|| layer().public_path("/a*")));
    assert!(panics(|| layer().public_path("/{id}")));
    assert!(panics(|| layer().public_path("/a?b")));
    assert!(panics(|| layer().public_path("/a#b")));
    assert!(panics(|| layer().public_path("/a b")));
    assert!(panics(|| layer().public_path("/ä")));
    assert!(panics(|| layer().allow_origin("*")));
    assert!(panics(|| layer().allow_origin("null")));
    assert!(panics(|| layer().allow_origin("example.com")));
    assert!(panics(|| layer().allow_origin("https://example.com/")));
    assert!(panics(|| layer().allow_origin("https://*.example.com")));
    assert!(panics(|| layer().allow_origin("https://")));
    assert!(panics(|| layer().realm("a\nb")));
    assert!(panics(|| layer().realm("a\r")));
    assert!(panics(|| layer().realm("ä")));
    assert!(!panics(|| layer().realm("a \"b\" \\c")));
}
