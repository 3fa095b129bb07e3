//! Which bodies are read: those of restricted principals, within limits. Others stream through.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use futures::{StreamExt, stream};
use http_body_util::BodyExt;
use tokio::sync::Notify;

use super::*;

const MIB: usize = 1024 * 1024;

/// A body of this many chunks of 1 MiB. The second one is not sent before the first one was received.
fn upload(chunks: usize, received: &Arc<Notify>) -> Body {
    let received = received.clone();
    let chunks = stream::iter(0..chunks).then(move |index| {
        let received = received.clone();
        async move {
            if index == 1 {
                received.notified().await;
            }
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; MIB]))
        }
    });
    Body::from_stream(chunks)
}

/// Case 9.
#[tokio::test]
async fn uploads_of_unrestricted_principals_stream_through() {
    let (received, total) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (first, count) = (received.clone(), total.clone());
    let router = Router::new().fallback(move |request: Request| async move {
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            count.fetch_add(data.len(), Ordering::SeqCst);
            first.notify_one();
        }
    });
    let app = router.layer(layer().authorize(policy_without_deny()));
    let request = sent("").by(ALICE).with("content-type", "application/octet-stream");
    let response = send(app.clone(), request.request_of(upload(64, &received))).await;
    assert_eq!((response.status.as_u16(), total.load(Ordering::SeqCst)), (200, 64 * MIB));
}

/// Cases 9 and 10.
#[tokio::test]
async fn only_bodies_of_restricted_principals_must_be_messages() {
    let app = App::with_policy(policy_without_deny());
    let gzip = sent(&b"\x1f\x8b\x08\x00"[..]).with("content-encoding", "gzip");
    let form = sent("a=b").with("content-type", "application/x-www-form-urlencoded");
    let untyped = sent("a=b").without("content-type");
    for request in [gzip, form, untyped] {
        app.passes(request.clone().by(ALICE)).await;
        app.rejects(request, 415, INVALID_REQUEST).await;
    }
    for body in [&b"\xff"[..], b"{", b"", br#"{"method":"tools/call","method":"ping"}"#] {
        app.passes(sent(body).by(ALICE)).await;
        assert_eq!(app.not_forwarded(&sent(body), 400).await.status, 400);
    }
    // A deny rule restricts everyone that it is for.
    let with_deny = super::app();
    with_deny.rejects(sent("{").by(ALICE), 400, PARSE_ERROR).await;
}

#[tokio::test]
async fn without_an_authorizer_nothing_is_read() {
    let app = App::new(layer());
    for body in [&b"\xff"[..], b"{", b"", br#"{"method":"tools/call","method":"ping"}"#] {
        app.passes(sent(body)).await;
    }
    app.passes(sent(tool("delete")).with("mcp-name", "search")).await;
}

/// Case 10.
#[tokio::test]
async fn larger_bodies_of_restricted_principals_are_413() {
    let app = App::new(layer().authorize(policy_without_deny()).max_verified_body(1000));
    let of_length = |length: usize| {
        let short = tool_with("search", r#"{"q":""}"#);
        let text = "x".repeat(length - short.len());
        sent(tool_with("search", &format!(r#"{{"q":"{text}"}}"#)))
    };
    assert_eq!(of_length(1000).body.len(), 1000);
    app.passes(of_length(1000)).await;
    let too_large = of_length(1001);
    app.passes(too_large.clone().by(ALICE)).await;
    app.not_forwarded(&too_large, 413).await;
    let endless = stream::repeat(Bytes::from_static(b"[[[[")).map(Ok::<_, Infallible>);
    let response = send(app.router.clone(), sent("").request_of(Body::from_stream(endless))).await;
    assert_eq!((response.status.as_u16(), app.inner.take().len()), (413, 0));
}

#[tokio::test]
async fn bodies_are_limited_to_4_mib_by_default() {
    let app = App::with_policy(policy_without_deny());
    let text = "x".repeat(4 * MIB - 200);
    app.passes(tool_with("search", &format!(r#"{{"q":"{text}"}}"#))).await;
    let large = format!("{}{}", tool("search"), " ".repeat(4 * MIB));
    app.passes(sent(large.clone()).by(ALICE)).await;
    app.not_forwarded(&sent(large), 413).await;
}

/// A message of 998 bytes, of which half is held back.
fn stalled(user: &str) -> Request {
    let start = stream::iter([Ok::<_, Infallible>("x".repeat(499))]);
    let mut request =
        sent("").by(user).request_of(Body::from_stream(start.chain(stream::pending())));
    *request.version_mut() = http::Version::HTTP_2;
    request
}

#[tokio::test]
async fn bodies_that_are_read_have_a_budget_for_each_principal() {
    let layer = layer().authorize(policy_without_deny());
    let app = App::new(layer.max_verified_body(1000).max_verified_bodies_total(8000));
    let mut held = Box::pin(send(app.router.clone(), stalled(CI)));
    assert!(futures::poll!(held.as_mut()).is_pending());
    let large = tool_with("search", &format!(r#"{{"q":"{}"}}"#, "x".repeat(800)));
    app.not_forwarded(&sent(large.clone()), 503).await;
    app.passes(sent(large.clone()).by(ALICE)).await;
    let of_bob = app.send(sent(large.clone()).by(BOB)).await;
    assert_eq!(json_of(&of_bob)["error"]["code"], INVALID_PARAMS, "bob has a budget of his own");
    drop(held);
    app.passes(large).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_rejected() {
    let app = App::with_policy(policy_without_deny());
    let response = send(app.router.clone(), stalled(CI)).await;
    assert_eq!((response.status.as_u16(), app.inner.take().len()), (400, 0));
}
