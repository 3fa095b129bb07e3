//! HTTP+SSE: when the events of refusals are sent, and what is done if they cannot be.

use http::StatusCode;
use tracing_subscriber::filter::LevelFilter;

use super::{LegacyServer, call, layer, open, policy, post, refusal, refusal_json, tools_answer};
use crate::support::log::Log;
use crate::support::send;

const SESSION: &str = "/messages/?session_id=6f1c";
const RESULT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n";

#[tokio::test]
async fn a_refusal_comes_after_the_end_of_an_event_that_is_half_sent() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    // Before its first message, each event is held until its end.
    server.send(RESULT);
    assert_eq!(client.text().await, RESULT);
    // The pieces of an event, each of which is sent at once.
    for (pieces, end) in [
        (&["data: {\"id\":1,\"result\":{\"content\"", ":[]}}", "\n"][..], "\n"),
        (&["data: {\"method\":\"x\"", "}\r\nid: ", "\r\n"], "\r\n"),
        (&[": a comment that", " is long"], "\n"),
        (&["data: {\"method\":\"x\"}\r"], "\r"),
        (&[": comment"], "\r"),
    ] {
        for piece in pieces {
            server.send(*piece);
            assert_ne!(client.text().await, "", "{piece:?} is held");
            let refused = send(app.clone(), post("ci", &target, call("delete", 7))).await;
            assert_eq!(refused.status, StatusCode::ACCEPTED);
            assert_eq!(client.text().await, "", "after {piece:?}");
        }
        server.send(end);
        assert_eq!(
            client.text().await,
            end.to_owned() + &refusal("delete", 7).repeat(pieces.len())
        );
    }
    // The next event of the server follows.
    server.send(RESULT);
    assert_eq!(client.text().await, RESULT);
}

/// The end of the event and the next one may come in one chunk.
#[tokio::test]
async fn a_refusal_comes_before_the_next_event_or_after_it() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    server.send(RESULT.to_owned() + "data: {\"method\":\"x\"");
    client.text().await;
    send(app.clone(), post("ci", &target, call("delete", 7))).await;
    server.send("}\n\ndata: {\"method\":\"y\"}\n\ndata: {\"method\":\"z\"");
    let text = client.text().await;
    server.send("}\n\n");
    let text = text + &client.text().await;
    let events: Vec<_> =
        text.replace("\r\n", "\n").split_terminator("\n\n").map(str::to_owned).collect();
    let of_layer = refusal("delete", 7).replace("\r\n", "\n");
    assert_eq!(events[0], "}");
    assert_eq!(events.iter().filter(|event| **event == of_layer.trim_end()).count(), 1, "{text}");
    let rest: Vec<_> = events.iter().filter(|event| event.contains("method")).collect();
    assert_eq!(rest, ["data: {\"method\":\"y\"}", "data: {\"method\":\"z\"}"]);
}

#[tokio::test]
async fn a_refusal_comes_while_a_list_is_held() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    let event = |tools: &[&str]| format!("id: \ndata: {}\n\n", tools_answer(tools));
    let list = event(&["delete", "search"]);
    for at in [1, 5, 20, 60, list.len() - 1] {
        server.send(&list[..at]);
        assert_eq!(client.text().await, "", "the list is held");
        send(app.clone(), post("ci", &target, call("delete", 7))).await;
        assert_eq!(client.text().await, refusal("delete", 7));
        server.send(&list[at..]);
        assert_eq!(client.text().await, event(&["search"]));
    }
}

/// So many errors may wait for a client that does not read.
#[tokio::test]
async fn the_thirty_third_refusal_that_is_not_read_has_a_status() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    for round in 0..2 {
        for id in 1..=32 {
            let refused = send(app.clone(), post("ci", &target, call("delete", id))).await;
            assert_eq!(refused.status, StatusCode::ACCEPTED, "{round} {id}");
        }
        let refused = send(app.clone(), post("ci", &target, call("delete", 33))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.body, refusal_json("delete", 33));
        // What is allowed is not affected.
        let allowed = send(app.clone(), post("ci", &target, call("search", 34))).await;
        assert_eq!(allowed.status, StatusCode::ACCEPTED);
        let expected: String = (1..=32).map(|id| refusal("delete", id)).collect();
        assert_eq!(client.text().await, expected);
    }
}

