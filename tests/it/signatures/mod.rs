//! HTTP message signatures (RFC 9421). Each rule has a request that is authenticated and one that
//! differs only in that point and is rejected.

mod authority;
mod bodies;
mod coverage;
mod keys;
mod parameters;
mod rejections;
mod replay;
mod structured_fields;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::{BoxError, Router};
use mcp_auth_layer::auth::Authenticated;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::schemes::PathPrefix;
use mcp_auth_layer::stores::{NonceClaim, NonceStatus, ReplayStore};
use mcp_auth_layer::{Authenticator, HttpSignature, McpAuthLayer, Rejection};

use crate::support::forged_request::{Forged, SECRET};
use crate::support::{Seen, TestResponse, recorder, send};

fn hmac() -> HttpSignature {
    HttpSignature::new([("ci", SECRET), ("other", [7; 32])]).unwrap()
}

fn app(authenticator: impl Authenticator) -> (Router, Seen) {
    let (app, seen) = recorder();
    // These tests are about coverage, so session binding is off.
    (app.layer(McpAuthLayer::new(authenticator).danger_disable_session_binding()), seen)
}

/// The verifier's response to one request.
async fn verify(hmac: HttpSignature<impl ReplayStore>, request: Request) -> TestResponse {
    let (app, seen) = app(hmac);
    let response = send(app, request).await;
    assert_eq!(seen.count(), usize::from(response.status == 200), "{response:?}");
    response
}

async fn status(forged: Forged) -> u16 {
    verify(hmac(), forged.request()).await.status.as_u16()
}

/// A verifier with a shared replay store, which accepts signatures made before it started.
fn shared() -> HttpSignature<Scripted> {
    hmac().replay_store(Scripted::default())
}

/// A replay store whose results are configured.
struct Scripted {
    shared: bool,
    fails_is_claimed: bool,
    fails_claim: bool,
    claims: Arc<AtomicUsize>,
    kept: Arc<Mutex<Duration>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            shared: true,
            fails_is_claimed: false,
            fails_claim: false,
            claims: Arc::default(),
            kept: Arc::default(),
        }
    }
}

impl ReplayStore for Scripted {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        *self.kept.lock().unwrap() = claim.keep;
        self.claims.fetch_add(1, Ordering::SeqCst);
        if self.fails_claim { Err("connection refused".into()) } else { Ok(NonceStatus::Fresh) }
    }

    async fn is_claimed(&self, _: &str, _: &str) -> Result<bool, BoxError> {
        if self.fails_is_claimed { Err("connection refused".into()) } else { Ok(false) }
    }

    fn is_shared(&self) -> bool {
        self.shared
    }
}

/// One request with all these signatures, in this order.
fn multi_signed(all: &[Forged]) -> Request {
    let mut request = all[0].unsigned();
    for forged in all.iter().cloned().map(Forged::with_current_time) {
        let input = format!("{}={}", forged.label, forged.input()).parse().unwrap();
        request.headers_mut().append("signature-input", input);
        let signature = format!("{}={}", forged.label, forged.signature()).parse().unwrap();
        request.headers_mut().append("signature", signature);
    }
    request
}

fn labeled(label: &str, key_id: &str) -> Forged {
    Forged { label: label.into(), ..Forged::get().with("keyid", format!("\"{key_id}\"")) }
}

#[tokio::test]
async fn signed_request_is_authenticated_by_key_id() {
    let (app, seen) = app(hmac());
    let response = send(app.clone(), Forged::post("{}").request()).await;
    assert_eq!((response.status.as_u16(), response.body.as_str()), (200, "{}"));
    assert_eq!(seen.principal(), "ci");
    assert_eq!(send(app, Forged::get().request()).await.status, 200);
}

