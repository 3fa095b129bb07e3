//! The implementations of this crate against the rules of every store, which are in
//! [`testing`](crate::testing::stores): the store in memory, its erased form, and a fake remote one that delays each
//! operation. `tests/redis` runs them against Redis.

mod attempts;
pub(crate) mod remote;
mod replay;
mod revocations;
