//! What is counted, and that it names nobody.

#![cfg(unix)]

#[path = "common/server.rs"]
mod server;

use reqwest::Method;
use server::{ALICE, Server, SseSession, USERS, WRONG, answer, until};

async fn counted(server: &Server) -> String {
    let answer = answer(server.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

#[tokio::test]
async fn requests_streams_and_times_are_counted_and_nobody_is_named() {
    let server = Server::start("sse_server", &[&USERS[..], &["--metrics"]].concat()).await;
    let line = |name: &str, outcome: &str, reason: &str, scheme: &str| {
        format!("{name}{{scheme=\"{scheme}\",outcome=\"{outcome}\",reason=\"{reason}\"}}")
    };
    let session = SseSession::open(&server.url, ALICE).await;
    server.status(Method::GET, "/health", None).await;
    server.status(Method::GET, "/sse", None).await;
    for wrong in &WRONG[..2] {
        server.status(Method::GET, "/sse?mallory", Some(wrong)).await;
    }
    let text = counted(&server).await;
    let total = "mcp_auth_requests_total";
    for (line, value) in [
        (line(total, "admitted", "", "Basic"), 3),
        (line(total, "refused", "missing", "none"), 1),
        (line(total, "refused", "invalid", "Basic"), 1),
        (line(total, "refused", "invalid", "Bearer"), 1),
        (line(total, "passed", "public path", "none"), 2),
        ("mcp_auth_live_streams".to_owned(), 1),
        ("mcp_auth_verification_seconds_count".to_owned(), 6),
    ] {
        assert!(text.contains(&format!("{line} {value}\n")), "{line} {value}:\n{text}");
    }
    for named in ["alice", "mallory", "ci"] {
        assert!(!text.contains(named), "{text}");
    }
    drop(session);
    until("the stream is gone", async || {
        counted(&server).await.contains("mcp_auth_live_streams 0\n")
    })
    .await;
}

#[tokio::test]
async fn nothing_is_served_unless_it_is_asked_for() {
    let server = Server::start("sse_server", &USERS).await;
    assert_eq!(server.status(Method::GET, "/metrics", None).await, 401);
    assert_eq!(server.status(Method::GET, "/metrics", Some(ALICE)).await, 404);
}
