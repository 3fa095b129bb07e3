//! The HTTP+SSE transport of the example server, without authentication.

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt;
use http::StatusCode;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{PING, sse, transport};
use crate::support::example_server::{INITIALIZED, in_time, initialize};

async fn send(app: &Router, method: &str, path: &str, body: impl Into<Body>) -> Response {
    let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Opens a session. Returns the path for messages, and the stream, which must be kept.
async fn open(app: &Router, path: &str) -> (String, BodyDataStream) {
    let response = send(app, "GET", path, Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    let event = stream.next().await.unwrap().unwrap();
    let event = str::from_utf8(&event).unwrap();
    let path =
        event.strip_prefix("event: endpoint\ndata: ").expect("the endpoint event comes first");
    (path.trim().to_owned(), stream)
}

#[tokio::test]
async fn invalid_messages_get_a_specific_status() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    let unknown = format!("/messages/?session_id={:032x}", 1);
    let limit = "x".repeat(sse::MAX_MESSAGE);
    for (path, body, status) in [
        (&*path, PING, 202),
        (&*path, "", 400),
        (&*path, "{", 400),
        (&*path, "{}", 400),
        (&*path, "\"text\"", 400),
        (&*path, &*limit, 400),
        (&*path, &*format!("{limit}x"), 413),
        (&*unknown, PING, 404),
        ("/messages/?session_id=", PING, 404),
        ("/messages/", PING, 400),
        (&*format!("{path}&session_id=x"), PING, 400),
        (&*path.replace("/messages/", "/messages"), PING, 404),
    ] {
        let response = send(&app, "POST", path, body.to_owned()).await;
        assert_eq!(response.status(), status, "{path} {:.20}", body);
    }
    for path in [&*path, "/sse"] {
        assert_eq!(send(&app, "PUT", path, PING).await.status(), 405);
    }
    let response = stream.next().await.unwrap().unwrap();
    assert!(response.starts_with(b"event: message\ndata: {"), "{response:?}");
}

#[tokio::test]
async fn endpoint_event_contains_the_nested_path() {
    let app = Router::new().nest("/a/b", transport(&CancellationToken::new()));
    let app = Router::new().nest("/outer", app);
    let (path, _stream) = open(&app, "/outer/a/b/sse?x=/sse").await;
    assert!(path.starts_with("/outer/a/b/messages/?session_id="), "{path}");
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
    let without_prefix = path.strip_prefix("/outer/a/b").unwrap();
    assert_eq!(send(&app, "POST", without_prefix, PING).await.status(), 404);
}

#[tokio::test]
async fn session_ids_have_128_random_bits() {
    let app = transport(&CancellationToken::new());
    let [(one, _a), (two, _b)] = [open(&app, "/sse").await, open(&app, "/sse").await];
    let id = one.split_once('=').unwrap().1;
    assert!(id.len() == 32 && u128::from_str_radix(id, 16).is_ok(), "{id}");
    assert_ne!(one, two);
}

#[tokio::test]
async fn session_ends_with_its_stream() {
    let app = transport(&CancellationToken::new());
    let (path, stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
    drop(stream);
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn session_without_initialize_is_closed() {
    let app = transport(&CancellationToken::new());
    let started = tokio::time::Instant::now();
    let (path, mut stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202); // not an initialize request
    while stream.next().await.is_some() {} // the response, and keep-alives
    assert!(started.elapsed() >= sse::INITIALIZE_TIMEOUT);
    assert!(started.elapsed() < sse::INITIALIZE_TIMEOUT * 2);
    drop(stream);
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn initialized_session_is_kept_alive() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    let initialize = initialize("2024-11-05").to_string();
    assert_eq!(send(&app, "POST", &path, initialize).await.status(), 202);
    assert!(stream.next().await.unwrap().unwrap().starts_with(b"event: message"));
    assert_eq!(send(&app, "POST", &path, INITIALIZED).await.status(), 202);
    let started = tokio::time::Instant::now();
    while started.elapsed() < sse::INITIALIZE_TIMEOUT * 3 {
        let comment = stream.next().await.expect("the stream is open").unwrap();
        assert!(comment.starts_with(b":"), "{comment:?}");
    }
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
}

#[tokio::test]
async fn first_message_other_than_initialize_ends_the_session() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, INITIALIZED).await.status(), 202);
    in_time("the end of the stream", async { while stream.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn number_of_sessions_is_limited() {
    let app = transport(&CancellationToken::new());
    let mut open_ones = Vec::new();
    for _ in 0..sse::MAX_SESSIONS {
        open_ones.push(open(&app, "/sse").await);
    }
    let one_more = async || send(&app, "GET", "/sse", Body::empty()).await.status();
    assert_eq!(one_more().await, StatusCode::SERVICE_UNAVAILABLE);
    open_ones.pop();
    assert_eq!(one_more().await, StatusCode::OK);
}

#[tokio::test]
async fn streams_end_on_shutdown() {
    let shutdown = CancellationToken::new();
    let app = transport(&shutdown);
    let (_, mut stream) = open(&app, "/sse").await;
    shutdown.cancel();
    assert!(in_time("the end of the stream", stream.next()).await.is_none());
}
