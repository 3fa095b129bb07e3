//! The erased form of replay stores.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::store::{NonceClaim, NonceStatus, ReplayStore};
use crate::auth::BoxError;

/// A [`ReplayStore`] whose type is erased, for a store that is chosen at runtime. Clones share the
/// store.
///
/// ```
/// use mcp_auth_layer::HttpSignature;
/// use mcp_auth_layer::stores::{BoxReplayStore, MemoryReplayStore};
///
/// # fn main() -> Result<(), mcp_auth_layer::schemes::KeyError> {
/// let store = BoxReplayStore::new(MemoryReplayStore::new());
/// let signatures: HttpSignature<BoxReplayStore> =
///     HttpSignature::new([("ci", [1; 32])])?.replay_store(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BoxReplayStore(Arc<dyn Erased>);

impl BoxReplayStore {
    /// Erases the type of a store.
    pub fn new(store: impl ReplayStore) -> Self {
        Self(Arc::new(store))
    }
}

impl ReplayStore for BoxReplayStore {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        self.0.claim(claim).await
    }

    async fn is_claimed(&self, key_id: &str, nonce: &str) -> Result<bool, BoxError> {
        self.0.is_claimed(key_id, nonce).await
    }

    fn is_shared(&self) -> bool {
        self.0.is_shared()
    }
}

impl fmt::Debug for BoxReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxReplayStore")
    }
}

type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'f>>;

/// [`ReplayStore`] with boxed futures, which makes it object safe.
trait Erased: Send + Sync {
    fn claim<'f>(&'f self, claim: &'f NonceClaim<'f>) -> BoxFuture<'f, NonceStatus>;
    fn is_claimed<'f>(&'f self, key_id: &'f str, nonce: &'f str) -> BoxFuture<'f, bool>;
    fn is_shared(&self) -> bool;
}

impl<S: ReplayStore> Erased for S {
    fn claim<'f>(&'f self, claim: &'f NonceClaim<'f>) -> BoxFuture<'f, NonceStatus> {
        Box::pin(ReplayStore::claim(self, claim))
    }

    fn is_claimed<'f>(&'f self, key_id: &'f str, nonce: &'f str) -> BoxFuture<'f, bool> {
        Box::pin(ReplayStore::is_claimed(self, key_id, nonce))
    }

    fn is_shared(&self) -> bool {
        ReplayStore::is_shared(self)
    }
}
