//! Access tokens that are JWTs (RFC 9068).

mod authenticator;
mod handle;
mod options;
mod verifier;

pub use self::authenticator::Jwt;
pub use self::handle::JwtHandle;
