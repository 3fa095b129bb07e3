//! Requests whose credential expires or is revoked before the response starts.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::routing::any;
use futures::FutureExt;
use http::Method;
use http::request::Parts;
use mcp_auth_layer::auth::{Authenticated, authenticate_fn};
use mcp_auth_layer::auth::{Challenge, Lifetime, Realm, Revocation};
use mcp_auth_layer::schemes::BearerToken;
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, HttpSignature, McpAuthLayer, Principal, Rejection, any_of,
};
use tokio::sync::oneshot;

use super::{alice, body_of, granting, next, revoked_by, streaming_app, tokens};
use crate::support::{get, recorder, request, send, with_authorization};

/// Both for asynchronous and for synchronous authenticators.
#[tokio::test]
async fn revocation_cancels_pending_requests_with_401() {
    async fn revoke_while_pending<A: Authenticator>(layer: McpAuthLayer<A>, revoke: impl FnOnce()) {
        let (held, dropped) = oneshot::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(Some(held)));
        let started = tokio_util::sync::CancellationToken::new();
        let has_started = started.clone();
        let work = move || {
            let held = held.lock().unwrap().take();
            has_started.cancel();
            async move {
                let _held = held;
                pending::<()>().await;
            }
        };
        let app = Router::new().route("/", any(work)).layer(layer);
        let response = tokio::spawn(send(app, with_authorization("Bearer one")));
        started.cancelled().await;
        revoke();
        let response = response.await.unwrap();
        assert_eq!(response.status, 401);
        assert_eq!(response.message(), "the credential is wrong or has expired");
        dropped.await.expect_err("the inner future is dropped");
    }
    let revocation = Revocation::new();
    revoke_while_pending(revoked_by(&revocation), || revocation.revoke()).await;
    let (layer, handle) = tokens();
    revoke_while_pending(layer, || assert!(handle.revoke("one"))).await;
}

/// A request whose credential is revoked while its body is verified must not reach the inner
/// service.
#[tokio::test]
async fn revocation_during_body_verification_is_401() {
    for revoked in [false, true] {
        let layer = McpAuthLayer::new(authenticate_fn(move |_: &Parts| async move {
            let revocation = Revocation::new();
            let alice = alice().revoked_by(revocation.clone());
            Ok::<_, Rejection>(alice.verify_body(move |_| async move {
                if revoked {
                    revocation.revoke();
                }
                Ok(())
            }))
        }));
        let (app, seen) = recorder();
        let response = send(app.layer(layer), request(Method::POST, "/", &[])).await;
        let expected = if revoked { (401, 0) } else { (200, 1) };
        assert_eq!((response.status.as_u16(), seen.count()), expected);
    }
}

