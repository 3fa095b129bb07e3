//! Open streams of a user end, and nothing else does.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::response::IntoResponse;
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

/// An app that responds with a stream that never ends.
async fn streaming_app() -> Router {
    let respond = || async {
        let events = stream::iter([Ok::<_, Infallible>(Bytes::from("data: 1\n\n"))]);
        let body = Body::from_stream(events.chain(stream::pending()));
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let app = Router::new().fallback(respond);
    app.layer(layer().await.security_events(EVENTS, transmitter()))
}

/// Opens a stream and reads its first event.
async fn open(app: &Router, token: &str) -> Body {
    let response =
        app.clone().oneshot(with_authorization(&format!("Bearer {token}"))).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    body
}

#[tokio::test]
async fn an_event_ends_the_open_streams_of_its_subject() {
    let app = streaming_app().await;
    let mut ending =
        [open(&app, &token_of("alice", -5)).await, open(&app, &token_of("alice", 0)).await];
    let mut lasting =
        [open(&app, &token_of("bob", -5)).await, open(&app, &token_of("alice", 50)).await];
    accepts(&app, good_set()).await;
    for body in &mut ending {
        let end = tokio::time::timeout(Duration::from_secs(10), body.frame()).await;
        assert!(end.expect("the stream ends").is_none());
    }
    for body in &mut lasting {
        let more = tokio::time::timeout(Duration::from_millis(50), body.frame()).await;
        assert!(more.is_err(), "the stream is open");
    }
    // It arrives once more: the streams that were opened since stay open.
    let mut later = open(&app, &token_of("alice", 3)).await;
    accepts(&app, good_set()).await;
    let more = tokio::time::timeout(Duration::from_millis(50), later.frame()).await;
    assert!(more.is_err(), "the stream is open");
}
