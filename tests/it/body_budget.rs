//! The memory budget for bodies under verification: no principal can use all of it, and stalled
//! bodies give it back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use futures::StreamExt;
use http::request::Parts;
use mcp_auth_layer::{
    Authenticated, Authenticator, McpAuthLayer, Principal, Rejection, authenticate_fn,
};

use crate::support::{recorder, send};

/// Authenticates every client by the name in `x-who`. The body check hangs if there is `x-hang`.
fn checks() -> impl Authenticator {
    authenticate_fn(|head: &Parts| {
        let name = head.headers["x-who"].to_str().unwrap().to_owned();
        let hangs = head.headers.contains_key("x-hang");
        async move {
            Ok(Authenticated::new(Principal::new(name)).check_body(move |_| async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Rejection>(())
            }))
        }
    })
}

fn layer() -> McpAuthLayer<impl Authenticator> {
    McpAuthLayer::new(checks()).body_limit(1000).body_total_limit(8000)
}

/// A POST with a body of this many bytes, in two chunks. If it stalls, the body never ends.
fn post(name: &str, bytes: usize, stalls: bool) -> Request {
    let pieces = futures::stream::iter([(); 2].map(|()| Ok::<_, BoxError>("x".repeat(bytes / 2))));
    let body = if stalls {
        Body::from_stream(pieces.chain(futures::stream::pending()))
    } else {
        Body::from_stream(pieces)
    };
    let request = http::Request::post("/").header("x-who", name).version(http::Version::HTTP_2);
    request.body(body).unwrap()
}

#[tokio::test]
async fn one_principal_cannot_use_the_whole_body_budget() {
    let (app, _) = recorder();
    let app = app.layer(layer());
    let mut held: Vec<_> =
        (0..16).map(|_| Box::pin(send(app.clone(), post("mallory", 998, true)))).collect();
    let mut rejected = 0;
    for request in &mut held {
        if let std::task::Poll::Ready(response) = futures::poll!(request.as_mut()) {
            assert_eq!(response.status, 503);
            rejected += 1;
        }
    }
    assert_eq!(rejected, 15, "an eighth of 8000 bytes is one body");
    assert_eq!(send(app.clone(), post("mallory", 998, false)).await.status, 503);
    for name in ["alice", "bob", "carol"] {
        assert_eq!(send(app.clone(), post(name, 998, false)).await.status, 200, "{name}");
    }
    drop(held);
    assert_eq!(send(app, post("mallory", 998, false)).await.status, 200, "the budget was released");
}

#[tokio::test]
async fn body_budget_shares_are_per_issuer_and_name() {
    let by_issuer = authenticate_fn(|head: &Parts| {
        let issuer = head.headers["x-who"].to_str().unwrap().to_owned();
        async move {
            let principal = Principal::new("alice").issued_by(issuer);
            Ok::<_, Rejection>(Authenticated::new(principal).check_body(|_| async { Ok(()) }))
        }
    });
    let layer = McpAuthLayer::new(by_issuer).body_limit(1000).body_total_limit(8000);
    let app = recorder().0.layer(layer);
    let mut held = Box::pin(send(app.clone(), post("a", 998, true)));
    assert!(futures::poll!(held.as_mut()).is_pending());
    assert_eq!(send(app.clone(), post("a", 998, false)).await.status, 503);
    assert_eq!(send(app, post("b", 998, false)).await.status, 200);
}

#[tokio::test]
async fn body_counts_against_the_budget_until_it_is_verified() {
    let app = recorder().0.layer(layer());
    let hanging = || {
        let mut request = post("mallory", 998, false);
        request.headers_mut().insert("x-hang", "1".parse().unwrap());
        request
    };
    // The body has arrived, and its check hangs.
    let mut held = Box::pin(send(app.clone(), hanging()));
    for _ in 0..5 {
        assert!(futures::poll!(held.as_mut()).is_pending());
    }
    assert_eq!(send(app.clone(), post("mallory", 998, false)).await.status, 503);
    assert_eq!(send(app.clone(), post("alice", 998, false)).await.status, 200);
    drop(held);
    assert_eq!(send(app, post("mallory", 998, false)).await.status, 200);
}

#[tokio::test]
async fn forwarded_bodies_do_not_count_against_the_budget() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let app = axum::Router::new().fallback(move |request: Request| async move {
        keep.lock().unwrap().push(request.into_body());
    });
    let app = app.layer(layer());
    for n in 1..20 {
        assert_eq!(send(app.clone(), post("alice", 998, false)).await.status, 200);
        assert_eq!(kept.lock().unwrap().len(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn stalled_or_trickling_body_is_400() {
    let app = recorder().0.layer(layer());
    let started = tokio::time::Instant::now();
    assert_eq!(send(app.clone(), post("alice", 998, true)).await.status, 400);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // A few bytes now and then do not count as progress.
    let drops = futures::stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, BoxError>("x"), ()))
    });
    let request = post("alice", 2, false).map(|_| Body::from_stream(drops));
    let started = tokio::time::Instant::now();
    assert_eq!(send(app, request).await.status, 400);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn slow_body_with_progress_is_accepted() {
    let layer = McpAuthLayer::new(checks());
    let app = recorder().0.layer(layer);
    let pieces = futures::stream::unfold(0, |n| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        (n < 10).then(|| (Ok::<_, BoxError>("x".repeat(10_000)), n + 1))
    });
    let request = post("alice", 2, false).map(|_| Body::from_stream(pieces));
    let response = send(app, request).await;
    assert_eq!((response.status.as_u16(), response.body.len()), (200, 100_000));
}
