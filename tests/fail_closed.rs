//! Authenticators that panic, fail or hang, and bodies that must be checked: the inner service
//! sees no request that was not let in. And tower's rule of readiness.

mod common;

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use common::{Seen, get, recorder, send, with_authorization};
use futures::{FutureExt, StreamExt, stream};
use http::Method;
use http::request::Parts;
use mcp_auth_layer::{
    AnyOf, Authenticated, Authenticator, AuthenticatorExt, Bearer, Challenge, McpAuthLayer,
    Principal, Rejection, RejectionKind, any_of, authenticate_fn,
};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt};

fn app(authenticator: impl Authenticator) -> (axum::Router, Seen) {
    let (app, seen) = recorder();
    (app.layer(McpAuthLayer::new(authenticator)), seen)
}

/// Panics in one of its methods.
#[derive(Default)]
struct Panicking {
    now: bool,
    before_the_future: bool,
}

impl Authenticator for Panicking {
    #[allow(clippy::manual_async_fn, reason = "to panic before there is a future")]
    fn authenticate(
        &self,
        _: &Parts,
    ) -> impl Future<Output = Result<Authenticated, Rejection>> + Send {
        assert!(!self.before_the_future, "the password is hunter2");
        async { panic!("the password is hunter2") }
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        assert!(!self.now, "the password is hunter2");
        None
    }
}

#[tokio::test]
async fn a_panic_is_503_without_its_text() {
    for panicking in [
        Panicking { now: true, ..Panicking::default() },
        Panicking { before_the_future: true, ..Panicking::default() },
        Panicking::default(),
    ] {
        let (app, seen) = app(panicking);
        let answer = send(app, get("/", &[])).await;
        assert_eq!((answer.status.as_u16(), seen.count()), (503, 0));
        assert!(!answer.body.contains("hunter2"));
    }
}

