//! Access control for MCP servers: one [tower] layer in front of any HTTP MCP service, which
//! sees no request that was not let in.
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use mcp_auth_layer::McpAuthLayer;
//!
//! let app: Router = Router::new()
//!     .route("/sse", get(|| async { "a stream of events" }))
//!     .route("/messages/", post(|| async { "a message" }))
//!     .layer(McpAuthLayer::basic("alice", "correct horse battery staple"));
//! ```
//!
//! Every verb of every route that was added **before** `.layer(…)` is guarded (but for CORS
//! preflights, see [`McpAuthLayer`]), whatever the transport: legacy HTTP+SSE and Streamable HTTP
//! alike. Routes added to a `Router` after it are not; wrap the finished app (`layer.layer(app)`) to
//! guard what ever gets added.
//!
//! * [`McpAuthLayer`] is the layer and its options; [`McpAuthService`] the service it makes.
//! * [`Basic`] and [`Bearer`] hold the credentials of many users. [`any_of`] combines schemes,
//!   [`authenticate_fn`] makes one of a function, and [`Authenticator`] is what you implement for your own.
//! * [`Principal`] is who asked. Handlers find it in the request's extensions, or take it as an
//!   argument: it is an axum extractor and, with feature `rmcp`, an argument of `#[tool]` functions.
//! * [`Rejection`] is why somebody was not let in, and stays in the response's extensions.
//!
//! # The way of a request
//!
//! 1. A browser's request for a host that is not this server's is refused, whatever it asks for.
//!    Public paths, CORS preflights and OAuth discovery probes are passed on *bare* (without
//!    `Authorization`, session ids and `Last-Event-ID`) or answered.
//! 2. A foreign `Origin` is refused, and a client that has failed too often.
//! 3. The [`Authenticator`] turns the head of the request into an [`Authenticated`] or a [`Rejection`].
//! 4. If the admission owes a check of the body, the body is collected within a limit and checked.
//! 5. A principal whose time is over is refused. Ids of sessions and events open for their owner
//!    alone: for anybody else they do not exist.
//! 6. Credentials are taken off, the [`Principal`] is put on, and the inner service is called, once
//!    it is ready.
//! 7. Ids of sessions and events are sealed in its answer, which ends when the principal's time
//!    does.
//!
//! It fails closed: an authenticator that panics, hangs or reports its backend down is a 503.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `hmac` (default) | signed requests: `HttpSignature` verifies them, `Signer` makes them |
//! | `axum` (default) | signed requests below `Router::nest`; the peer's address |
//! | `files` | tokens and keys in files |
//! | `metrics` | counters for an operator, through the `metrics` facade |
//! | `htpasswd` | users in a file, with bcrypt or argon2id hashes |
//! | `rmcp` | [`Principal`] as an argument of an rmcp `#[tool]` function |
//! | `rmcp-client` | `SigningClient`, with which an rmcp client signs its requests |
//!
//! # What is secret
//!
//! Passwords, tokens and whatever a request carries as a credential are never logged, printed by
//! `Debug`, put into errors or answers. Names of principals, of schemes and of paths are not
//! secret: they stand in the log.
//!
//! [tower]: https://docs.rs/tower

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod crypto;
mod telemetry;
mod text;

mod auth;
mod checks;
mod credentials;
mod integrations;
mod layer;
mod rate_limit;
mod schemes;
mod session;
mod stores;

pub use self::auth::{
    AnyOf, Attempt, AuthenticateFn, Authenticated, Authenticator, AuthenticatorExt,
    BoxAuthenticator, Challenge, IssuedBy, LayerContext, Principal, Rejection, RejectionKind,
    any_of, authenticate_fn,
};
pub use self::credentials::CredentialError;
#[cfg(feature = "files")]
pub use self::credentials::CredentialFileError;
pub use self::layer::{McpAuthLayer, McpAuthService, ResponseFuture};
pub use self::rate_limit::{ClientIp, Quota, RateLimit, TrustedProxyError};
#[cfg(feature = "htpasswd")]
pub use self::schemes::BasicHandle;
#[cfg(feature = "rmcp-client")]
pub use self::schemes::SigningClient;
#[cfg(feature = "hmac")]
pub use self::schemes::{
    Authority, AuthorityError, HttpSignature, HttpSignatureHandle, KeyError, PathPrefix,
    PathPrefixError, SignError, SignLayer, SignLayerError, SignService, Signer,
};
pub use self::schemes::{Basic, Bearer, BearerHandle};
pub use self::session::{SessionKey, SessionKeyError, SessionParameter, SessionParameterError};
#[cfg(feature = "hmac")]
pub use self::stores::{MemoryReplayStore, NonceStatus, ReplayStore};
