//! Failed attempts that replicas count together.

mod costs;
mod limits;
mod model;
mod outage;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::request::Parts;
use http::{Request, Response};
use mcp_auth_layer::rate_limit::{ClientIp, Quota, RateLimit};
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use mcp_auth_layer::{Authenticator, Basic, Bearer, McpAuthLayer};
use tower::ServiceExt;

use crate::support::RedisServer;

const HOUR: Duration = Duration::from_secs(3600);
const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "203.0.113.9";
/// `alice:a`
const ALICE: &str = "Basic YWxpY2U6YQ==";
/// `bob:b`
const BOB: &str = "Basic Ym9iOmI=";

async fn connect(server: &RedisServer) -> RedisStore {
    let connect = RedisStore::connect(server.url(), StoreKey::from([7; 32]));
    connect.timeout(Duration::from_secs(10)).await.unwrap()
}

/// Ten attempts per user, twenty per address, and no refill during the test.
fn limit() -> RateLimit {
    let address = ClientIp::from_fn(|head: &Parts| {
        head.headers.get("x-address")?.to_str().ok()?.parse().ok()
    });
    RateLimit::by(address)
        .per_user(Quota::from_static(10, HOUR))
        .per_address(Quota::from_static(20, HOUR))
}

fn users() -> Basic {
    Basic::new([("alice", "a"), ("bob", "b")]).unwrap()
}

fn tokens() -> Bearer {
    Bearer::new([("ci", "right")]).unwrap()
}

/// Starts one of several servers with these users, which share a store.
async fn replica(server: &RedisServer, authenticator: impl Authenticator) -> Router {
    let limit = limit().shared_store(connect(server).await, StoreKey::from([7; 32]));
    let app = Router::new().route("/", get(async || "served"));
    app.layer(McpAuthLayer::new(authenticator).rate_limit(limit))
}

async fn respond(app: &Router, address: &str, authorization: &str) -> Response<Body> {
    let request = Request::get("/").header("x-address", address);
    let request = request.header("authorization", authorization).body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

async fn status(app: &Router, address: &str, authorization: &str) -> u16 {
    respond(app, address, authorization).await.status().as_u16()
}

/// Returns a wrong password of a user, another one for each number.
fn wrong(user: &str, number: usize) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine};

    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:wrong {number}")))
}

/// Sends wrong passwords until one gets another status than 401; returns their number.
async fn fail(app: &Router, address: &str, user: &str) -> usize {
    let mut failed = 0;
    while status(app, address, &wrong(user, failed)).await == 401 {
        failed += 1;
    }
    failed
}

/// Returns how often scripts were called since the server started.
async fn scripts_called(server: &RedisServer) -> u64 {
    server.command_calls("evalsha").await + server.command_calls("eval").await
}