#[tokio::test]
async fn a_panic_in_one_member_is_not_papered_over_by_another() {
    let either = any_of(Panicking::default(), Bearer::new([("ci", "tok")]).unwrap());
    let (app, seen) = app(either);
    assert_eq!(send(app, with_authorization("Bearer tok")).await.status, 503);
    assert_eq!(seen.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn hanging_is_503_after_the_timeout() {
    async fn hang(_: &Parts) -> Result<Principal, Rejection> {
        pending().await
    }
    let (router, seen) = recorder();
    let limit = Duration::from_secs(2);
    let app = router.layer(McpAuthLayer::new(authenticate_fn(hang)).authenticator_timeout(limit));
    let start = tokio::time::Instant::now();
    assert_eq!(send(app, get("/", &[])).await.status, 503);
    assert_eq!((start.elapsed().as_secs(), seen.count()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn slow_but_in_time_is_admitted() {
    let slowly = |_: &Parts| async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        Ok(Principal::new("slow"))
    };
    let (app, seen) = app(authenticate_fn(slowly));
    assert_eq!(send(app, get("/", &[])).await.status, 200);
    assert_eq!(seen.principal(), "slow");
}

/// `any_of` of two that answer later: what each says, and whether the second is asked.
async fn either(first: Rejection, second: Rejection) -> (RejectionKind, bool) {
    let asked = Arc::new(AtomicBool::new(false));
    let says = |rejection: Rejection, asked: Option<Arc<AtomicBool>>| {
        authenticate_fn(move |_: &Parts| {
            if let Some(asked) = &asked {
                asked.store(true, Ordering::SeqCst);
            }
            ready(Err::<Principal, _>(rejection.clone()))
        })
    };
    let (app, seen) = app(any_of(says(first, None), says(second, Some(asked.clone()))));
    let answer = send(app, get("/", &[])).await;
    assert_eq!(seen.count(), 0);
    let reason = answer.extensions.get::<Rejection>().unwrap().kind();
    (reason, asked.load(Ordering::SeqCst))
}

#[tokio::test]
async fn any_of_falls_through_on_401_only_and_the_furthest_speaks() {
    let a = || Challenge::new("A");
    let (missing, malformed, invalid) =
        (Rejection::missing(a()), Rejection::malformed(a()), Rejection::invalid(a()));
    let (down, bad) = (Rejection::unavailable(), Rejection::bad_request("x"));
    let busy = Rejection::too_many_requests(Duration::ZERO);
    for (first, second, expected) in [
        (&missing, &missing, (RejectionKind::Missing, true)),
        (&missing, &malformed, (RejectionKind::Malformed, true)),
        (&malformed, &missing, (RejectionKind::Malformed, true)),
        (&malformed, &invalid, (RejectionKind::Invalid, true)),
        (&invalid, &missing, (RejectionKind::Invalid, true)),
        (&invalid, &down, (RejectionKind::Unavailable, true)),
        (&down, &missing, (RejectionKind::Unavailable, false)),
        (&bad, &missing, (RejectionKind::BadRequest, false)),
        (&busy, &missing, (RejectionKind::TooManyRequests, false)),
    ] {
        assert_eq!(either(first.clone(), second.clone()).await, expected, "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn any_of_tries_the_second_whether_it_answers_now_or_later() {
    let bearer = || Bearer::new([("ci", "tok")]).unwrap();
    let later = || {
        authenticate_fn(|head: &Parts| {
            let admitted = head.headers.contains_key("x-later");
            async move {
                tokio::task::yield_now().await;
                match admitted {
                    true => Ok(Principal::new("later")),
                    false => Err(Rejection::missing(Challenge::new("Later"))),
                }
            }
        })
    };
    async fn check<A: Authenticator, B: Authenticator>(either: AnyOf<A, B>) {
        let (app, seen) = app(either.boxed());
        for (field, status, who) in [
            (("authorization", "Bearer tok"), 200, Some("ci")),
            (("x-later", "1"), 200, Some("later")),
            (("authorization", "Bearer no"), 401, None),
        ] {
            let answer = send(app.clone(), get("/", &[field])).await;
            assert_eq!(answer.status, status, "{field:?}");
            assert_eq!(who.map(|_| seen.principal()).as_deref(), who);
            assert!(who.is_some() || answer.challenges().len() == 2);
        }
    }
    check(any_of(bearer(), later())).await;
    check(any_of(later(), bearer())).await;
}

/// Answers now, and must not be asked to take its time.
struct Now(fn() -> Result<Authenticated, Rejection>);

impl Authenticator for Now {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        panic!("it had answered already")
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some((self.0)())
    }
}

#[tokio::test]
async fn who_answers_now_is_not_asked_again_and_a_conclusive_answer_ends_it() {
    let admits = || Now(|| Ok(Principal::new("now").into()));
    let missing = || Now(|| Err(Rejection::missing(Challenge::new("Now"))));
    let broken = || Now(|| Err(Rejection::bad_request("two of them")));
    let broken_401 = || Now(|| Err(Rejection::invalid(Challenge::new("Now")).conclusive()));
    let panics = || Panicking { now: true, ..Panicking::default() };
    async fn status(authenticator: impl Authenticator) -> u16 {
        let (app, _) = app(authenticator);
        send(app, get("/", &[])).await.status.as_u16()
    }
    assert_eq!(status(admits()).await, 200);
    assert_eq!(status(admits().boxed()).await, 200);
    assert_eq!(status(admits().boxed().boxed()).await, 200);
    assert_eq!(status(any_of(missing(), admits())).await, 200);
    assert_eq!(status(any_of(admits(), panics())).await, 200, "the second is not asked");
    assert_eq!(status(any_of(missing(), missing())).await, 401);
    assert_eq!(status(any_of(broken(), panics())).await, 400, "the second is not asked");
    assert_eq!(status(any_of(broken_401(), admits())).await, 401, "nor does it decide");
    assert_eq!(status(any_of(missing(), broken())).await, 400);
}

/// HTTP/2 clients may send each cookie in a field of its own (RFC 9113 §8.2.3).
#[tokio::test]
async fn cookies_are_a_list_over_http_2_alone() {
    let by_cookie = || {
        authenticate_fn(|_: &Parts| async { Ok::<_, Rejection>(Principal::new("alice")) })
            .credential_header(http::header::COOKIE)
    };
    for (version, expected) in [(http::Version::HTTP_11, 400), (http::Version::HTTP_2, 200)] {
        let mut request = get("/", &[("cookie", "a=1"), ("cookie", "session=s")]);
        *request.version_mut() = version;
        let (router, seen) = recorder();
        let app = router.layer(McpAuthLayer::new(by_cookie()));
        assert_eq!(send(app, request).await.status, expected, "{version:?}");
        if expected == 200 {
            assert!(seen.only().headers.is_empty());
        }
    }
}

#[tokio::test]
async fn credential_headers_of_every_member_are_taken_off() {
    struct ApiKey;
    impl Authenticator for ApiKey {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            match head.headers.get("x-api-key") {
                Some(key) if key == "k" => Ok(Principal::new("keyed").into()),
                Some(_) => Err(Rejection::invalid(Challenge::new("ApiKey"))),
                None => Err(Rejection::missing(Challenge::new("ApiKey"))),
            }
        }
        fn credential_headers(&self) -> Vec<http::HeaderName> {
            vec![http::HeaderName::from_static("x-api-key")]
        }
    }
    let never = authenticate_fn(|_: &Parts| async {
        Err::<Principal, _>(Rejection::missing(Challenge::new("Never")))
    })
    .credential_header(http::HeaderName::from_static("x-never"));
    let bearer = Bearer::new([("ci", "tok")]).unwrap();
    let all = any_of(any_of(bearer, ApiKey).boxed(), never);
    let (router, seen) = recorder();
    let app = router.layer(McpAuthLayer::new(all).public_path("/health"));

    let keys = [("x-api-key", "k"), ("x-never", "n"), ("x-other", "o")];
    let both = [keys.as_slice(), &[("authorization", "Bearer tok")]].concat();
    for (path, fields) in [("/", &keys[..]), ("/", &both), ("/health", &both)] {
        assert_eq!(send(app.clone(), get(path, fields)).await.status, 200);
        let head = seen.only();
        assert_eq!(head.headers.len(), 1, "{path}: {:?}", head.headers);
        assert_eq!(head.headers["x-other"], "o");
    }
    // Servers that hand headers on as variables cannot tell these from it.
    let spelled = [("x-api-key", "k"), ("x_never", "n"), ("x.never", "n"), ("x-other", "o")];
    let once = [&spelled[..2], &spelled[3..]].concat();
    assert_eq!(send(app.clone(), get("/", &once)).await.status, 200);
    assert_eq!(seen.only().headers.len(), 1);
    // The kind: one name is checked for doubles, and others carry credentials as well.
    for doubled in [
        &[("x-api-key", "k"), ("x-api-key", "k2")][..],
        &[("x-api-key", "k"), ("x_api_key", "k2")],
        &[("authorization", "Bearer tok"), ("x-api-key", "k"), ("x.api.key", "k")],
        &spelled,
    ] {
        assert_eq!(send(app.clone(), get("/", doubled)).await.status, 400, "{doubled:?}");
    }
    assert_eq!(seen.count(), 0);
}

// ---- bodies that must be checked -------------------------------------------------------------

/// Admits who sends a body that is `expected`, panics on `panic` and hangs on `hang`.
fn body_is(expected: &'static str) -> impl Authenticator {
    authenticate_fn(move |_: &Parts| {
        ready(Ok(Authenticated::new(Principal::new("signer")).check_body(move |body| async move {
            assert_ne!(body, "panic");
            if body == "hang" {
                pending::<()>().await;
            }
            match body == expected {
                true => Ok(()),
                false => Err(Rejection::invalid(Challenge::new("Digest"))),
            }
        })))
    })
}

fn post(body: impl Into<Body>) -> Request {
    http::Request::builder().method(Method::POST).uri("/").body(body.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_checked_body_is_passed_on_whole() {
    let (app, seen) = app(body_is("hello world"));
    let frames = ["hel", "lo w", "", "orld"].map(Ok::<_, Infallible>);
    let answer = send(app.clone(), post(Body::from_stream(stream::iter(frames)))).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "hello world"));
    assert_eq!(seen.principal(), "signer");

    for body in ["hello worlD", "hello worl", "hello world!", ""] {
        let answer = send(app.clone(), post(body)).await;
        assert_eq!(answer.status, 401, "{body:?}");
        assert_eq!(answer.challenges(), [r#"Digest realm="mcp""#]);
    }
    for body in ["panic", "hang"] {
        assert_eq!(send(app.clone(), post(body)).await.status, 503, "{body}");
    }
    assert_eq!(seen.count(), 0);
}

#[tokio::test]
async fn a_checked_body_is_bounded_in_size_and_others_are_not() {
    let (router, seen) = recorder();
    let layer = McpAuthLayer::new(body_is("12345")).body_limit(5);
    let app = router.layer(layer);
    assert_eq!(send(app.clone(), post("12345")).await.status, 200);
    seen.only();
    let answer = send(app.clone(), post("123456")).await;
    assert_eq!(answer.status, 413);
    assert!(answer.challenges().is_empty() && answer.message().contains("5 bytes"));

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
async fn a_checked_body_that_breaks_or_never_ends_is_refused() {
    let (app, seen) = app(body_is("12345"));
    let broken = stream::iter([Ok("123"), Err("connection reset")]);
    assert_eq!(send(app.clone(), post(Body::from_stream(broken))).await.status, 400);
    let stalled = stream::iter([Ok::<_, Infallible>("123")]).chain(stream::pending());
    assert_eq!(send(app, post(Body::from_stream(stalled))).await.status, 400);
    assert_eq!(seen.count(), 0);
}

// ---- readiness -------------------------------------------------------------------------------

/// Panics if it is called without having been polled ready: a clone never was.
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

fn answers_later() -> impl Authenticator {
    authenticate_fn(|_: &Parts| async {
        tokio::task::yield_now().await;
        Ok(Principal::new("later"))
    })
}

#[tokio::test]
async fn the_service_that_was_polled_ready_is_the_one_called() {
    async fn check(authenticator: impl Authenticator) {
        let calls = Arc::new(AtomicUsize::new(0));
        let inner = Strict { ready: false, calls: calls.clone() };
        let layer = McpAuthLayer::new(authenticator).public_path("/health");
        let mut service = layer.layer(inner);
        for path in ["/", "/health", "/"] {
            let request = get(path, &[("authorization", "Bearer tok")]);
            let response = ready_for(&mut service).await.unwrap().call(request).await.unwrap();
            assert_eq!(response.status(), 200);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 3);
    }
    check(Bearer::new([("ci", "tok")]).unwrap()).await;
    check(answers_later()).await;
}

/// The kind: a request that is refused holds what an authenticated one is waiting for.
#[tokio::test]
async fn refused_requests_hold_no_permit_of_the_inner_service() {
    async fn check(authenticator: impl Authenticator, slow: &str) {
        let hang = tower::service_fn(|_: Request| pending::<Result<Response, Infallible>>());
        let limited = ConcurrencyLimitLayer::new(1).layer(hang);
        let service = McpAuthLayer::new(authenticator).layer(limited.clone());
        let call = |fields: &[(&str, &str)]| {
            let (mut service, request) = (service.clone(), get("/", fields));
            Box::pin(async move { ready_for(&mut service).await.unwrap().call(request).await })
        };
        // Strangers who are being verified, and one who is not answered yet.
        let mut strangers: Vec<_> = (0..3).map(|_| call(&[("authorization", slow)])).collect();
        for stranger in &mut strangers {
            let _ = futures::poll!(stranger);
        }
        let mut free = limited;
        assert!(ready_for(&mut free).now_or_never().is_some(), "no permit is taken");
    }
    check(Bearer::new([("ci", "tok")]).unwrap(), "Bearer wrong").await;
    let never = authenticate_fn(|_: &Parts| pending::<Result<Principal, Rejection>>());
    check(never, "Bearer tok").await;
}

#[tokio::test]
async fn a_concurrency_limit_inside_keeps_its_limit() {
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
        assert_eq!(calls.load(Ordering::SeqCst), 1, "a second request waits while one runs");
        drop(first);
        for _ in 0..3 {
            assert!(futures::poll!(second.as_mut()).is_pending());
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
    check(Bearer::new([("ci", "tok")]).unwrap()).await;
    check(answers_later()).await;
}

/// `Buffer` reserves a place when it is polled ready, and panics if it is called without.
#[tokio::test]
async fn a_buffer_inside_is_called_once_it_is_ready() {
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
    check(answers_later()).await;
}

/// The kind: time passes between the decision and its use.
#[tokio::test]
async fn a_credential_that_ends_before_the_service_is_ready_is_refused() {
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

/// Never ready, or broken.
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
async fn readiness_and_errors_are_the_inner_services() {
    let layer = McpAuthLayer::bearer("tok");
    let call = |inner| layer.layer(inner).oneshot(with_authorization("Bearer tok"));
    assert!(call(NotReady(None)).now_or_never().is_none(), "it waits until the service is ready");
    assert_eq!(call(NotReady(Some("broken"))).await.map(|_| ()), Err("broken"));
    // Who is refused does not wait for it.
    let refused = layer.layer(NotReady(None)).oneshot(with_authorization("Bearer no")).await;
    assert_eq!(refused.unwrap().status(), 401);

    let failing = tower::service_fn(|_: Request| async { Err::<Response, _>("failed") });
    let guarded = layer.layer(failing);
    let call = guarded.clone().oneshot(with_authorization("Bearer tok")).await;
    assert_eq!(call.map(|_| ()), Err("failed"));
    let refused = guarded.oneshot(with_authorization("Bearer no")).await;
    assert_eq!(refused.unwrap().status(), 401);
}
