//! Signed requests: HTTP Message Signatures (RFC 9421) with `hmac-sha256`, over digests of the
//! body (RFC 9530).
//!
//! `verify` decides about a request; `wire` reads and writes what travels; `client` signs. It uses
//! `auth`, `credentials`, `crypto` and `stores`.

mod authenticator;
mod client;
mod clock;
mod errors;
mod handle;
#[cfg(feature = "files")]
mod key_file;
mod keys;
mod profile;
mod reservation;
mod signatures;
mod verify;
mod wire;

pub use self::authenticator::HttpSignature;
#[cfg(feature = "rmcp-client")]
pub use self::client::SigningClient;
pub use self::client::{SignError, SignLayer, SignService, Signer};
pub use self::handle::HttpSignatureHandle;
pub use self::keys::KeyError;
