//! Security events of identity providers that reach every replica: cases 55 and 57, through a real Redis.

#[path = "../it/support/access_token.rs"]
#[allow(dead_code, unused_imports)]
mod access_token;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::BodyExt;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::signals::Transmitter;
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use mcp_auth_layer::{Jwt, McpAuthLayer};
use serde_json::json;
use tower::ServiceExt;

use self::access_token::{ISSUER, RESOURCE, issuer_keys, now, signed, with_claims};
use crate::support::{RedisServer, eventually};

const AUDIENCE: &str = "https://mcp.example.com/events";

/// A replica with an endless event stream, which accepts access tokens of an issuer and receives its events.
async fn replica(server: &RedisServer) -> Router {
    let key = || StoreKey::from([7; 32]);
    // A short skew, as no test here signs.
    let store = RedisStore::connect(server.url(), key()).skew(Duration::from_secs(1));
    let store = store.timeout(Duration::from_secs(5)).await.expect("Redis accepts the connection");
    let revocations = Revocations::start(store, key()).await.expect("the log is read");
    let transmitter = Transmitter::with_keys(ISSUER, AUDIENCE, issuer_keys()).expect("keys");
    let tokens = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).expect("keys");
    let events = async || {
        let first = stream::iter([Ok::<_, std::convert::Infallible>("data: 1\n\n")]);
        let body = Body::from_stream(first.chain(stream::pending()));
        ([("content-type", "text/event-stream")], body)
    };
    McpAuthLayer::new(tokens)
        .revocations(revocations)
        .security_events(ExactPath::from_static("/events"), transmitter)
        .protect(Router::new().route("/", get(events)))
}

async fn send(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.expect("a response")
}

/// A SET: the sessions of alice were revoked now.
fn event() -> String {
    let header = json!({"alg": "RS256", "kid": "k1", "typ": "secevent+jwt"});
    let revoked = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    let claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now(), "jti": "e-1",
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"}, "events": {revoked: {}},
    });
    signed(&header, &claims)
}

async fn push(app: &Router, event: &str) -> u16 {
    let request = Request::post("/events").header("content-type", "application/secevent+jwt");
    let request = request.body(Body::from(event.to_owned())).expect("a request");
    send(app, request).await.status().as_u16()
}

/// A request for a stream with a token of a user that was issued this many seconds from now.
fn request(subject: &str, seconds: i64) -> Request<Body> {
    let token = with_claims(|claims| {
        claims["sub"] = json!(subject);
        claims["iat"] = json!(now().checked_add_signed(seconds).expect("a time"));
    });
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    request.body(Body::empty()).expect("a request")
}

async fn status(app: &Router, subject: &str, seconds: i64) -> u16 {
    send(app, request(subject, seconds)).await.status().as_u16()
}

/// Opens a stream, and reads its first event.
async fn open(app: &Router, subject: &str, seconds: i64) -> Body {
    let response = send(app, request(subject, seconds)).await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    body.frame().await.expect("an event").expect("no error");
    body
}

async fn ended(mut body: Body) {
    let rest = tokio::time::timeout(crate::support::PATIENCE, body.frame()).await;
    assert!(rest.expect("the stream ends").is_none());
}

async fn is_open(body: &mut Body) -> bool {
    tokio::time::timeout(Duration::from_millis(50), body.frame()).await.is_err()
}

#[tokio::test]
async fn an_event_at_one_replica_ends_streams_at_all() {
    let server = RedisServer::start(&[]).await;
    let (one, other) = (replica(&server).await, replica(&server).await);
    let ending = [open(&one, "alice", -5).await, open(&other, "alice", -5).await];
    let mut bob = open(&other, "bob", -5).await;
    assert_eq!(push(&one, &event()).await, 202);
    for body in ending {
        ended(body).await;
    }
    assert!(is_open(&mut bob).await);
    assert_eq!((status(&one, "alice", -5).await, status(&other, "alice", -5).await), (401, 401));
    assert_eq!(status(&other, "bob", -5).await, 200);
    let later = replica(&server).await;
    assert_eq!((status(&later, "alice", -5).await, status(&later, "bob", -5).await), (401, 200));
}

/// Case 55.
#[tokio::test]
async fn an_event_at_two_replicas_counts_once() {
    let server = RedisServer::start(&[]).await;
    let (one, other) = (replica(&server).await, replica(&server).await);
    let event = event();
    assert_eq!(push(&one, &event).await, 202);
    eventually("the other one knows it", async || status(&other, "alice", -5).await == 401).await;
    // alice has logged in again.
    let mut later = [open(&one, "alice", 2).await, open(&other, "alice", 2).await];
    let added = server.command_calls("xadd").await;
    assert!(added > 0);
    assert_eq!(push(&one, &event).await, 202);
    assert_eq!(server.command_calls("xadd").await, added, "the replica knows the event");
    assert_eq!(push(&other, &event).await, 202);
    for body in &mut later {
        assert!(is_open(body).await);
    }
    assert_eq!((status(&one, "alice", 2).await, status(&other, "alice", 2).await), (200, 200));
    assert_eq!((status(&one, "alice", -5).await, status(&other, "alice", -5).await), (401, 401));
}

/// Case 57.
#[tokio::test]
async fn an_event_is_sent_again_while_redis_is_away() {
    let server = RedisServer::start(&[]).await;
    let (one, other) = (replica(&server).await, replica(&server).await);
    let event = event();
    server.kill();
    assert_eq!(push(&one, &event).await, 503);
    assert_eq!(status(&other, "alice", -5).await, 200);
    server.restart().await;
    eventually("the event is accepted", async || push(&one, &event).await == 202).await;
    eventually("the other one knows it", async || status(&other, "alice", -5).await == 401).await;
}
