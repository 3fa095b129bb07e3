//! Scopes that the layer requires of every scheme. Cases 85, 86 and 88.

use mcp_auth_layer::auth::{RejectionKind, Scope};
use mcp_auth_layer::schemes::Basic;
use mcp_auth_layer::{Bearer, McpAuthLayer, Principal, Rejection, any_of, testing};
use tracing_subscriber::filter::LevelFilter;

use crate::support::log::Log;
use crate::support::{basic, get, recorder, send, with_authorization};

/// A layer with one token for each of these sets of scopes: `token0`, `token1`, …
fn layer(scopes: &[&[&str]]) -> McpAuthLayer<Bearer> {
    let tokens = scopes.iter().enumerate().map(|(index, scopes)| {
        let principal = Principal::new("ci").with_scopes(scopes.iter().copied());
        (principal, format!("token{index}"))
    });
    McpAuthLayer::new(Bearer::new(tokens).unwrap())
}

#[tokio::test]
async fn credential_without_a_required_scope_is_403_with_all() {
    let (app, seen) = recorder();
    let layer = layer(&[&["b", "a", "x"], &["a"], &["b", "A"], &[]])
        .require_scopes(["a"])
        .require_scopes(["b".to_owned(), "a".to_owned()]);
    let app = app.layer(layer);
    assert_eq!(send(app.clone(), with_authorization("Bearer token0")).await.status, 200);
    assert!(seen.only().extensions.get::<Principal>().unwrap().has_scope("x"));
    for token in ["Bearer token1", "Bearer token2", "Bearer token3"] {
        let response = send(app.clone(), with_authorization(token)).await;
        assert_eq!(response.status, 403);
        let rejection = response.extensions.get::<Rejection>().unwrap();
        assert_eq!(rejection.kind(), RejectionKind::InsufficientScope);
        assert_eq!(
            response.challenges(),
            [r#"Bearer realm="mcp", error="insufficient_scope", scope="a b""#]
        );
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn wrong_credentials_are_401_whatever_is_required() {
    let app = recorder().0.layer(layer(&[&["a"]]).require_scopes(["a", "b"]));
    let response = send(app.clone(), get("/", &[])).await;
    assert_eq!(
        (response.status.as_u16(), response.challenges()),
        (401, vec![r#"Bearer realm="mcp", scope="a b""#])
    );
    let response = send(app, with_authorization("Bearer wrong")).await;
    assert_eq!(
        response.challenges(),
        [r#"Bearer realm="mcp", error="invalid_token", scope="a b""#]
    );
}

#[tokio::test]
async fn implied_scopes_count_and_reach_handlers() {
    let (app, seen) = recorder();
    let layer = layer(&[&["admin"], &["read"], &["other"]])
        .scope_implies("write", "read")
        .scope_implies("admin", "write")
        .scope_implies("read", "read")
        .require_scopes(["read"]);
    let app = app.layer(layer);
    assert_eq!(send(app.clone(), with_authorization("Bearer token0")).await.status, 200);
    let head = seen.only();
    let principal = head.extensions.get::<Principal>().unwrap();
    assert!(["admin", "write", "read"].iter().all(|scope| principal.has_scope(scope)));
    assert_eq!(send(app.clone(), with_authorization("Bearer token1")).await.status, 200);
    assert!(!seen.only().extensions.get::<Principal>().unwrap().has_scope("write"));
    assert_eq!(send(app, with_authorization("Bearer token2")).await.status, 403);
}

#[tokio::test]
async fn every_scheme_needs_the_required_scopes() {
    let alice = Principal::new("alice");
    for (principal, status) in [(alice.clone().with_scopes(["a"]), 200), (alice, 403)] {
        let app =
            recorder().0.layer(McpAuthLayer::new(testing::always(principal)).require_scopes(["a"]));
        assert_eq!(send(app, get("/", &[])).await.status, status);
    }
    // Users of Basic have no scopes.
    let ci = Principal::new("ci").with_scopes(["a"]);
    let both =
        any_of((Bearer::new([(ci, "tok")]).unwrap(), Basic::new([("alice", "secret")]).unwrap()));
    let app = recorder().0.layer(McpAuthLayer::new(both).require_scopes(["a"]));
    assert_eq!(send(app.clone(), with_authorization("Bearer tok")).await.status, 200);
    assert_eq!(send(app, with_authorization(&basic("alice", "secret"))).await.status, 403);
}

#[tokio::test]
async fn unknown_session_precedes_a_missing_scope() {
    let app = recorder().0.layer(layer(&[&[], &["a"]]).require_scopes(["a"]));
    for token in ["Bearer token0", "Bearer token1"] {
        let fields = [("authorization", token), ("mcp-session-id", "forged")];
        assert_eq!(send(app.clone(), get("/", &fields)).await.status, 404);
    }
}

#[tokio::test]
async fn missing_scope_is_logged_with_the_principal() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let app = recorder().0.layer(layer(&[&["a"]]).require_scopes(["a", "tools:read"]));
    let response = send(app, with_authorization("Bearer token0")).await;
    assert_eq!(response.status, 403);
    let lines = log.lines();
    assert!(lines[0].contains("principal `ci` does not have scope `tools:read`"), "{lines:?}");
    assert!(!response.body.contains("`ci`"), "{}", response.body);
}

#[test]
#[should_panic(expected = "McpAuthLayer::require_scopes: \"a b\" is not a scope")]
fn required_text_that_is_not_a_scope_panics() {
    let _ = layer(&[&["a"]]).require_scopes(["a", "a b"]);
}

#[test]
#[should_panic(expected = "`offline_access` grants nothing at a resource")]
fn offline_access_cannot_be_required() {
    let _ = layer(&[&["a"]]).require_scopes([Scope::from_static("offline_access")]);
}

#[test]
#[should_panic(expected = "McpAuthLayer::scope_implies: \"\" is not a scope")]
fn implied_text_that_is_not_a_scope_panics() {
    let _ = layer(&[&["a"]]).scope_implies("a", "");
}
