//! No principal has the whole of a shared budget, and no credential outlives its end.
//!
//! The kinds of fault: one budget for all, of which one principal can hold everything; bytes that are
//! held and not counted; a decision that is cached longer than it is good.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use axum::extract::Request;
use common::{get, recorder, send};
use futures::StreamExt;
use http::request::Parts;
use mcp_auth_layer::{
    Authenticated, Authenticator, Bearer, McpAuthLayer, Principal, Rejection, authenticate_fn,
};

/// Admits everybody under the name in `x-who`, if the body is not `wrong`; never while it hangs.
fn checks() -> impl Authenticator {
    authenticate_fn(|head: &Parts| {
        let who = head.headers["x-who"].to_str().unwrap().to_owned();
        let hangs = head.headers.contains_key("x-hang");
        async move {
            Ok(Authenticated::new(Principal::new(who)).check_body(move |_| async move {
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

/// A POST whose body has so many bytes, in pieces, and perhaps no end.
fn post(who: &str, bytes: usize, stalls: bool) -> Request {
    let pieces = futures::stream::iter([(); 2].map(|()| Ok::<_, BoxError>("x".repeat(bytes / 2))));
    let body = match stalls {
        true => Body::from_stream(pieces.chain(futures::stream::pending())),
        false => Body::from_stream(pieces),
    };
    let request = http::Request::post("/").header("x-who", who).version(http::Version::HTTP_2);
    request.body(body).unwrap()
}

#[tokio::test]
async fn one_principal_cannot_hold_the_whole_body_budget() {
    let (app, _) = recorder();
    let app = app.layer(layer());
    let mut held: Vec<_> =
        (0..16).map(|_| Box::pin(send(app.clone(), post("mallory", 998, true)))).collect();
    let mut refused = 0;
    for request in &mut held {
        if let std::task::Poll::Ready(answer) = futures::poll!(request.as_mut()) {
            assert_eq!(answer.status, 503);
            refused += 1;
        }
    }
    assert_eq!(refused, 15, "an eighth of 8000 bytes is one body");
    assert_eq!(send(app.clone(), post("mallory", 998, false)).await.status, 503);
    for who in ["alice", "bob", "carol"] {
        assert_eq!(send(app.clone(), post(who, 998, false)).await.status, 200, "{who}");
    }
    drop(held);
    assert_eq!(send(app, post("mallory", 998, false)).await.status, 200, "given back");
}

#[tokio::test]
async fn principals_of_other_issuers_have_other_shares() {
    let by_issuer = authenticate_fn(|head: &Parts| {
        let issuer = head.headers["x-who"].to_str().unwrap().to_owned();
        async move {
            let who = Principal::new("alice").issued_by(issuer);
            Ok::<_, Rejection>(Authenticated::new(who).check_body(|_| async { Ok(()) }))
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
async fn bodies_count_until_they_are_handed_on() {
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
async fn the_inner_service_may_keep_a_body_uncounted() {
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
async fn a_body_that_stalls_is_given_up() {
    let app = recorder().0.layer(layer());
    let started = tokio::time::Instant::now();
    assert_eq!(send(app.clone(), post("alice", 998, true)).await.status, 400);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    // A few bytes now and then are no progress.
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
async fn a_slow_body_that_keeps_coming_is_collected() {
    let layer = McpAuthLayer::new(checks());
    let app = recorder().0.layer(layer);
    let pieces = futures::stream::unfold(0, |n| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        (n < 10).then(|| (Ok::<_, BoxError>("x".repeat(10_000)), n + 1))
    });
    let request = post("alice", 2, false).map(|_| Body::from_stream(pieces));
    let answer = send(app, request).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 100_000));
}

/// An authenticator around another one that answers at once from its cache.
struct Cached {
    tokens: Bearer,
    cached: Mutex<Option<Principal>>,
}

impl Authenticator for Cached {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let admission = self.tokens.authenticate(head).await?;
        *self.cached.lock().unwrap() = Some(admission.principal().clone());
        Ok(admission)
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Ok(self.cached.lock().unwrap().clone()?.into()))
    }
}

#[tokio::test]
async fn a_revoked_principal_of_a_cache_is_not_admitted() {
    let tokens = Bearer::new([("ci", "tok"), ("ci", "other")]).unwrap();
    let handle = tokens.handle();
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(Cached { tokens, cached: Mutex::default() }));
    let ask = |token: &'static str| send(app.clone(), get("/", &[("authorization", token)]));
    assert_eq!(ask("Bearer tok").await.status, 200);
    assert_eq!(ask("Bearer tok").await.status, 200, "from the cache");
    assert_eq!(seen.count(), 2);
    assert!(handle.revoke("tok"));
    assert_eq!(ask("Bearer tok").await.status, 401);
    assert_eq!(ask("Bearer other").await.status, 200, "the authenticator is asked once more");
}

/// An authenticator that always says the same, though it has been revoked.
#[tokio::test]
async fn a_principal_that_stays_revoked_is_refused() {
    let token = tokio_util::sync::CancellationToken::new();
    let who = Principal::new("ci").revoked_by(token.clone());
    let app = recorder().0.layer(McpAuthLayer::new(authenticate_fn(move |_: &Parts| {
        let who = who.clone();
        async move { Ok::<_, Rejection>(who) }
    })));
    assert_eq!(send(app.clone(), get("/", &[])).await.status, 200);
    token.cancel();
    assert_eq!(send(app, get("/", &[])).await.status, 401);
}

/// The kind: a response ends with its credential, and a request goes on.
#[tokio::test]
async fn a_request_body_ends_with_its_credential() {
    let received = Arc::new(Mutex::new((0, None)));
    let counted = received.clone();
    let app = axum::Router::new().fallback(move |request: Request| async move {
        // Answered at once; the body is read by a task of its own.
        tokio::spawn(async move {
            let mut body = request.into_body().into_data_stream();
            while let Some(piece) = body.next().await {
                match piece {
                    Ok(piece) => counted.lock().unwrap().0 += piece.len(),
                    Err(error) => counted.lock().unwrap().1 = Some(error.to_string()),
                }
            }
        });
        http::StatusCode::ACCEPTED
    });
    let tokens = Bearer::new([("ci", "tok")]).unwrap();
    let handle = tokens.handle();
    let app = app.layer(McpAuthLayer::new(tokens));
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<&str, BoxError>>();
    let request = http::Request::post("/").header("authorization", "Bearer tok");
    let answer = send(app, request.body(Body::from_stream(receiver)).unwrap()).await;
    assert_eq!(answer.status, 202);
    for _ in 0..10 {
        sender.unbounded_send(Ok("12345")).unwrap();
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(*received.lock().unwrap(), (50, None));
    assert!(handle.revoke("tok"));
    for _ in 0..10 {
        let _ = sender.unbounded_send(Ok("12345"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (bytes, error) = received.lock().unwrap().clone();
    assert_eq!(bytes, 50, "nothing that was sent after the revocation");
    assert!(error.unwrap().contains("revoked"));
}
