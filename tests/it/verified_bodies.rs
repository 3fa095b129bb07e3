//! Bodies that an authenticator verifies: they are collected, bounded in size, and forwarded whole.

use std::convert::Infallible;
use std::future::{pending, ready};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use futures::{StreamExt, stream};
use http::Method;
use http::request::Parts;
use mcp_auth_layer::{
    Authenticated, Authenticator, Challenge, McpAuthLayer, Principal, Rejection, authenticate_fn,
};

use crate::support::{protected, recorder, send};

/// Accepts requests whose body is `expected`. The check panics on `panic` and hangs on `hang`.
fn body_is(expected: &'static str) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        ready(Ok(Authenticated::new(Principal::new("signer")).check_body(move |body| async move {
            assert_ne!(body, "panic");
            if body == "hang" {
                pending::<()>().await;
            }
            if body == expected {
                Ok(())
            } else {
                Err(Rejection::invalid(Challenge::new("Digest")))
            }
        })))
    })
}

fn post(body: impl Into<Body>) -> Request {
    http::Request::builder().method(Method::POST).uri("/").body(body.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn verified_body_is_forwarded_unchanged() {
    let (app, seen) = protected(body_is("hello world"));
    let frames = ["hel", "lo w", "", "orld"].map(Ok::<_, Infallible>);
    let response = send(app.clone(), post(Body::from_stream(stream::iter(frames)))).await;
    assert_eq!((response.status.as_u16(), response.body.as_str()), (200, "hello world"));
    assert_eq!(seen.principal(), "signer");

    for body in ["hello worlD", "hello worl", "hello world!", ""] {
        let response = send(app.clone(), post(body)).await;
        assert_eq!(response.status, 401, "{body:?}");
        assert_eq!(response.challenges(), [r#"Digest realm="mcp""#]);
    }
    for body in ["panic", "hang"] {
        assert_eq!(send(app.clone(), post(body)).await.status, 503, "{body}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn only_verified_bodies_are_limited_in_size() {
    let (router, seen) = recorder();
    let layer = McpAuthLayer::new(body_is("12345")).body_limit(5);
    let app = router.layer(layer);
    assert_eq!(send(app.clone(), post("12345")).await.status, 200);
    seen.only();
    let response = send(app.clone(), post("123456")).await;
    assert_eq!(response.status, 413);
    assert!(response.challenges().is_empty() && response.message().contains("5 bytes"));

    let endless = stream::repeat(Bytes::from_static(b"123")).map(Ok::<_, Infallible>);
    assert_eq!(send(app, post(Body::from_stream(endless))).await.status, 413);
    assert_eq!(seen.count(), 0);

    let (router, seen) = recorder();
    let app = router.layer(McpAuthLayer::bearer("tok").body_limit(5));
    let mut large = post("1234567890");
    large.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer tok"));
    assert_eq!(send(app, large).await.body, "1234567890");
    seen.only();
}

#[tokio::test(start_paused = true)]
async fn broken_or_stalled_verified_body_is_400() {
    let (app, seen) = protected(body_is("12345"));
    let broken = stream::iter([Ok("123"), Err("connection reset")]);
    assert_eq!(send(app.clone(), post(Body::from_stream(broken))).await.status, 400);
    let stalled = stream::iter([Ok::<_, Infallible>("123")]).chain(stream::pending());
    assert_eq!(send(app, post(Body::from_stream(stalled))).await.status, 400);
    assert_eq!(seen.count(), 0);
}
