//! `Service::poll_ready`: the layer follows tower's contract with the inner service.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::FutureExt;
use http::request::Parts;
use mcp_auth_layer::auth::authenticate_fn;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{Authenticator, Bearer, McpAuthLayer, Principal, Rejection};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt};

use crate::support::{get, with_authorization};

/// Panics if it is called without being polled ready. A clone has not been polled ready.
struct Strict {
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false, calls: self.calls.clone() }
    }
}

impl Service<Request> for Strict {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(Body::empty())))
    }
}

/// `ready`, for requests of axum's type.
fn ready_for<S: Service<Request>>(service: &mut S) -> tower::util::Ready<'_, S, Request> {
    service.ready()
}

fn asynchronous() -> impl Authenticator {
    authenticate_fn(|_: &Parts| async {
        tokio::task::yield_now().await;
        Ok(Principal::new("later"))
    })
}

#[tokio::test]
async fn only_the_service_that_was_polled_ready_is_called() {
    async fn check(authenticator: impl Authenticator) {
        let calls = Arc::new(AtomicUsize::new(0));
        let inner = Strict { ready: false, calls: calls.clone() };
        let layer = McpAuthLayer::new(authenticator).public_path(ExactPath::from_static("/health"));
        let mut service = layer.layer(inner);
        for path in ["/", "/health", "/"] {
            let request = get(path, &[("authorization", "Bearer tok")]);
            let response = ready_for(&mut service).await.unwrap().call(request).await.unwrap();
            assert_eq!(response.status(), 200);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }
    check(Bearer::new([("ci", "tok")]).unwrap()).await;
    check(asynchronous()).await;
}

/// Rejected requests must not hold permits that authenticated requests wait for.
#[tokio::test]
async fn rejected_requests_hold_no_inner_concurrency_permit() {
    async fn check(authenticator: impl Authenticator, slow: &str) {
        let hang = tower::service_fn(|_: Request| pending::<Result<Response, Infallible>>());
        let limited = ConcurrencyLimitLayer::new(1).layer(hang);
        let service = McpAuthLayer::new(authenticator).layer(limited.clone());
        let call = |fields: &[(&str, &str)]| {
            let (mut service, request) = (service.clone(), get("/", fields));
            Box::pin(async move { ready_for(&mut service).await.unwrap().call(request).await })
        };
        // These requests are being verified, and have no response yet.
        let mut pending_requests: Vec<_> =
            (0..3).map(|_| call(&[("authorization", slow)])).collect();
        for request in &mut pending_requests {
            let _ = futures::poll!(request);
        }
        let mut free = limited;
        assert!(ready_for(&mut free).now_or_never().is_some(), "no permit is held");
    }
    check(Bearer::new([("ci", "tok")]).unwrap(), "Bearer wrong").await;
    let never = authenticate_fn(|_: &Parts| pending::<Result<Principal, Rejection>>());
    check(never, "Bearer tok").await;
}

#[tokio::test]
async fn inner_concurrency_limit_is_respected() {
    async fn check(authenticator: impl Authenticator) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let hang = tower::service_fn(move |_: Request| {
            counted.fetch_add(1, Ordering::SeqCst);
            pending::<Result<Response, Infallible>>()
        });
        let limited = ConcurrencyLimitLayer::new(1).layer(hang);
        let service = McpAuthLayer::new(authenticator).layer(limited);
        let call = || {
            let (mut service, fields) = (service.clone(), [("authorization", "Bearer tok")]);
            let request = get("/", &fields);
            Box::pin(async move { ready_for(&mut service).await.unwrap().call(request).await })
        };
        let (mut first, mut second) = (call(), call());
        for _ in 0..3 {
            assert!(futures::poll!(first.as_mut()).is_pending());
        }
        for _ in 0..3 {
            assert!(futures::poll!(second.as_mut()).is_pending());
        }
        assert_eq!(calls.load(Ordering::SeqCst), 1, "the second request waits for the first");
        drop(first);
        for _ in 0..3 {
            assert!(futures::poll!(second.as_mut()).is_pending());
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
    check(Bearer::new([("ci", "tok")]).unwrap()).await;
    check(asynchronous()).await;
}

/// `Buffer` reserves a slot when it is polled ready, and panics if it is called without one.
#[tokio::test]
async fn inner_buffer_is_called_only_when_ready() {
    async fn check(authenticator: impl Authenticator) {
        let echo = tower::service_fn(|_: Request| async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let service = McpAuthLayer::new(authenticator).layer(tower::buffer::Buffer::new(echo, 1));
        let calls = (0..32).map(|_| {
            let mut service = service.clone();
            let request = get("/", &[("authorization", "Bearer tok")]);
            tokio::spawn(async move {
                let ready = ready_for(&mut service).await.unwrap();
                ready.call(request).await.map(|response| response.status().as_u16()).ok()
            })
        });
        for status in futures::future::join_all(calls).await {
            assert_eq!(status.unwrap(), Some(200));
        }
    }
    check(Bearer::new([("ci", "tok")]).unwrap()).await;
    check(asynchronous()).await;
}

/// The credential is checked again when the inner service becomes ready.
#[tokio::test]
async fn credential_revoked_before_the_service_is_ready_is_401() {
    let hang = tower::service_fn(|_: Request| pending::<Result<Response, Infallible>>());
    let limited = ConcurrencyLimitLayer::new(1).layer(hang);
    let tokens = Bearer::new([("ci", "tok"), ("alice", "other")]).unwrap();
    let handle = tokens.handle();
    let service = McpAuthLayer::new(tokens).layer(limited);
    let call = |token: &str| {
        let (mut service, request) = (service.clone(), with_authorization(token));
        Box::pin(async move { ready_for(&mut service).await.unwrap().call(request).await })
    };
    let (mut first, mut second) = (call("Bearer other"), call("Bearer tok"));
    assert!(futures::poll!(first.as_mut()).is_pending());
    assert!(futures::poll!(second.as_mut()).is_pending());
    assert!(handle.revoke("tok"));
    drop(first);
    assert_eq!(second.await.unwrap().status(), 401);
}

/// A service that is never ready, or fails to become ready.
#[derive(Clone)]
struct NotReady(Option<&'static str>);

impl Service<Request> for NotReady {
    type Response = Response;
    type Error = &'static str;
    type Future = Pin<Box<dyn Future<Output = Result<Response, &'static str>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        match self.0 {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Pending,
        }
    }

    fn call(&mut self, _: Request) -> Self::Future {
        unreachable!("it was never ready")
    }
}

#[tokio::test]
async fn readiness_and_errors_of_the_inner_service_are_passed_on() {
    let layer = McpAuthLayer::bearer("tok");
    let call = |inner| layer.layer(inner).oneshot(with_authorization("Bearer tok"));
    assert!(
        call(NotReady(None)).now_or_never().is_none(),
        "the layer waits until the service is ready"
    );
    assert_eq!(call(NotReady(Some("broken"))).await.map(|_| ()), Err("broken"));
    // Rejected requests do not wait for readiness.
    let rejected = layer.layer(NotReady(None)).oneshot(with_authorization("Bearer no")).await;
    assert_eq!(rejected.unwrap().status(), 401);

    let failing = tower::service_fn(|_: Request| async { Err::<Response, _>("failed") });
    let protected = layer.layer(failing);
    let call = protected.clone().oneshot(with_authorization("Bearer tok")).await;
    assert_eq!(call.map(|_| ()), Err("failed"));
    let rejected = protected.oneshot(with_authorization("Bearer no")).await;
    assert_eq!(rejected.unwrap().status(), 401);
}
