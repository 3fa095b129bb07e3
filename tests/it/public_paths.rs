//! Requests that need no credentials: exact public paths and CORS preflights. They are forwarded
//! without credentials and session IDs.

use axum::body::Body;
use axum::extract::OriginalUri;
use http::Method;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{McpAuthLayer, Principal};

use crate::support::{get, recorder, request, send};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok")
        .public_path(ExactPath::from_static("/health"))
        .public_path(ExactPath::from_static("/"))
}

#[tokio::test]
async fn public_path_needs_no_credentials_with_any_method() {
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
async fn public_path_matches_one_exact_spelling_only() {
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
        // Servers never see targets that the `http` crate rejects.
        if target.parse::<http::Uri>().is_err() {
            continue;
        }
        assert_eq!(send(app.clone(), get(target, &[])).await.status, 401, "{target}");
        assert_eq!(seen.count(), 0, "{target}");
    }
}

#[tokio::test]
async fn exempt_requests_are_forwarded_without_credentials() {
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
    // axum keeps a copy of the URI from before `Router::nest`.
    let inside = |OriginalUri(original): OriginalUri| async move { original.to_string() };
    let inside = axum::Router::new().route("/health", axum::routing::get(inside)).layer(layer());
    let nested = axum::Router::new().nest("/a", inside);
    assert_eq!(send(nested, get("/a/health?session_id=s&b", &[])).await.body, "/a/health?b");
    // Valid credentials are stripped as well, even with `forward_authorization`.
    let (app, seen) = recorder();
    let app = app.layer(layer().forward_authorization());
    send(app, get("/health", &[TOKEN])).await;
    assert!(seen.only().headers.is_empty());
}

#[tokio::test]
async fn only_complete_preflights_are_exempt() {
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

    // Each of these lacks one part of a preflight.
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
