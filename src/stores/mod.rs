//! What replicas may have to share: used nonces (`replay`), failed attempts (`attempts`) and revocations
//! (`revocations`).
//!
//! Each store is an async trait with an implementation in memory, one in Redis, and an erased form. Every
//! implementation keeps the rules of [`testing::stores`](crate::testing::stores). A store gets what it needs as arguments and makes
//! no decision about a request. This folder uses `crypto` and `error` alone.

mod attempts;
mod key;
#[cfg(feature = "redis")]
mod redis;
mod replay;
mod revocations;

#[cfg(test)]
pub(crate) mod tests;

pub use self::attempts::{
    AttemptCounter, AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, BoxAttemptStore,
    InvalidQuota, MemoryAttemptStore, Quota,
};
pub use self::key::{StoreKey, StoreKeyError};
#[cfg(feature = "redis")]
pub use self::redis::{Connect, RedisError, RedisStore};
pub use self::replay::{BoxReplayStore, MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};
pub use self::revocations::{
    BoxRevocationStore, MemoryRevocationStore, PublishError, RevocationCursor, RevocationEntry,
    RevocationKind, RevocationPage, RevocationStore,
};
