//! Updates of resources: a subscription may be older than the policy.

use super::*;

fn updated(uri: &str) -> String {
    format!(
        "id: 1\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{{\"uri\":\"{uri}\"}}}}\n\n"
    )
}

/// Returns whether an update is shown on a stream.
async fn is_shown(server: &Server, stream: &mut Stream, update: &str) -> bool {
    server.sends(update);
    server.sends("data: end\n\n");
    let first = stream.next().await;
    if first == "data: end\n\n" {
        return false;
    }
    let data = |event: &str| event.split_once("\ndata: ").unwrap().1.to_owned();
    assert_eq!(data(&first), data(update));
    assert_eq!(stream.next().await, "data: end\n\n");
    true
}

#[tokio::test]
async fn updates_are_shown_of_resources_that_may_be_read() {
    let server = Server::default();
    let app = app(&server, policy());
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    assert!(is_shown(&server, &mut stream, &updated("docs://a")).await);
    assert!(!is_shown(&server, &mut stream, &updated("file:///etc/passwd")).await);
    assert!(!is_shown(&server, &mut stream, &updated("docs://a/../b")).await);
    let mut stream = Stream::open(&app, ALICE, "/mcp").await;
    assert!(is_shown(&server, &mut stream, &updated("file:///etc/passwd")).await);
}

/// Servers of some languages send members in any order.
#[tokio::test]
async fn updates_are_found_in_whatever_order_their_members_are() {
    let server = Server::default();
    let app = app(&server, policy());
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    for (uri, expected) in [("docs://a", true), ("file:///etc/passwd", false)] {
        let update = format!(
            "id: 1\ndata: {{\"params\":{{\"x\":\"{}\",\"uri\":\"{uri}\"}},\"method\":\"notifications/resources/updated\"}}\n\n",
            "x".repeat(70_000)
        );
        assert_eq!(is_shown(&server, &mut stream, &update).await, expected, "{uri}");
    }
}

#[tokio::test]
async fn an_update_without_a_readable_uri_is_not_shown() {
    let server = Server::default();
    let app = app(&server, policy());
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    let update = |params: &str| {
        format!("id: 1\ndata: {{\"method\":\"notifications/resources/updated\"{params}}}\n\n")
    };
    assert!(is_shown(&server, &mut stream, &update(",\"params\":{\"uri\":\"docs://a\"}")).await);
    for params in
        ["", ",\"params\":{}", ",\"params\":{\"uri\":1}", ",\"params\":{\"uri\":\"\\ud800\"}"]
    {
        assert!(!is_shown(&server, &mut stream, &update(params)).await, "{params}");
    }
}

#[tokio::test]
async fn updates_are_shown_by_the_current_policy() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    let mut stream = Stream::open(&app, CI, "/mcp").await;
    assert!(is_shown(&server, &mut stream, &updated("docs://a")).await);
    authorizer.replace(Policy::new().allow(principal("ci"), tools(["search"])));
    assert!(!is_shown(&server, &mut stream, &updated("docs://a")).await);
}

#[tokio::test]
async fn updates_on_a_subscription_are_shown_by_the_current_policy() {
    let (server, authorizer) = (Server::default(), Replaceable::new(policy()));
    let app = app(&server, authorizer.clone());
    let listen = r#"{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["docs://a"]}}}"#;
    let mut stream = Stream::listen(&app, CI, listen).await;
    assert!(is_shown(&server, &mut stream, &updated("docs://a")).await);
    authorizer.replace(Policy::new().allow(principal("ci"), tools(["search"])));
    assert!(!is_shown(&server, &mut stream, &updated("docs://a")).await);
}
