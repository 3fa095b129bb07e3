//! MCP sessions through the proxy.

use serde_json::json;

use super::{believing_upstream, proxy};
use crate::example_servers::PING;
use crate::support::example_server::{
    ALICE, CI, DEADLINE, SseSession, USERS, execute, http, until,
};

#[tokio::test]
async fn mcp_session_through_the_proxy() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let mut session = SseSession::open(&proxy.url, authorization).await;
        assert_eq!(session.tool("whoami", json!({})).await, (name.to_owned(), false));
        let unauthenticated = http().post(&session.endpoint).body(PING);
        assert_eq!(execute(unauthenticated).await.status(), 401);
    }
    let mut direct = SseSession::open(&upstream, ALICE).await;
    assert_eq!(direct.tool("whoami", json!({})).await.0, "nobody");
}

#[tokio::test]
async fn closing_the_client_stream_closes_the_upstream_stream() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    let session = SseSession::open(&proxy.url, ALICE).await;
    let (endpoint, _tag) = session.endpoint.rsplit_once('.').unwrap();
    let endpoint = endpoint.replace(&proxy.url, &upstream);
    let posted = async || execute(http().post(&endpoint).body(PING)).await.status();
    assert_eq!(posted().await, 202);
    drop(session);
    until("the session is closed", async || posted().await == 404).await;
}

#[tokio::test]
async fn sigterm_ends_the_proxy_and_its_streams() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    let mut session = SseSession::open(&proxy.url, ALICE).await;
    let started = std::time::Instant::now();
    let (status, _) = proxy.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < DEADLINE);
    assert_eq!(session.events.next().await, None);
}
