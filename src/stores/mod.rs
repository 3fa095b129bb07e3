//! What replicas may have to share: the nonces that were used (`replay`).
//!
//! Each store is a trait with an implementation in memory. It uses `crypto` alone.

#[cfg(feature = "hmac")]
mod replay;

#[cfg(feature = "hmac")]
pub use self::replay::{MemoryReplayStore, NonceStatus, ReplayStore};
