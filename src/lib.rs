//! Access control for MCP servers: one [tower] layer in front of any HTTP MCP service, which
//! receives authenticated requests only.
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use mcp_auth_layer::McpAuthLayer;
//!
//! let app: Router = Router::new()
//!     .route("/sse", get(|| async { "an event stream" }))
//!     .route("/messages/", post(|| async { "a message" }))
//!     .layer(McpAuthLayer::basic("alice", "correct horse battery staple"));
//! ```
//!
//! The layer protects every method of every route that was added **before** `.layer(…)`, but for
//! CORS preflights (see [`McpAuthLayer`]), and whatever the transport: HTTP+SSE and Streamable HTTP
//! alike. [`McpAuthLayer::protect`] wraps a finished router, with all its routes.
//!
//! * [`McpAuthLayer`] is the layer, and has its options. Their types are in [`layer`].
//! * [`Basic`], [`Bearer`], `HttpSignature` and `Jwt` are authenticators; [`schemes`] has all of them.
//!   [`any_of`] tries several, and [`Authenticator`] is the trait for your own.
//! * [`Principal`] is the identity behind a request. Handlers find it in the extensions of the
//!   request, or take it as an argument: it is an axum extractor and, with feature `rmcp`, an
//!   argument of `#[tool]` functions.
//! * `signals` receives what an identity provider says about sessions that ended, with feature `oauth`.
//! * [`policy`] decides which tools, prompts and resources a principal may use.
//! * [`Rejection`] is the response to a request that is refused, and stays in its extensions.
//!
//! # Pipeline
//!
//! 1. A request for the metadata of an OAuth [resource](McpAuthLayer::resource) is answered. A
//!    browser's request for a host that is not this server's is rejected. Signals of identity providers
//!    are received. Public paths, CORS
//!    preflights and OAuth discovery requests are forwarded, without credentials and session IDs,
//!    or answered.
//! 2. A foreign `Origin`, a duplicate credential, and a client that has failed too often are
//!    rejected.
//! 3. The [`Authenticator`] turns the head of the request into an
//!    [`Authenticated`](auth::Authenticated) or a [`Rejection`].
//! 4. If a verification of the body is pending, the body is collected within a limit and verified.
//! 5. Expired and revoked credentials are rejected. Session and event IDs that are not bound to the
//!    principal are rejected as unknown. A principal without a
//!    [required scope](McpAuthLayer::require_scopes) is rejected.
//! 6. With [authorization](McpAuthLayer::authorize), the messages in the body are read, and refused by a
//!    JSON-RPC error if the principal may not use what they name.
//! 7. Credentials are stripped, the [`Principal`] is inserted, and the inner service is called once
//!    it is ready.
//! 8. Session and event IDs are bound in the response, and lists show what the principal may use. The
//!    response ends when the credential expires or is revoked.
//!
//! The layer fails closed: an authenticator that panics, hangs or reports its backend as
//! unavailable is a 503, and a call is refused if an authorizer does so.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `axum` (default) | [`McpAuthLayer::protect`], the peer's address, signatures below `Router::nest` |
//! | `hmac` (default) | signed requests (RFC 9421): `HttpSignature` verifies, `Signer` signs |
//! | `files` | tokens and keys in files that are watched |
//! | `htpasswd` | users in a password file, with bcrypt or argon2id hashes |
//! | `metrics` | counters for an operator, through the `metrics` facade |
//! | `oauth` | access tokens that are JWTs (`Jwt`), verified with keys in code or in a file |
//! | `oauth-http` | discovery and keys of an authorization server, and introspection of opaque tokens |
//! | `policy` | policies in a file that is watched: who may use which tool, prompt and resource |
//! | `redis`, `redis-tls` | what replicas share through Redis: used nonces, failed attempts and revocations |
//! | `rmcp` | [`Principal`] as an argument of an rmcp `#[tool]` function |
//! | `rmcp-client` | `SigningClient`, with which an rmcp client signs its requests |
//!
//! # Secrets
//!
//! Passwords, tokens and all other credentials of requests are never logged, shown by `Debug`, or
//! put into errors and responses. Names of principals and schemes, and paths, are not secret: they
//! are logged.
//!
//! [tower]: https://docs.rs/tower

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// With fewer features some private items are not used. They need no `cfg` of their own.
#![cfg_attr(
    not(all(
        feature = "axum",
        feature = "files",
        feature = "hmac",
        feature = "htpasswd",
        feature = "metrics",
        feature = "oauth-http",
        feature = "policy"
    )),
    allow(dead_code, unused_imports, unreachable_pub)
)]

// Lowest first: a room uses itself and the groups above it (see ARCHITECTURE.md).
mod crypto;
mod event_stream;
mod json;
mod sync;
mod telemetry;
mod text;

pub mod auth;

pub mod credentials;
mod integrations;
pub mod stores;

mod checks;
pub mod policy;
pub mod rate_limit;
pub mod revocation;
mod session;

pub mod schemes;
#[cfg(feature = "oauth")]
pub mod signals;

pub mod layer;

pub mod guide;
pub mod testing;

pub use self::auth::{Authenticator, Principal, Rejection, any_of};
pub use self::credentials::CredentialError;
#[cfg(feature = "files")]
pub use self::credentials::CredentialFileError;
pub use self::layer::McpAuthLayer;
#[cfg(feature = "hmac")]
pub use self::schemes::HttpSignature;
#[cfg(feature = "oauth")]
pub use self::schemes::Jwt;
pub use self::schemes::{Basic, Bearer};
