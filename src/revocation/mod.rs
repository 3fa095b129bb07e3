//! Revocation of credentials on every replica at once.
//!
//! [`Revocations`] belongs to a process. A task of its own (`reader`) reads the log of a
//! [`RevocationStore`](crate::stores::RevocationStore). What it has read is kept (`known`), and compared with the
//! credentials that are in use (`watches`), whose streams it ends. `digests` makes what the store sees of a credential.
//!
//! It uses `auth`, `crypto`, `stores` and `telemetry`. It knows no scheme: the layer says what it knows of a credential.

mod credential;
mod digests;
mod error;
mod known;
mod options;
mod reader;
mod report;
mod revocations;
mod shared;
mod signed_part;
mod time;
mod wall_clock;
mod watches;

#[cfg(test)]
mod tests;

pub(crate) use self::credential::{Credential, TokenIds};
pub use self::error::{RevocationStartError, RevokeError};
pub use self::options::RevocationOptions;
pub use self::revocations::Revocations;
