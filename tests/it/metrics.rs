//! Metrics of an example server, and that they contain no names.

use reqwest::Method;

use crate::support::example_server::{ALICE, INVALID, Server, SseSession, USERS, execute, until};
use crate::support::write_credentials;

async fn metrics_text(server: &Server) -> String {
    let response = execute(server.request(Method::GET, "/metrics")).await;
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

#[tokio::test]
async fn requests_and_streams_are_counted_without_names() {
    let server = Server::start("sse_server", &[&USERS[..], &["--metrics"]].concat()).await;
    let line = |name: &str, outcome: &str, reason: &str, scheme: &str| {
        format!("{name}{{scheme=\"{scheme}\",outcome=\"{outcome}\",reason=\"{reason}\"}}")
    };
    let session = SseSession::open(&server.url, ALICE).await;
    server.status(Method::GET, "/health", None).await;
    server.status(Method::GET, "/sse", None).await;
    for wrong in &INVALID[..2] {
        server.status(Method::GET, "/sse?mallory", Some(wrong)).await;
    }
    let text = metrics_text(&server).await;
    let total = "mcp_auth_requests_total";
    for (line, value) in [
        (line(total, "authenticated", "", "Basic"), 3),
        (line(total, "rejected", "missing", "none"), 1),
        (line(total, "rejected", "invalid", "Basic"), 1),
        (line(total, "rejected", "invalid", "Bearer"), 1),
        (line(total, "exempt", "public path", "none"), 2),
        ("mcp_auth_open_streams".to_owned(), 1),
    ] {
        assert!(text.contains(&format!("{line} {value}\n")), "{line} {value}:\n{text}");
    }
    // Nothing had to wait.
    assert!(!text.contains("mcp_auth_verification_seconds"), "{text}");
    for named in ["alice", "mallory", "ci"] {
        assert!(!text.contains(named), "{text}");
    }
    drop(session);
    until("the stream is closed", async || {
        metrics_text(&server).await.contains("mcp_auth_open_streams 0\n")
    })
    .await;
}

#[tokio::test]
async fn rate_limited_attempts_and_reloads_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (file, next) = (folder.path().join("users"), folder.path().join("next"));
    let line = |user| format!("{user}:{}\n", bcrypt::hash("secret", 4).unwrap());
    write_credentials(&file, line("alice"));
    let arguments = ["--metrics", "--htpasswd", file.to_str().unwrap()];
    let server = Server::start("sse_server", &arguments).await;
    for _ in 0..12 {
        server.status(Method::GET, "/", Some("Basic YWxpY2U6Z3Vlc3M=")).await;
    }
    let text = metrics_text(&server).await;
    assert!(text.contains("mcp_auth_rate_limited_total 2\n"), "{text}");
    assert!(text.contains("mcp_auth_verification_seconds_count 10\n"), "{text}");
    for (content, outcome) in [("half of a li".to_owned(), "failed"), (line("bob"), "applied")] {
        write_credentials(&next, content);
        std::fs::rename(&next, &file).unwrap();
        let line = format!("mcp_auth_reloads_total{{outcome=\"{outcome}\"}} 1\n");
        until("the file is reloaded", async || metrics_text(&server).await.contains(&line)).await;
    }
}

#[tokio::test]
async fn metrics_endpoint_is_off_by_default() {
    let server = Server::start("sse_server", &USERS).await;
    assert_eq!(server.status(Method::GET, "/metrics", None).await, 401);
    assert_eq!(server.status(Method::GET, "/metrics", Some(ALICE)).await, 404);
}
