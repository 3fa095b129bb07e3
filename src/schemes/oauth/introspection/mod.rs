//! Opaque tokens, which the authorization server is asked about (RFC 7662).
//!
//! `authenticator` is the public type. `introspector` asks about each token once, whoever presents it, within
//! a `budget`, and watches tokens with open streams; `cache` holds what it learned. `endpoint` makes a call,
//! and `response` evaluates what comes back.

mod authenticator;
mod budget;
mod cache;
mod client_secret;
mod endpoint;
mod introspector;
mod options;
mod outage;
mod response;
mod table;
mod verdict;

pub use self::authenticator::Introspection;
pub use self::client_secret::ClientSecret;
