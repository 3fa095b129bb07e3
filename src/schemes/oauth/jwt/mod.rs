//! Access tokens that are JWTs (RFC 9068).

mod authenticator;
#[cfg(feature = "oauth-http")]
mod from_issuer;
mod handle;
mod options;
mod verifier;

pub use self::authenticator::Jwt;
pub use self::handle::JwtHandle;
