//! A store whose operations fail or hang.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crate::auth::BoxError;
use crate::stores::{
    MemoryRevocationStore, PublishError, RevocationCursor, RevocationEntry, RevocationPage,
    RevocationStore,
};

/// A store in memory whose operations fail or hang while that is set. Clones share the log and the faults.
#[derive(Clone, Default)]
pub(super) struct FaultyStore(Arc<Inner>);

#[derive(Default)]
struct Inner {
    memory: MemoryRevocationStore,
    reads_fail: AtomicBool,
    publications: Faults,
    reads: AtomicUsize,
}

#[derive(Default)]
struct Faults {
    fail: AtomicBool,
    /// They are executed, and no answer comes.
    hang: AtomicBool,
}

impl FaultyStore {
    pub(super) fn memory(&self) -> &MemoryRevocationStore {
        &self.0.memory
    }

    pub(super) fn set_reads_fail(&self, fail: bool) {
        self.0.reads_fail.store(fail, SeqCst);
    }

    pub(super) fn set_publications_fail(&self, fail: bool) {
        self.0.publications.fail.store(fail, SeqCst);
    }

    pub(super) fn set_publications_hang(&self, hang: bool) {
        self.0.publications.hang.store(hang, SeqCst);
    }

    /// How many clones there are.
    pub(super) fn owners(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// How often the log was read.
    pub(super) fn reads(&self) -> usize {
        self.0.reads.load(SeqCst)
    }

    /// How many entries the log has.
    pub(super) fn len(&self) -> usize {
        self.memory().len()
    }
}

impl RevocationStore for FaultyStore {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        if self.0.publications.fail.load(SeqCst) {
            return Err(PublishError::Failed("out of memory".into()));
        }
        self.memory().publish(entries, keep).await?;
        if self.0.publications.hang.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        self.0.reads.fetch_add(1, SeqCst);
        if self.0.reads_fail.load(SeqCst) {
            return Err("connection refused".into());
        }
        let page = self.memory().read(after, wait).await;
        if self.0.reads_fail.load(SeqCst) {
            return Err("connection reset".into());
        }
        page
    }
}
