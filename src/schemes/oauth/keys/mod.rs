//! The keys of an issuer: one set, which is replaced as a whole.

mod absent;
mod error;
mod key;
mod key_set;
#[cfg(feature = "oauth-http")]
pub(super) mod remote;
mod source;

pub(super) use self::absent::Absent;
pub use self::error::KeySetError;
pub(super) use self::key::Key;
pub(super) use self::key_set::{KeySet, Match};
pub(super) use self::source::KeySource;
