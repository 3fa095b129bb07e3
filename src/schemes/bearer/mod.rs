//! Static bearer tokens (RFC 6750): in code and in files, changed while the server runs.
//!
//! It uses `auth` and `credentials`.

mod authenticator;
mod handle;
#[cfg(all(test, shuttle))]
mod interleavings;
mod token;
#[cfg(feature = "files")]
mod token_file;

pub use self::authenticator::Bearer;
pub use self::handle::BearerHandle;
pub use self::token::BearerToken;
