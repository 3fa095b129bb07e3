//! The lifetime of credentials: responses end when the credential expires or is revoked.

mod pending_requests;
mod request_bodies;
mod responses;
mod revocation;
#[cfg(unix)]
mod sockets;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use axum::routing::get as get_route;
use futures::executor::block_on;
use futures::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt;
use mcp_auth_layer::{
    Authenticator, Bearer, BearerHandle, McpAuthLayer, Principal, Rejection, RejectionKind,
    authenticate_fn,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::support::{get, recorder, send};

/// Authenticates every request as this principal.
fn as_principal(principal: Principal) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        let principal = principal.clone();
        async move { Ok::<_, Rejection>(principal) }
    })
}

fn revoked_by(token: &CancellationToken) -> McpAuthLayer<impl Authenticator> {
    McpAuthLayer::new(as_principal(Principal::new("alice").revoked_by(token.clone())))
}

/// A stream of two events that never ends. The receiver resolves when the stream is dropped.
fn endless() -> (impl Stream<Item = Result<Bytes, Infallible>>, oneshot::Receiver<()>) {
    let (held, dropped) = oneshot::channel::<()>();
    let events =
        stream::iter([Ok(Bytes::from("data: 1\n\n")), Ok(Bytes::from("data: 2\n\ndata: hal"))]);
    (events.chain(stream::pending().inspect(move |_: &Result<_, _>| _ = &held)), dropped)
}

/// An app that responds with an endless stream of this type. The receiver resolves when the stream
/// is dropped.
fn streaming_app(kind: &'static str) -> (Router, oneshot::Receiver<()>) {
    let (stream, dropped) = endless();
    let once = Arc::new(std::sync::Mutex::new(Some(Body::from_stream(stream))));
    let response = move || {
        let body = once.lock().unwrap().take().expect("one request");
        async move { ([(CONTENT_TYPE, kind)], body).into_response() }
    };
    (Router::new().route("/", get_route(response)), dropped)
}

async fn body_of(app: Router, fields: &[(&str, &str)]) -> Body {
    let response = app.oneshot(get("/", fields)).await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body()
}

async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    Some(body.frame().await?.map(|frame| frame.into_data().expect("no trailers")))
}

fn tokens() -> (McpAuthLayer<Bearer>, BearerHandle) {
    let mut tokens = Bearer::new([("ci", "one"), ("ci", "two"), ("alice", "three")]).unwrap();
    let handle = tokens.handle();
    (McpAuthLayer::new(tokens), handle)
}

#[test]
fn earliest_expiry_and_any_revocation_apply() {
    let (early, late) = (SystemTime::now(), SystemTime::now() + Duration::from_secs(100));
    for times in [[early, late], [late, early]] {
        let alice = Principal::new("alice").expires_at(times[0]).expires_at(times[1]);
        assert_eq!(alice.expiry(), Some(early));
    }
    for cancelled in 0..2 {
        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let [one, two] = tokens.clone();
        let alice = Principal::new("alice").revoked_by(one).revoked_by(two);
        assert!(!alice.has_ended());
        tokens[cancelled].cancel();
        assert!(alice.has_ended());
    }
}

#[tokio::test]
async fn extreme_expiry_times_are_handled() {
    let year = Duration::from_secs(365 * 24 * 3600);
    let far = [year, year * 1000, Duration::from_secs(1 << 62), Duration::MAX];
    let far = far.map(|far| SystemTime::UNIX_EPOCH.checked_add(far));
    for far in far.into_iter().flatten().filter(|far| *far > SystemTime::now()) {
        let principal = Principal::new("alice").expires_at(far);
        assert!(!principal.has_ended());
        let (app, _dropped) = streaming_app("text/event-stream");
        let layer = McpAuthLayer::new(as_principal(principal));
        let mut body = body_of(app.layer(layer), &[]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        let more = tokio::time::timeout(Duration::from_millis(20), next(&mut body)).await;
        assert!(more.is_err(), "the stream is open");
    }
    for past in [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH - year, SystemTime::now()] {
        let (app, seen) = recorder();
        let layer = McpAuthLayer::new(as_principal(Principal::new("alice").expires_at(past)));
        let response = send(app.layer(layer), get("/", &[])).await;
        assert_eq!(response.status, 401, "{past:?}");
        assert_eq!(response.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Invalid);
        assert_eq!(seen.count(), 0);
    }
}

/// A timer panics outside of a runtime.
#[test]
fn timer_exists_only_for_credentials_that_expire() {
    let read = |principal: Principal| {
        let layer = McpAuthLayer::new(Bearer::new([(principal, "one")]).unwrap());
        let (app, _dropped) = streaming_app("text/event-stream");
        let mut body = block_on(body_of(app.layer(layer), &[("authorization", "Bearer one")]));
        block_on(next(&mut body)).unwrap().unwrap()
    };
    let never = || Principal::new("alice");
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    assert_eq!(read(never()), "data: 1\n\n");
    assert_eq!(read(never().revoked_by(CancellationToken::new())), "data: 1\n\n");
    std::panic::catch_unwind(|| read(never().expires_at(in_an_hour))).expect_err("a timer exists");
}
