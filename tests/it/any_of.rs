//! `any_of`: which scheme decides, and which rejection is returned.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::request::Parts;
use mcp_auth_layer::auth::AuthScheme;
use mcp_auth_layer::auth::{
    Authenticated, AuthenticatorExt, Challenge, RejectionKind, authenticate_fn,
};
use mcp_auth_layer::{Authenticator, Basic, Bearer, McpAuthLayer, Principal, Rejection, any_of};

use crate::failing_authenticators::Panicking;
use crate::support::{basic, get, protected, recorder, send, with_authorization};

#[tokio::test]
async fn any_of_accepts_credentials_of_each_scheme() {
    let (app, seen) = recorder();
    let either =
        any_of((Basic::new([("alice", "secret")]).unwrap(), Bearer::new([("ci", "tok")]).unwrap()));
    let app = app.layer(McpAuthLayer::new(either));
    for (credential, principal) in
        [(basic("alice", "secret"), "alice"), ("Bearer tok".into(), "ci")]
    {
        assert_eq!(send(app.clone(), with_authorization(&credential)).await.status, 200);
        assert_eq!(seen.principal(), principal);
    }
    for credential in [basic("alice", "tok"), "Bearer secret".into(), "Basic tok".into()] {
        assert_eq!(send(app.clone(), with_authorization(&credential)).await.status, 401);
    }
}

#[tokio::test]
async fn any_of_an_empty_list_refuses_every_request() {
    let ci = Bearer::new([("ci", "tok")]).unwrap();
    for (schemes, expected) in [(vec![ci.boxed()], 200), (Vec::new(), 503)] {
        let (app, seen) = protected(any_of(schemes));
        assert_eq!(send(app, with_authorization("Bearer tok")).await.status, expected);
        assert_eq!(seen.count(), usize::from(expected == 200));
    }
}

/// The reason that `any_of` of two asynchronous authenticators returns, and whether it called the
/// second.
async fn either(first: Rejection, second: Rejection) -> (RejectionKind, bool) {
    let called = Arc::new(AtomicBool::new(false));
    let rejecting = |rejection: Rejection, called: Option<Arc<AtomicBool>>| {
        authenticate_fn(move |_: &Parts| {
            if let Some(called) = &called {
                called.store(true, Ordering::SeqCst);
            }
            ready(Err::<Principal, _>(rejection.clone()))
        })
    };
    let (app, seen) =
        protected(any_of((rejecting(first, None), rejecting(second, Some(called.clone())))));
    let response = send(app, get("/", &[])).await;
    assert_eq!(seen.count(), 0);
    let reason = response.extensions.get::<Rejection>().unwrap().kind();
    (reason, called.load(Ordering::SeqCst))
}

#[tokio::test]
async fn only_401_falls_through_and_the_most_specific_is_returned() {
    let a = || Challenge::new(AuthScheme::from_static("A"));
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
async fn any_of_combines_sync_and_async_authenticators() {
    let bearer = || Bearer::new([("ci", "tok")]).unwrap();
    let later = || {
        authenticate_fn(|head: &Parts| {
            let accepted = head.headers.contains_key("x-later");
            async move {
                tokio::task::yield_now().await;
                if accepted {
                    Ok(Principal::new("later"))
                } else {
                    Err(Rejection::missing(Challenge::new(AuthScheme::from_static("Later"))))
                }
            }
        })
    };
    async fn check(either: impl Authenticator) {
        let (app, seen) = protected(either.boxed());
        for (field, status, principal) in [
            (("authorization", "Bearer tok"), 200, Some("ci")),
            (("x-later", "1"), 200, Some("later")),
            (("authorization", "Bearer no"), 401, None),
        ] {
            let response = send(app.clone(), get("/", &[field])).await;
            assert_eq!(response.status, status, "{field:?}");
            assert_eq!(principal.map(|_| seen.principal()).as_deref(), principal);
            assert!(principal.is_some() || response.challenges().len() == 2);
        }
    }
    check(any_of((bearer(), later()))).await;
    check(any_of((later(), bearer()))).await;
}

/// Decides synchronously; panics if it is called asynchronously.
struct Now(fn() -> Result<Authenticated, Rejection>);

impl Authenticator for Now {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        panic!("it had decided synchronously")
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some((self.0)())
    }
}

#[tokio::test]
async fn sync_and_conclusive_results_are_final() {
    let accepts = || Now(|| Ok(Principal::new("now").into()));
    let missing =
        || Now(|| Err(Rejection::missing(Challenge::new(AuthScheme::from_static("Now")))));
    let broken = || Now(|| Err(Rejection::bad_request("two of them")));
    let broken_401 = || {
        Now(|| Err(Rejection::invalid(Challenge::new(AuthScheme::from_static("Now"))).conclusive()))
    };
    let panics = || Panicking { now: true, ..Panicking::default() };
    async fn status(authenticator: impl Authenticator) -> u16 {
        let (app, _) = protected(authenticator);
        send(app, get("/", &[])).await.status.as_u16()
    }
    assert_eq!(status(accepts()).await, 200);
    assert_eq!(status(accepts().boxed()).await, 200);
    assert_eq!(status(accepts().boxed().boxed()).await, 200);
    assert_eq!(status(any_of((missing(), accepts()))).await, 200);
    assert_eq!(status(any_of((accepts(), panics()))).await, 200, "the second is not called");
    assert_eq!(status(any_of((missing(), missing()))).await, 401);
    assert_eq!(status(any_of((broken(), panics()))).await, 400, "the second is not called");
    assert_eq!(status(any_of((broken_401(), accepts()))).await, 401, "the second is not called");
    assert_eq!(status(any_of((missing(), broken()))).await, 400);
}

#[tokio::test]
async fn panic_in_one_member_of_any_of_is_503() {
    let either = any_of((Panicking::default(), Bearer::new([("ci", "tok")]).unwrap()));
    let (app, seen) = protected(either);
    assert_eq!(send(app, with_authorization("Bearer tok")).await.status, 503);
    assert_eq!(seen.count(), 0);
}
