//! OAuth 2.1 access tokens, which an authorization server issued (RFC 6750): JWTs (RFC 9068) that are
//! verified here, and opaque tokens that the authorization server is asked about (RFC 7662).
//!
//! [`IssuerKeys`] verifies JWTs of other kinds with the keys of an issuer, for the room `signals`.
//!
//! It uses `auth`, `checks`, `credentials` and `crypto`.

mod algorithm;
mod audience;
mod bearer;
mod claim_rules;
mod claims;
mod compact;
mod error;
mod header;
#[cfg(feature = "oauth-http")]
mod http;
#[cfg(feature = "oauth-http")]
mod introspection;
mod issuer;
mod issuer_keys;
mod jwt;
mod keys;
mod members;
mod signature;
mod time;
mod token_claims;
mod token_error;

pub use self::audience::Audience;
pub use self::error::OAuthConfigError;
#[cfg(feature = "oauth-http")]
pub use self::introspection::{ClientSecret, Introspection};
pub(crate) use self::issuer::check_issuer;
pub(crate) use self::issuer_keys::{Fault, IssuerKeys, Unverified};
pub use self::jwt::{Jwt, JwtHandle};
pub use self::keys::KeySetError;
pub use self::token_claims::TokenClaims;
