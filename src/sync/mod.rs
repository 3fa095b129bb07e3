//! What threads share: locks, cells that are written once, snapshots, and tasks. The standard library, arc-swap and
//! tokio provide them. With `--cfg shuttle`, unit tests use those of `model`, and `tests/concurrency/run` explores in
//! which orders threads can run.
//!
//! It uses nothing. Code whose interleavings are explored takes these types from here: it has a module `interleavings`.

#[cfg(all(test, shuttle))]
mod model;

#[cfg(all(test, shuttle))]
pub(crate) use self::model::*;
#[cfg(not(all(test, shuttle)))]
pub(crate) use {
    arc_swap::{ArcSwap, Guard},
    std::sync::{Mutex, MutexGuard, OnceLock},
    tokio::runtime::Handle,
};
#[cfg(all(feature = "oauth-http", not(all(test, shuttle))))]
pub(crate) use {std::sync::atomic::AtomicU64, tokio::task::AbortHandle, tokio::time::timeout};
