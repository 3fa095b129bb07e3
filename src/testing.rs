//! Helpers for tests of an application: authenticators that need no credentials, and the rules of stores.
//!
//! ```
//! use axum::{Router, body::Body, routing::get};
//! use http::Request;
//! use mcp_auth_layer::{McpAuthLayer, Principal, testing};
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let app = Router::new().route("/whoami", get(|caller: Principal| async move {
//!     caller.name().to_owned()
//! }));
//!
//! let alice = Principal::new("alice").with_scopes(["tools:read"]);
//! let authenticated = McpAuthLayer::new(testing::always(alice)).protect(app.clone());
//! let request = || Request::get("/whoami").body(Body::empty()).unwrap();
//! assert_eq!(authenticated.oneshot(request()).await.unwrap().status(), 200);
//!
//! let unauthenticated = McpAuthLayer::new(testing::never()).protect(app);
//! assert_eq!(unauthenticated.oneshot(request()).await.unwrap().status(), 401);
//! # });
//! ```
//!
//! A handler can also be tested without the layer: insert a [`Principal`] into the extensions of
//! its request.
//!
//! An implementation of a store is checked by [`revocation_store`].

mod revocation_store;

use http::request::Parts;

use crate::auth::{AuthScheme, Authenticated, Authenticator, Challenge, Principal, Rejection};

pub use self::revocation_store::revocation_store;

const TEST: AuthScheme = AuthScheme::from_static("Test");

/// Authenticates every request as one principal, see [`always()`].
#[derive(Clone, Debug)]
pub struct Always(Principal);

/// Authenticates every request as this principal. For tests only.
pub fn always(principal: impl Into<Principal>) -> Always {
    Always(principal.into())
}

impl Authenticator for Always {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        Ok(Authenticated::new(self.0.clone()).scheme(TEST))
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Ok(Authenticated::new(self.0.clone()).scheme(TEST)))
    }
}

/// Rejects every request, see [`never()`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Never;

/// Rejects every request with 401, as if it had no credential. For tests only.
pub fn never() -> Never {
    Never
}

impl Authenticator for Never {
    async fn authenticate(&self, _: &Parts) -> Result<Authenticated, Rejection> {
        Err(Rejection::missing(Challenge::new(TEST)))
    }

    fn authenticate_now(&self, _: &Parts) -> Option<Result<Authenticated, Rejection>> {
        Some(Err(Rejection::missing(Challenge::new(TEST))))
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![Challenge::new(TEST)]
    }
}