/// The challenges tell the client how to authenticate again, with any scheme.
#[tokio::test]
async fn expired_credentials_get_challenges_of_every_scheme() {
    struct Expired(Bearer);
    impl Authenticator for Expired {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            Ok(self.0.authenticate(head).await?.expires_at(SystemTime::UNIX_EPOCH))
        }
        fn authenticate_now(&self, head: &Parts) -> Option<Result<Authenticated, Rejection>> {
            let decision = self.0.authenticate_now(head)?;
            Some(decision.map(|authenticated| authenticated.expires_at(SystemTime::UNIX_EPOCH)))
        }
        fn challenges(&self) -> Vec<Challenge> {
            self.0.challenges()
        }
    }
    let bearer = Expired(Bearer::new([("ci", "tok")]).unwrap());
    let basic = Basic::new([("alice", "secret")]).unwrap();
    let (app, _) = recorder();
    let app =
        app.layer(McpAuthLayer::new(any_of((basic, bearer))).realm(Realm::from_static("here")));
    let response = send(app, with_authorization("Bearer tok")).await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.challenges(),
        [r#"Bearer realm="here", error="invalid_token""#, r#"Basic realm="here", charset="UTF-8""#]
    );
    // Signatures are challenged as well.
    let keys = HttpSignature::new([("ci", [7; 32])]).unwrap();
    let expired = Expired(Bearer::new([("ci", "tok")]).unwrap());
    let app = recorder().0.layer(McpAuthLayer::new(any_of((keys, expired))));
    let response = send(app, with_authorization("Bearer tok")).await;
    let expected = [r#"Bearer realm="mcp", error="invalid_token""#, r#"Signature realm="mcp""#];
    assert_eq!(response.challenges(), expected);
    // An authenticator that names no challenges gets that of its scheme.
    let (app, _) = recorder();
    let response =
        send(app.layer(granting(|| alice().expires_at(SystemTime::UNIX_EPOCH))), get("/", &[]))
            .await;
    assert_eq!(response.challenges(), [r#"Custom realm="mcp""#]);
}

/// An authenticator that wraps another one may replace the principal; the lifetime remains.
#[tokio::test]
async fn mapped_principal_keeps_the_credential_lifetime() {
    struct Renamed(Bearer);
    impl Authenticator for Renamed {
        async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
            let authenticated = self.0.authenticate(head).await?;
            Ok(authenticated.map_principal(|_| Principal::new("another name")))
        }
    }
    let past = BearerToken::new("three").expires_at(SystemTime::UNIX_EPOCH);
    let tokens = Bearer::new([("ci", "one".into()), ("ci", "two".into()), ("late", past)]).unwrap();
    let handle = tokens.handle();
    let layer = McpAuthLayer::new(Renamed(tokens));
    let mut open = Vec::new();
    for token in ["Bearer one", "Bearer two"] {
        let app = streaming_app("text/event-stream").0.layer(layer.clone());
        let mut body = body_of(app, &[("authorization", token)]).await;
        for _ in 0..2 {
            next(&mut body).await.unwrap().unwrap();
        }
        open.push(body);
    }
    handle.revoke("one");
    assert!(next(&mut open[0]).now_or_never().expect("the stream has ended").is_none());
    assert!(next(&mut open[1]).now_or_never().is_none(), "the stream is open");
    let (app, _) = recorder();
    let app = app.layer(layer);
    assert_eq!(send(app.clone(), with_authorization("Bearer two")).await.status, 200);
    assert_eq!(send(app, with_authorization("Bearer three")).await.status, 401);
}

/// Wraps an authenticator and decides synchronously from its cache.
struct Cached {
    tokens: Bearer,
    cached: Mutex<Option<(Principal, Lifetime)>>,
}

impl Authenticator for Cached {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let authenticated = self.tokens.authenticate(head).await?;
        let lifetime = authenticated.lifetime().clone();
        *self.cached.lock().unwrap() = Some((authenticated.principal().clone(), lifetime));
        Ok(authenticated)
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        let (principal, lifetime) = self.cached.lock().unwrap().clone()?;
        Some(Ok(Authenticated::new(principal).limited_to(&lifetime)))
    }
}

#[tokio::test]
async fn revoked_principal_in_a_cache_is_not_used() {
    let tokens = Bearer::new([("ci", "tok"), ("ci", "other")]).unwrap();
    let handle = tokens.handle();
    let (app, seen) = recorder();
    let app = app.layer(McpAuthLayer::new(Cached { tokens, cached: Mutex::default() }));
    let request_with =
        |token: &'static str| send(app.clone(), get("/", &[("authorization", token)]));
    assert_eq!(request_with("Bearer tok").await.status, 200);
    assert_eq!(request_with("Bearer tok").await.status, 200, "from the cache");
    assert_eq!(seen.count(), 2);
    assert!(handle.revoke("tok"));
    assert_eq!(request_with("Bearer tok").await.status, 401);
    assert_eq!(request_with("Bearer other").await.status, 200, "the authenticator is called again");
}

/// An authenticator that returns the same principal although it has been revoked.
#[tokio::test]
async fn principal_that_is_still_revoked_is_401() {
    let revocation = Revocation::new();
    let app = recorder().0.layer(revoked_by(&revocation));
    assert_eq!(send(app.clone(), get("/", &[])).await.status, 200);
    revocation.revoke();
    assert_eq!(send(app, get("/", &[])).await.status, 401);
}
