//! What is logged for each request, and that no secret appears in logs or responses.

use axum::Router;
use http::Method;
use http::request::Parts;
use mcp_auth_layer::auth::authenticate_fn;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::schemes::HtpasswdFile;
use mcp_auth_layer::{Bearer, McpAuthLayer, Principal, Rejection};
use tracing_subscriber::filter::LevelFilter;

use crate::support::known_secrets::{PASSWORD, TOKEN, assert_no_secret, both};
use crate::support::log::Log;
use crate::support::{basic, get, recorder, request, send};

fn app() -> Router {
    let (app, _) = recorder();
    app.layer(McpAuthLayer::new(both()).public_path(ExactPath::from_static("/health")))
}

#[tokio::test]
async fn one_event_is_logged_per_decision_without_secrets() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let valid = basic("alice", PASSWORD);
    let claimed = basic("mallory", PASSWORD);
    let token = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {TOKEN}x");
    for (method, target, fields, expected) in [
        (
            "GET",
            "/sse?a=s3",
            &[("authorization", &*valid)][..],
            "DEBUG mcp_auth_layer: authenticated principal=\"alice\" scheme=\"Basic\" method=GET path=\"/sse\"",
        ),
        (
            "POST",
            "/mcp",
            &[("authorization", &token)],
            "DEBUG mcp_auth_layer: authenticated principal=\"ci\" scheme=\"Bearer\" method=POST path=\"/mcp\"",
        ),
        (
            "POST",
            "/mcp",
            &[("authorization", &claimed)],
            "INFO mcp_auth_layer: rejected reason=\"invalid\" scheme=\"Basic\" method=POST path=\"/mcp\"",
        ),
        (
            "POST",
            "/mcp",
            &[("authorization", &wrong)],
            "INFO mcp_auth_layer: rejected reason=\"invalid\" scheme=\"Bearer\" method=POST path=\"/mcp\"",
        ),
        (
            "GET",
            "/mcp?session_id=s3",
            &[("authorization", &valid)],
            "INFO mcp_auth_layer: rejected reason=\"unknown_session\" cause=\"the ID is not bound to principal `alice`\" method=GET path=\"/mcp\"",
        ),
        (
            "DELETE",
            "/mcp",
            &[("authorization", TOKEN)],
            "INFO mcp_auth_layer: rejected reason=\"unrecognized\" method=DELETE path=\"/mcp\"",
        ),
        (
            "GET",
            "/",
            &[("authorization", &*valid), ("authorization", &token)],
            "INFO mcp_auth_layer: rejected reason=\"bad_request\" method=GET path=\"/\"",
        ),
        (
            "GET",
            "/",
            &[("host", "localhost"), ("origin", "http://evil.example")],
            "INFO mcp_auth_layer: rejected reason=\"foreign_origin\" method=GET path=\"/\"",
        ),
        (
            "GET",
            "/.well-known/openid-configuration",
            &[],
            "DEBUG mcp_auth_layer: rejected reason=\"no_discovery\" method=GET path=\"/.well-known/openid-configuration\"",
        ),
        (
            "GET",
            "/health?token=s3",
            &[("authorization", &*valid)],
            "DEBUG mcp_auth_layer: exempt reason=\"public path\" method=GET path=\"/health\"",
        ),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let response = send(app(), request(method, target, fields)).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].trim_end().ends_with(expected), "{lines:?}\n{expected}");
        let text = format!("{lines:?} {response:?}");
        assert_no_secret(&text);
        assert!(!text.contains("mallory") && !lines[0].contains("s3"), "{text}");
    }
}

#[tokio::test]
async fn unavailable_backend_is_logged_as_error_with_its_cause() {
    let (log, _guard) = Log::start(LevelFilter::ERROR);
    let down = authenticate_fn(|_: &Parts| async {
        Err::<Principal, _>(Rejection::unavailable().caused_by("no route to database"))
    });
    let panicking = authenticate_fn(|_: &Parts| async {
        // Like an `unwrap` in an application, whose message contains a secret.
        let parsed: Result<Principal, String> =
            "".parse::<u8>().map(|_| Principal::new("x")).map_err(|_| PASSWORD.into());
        Ok(parsed.unwrap())
    });
    for (app, cause) in [
        (recorder().0.layer(McpAuthLayer::new(down)), "no route to database"),
        (recorder().0.layer(McpAuthLayer::new(panicking)), "the authenticator panicked"),
    ] {
        let response = send(app, get("/", &[])).await;
        assert_eq!(response.status, 503);
        assert!(!response.body.contains(cause));
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].contains(cause), "{lines:?}");
        assert_no_secret(&lines[0]);
    }
}

#[tokio::test]
async fn password_file_secrets_are_not_logged() {
    // A hash of PASSWORD with cost 4.
    let hash = "$2y$04$dWMy1NGi9Q.Qvr56bmQ17OCTo9OhyqY99xLhQw6Ycw8GZTSd6Yr6G";
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let users = HtpasswdFile::from_text(&format!("alice:{hash}")).unwrap();
    let invalid = HtpasswdFile::from_text(&format!("alice:{PASSWORD}")).unwrap_err();
    let mut text = format!("{users:?} {invalid} {invalid:?}");
    let unlimited = mcp_auth_layer::rate_limit::RateLimit::default().no_address_limit();
    let app = recorder().0.layer(McpAuthLayer::new(users).rate_limit(unlimited));
    for (user, password, status) in
        [("alice", PASSWORD, 200), ("alice", PASSWORD, 200), ("alice", "x", 401), ("bob", "x", 401)]
    {
        let value = basic(user, password);
        let response = send(app.clone(), get("/", &[("authorization", &*value)])).await;
        assert_eq!(response.status, status);
        text += &format!("{response:?}");
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    text += &lines.concat();
    assert_no_secret(&text);
    assert!(!text.contains(&hash[7..]) && !text.contains("bob"), "{text}");
}

#[tokio::test]
async fn hostile_path_cannot_forge_a_log_line() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    send(app(), get("/%0aINFO%20admitted\"principal=\"root", &[])).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#"path="/%0aINFO%20admitted\"principal=\"root""#), "{lines:?}");
}

fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer("tok").public_path(ExactPath::from_static("/health"))
}

#[tokio::test]
async fn client_input_is_truncated_in_logs_and_responses() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let app = recorder().0.layer(layer());
    let long = "x".repeat(60_000);
    let token = ("authorization", "Bearer tok");
    for (method, path, fields) in [
        (Method::GET, &*format!("/{long}"), vec![]),
        (Method::GET, &*format!("/{}", "%85".repeat(20_000)), vec![]),
        (Method::from_bytes(long.as_bytes()).unwrap(), "/", vec![]),
        (Method::from_bytes(long.as_bytes()).unwrap(), "/health", vec![]),
        (Method::GET, &*format!("/{long}"), vec![token]),
        (Method::GET, "/", vec![("host", "localhost"), ("origin", &*long)]),
        (Method::GET, "/", vec![("host", &*long), ("origin", "http://localhost")]),
        (Method::GET, "/", vec![("authorization", &*long)]),
        (Method::GET, "/", vec![token, ("mcp-session-id", &*long)]),
    ] {
        let response = send(app.clone(), request(method, path, &fields)).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].len() < 1_000, "{} bytes logged", lines[0].len());
        assert!(response.body.len() < 1_000, "{} bytes in the response", response.body.len());
    }
}
