//! Stores of revocations that count, or fail.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use mcp_auth_layer::auth::BoxError;
use mcp_auth_layer::stores::{
    MemoryRevocationStore, PublishError, RevocationCursor, RevocationEntry, RevocationPage,
    RevocationStore,
};

/// A store in memory that counts what is published, and fails as long as it is told to. Clones share it.
#[derive(Clone)]
pub struct TestStore {
    log: MemoryRevocationStore,
    published: Arc<AtomicUsize>,
    is_away: Arc<AtomicBool>,
}

impl TestStore {
    pub fn new() -> Self {
        let log = MemoryRevocationStore::new();
        Self { log, published: Arc::default(), is_away: Arc::default() }
    }

    pub fn published(&self) -> usize {
        self.published.load(SeqCst)
    }

    pub fn go_away(&self, is_away: bool) {
        self.is_away.store(is_away, SeqCst);
    }
}

impl RevocationStore for TestStore {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        if self.is_away.load(SeqCst) {
            return Err(PublishError::Failed("the store is away".into()));
        }
        self.published.fetch_add(entries.len(), SeqCst);
        self.log.publish(entries, keep).await
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        self.log.read(after, wait).await
    }
}