#[tokio::test]
async fn signature_headers_are_stripped() {
    let (router, seen) = recorder();
    let app =
        router.layer(McpAuthLayer::new(hmac()).public_path(ExactPath::from_static("/health")));
    let public = Forged { target: "/health".into(), ..Forged::get() };
    for forged in [Forged::get(), public] {
        assert_eq!(send(app.clone(), forged.request()).await.status, 200);
        let head = seen.only();
        assert!(
            !head.headers.contains_key("signature")
                && !head.headers.contains_key("signature-input")
        );
    }
}

#[tokio::test]
async fn original_uri_is_verified_inside_nested_routers() {
    let inner = Router::new().route("/mcp", axum::routing::get(|| async { "ok" }));
    let protected = inner.layer(McpAuthLayer::new(hmac()));
    let nested = Router::new().nest("/a", Router::new().nest("/b", protected));
    let to = |target: &str| Forged { target: target.into(), ..Forged::get() };
    assert_eq!(send(nested.clone(), to("/a/b/mcp?x").request()).await.status, 200);
    let stripped = Forged { signed_target: Some("/mcp?x".into()), ..to("/a/b/mcp?x") };
    assert_eq!(send(nested, stripped.request()).await.status, 401);

    let with_prefix = || hmac().path_prefix(PathPrefix::from_static("/tools"));
    let signed = Forged { signed_target: Some("/tools/mcp?x".into()), ..to("/mcp?x") };
    assert_eq!(verify(with_prefix(), signed.request()).await.status, 200);
    assert_eq!(verify(with_prefix(), to("/mcp?x").request()).await.status, 401);
}

/// The layer may call `authenticate_now` repeatedly, so it must not change anything.
#[tokio::test]
async fn head_verification_is_synchronous_without_side_effects() {
    let head = |request: Request| request.into_parts().0;
    let captured = Forged::post("{}").with_current_time();
    let store = Scripted::default();
    let claims = store.claims.clone();
    let keys = hmac().replay_store(store);
    for _ in 0..3 {
        let decided = keys.authenticate_now(&head(captured.request()));
        assert_eq!(decided.unwrap().unwrap().principal().name(), "ci");
    }
    let mut malformed = Forged::get().request();
    malformed.headers_mut().insert("signature", "?".parse().unwrap());
    let wrong = Forged { secret: vec![9; 32], ..Forged::get() }.request();
    for (request, status) in [(malformed, 400), (wrong, 401), (Forged::get().unsigned(), 401)] {
        let decided = keys.authenticate_now(&head(request));
        assert_eq!(decided.unwrap().unwrap_err().status(), status);
    }
    assert_eq!(claims.load(Ordering::SeqCst), 0);
    // Neither call reserves or claims the nonce.
    let held = [
        keys.authenticate_now(&head(captured.request())).unwrap().unwrap(),
        keys.authenticate(&head(captured.request())).await.unwrap(),
    ];
    let (app, seen) = app(keys);
    assert_eq!(send(app, captured.request()).await.status, 200);
    assert_eq!((seen.count(), claims.load(Ordering::SeqCst)), (1, 1));
    drop(held);
}

#[tokio::test]
async fn mapped_principal_keeps_the_body_verification() {
    struct Tenants(HttpSignature);
    impl Authenticator for Tenants {
        async fn authenticate(
            &self,
            head: &http::request::Parts,
        ) -> Result<Authenticated, Rejection> {
            let admission = self.0.authenticate(head).await?;
            assert_eq!(admission.principal().name(), "ci");
            Ok(admission.map_principal(|principal| principal.issued_by("tenant-7")))
        }
    }
    let (app, seen) = app(Tenants(hmac()));
    let signed = Forged::post("{}").with_current_time();
    let wrong = signed.request().map(|_| Body::from("rm"));
    assert_eq!(send(app.clone(), wrong).await.status, 401);
    assert_eq!(send(app.clone(), signed.request()).await.status, 200);
    let head = seen.only();
    let principal = head.extensions.get::<mcp_auth_layer::Principal>().unwrap();
    assert_eq!((principal.name(), principal.issuer()), ("ci", Some("tenant-7")));
    assert_eq!(send(app, signed.request()).await.status, 401);
}
