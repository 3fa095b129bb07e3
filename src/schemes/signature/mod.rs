//! Signed requests: HTTP Message Signatures (RFC 9421) with `hmac-sha256`, over digests of the
//! body (RFC 9530).
//!
//! `verification` decides about the head of a request, and `pending_verification` about its body.
//! `wire` parses and serializes what is sent; `client` signs. It uses `auth`, `credentials`,
//! `crypto`, `stores` and `text`.

mod accept_signature;
mod authenticator;
mod client;
mod clock;
mod errors;
mod handle;
#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(feature = "files")]
mod key_file;
mod keys;
mod pending_verification;
mod profile;
mod reservation;
mod server_names;
mod signatures;
mod validity;
mod verification;
mod wire;

pub use self::authenticator::HttpSignature;
pub use self::client::*;
pub use self::errors::KeyError;
pub use self::handle::HttpSignatureHandle;
pub use self::server_names::{Authority, AuthorityError, PathPrefix, PathPrefixError};
