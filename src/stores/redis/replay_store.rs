//! The store of used nonces.

use super::store::RedisStore;
use crate::auth::BoxError;
use crate::stores::{NonceClaim, NonceStatus, ReplayStore};

/// Remembers used nonces for all replicas, and those of this process once more in its memory.
///
/// What this process accepted it never accepts again, whatever happens to Redis. A replay that it knows costs no
/// command.
impl ReplayStore for RedisStore {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        let inner = self.inner();
        if self.is_claimed(claim.key_id, claim.nonce).await? {
            return Ok(NonceStatus::Replayed);
        }
        // A key that has used up its share must not fill Redis either.
        inner.accepted.check_room(claim)?;
        inner.watch.check_eviction()?;
        match inner.nonces.claim(&inner.link, &inner.keys, claim).await? {
            NonceStatus::Fresh => inner.accepted.claim(claim).await,
            status => Ok(status),
        }
    }

    /// Looks at the memory of this process alone: the claim asks Redis anyway.
    async fn is_claimed(&self, key_id: &str, nonce: &str) -> Result<bool, BoxError> {
        self.inner().accepted.is_claimed(key_id, nonce).await
    }

    fn is_shared(&self) -> bool {
        true
    }
}
