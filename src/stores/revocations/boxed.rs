//! The erased form of revocation stores.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::entry::RevocationEntry;
use super::error::PublishError;
use super::page::{RevocationCursor, RevocationPage};
use super::store::RevocationStore;
use crate::auth::BoxError;

/// A [`RevocationStore`] whose type is erased, for a store that is chosen at runtime. Clones share the store.
///
/// ```
/// use mcp_auth_layer::stores::{BoxRevocationStore, MemoryRevocationStore};
///
/// let store = BoxRevocationStore::new(MemoryRevocationStore::new());
/// ```
#[derive(Clone)]
pub struct BoxRevocationStore(Arc<dyn Erased>);

impl BoxRevocationStore {
    /// Erases the type of a store.
    pub fn new(store: impl RevocationStore) -> Self {
        Self(Arc::new(store))
    }
}

impl RevocationStore for BoxRevocationStore {
    async fn publish(
        &self,
        entries: &[RevocationEntry],
        keep: Duration,
    ) -> Result<(), PublishError> {
        self.0.publish(entries, keep).await
    }

    async fn read(
        &self,
        after: &RevocationCursor,
        wait: Duration,
    ) -> Result<RevocationPage, BoxError> {
        self.0.read(after, wait).await
    }
}

impl fmt::Debug for BoxRevocationStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxRevocationStore")
    }
}

type BoxFuture<'f, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'f>>;

/// [`RevocationStore`] with boxed futures, which makes it object safe.
trait Erased: Send + Sync {
    fn publish<'f>(
        &'f self,
        entries: &'f [RevocationEntry],
        keep: Duration,
    ) -> BoxFuture<'f, (), PublishError>;
    fn read<'f>(
        &'f self,
        after: &'f RevocationCursor,
        wait: Duration,
    ) -> BoxFuture<'f, RevocationPage, BoxError>;
}

impl<S: RevocationStore> Erased for S {
    fn publish<'f>(
        &'f self,
        entries: &'f [RevocationEntry],
        keep: Duration,
    ) -> BoxFuture<'f, (), PublishError> {
        Box::pin(RevocationStore::publish(self, entries, keep))
    }

    fn read<'f>(
        &'f self,
        after: &'f RevocationCursor,
        wait: Duration,
    ) -> BoxFuture<'f, RevocationPage, BoxError> {
        Box::pin(RevocationStore::read(self, after, wait))
    }
}
