//! The store of revocations.

use std::time::Duration;

use super::store::RedisStore;
use crate::auth::BoxError;
use crate::stores::{
    PublishError, RevocationCursor, RevocationEntry, RevocationPage, RevocationStore,
};

/// Carries revocations to all replicas, in a stream.
///
/// Each reader has a connection of its own. A log that was emptied, or that is an older copy, is noticed by
/// `master_replid` and by a name that every log has, within the time that readers wait.
impl RevocationStore for RedisStore {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        let inner = self.inner();
        inner.revocations.publish(&inner.link, &inner.keys, entries, keep).await
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        let inner = self.inner();
        inner.revocations.read(&inner.keys, after, wait).await
    }
}
