//! No secret in any `Debug`, log line, error, panic message or answer; and what the log does say.

mod common;

use std::panic::catch_unwind;

use axum::Router;
use common::log::Log;
use common::{basic, get, recorder, request, send};
use http::Method;
use http::request::Parts;
use mcp_auth_layer::{
    Authenticator, AuthenticatorExt, Basic, Bearer, McpAuthLayer, Principal, Rejection, any_of,
    authenticate_fn,
};
use tower::Layer;
use tracing_subscriber::filter::LevelFilter;

const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

/// The secrets, plain and as they are sent.
fn secrets() -> Vec<String> {
    let sent = basic("alice", PASSWORD);
    vec![PASSWORD.into(), TOKEN.into(), sent.strip_prefix("Basic ").unwrap().into()]
}

fn assert_no_secret(text: &str) {
    for secret in secrets() {
        assert!(!text.contains(&secret), "{secret} stands in {text}");
    }
}

fn both() -> impl Authenticator + std::fmt::Debug {
    any_of(Basic::new([("alice", PASSWORD)]).unwrap(), Bearer::new([("ci", TOKEN)]).unwrap())
}

#[test]
fn debug_shows_none() {
    let layer = McpAuthLayer::new(both()).realm("tools");
    let service = layer.layer(());
    let shown = format!("{:?} {layer:?} {service:?} {:?}", both(), both().boxed());
    assert!(shown.contains("1 credentials") && shown.contains("tools"), "{shown}");
    assert_no_secret(&shown);
    // Nor the digests, which are arrays of numbers.
    assert!(!shown.contains(", 1"), "{shown}");
}

#[test]
fn errors_and_panics_quote_none() {
    let bad_password = format!("{PASSWORD}\n");
    let bad_token = format!("{TOKEN} ");
    let mut texts = vec![
        Basic::new([("alice", &bad_password)]).unwrap_err().to_string(),
        Basic::new([(format!("{PASSWORD}:"), "x")]).unwrap_err().to_string(),
        Basic::new([("alice", PASSWORD), ("alice", TOKEN)]).unwrap_err().to_string(),
        Bearer::new([("ci", &bad_token)]).unwrap_err().to_string(),
        Bearer::new([("ci", TOKEN), ("other", TOKEN)]).unwrap_err().to_string(),
    ];
    let panics: [Box<dyn FnOnce() + std::panic::UnwindSafe>; 3] = [
        Box::new(|| drop(McpAuthLayer::basic("alice", format!("{PASSWORD}\r")))),
        Box::new(|| drop(McpAuthLayer::basic(format!("{PASSWORD}:x"), "y"))),
        Box::new(|| drop(McpAuthLayer::bearer(format!("{TOKEN} x")))),
    ];
    for panic in panics {
        let payload = catch_unwind(panic).expect_err("it panics");
        texts.push(payload.downcast_ref::<String>().expect("a message").clone());
    }
    for text in &texts {
        assert!(text.contains("credential "), "it says which: {text}");
        assert_no_secret(text);
    }
}

fn app() -> Router {
    let (app, _) = recorder();
    app.layer(McpAuthLayer::new(both()).public_path("/health"))
}

#[tokio::test]
async fn one_event_for_each_decision_and_no_secret_in_any() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let good = basic("alice", PASSWORD);
    let claimed = basic("mallory", PASSWORD);
    let token = format!("Bearer {TOKEN}");
    let wrong = format!("Bearer {TOKEN}x");
    for (method, target, fields, expected) in [
        (
            "GET",
            "/sse?a=s3",
            &[("authorization", &*good)][..],
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
            &[("authorization", &good)],
            "INFO mcp_auth_layer: rejected reason=\"unknown_session\" cause=\"it is none of alice's\" method=GET path=\"/mcp\"",
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
            &[("authorization", &*good), ("authorization", &token)],
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
            &[("authorization", &*good)],
            "DEBUG mcp_auth_layer: exempt reason=\"public path\" method=GET path=\"/health\"",
        ),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = send(app(), request(method, target, fields)).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].trim_end().ends_with(expected), "{lines:?}\n{expected}");
        let said = format!("{lines:?} {answer:?}");
        assert_no_secret(&said);
        assert!(!said.contains("mallory") && !lines[0].contains("s3"), "{said}");
    }
}

#[tokio::test]
async fn an_unavailable_backend_is_an_error_in_the_log_with_its_cause() {
    let (log, _guard) = Log::start(LevelFilter::ERROR);
    let down = authenticate_fn(|_: &Parts| async {
        Err::<Principal, _>(Rejection::unavailable().caused_by("no route to database"))
    });
    let panicking = authenticate_fn(|_: &Parts| async {
        // As an `unwrap` of the author's would, with what it was about.
        let parsed: Result<Principal, String> =
            "".parse::<u8>().map(|_| Principal::new("x")).map_err(|_| PASSWORD.into());
        Ok(parsed.unwrap())
    });
    for (app, cause) in [
        (recorder().0.layer(McpAuthLayer::new(down)), "no route to database"),
        (recorder().0.layer(McpAuthLayer::new(panicking)), "the authenticator panicked"),
    ] {
        let answer = send(app, get("/", &[])).await;
        assert_eq!(answer.status, 503);
        assert!(!answer.body.contains(cause));
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].contains(cause), "{lines:?}");
        assert_no_secret(&lines[0]);
    }
}

#[tokio::test]
async fn users_of_a_file_are_as_secret() {
    // A hash of PASSWORD, at a cost of 4.
    let hash = "$2y$04$dWMy1NGi9Q.Qvr56bmQ17OCTo9OhyqY99xLhQw6Ycw8GZTSd6Yr6G";
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let users = Basic::from_htpasswd(&format!("alice:{hash}")).unwrap();
    let bad = Basic::from_htpasswd(&format!("alice:{PASSWORD}")).unwrap_err();
    let mut said = format!("{users:?} {bad} {bad:?}");
    let anybody = mcp_auth_layer::RateLimit::default().no_address_limit();
    let app = recorder().0.layer(McpAuthLayer::new(users).rate_limit(anybody));
    for (user, password, status) in
        [("alice", PASSWORD, 200), ("alice", PASSWORD, 200), ("alice", "x", 401), ("bob", "x", 401)]
    {
        let value = basic(user, password);
        let answer = send(app.clone(), get("/", &[("authorization", &*value)])).await;
        assert_eq!(answer.status, status);
        said += &format!("{answer:?}");
    }
    let lines = log.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    said += &lines.concat();
    assert_no_secret(&said);
    assert!(!said.contains(&hash[7..]) && !said.contains("bob"), "{said}");
}

#[tokio::test]
async fn a_hostile_path_makes_no_second_line() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    send(app(), get("/%0aINFO%20admitted\"principal=\"root", &[])).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(r#"path="/%0aINFO%20admitted\"principal=\"root""#), "{lines:?}");
}
