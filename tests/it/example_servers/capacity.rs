//! Limits of the example servers: sessions per user, slow request heads, and response headers that
//! keep proxies from buffering streams.

use reqwest::Method;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::support::example_server::{
    ALICE, CI, INITIALIZED, Server, SseSession, USERS, execute, in_time, initialize, until, written,
};

#[tokio::test]
async fn one_user_cannot_use_all_http_sse_sessions() {
    let server = Server::start("sse_server", &USERS).await;
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(SseSession::connect(&server.url, ALICE).await);
    }
    assert_eq!(server.status(Method::GET, "/sse", Some(ALICE)).await, 503);
    open.push(SseSession::connect(&server.url, CI).await);
    open.remove(0);
    until("a session is free again", async || {
        server.status(Method::GET, "/sse", Some(ALICE)).await == 200
    })
    .await;
}

#[tokio::test]
async fn one_user_cannot_use_all_streamable_http_sessions() {
    let server = Server::start("streamable_server", &USERS).await;
    let post = |authorization: &str| {
        let request = server.request(Method::POST, "/mcp").header("authorization", authorization);
        request.header("accept", "application/json, text/event-stream")
    };
    let opened = async |authorization: &str| {
        let response = execute(post(authorization).json(&initialize("2025-06-18"))).await;
        assert_eq!(response.status(), 200);
        response.headers()["mcp-session-id"].to_str().unwrap().to_owned()
    };
    let alive = async |authorization: &str, session: &str| {
        let request = post(authorization).header("mcp-session-id", session);
        let request = request.header("content-type", "application/json");
        execute(request.body(INITIALIZED)).await.status() == 202
    };
    let other = opened(CI).await;
    let mut sessions = Vec::new();
    for _ in 0..33 {
        sessions.push(opened(ALICE).await);
    }
    assert!(!alive(ALICE, &sessions[0]).await, "the oldest session has ended");
    assert!(alive(ALICE, &sessions[1]).await && alive(ALICE, &sessions[32]).await);
    assert!(alive(CI, &other).await, "the session of another user");
}

#[tokio::test]
async fn incomplete_request_head_closes_the_connection() {
    for name in ["sse_server", "streamable_server"] {
        let args = [&USERS[..], &["--head-timeout", "1"]].concat();
        let server = Server::start(name, &args).await;
        let address = server.url.strip_prefix("http://").unwrap();
        let first = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for sent in
            ["", "G", "GET /health HTTP/1.1\r\nHost: localhost\r\n", "PRI * HTTP/2.0\r\n", first]
        {
            let mut stream = TcpStream::connect(address).await.unwrap();
            written(&mut stream, sent.as_bytes()).await;
            let mut response = Vec::new();
            // A connection reset is accepted too.
            let _ = in_time("the connection is closed", stream.read_to_end(&mut response)).await;
            assert_eq!(response.starts_with(b"HTTP/1.1 200"), sent == first, "{sent:?}");
        }
        // The timeout applies to request heads only, so a stream stays open for longer.
        if name == "sse_server" {
            let mut session = SseSession::open(&server.url, ALICE).await;
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            assert_eq!(session.tool("whoami", serde_json::json!({})).await.0, "alice");
        }
    }
}

#[tokio::test]
async fn event_streams_disable_proxy_buffering_and_caching() {
    let server = Server::start("sse_server", &USERS).await;
    let request = server.request(Method::GET, "/sse").header("authorization", ALICE);
    let stream = execute(request).await;
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let cache: Vec<_> = stream.headers().get_all("cache-control").iter().collect();
    assert!(cache.iter().any(|value| value.to_str().unwrap().contains("no-cache")), "{cache:?}");
}
