//! Helpers for tests: authenticators that need no credentials, for tests of an application, and the rules of
//! [`stores`], for tests of a store.
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
//! A handler can also be tested without the layer: insert a [`Principal`](crate::Principal) into the extensions of
//! its request.
//!
//! This folder uses `auth`, `crypto` and the traits of `stores`.

mod authenticators;
pub mod stores;

pub use self::authenticators::{Always, Never, always, never};
