//! The store of failed attempts.

use super::store::RedisStore;
use crate::auth::BoxError;
use crate::stores::{AttemptKeys, AttemptStatus, AttemptStep, AttemptStore};

/// Counts failed attempts of all replicas by the clock of Redis, so that theirs may differ.
///
/// Intervals are whole microseconds. A counter is gone when it allows its whole burst again, and a known client after
/// a day. Each subject knows 64 clients at most. All keys are in one slot of a cluster.
///
/// A server that carries many signed requests, too, should have a second one beside it for attempts: a flood of
/// addresses fills the memory of the one that counts them, and used nonces must never lack room.
impl AttemptStore for RedisStore {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        let inner = self.inner();
        Ok(inner.attempts.apply(&inner.link, &inner.keys, step, keys).await?)
    }
}
