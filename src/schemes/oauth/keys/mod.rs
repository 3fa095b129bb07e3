//! The keys of an issuer: one set, which is replaced as a whole.

mod error;
mod key;
mod key_set;
mod source;

pub use self::error::KeySetError;
pub(super) use self::key_set::{KeySet, Match};
pub(super) use self::source::{Absent, KeySource};
