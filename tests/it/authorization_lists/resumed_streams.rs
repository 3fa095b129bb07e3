//! Streams that are resumed: the list that a client did not wait for is filtered when it is replayed.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use tower::ServiceExt;

use super::{
    Client, EVENT_STREAM, TOOLS_LIST, call, get_stream, layer, policy, post, tools_answer,
    without_denials,
};
use crate::support::{log, send};

/// A server that answers with an event that has an ID, and with a list when the stream is resumed.
fn server() -> Router {
    log::set_up();
    Router::new().fallback(|request: Request| async move {
        let replayed = request.headers().get("last-event-id").map(|id| id == "5");
        let events = match replayed {
            None => "id: 5\ndata:\n\n".to_owned(),
            Some(true) => format!("data: {}\n\n", tools_answer(&["search", "delete"])),
            Some(false) => panic!("the server has not sent this ID"),
        };
        ([EVENT_STREAM], events).into_response()
    })
}

/// Asks for a list, and returns the ID of the event that came before it.
async fn interrupted(app: &Router, name: &str) -> HeaderValue {
    let response: Response = app.clone().oneshot(post(name, "/mcp", TOOLS_LIST)).await.unwrap();
    let (text, _) = Client(response.into_body()).read().await;
    let id = text.strip_prefix("id: ").unwrap().split('\n').next().unwrap();
    HeaderValue::from_str(id).unwrap()
}

fn resumed(mut request: Request, id: &HeaderValue) -> Request {
    request.headers_mut().insert("last-event-id", id.clone());
    request
}

#[tokio::test]
async fn a_replayed_list_is_filtered() {
    let app = server().layer(layer(policy()));
    let id = interrupted(&app, "ci").await;
    for request in [
        get_stream("ci", "/mcp"),
        post("ci", "/mcp", TOOLS_LIST),
        // No list is asked for, but the ID says what is replayed.
        post("ci", "/mcp", call("search", 1)),
        post("ci", "/mcp", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#),
    ] {
        let response = send(app.clone(), resumed(request, &id)).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.body, format!("data: {}\n\n", tools_answer(&["search"])));
    }
}

#[tokio::test]
async fn a_replay_is_whole_for_a_principal_that_may_do_everything() {
    let app = server().layer(layer(without_denials()));
    let id = interrupted(&app, "alice").await;
    for request in [get_stream("alice", "/mcp"), post("alice", "/mcp", TOOLS_LIST)] {
        let response = send(app.clone(), resumed(request, &id)).await;
        assert_eq!(response.body, format!("data: {}\n\n", tools_answer(&["search", "delete"])));
    }
}

#[tokio::test]
async fn another_principal_cannot_resume_the_stream() {
    let app = server().layer(layer(policy()));
    let id = interrupted(&app, "alice").await;
    for request in [get_stream("ci", "/mcp"), post("ci", "/mcp", TOOLS_LIST)] {
        assert_eq!(send(app.clone(), resumed(request, &id)).await.status, 404);
    }
    let own = resumed(get_stream("alice", "/mcp"), &id);
    assert_eq!(send(app, own).await.status, 200);
}

/// Without the ID of an event, a GET may bring answers to earlier requests all the same.
#[tokio::test]
async fn a_list_on_a_new_stream_is_filtered() {
    let app = Router::new().fallback(|| async {
        ([EVENT_STREAM], Body::from(format!("data: {}\n\n", tools_answer(&["search", "delete"]))))
    });
    let response = send(app.layer(layer(policy())), get_stream("ci", "/mcp")).await;
    assert_eq!(response.body, format!("data: {}\n\n", tools_answer(&["search"])));
}
