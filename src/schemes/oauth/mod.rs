//! OAuth 2.1 access tokens, which an authorization server issued (RFC 6750): JWTs (RFC 9068) that are
//! verified here, and opaque tokens that the authorization server is asked about (RFC 7662).
//!
//! It uses `auth`, `checks`, `credentials` and `crypto`.

mod audience;
mod error;
mod issuer;

pub use self::audience::Audience;
pub use self::error::OAuthConfigError;
