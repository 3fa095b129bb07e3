//! Clients are told that lists have changed, if their server announced that it tells them.

use super::*;
use crate::support::credential_file::CredentialFile;
use mcp_auth_layer::policy::PolicyFile;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#;
const TOOLS_CHANGED: &str = "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\r\n\r\n";
const PROMPTS_CHANGED: &str = "event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}\r\n\r\n";
const ANNOUNCES_TOOLS: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"prompts":{}}}}"#;
const ANNOUNCES_NOTHING: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"capabilities":{"tools":{},"prompts":{"listChanged":false}}}}"#;
const OTHER: &str = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n";

/// Begins a session with this answer to `initialize`, opens its stream, changes the policy, and returns what comes next
/// on the stream: `OTHER` at the latest, which the server sends.
async fn told_after(authorization: &str, media_type: &'static str, answer: &str) -> String {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    server.answers(media_type, answer);
    assert_eq!(post(&app, authorization, "/mcp", INITIALIZE).await, answer);
    let mut stream = Stream::open(&app, authorization, "/mcp").await;
    authorizer.replace(policy());
    server.sends(OTHER);
    stream.next().await
}

#[tokio::test]
async fn list_changed_is_for_the_lists_announced_to_the_session() {
    let event = |answer: &str| format!("event: message\ndata: {answer}\n\n");
    for who in [CI, ALICE] {
        let told = told_after(who, "application/json", ANNOUNCES_TOOLS).await;
        assert_eq!(told, TOOLS_CHANGED, "{who}");
        let told = told_after(who, "text/event-stream", &event(ANNOUNCES_TOOLS)).await;
        assert_eq!(told, TOOLS_CHANGED, "{who}");
        for (media_type, answer) in [
            ("application/json", ANNOUNCES_NOTHING.to_owned()),
            ("text/event-stream", event(ANNOUNCES_NOTHING)),
        ] {
            assert_eq!(told_after(who, media_type, &answer).await, OTHER, "{who} {media_type}");
        }
    }
}

#[tokio::test]
async fn a_stream_without_a_change_is_told_nothing() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer);
    server.answers("application/json", ANNOUNCES_TOOLS);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    server.sends(OTHER);
    assert_eq!(stream.next().await, OTHER);
}

#[tokio::test]
async fn a_stream_at_another_path_is_told_nothing() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    server.answers("application/json", ANNOUNCES_TOOLS);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/other").await;
    authorizer.replace(policy());
    server.sends(OTHER);
    assert_eq!(stream.next().await, OTHER);
}

/// Over HTTP+SSE the response to `initialize` comes on the stream itself.
#[tokio::test]
async fn a_stream_of_http_sse_is_told_what_was_announced_on_it() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    let mut stream = Stream::open(&app, CI, "/sse").await;
    let initialized = format!("event: message\ndata: {ANNOUNCES_TOOLS}\n\n");
    server.sends(&initialized);
    assert_eq!(stream.next().await, initialized);
    authorizer.replace(policy());
    assert_eq!(stream.next().await, TOOLS_CHANGED);
    authorizer.replace(policy());
    assert_eq!(stream.next().await, TOOLS_CHANGED);
}

#[tokio::test]
async fn several_changes_are_told_once_to_a_client_that_does_not_read() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    let both = r#"{"id":0,"result":{"capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true}}}}"#;
    server.answers("application/json", both);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    for _ in 0..100 {
        authorizer.replace(policy());
    }
    server.sends(OTHER);
    assert_eq!(stream.next().await, format!("{TOOLS_CHANGED}{PROMPTS_CHANGED}"));
    assert_eq!(stream.next().await, OTHER);
}

/// Version 2026-07-28: notifications have the ID of the subscription.
#[tokio::test]
async fn list_changed_on_a_subscription_is_for_acknowledged_lists() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    let listen = r#"{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true}}}"#;
    let mut stream = Stream::listen(&app, CI, listen).await;
    let acknowledged = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":7},\"notifications\":{\"toolsListChanged\":true}}}\n\n";
    server.sends(acknowledged);
    assert_eq!(stream.next().await, acknowledged);
    authorizer.replace(policy());
    let told = stream.next().await;
    let data =
        told.strip_prefix("event: message\r\ndata: ").unwrap().strip_suffix("\r\n\r\n").unwrap();
    let message: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(message["method"], "notifications/tools/list_changed");
    assert_eq!(message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
}

/// A notification within an event would be part of it.
#[tokio::test]
async fn a_change_is_told_between_events() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    server.answers("application/json", ANNOUNCES_TOOLS);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    // Before its first message, each event is held until its end.
    server.sends(OTHER);
    assert_eq!(stream.next().await, OTHER);
    let (first, rest) = OTHER.split_at(OTHER.len() - 3);
    server.sends(first);
    assert_eq!(stream.next().await, first);
    authorizer.replace(policy());
    server.sends(rest);
    assert_eq!(stream.next().await, rest);
    assert_eq!(stream.next().await, TOOLS_CHANGED);
}

#[tokio::test]
async fn a_policy_file_that_is_reloaded_is_a_change() {
    let file = CredentialFile::new("[[allow]]\nprincipals = ['ci']\ntools = ['search']\n");
    let authorizer = PolicyFile::open(&file.path).unwrap();
    let server = Server::default();
    let app = app(&server, authorizer.clone());
    server.answers("application/json", ANNOUNCES_TOOLS);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    file.replace("[[allow]]\nprincipals = ['ci']\ntools = ['fetch']\n");
    authorizer.reload().unwrap();
    assert_eq!(stream.next().await, TOOLS_CHANGED);
}

/// A client that is told of a change before it knows its endpoint can use that all the same.
#[tokio::test]
async fn an_endpoint_after_a_change_is_bound() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    server.answers("application/json", ANNOUNCES_TOOLS);
    post(&app, CI, "/mcp", INITIALIZE).await;
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    authorizer.replace(policy());
    assert_eq!(stream.next().await, TOOLS_CHANGED);
    server.sends("event: endpoint\ndata: /messages?session_id=6f1c\n\n");
    let event = stream.next().await;
    let target = event.strip_prefix("event: endpoint\ndata: ").unwrap().trim_end();
    assert!(target.starts_with("/messages?session_id=6f1c."), "{target}");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let response = respond(&app, CI, "POST", target, ping).await;
    assert_eq!(response.status(), 200);
}
