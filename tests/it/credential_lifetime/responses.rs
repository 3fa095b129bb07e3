//! Response bodies of a credential that expires or is revoked.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get as get_route;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use mcp_auth_layer::{McpAuthLayer, Principal};
use tokio_util::sync::CancellationToken;

use super::{as_principal, body_of, endless, next, revoked_by, streaming_app};
use crate::support::{get, send};

#[tokio::test]
async fn revoked_event_stream_ends_cleanly_at_once() {
    let revocation = CancellationToken::new();
    let (app, dropped) = streaming_app("text/event-stream");
    let mut body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    assert_eq!(next(&mut body).await.unwrap().unwrap(), "data: 1\n\n");
    revocation.cancel();
    // Events that are ready already are not sent either.
    assert!(next(&mut body).await.is_none());
    assert!(next(&mut body).await.is_none());
    dropped.await.expect_err("the inner stream is dropped before the body is");
    drop(body);
}

#[tokio::test]
async fn other_bodies_of_unknown_length_end_with_an_error() {
    let revocation = CancellationToken::new();
    let (app, dropped) = streaming_app("application/octet-stream");
    let mut body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    next(&mut body).await.unwrap().unwrap();
    revocation.cancel();
    let error = next(&mut body).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("expired or was revoked"), "{error}");
    assert!(next(&mut body).await.is_none());
    dropped.await.expect_err("the inner stream is dropped");
}

#[tokio::test]
async fn bodies_of_known_length_are_not_cut_short() {
    let revocation = CancellationToken::new();
    let app = Router::new().route("/", get_route(|| async { "all of it" }));
    let body = body_of(app.layer(revoked_by(&revocation)), &[]).await;
    revocation.cancel();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "all of it");
}

/// An event stream with a declared length, for example of an upstream, is still a stream.
#[tokio::test]
async fn event_stream_with_a_content_length_ends_too() {
    struct WithLength(Body);
    impl HttpBody for WithLength {
        type Data = Bytes;
        type Error = axum::Error;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }
        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(1000)
        }
    }
    for shared in [false, true] {
        let revocation = CancellationToken::new();
        let (stream, dropped) = endless();
        let body = WithLength(Body::from_stream(stream));
        let once = Arc::new(std::sync::Mutex::new(Some(Body::new(body))));
        let response = move || {
            let body = once.lock().unwrap().take().expect("one request");
            async move { ([(CONTENT_TYPE, "text/event-stream")], body).into_response() }
        };
        let layer = revoked_by(&revocation);
        let layer = if shared { layer.danger_disable_session_binding() } else { layer };
        let app = Router::new().route("/", get_route(response)).layer(layer);
        let mut body = body_of(app, &[]).await;
        assert_eq!(body.size_hint().exact(), None);
        next(&mut body).await.unwrap().unwrap();
        revocation.cancel();
        assert!(next(&mut body).await.is_none());
        dropped.await.expect_err("the inner stream is dropped");
    }
}

#[tokio::test(start_paused = true)]
async fn event_stream_ends_when_the_credential_expires() {
    // With a paused clock, timers fire in order as soon as all tasks are idle. The system clock is
    // not paused.
    let soon = SystemTime::now() + Duration::from_millis(300);
    let (app, dropped) = streaming_app("text/event-stream");
    let layer = McpAuthLayer::new(as_principal(Principal::new("alice").expires_at(soon)));
    let mut body = body_of(app.layer(layer), &[]).await;
    for data in ["data: 1\n\n", "data: 2\n\ndata: hal"] {
        assert_eq!(next(&mut body).await.unwrap().unwrap(), data);
    }
    assert!(next(&mut body).await.is_none());
    assert!(SystemTime::now() >= soon, "the stream ended before the expiry");
    dropped.await.expect_err("the inner stream is dropped");
}

#[tokio::test]
async fn upgrades_require_a_credential_without_expiry() {
    async fn upgrade(request: Request) -> Response {
        if request.headers().contains_key("upgrade") || request.uri().path() == "/anyway" {
            StatusCode::SWITCHING_PROTOCOLS.into_response()
        } else {
            "no upgrade".into_response()
        }
    }
    let app = Router::new().fallback(upgrade);
    let fields = [("upgrade", "websocket"), ("connection", "upgrade")];
    let unlimited = McpAuthLayer::new(as_principal(Principal::new("alice")));
    let revocable = revoked_by(&CancellationToken::new());
    let connect = || {
        let mut request = get("/", &[]);
        *request.method_mut() = Method::CONNECT;
        request
    };
    assert_eq!(send(app.clone().layer(unlimited.clone()), get("/", &fields)).await.status, 101);
    let response = send(app.clone().layer(revocable.clone()), get("/", &fields)).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, "no upgrade"));
    assert_eq!(
        send(app.clone().layer(revocable.clone()), get("/anyway", &fields)).await.status,
        502
    );
    assert_eq!(send(app.clone().layer(unlimited), connect()).await.status, 200);
    assert_eq!(send(app.layer(revocable), connect()).await.status, 400);
}