#[tokio::test]
async fn each_request_of_a_refused_batch_has_an_event() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let batch = format!("[{},{},{notification}]", call("delete", 1), call("search", 2));
    let refused = send(app.clone(), post("ci", &target, batch)).await;
    assert_eq!((refused.status, &*refused.body), (StatusCode::ACCEPTED, ""));
    assert!(server.posted().is_empty());
    let text = client.text().await;
    let (first, second) = text.split_at(refusal("delete", 1).len());
    assert_eq!(first, refusal("delete", 1));
    let second = second.strip_prefix("event: message\r\ndata: ").unwrap();
    let second: serde_json::Value = serde_json::from_str(second.trim_end()).unwrap();
    assert_eq!((&second["id"], &second["error"]["code"]), (&2.into(), &(-32600).into()));
    // All or none: 31 places are left for two events in the end.
    for id in 1..=31 {
        send(app.clone(), post("ci", &target, call("delete", id))).await;
    }
    let batch = format!("[{},{}]", call("delete", 1), call("delete", 2));
    let refused = send(app.clone(), post("ci", &target, batch)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(client.text().await.matches("event: message").count(), 31);
    let allowed = format!("[{},{}]", call("search", 1), call("search", 2));
    assert_eq!(send(app, post("ci", &target, allowed.clone())).await.status, 202);
    assert_eq!(server.posted(), [allowed]);
}

/// The client would wait for the event in vain.
#[tokio::test]
async fn a_refusal_whose_stream_is_not_here_has_a_status() {
    let server = LegacyServer::new(SESSION);
    // Another process of the same service has the stream.
    let (app, other) = (server.behind(layer(policy())), server.behind(layer(policy())));
    let (client, target) = open(&app, "ci").await;
    let refused = send(other.clone(), post("ci", &target, call("delete", 7))).await;
    assert_eq!((refused.status, refused.body), (StatusCode::FORBIDDEN, refusal_json("delete", 7)));
    assert_eq!(send(other, post("ci", &target, call("search", 7))).await.status, 202);
    assert_eq!(send(app.clone(), post("ci", &target, call("delete", 7))).await.status, 202);
    drop(client);
    assert_eq!(send(app, post("ci", &target, call("delete", 7))).await.status, 403);
}

/// Of two streams with one endpoint, the later one is the session's.
#[tokio::test]
async fn a_refusal_travels_on_the_stream_that_was_opened_last() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut old, _) = open(&app, "ci").await;
    let (mut new, target) = open(&app, "ci").await;
    for is_old_open in [true, false] {
        assert_eq!(send(app.clone(), post("ci", &target, call("delete", 7))).await.status, 202);
        assert_eq!(new.text().await, refusal("delete", 7));
        if is_old_open {
            assert_eq!(old.text().await, "");
            old = super::Client(axum::body::Body::empty());
        }
    }
}

#[tokio::test]
async fn a_refused_notification_has_a_status_and_no_event() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    let notification = |method: &str| format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
    let refused = send(app.clone(), post("ci", &target, notification("vendor/x"))).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(client.text().await, "");
    let known = notification("notifications/initialized");
    assert_eq!(send(app, post("ci", &target, known)).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_rejected_in_its_response() {
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    let twice = call("search", 1).replace("\"name\"", "\"name\":\"delete\",\"name\"");
    assert_eq!(send(app.clone(), post("ci", &target, twice)).await.status, 400);
    assert_eq!(client.text().await, "");
    assert!(server.posted().is_empty());
}

#[tokio::test]
async fn arguments_of_refused_calls_are_neither_sent_nor_logged() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let server = LegacyServer::new(SESSION);
    let app = server.behind(layer(policy()));
    let (mut client, target) = open(&app, "ci").await;
    let response = send(app.clone(), post("ci", &target, call("delete", 1))).await;
    let event = client.text().await;
    let lines = log.lines().join("\n");
    assert!(lines.contains("not_permitted") && lines.contains("delete"), "{lines}");
    for text in [response.body, event, lines] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
