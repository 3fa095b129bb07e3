//! Nonce replay protection: a store that remembers which nonces were used.

mod boxed;
mod memory;
mod store;

pub use self::boxed::BoxReplayStore;
pub use self::memory::MemoryReplayStore;
pub use self::store::{NonceClaim, NonceStatus, ReplayStore};
