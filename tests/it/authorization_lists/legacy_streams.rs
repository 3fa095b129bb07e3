//! HTTP+SSE: messages are sent by POST, and all answers come on the stream of the session.

use http::StatusCode;
use mcp_auth_layer::{Bearer, McpAuthLayer};

use super::{
    LegacyServer, TOOLS_LIST, call, layer, open, policy, post, refusal, refusal_json, tools_answer,
    without_denials,
};
use crate::support::send;

fn unbound() -> McpAuthLayer<Bearer> {
    layer(policy()).danger_disable_session_binding()
}

/// Endpoints as servers name them, and layers in front of them.
fn servers() -> Vec<(LegacyServer, McpAuthLayer<Bearer>)> {
    let endpoints = [
        "/messages/?session_id=6f1c",
        "/messages?a=1&sessionId=6f1c&b=2",
        "/messages/6f1c",
        "/messages",
        "http://localhost/messages?session_id=6f1c",
        "http://localhost:8080/messages/6f1c?a=1",
    ];
    let with = |layer: fn() -> McpAuthLayer<Bearer>| {
        endpoints.into_iter().map(move |endpoint| (LegacyServer::new(endpoint), layer()))
    };
    with(|| layer(policy())).chain(with(unbound)).collect()
}

#[tokio::test]
async fn a_list_that_was_asked_for_by_post_is_filtered_on_the_stream() {
    for (server, layer) in servers() {
        let app = server.behind(layer);
        let (mut client, target) = open(&app, "ci").await;
        let accepted = send(app.clone(), post("ci", &target, TOOLS_LIST)).await;
        assert_eq!((accepted.status, &*accepted.body), (StatusCode::ACCEPTED, ""));
        assert_eq!(server.posted(), [TOOLS_LIST]);
        let event = |tools: &[&str]| format!("event: message\ndata: {}\n\n", tools_answer(tools));
        server.send(event(&["delete", "search", "write_x"]));
        assert_eq!(client.text().await, event(&["search"]));
    }
}

#[tokio::test]
async fn a_refused_call_is_accepted_and_its_error_is_an_event() {
    for (server, layer) in servers() {
        let app = server.behind(layer);
        let (mut client, target) = open(&app, "ci").await;
        let refused = send(app.clone(), post("ci", &target, call("delete", "\"x\""))).await;
        assert_eq!((refused.status, &*refused.body), (StatusCode::ACCEPTED, ""), "{target}");
        assert_eq!(client.text().await, refusal("delete", "\"x\""));
        assert_eq!(client.text().await, "");
        assert!(server.posted().is_empty());
        // An allowed one reaches the server, and nothing comes from the layer.
        let allowed = send(app, post("ci", &target, call("search", 2))).await;
        assert_eq!((allowed.status, &*allowed.body), (StatusCode::ACCEPTED, "Accepted"));
        assert_eq!(server.posted(), [call("search", 2)]);
        assert_eq!(client.text().await, "");
    }
}

/// A call over Streamable HTTP gets its error as the response.
#[tokio::test]
async fn a_call_to_another_endpoint_is_answered_directly() {
    let server = LegacyServer::new("/messages");
    let app = server.behind(layer(policy()));
    let (mut client, _) = open(&app, "ci").await;
    for target in ["/mcp", "/messages/", "/messages?a=1", "/events/messages"] {
        let refused = send(app.clone(), post("ci", target, call("delete", 1))).await;
        assert_eq!((refused.status.as_u16(), refused.body), (200, refusal_json("delete", 1)));
    }
    assert_eq!(client.text().await, "");
}

#[tokio::test]
async fn a_relative_endpoint_is_found() {
    for (endpoint, target) in [
        ("messages", "/events/messages"),
        ("messages?session_id=6f1c", "/events/messages?session_id=6f1c"),
        ("?session_id=6f1c", "/events/sse?session_id=6f1c"),
    ] {
        let server = LegacyServer::new(endpoint);
        let app = server.behind(unbound());
        let (mut client, _) = open(&app, "ci").await;
        let refused = send(app, post("ci", target, call("delete", 1))).await;
        assert_eq!(refused.status, StatusCode::ACCEPTED, "{endpoint}");
        assert_eq!(client.text().await, refusal("delete", 1));
    }
}

#[tokio::test]
async fn the_session_of_another_principal_is_unknown() {
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(policy()));
    let (mut of_alice, target) = open(&app, "alice").await;
    let (mut of_ci, own) = open(&app, "ci").await;
    assert_ne!(target, own);
    for message in [call("delete", 1), call("search", 1), TOOLS_LIST.to_owned()] {
        let response = send(app.clone(), post("ci", &target, message)).await;
        assert_eq!(response.status, StatusCode::NOT_FOUND);
    }
    assert_eq!((of_alice.text().await, of_ci.text().await), (String::new(), String::new()));
    assert!(server.posted().is_empty());
    let refused = send(app, post("ci", &own, call("delete", 1))).await;
    assert_eq!(refused.status, StatusCode::ACCEPTED);
    assert_eq!((of_alice.text().await, of_ci.text().await), (String::new(), refusal("delete", 1)));
}

/// Without bound sessions, a refusal travels on a stream of its own principal only.
#[tokio::test]
async fn a_refusal_is_never_sent_on_the_stream_of_another_principal() {
    for endpoint in ["/messages?session_id=6f1c", "/messages"] {
        let server = LegacyServer::new(endpoint);
        let app = server.behind(unbound());
        let (mut of_ci, target) = open(&app, "ci").await;
        let (mut of_alice, _) = open(&app, "alice").await;
        let refused = send(app.clone(), post("ci", &target, call("delete", 1))).await;
        assert_eq!(refused.status, StatusCode::ACCEPTED);
        assert_eq!(of_ci.text().await, refusal("delete", 1));
        drop(of_ci);
        let refused = send(app, post("ci", &target, call("delete", 2))).await;
        assert_ne!(refused.status, StatusCode::ACCEPTED);
        assert_eq!(of_alice.text().await, "");
    }
}

#[tokio::test]
async fn a_principal_that_may_do_everything_sees_every_list() {
    let server = LegacyServer::new("/messages/?session_id=6f1c");
    let app = server.behind(layer(without_denials()));
    let (mut client, target) = open(&app, "alice").await;
    let accepted = send(app.clone(), post("alice", &target, TOOLS_LIST)).await;
    assert_eq!((accepted.status, &*accepted.body), (StatusCode::ACCEPTED, "Accepted"));
    let event = format!("data: {}\n\n", tools_answer(&["delete"]));
    server.send(&*event);
    assert_eq!(client.text().await, event);
    // After its first message, the stream passes as it comes.
    server.send(&event[..20]);
    assert_eq!(client.text().await, event[..20]);
    server.send(&event[20..]);
    assert_eq!(client.text().await, event[20..]);
}
