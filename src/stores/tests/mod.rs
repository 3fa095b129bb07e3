//! One test suite for every implementation of a store: the one in memory, its erased form, and a
//! fake remote one that delays each operation.
//!
//! A new implementation is added to `for_each_store!` in `replay` and `attempts`.

mod attempts;
pub(crate) mod remote;
mod replay;
