//! The erased form of attempt stores.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::keys::AttemptKeys;
use super::store::{AttemptStatus, AttemptStep, AttemptStore};
use crate::auth::BoxError;

/// An [`AttemptStore`] whose type is erased, for a store that is chosen at runtime. Clones share
/// the store.
#[derive(Clone)]
pub struct BoxAttemptStore(Arc<dyn Erased>);

impl BoxAttemptStore {
    /// Erases the type of a store.
    pub fn new(store: impl AttemptStore) -> Self {
        Self(Arc::new(store))
    }
}

impl AttemptStore for BoxAttemptStore {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        self.0.apply(step, keys).await
    }
}

impl fmt::Debug for BoxAttemptStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxAttemptStore")
    }
}

type BoxFuture<'f> = Pin<Box<dyn Future<Output = Result<AttemptStatus, BoxError>> + Send + 'f>>;

/// [`AttemptStore`] with a boxed future, which makes it object safe.
trait Erased: Send + Sync {
    fn apply<'f>(&'f self, step: AttemptStep, keys: &'f AttemptKeys) -> BoxFuture<'f>;
}

impl<S: AttemptStore> Erased for S {
    fn apply<'f>(&'f self, step: AttemptStep, keys: &'f AttemptKeys) -> BoxFuture<'f> {
        Box::pin(AttemptStore::apply(self, step, keys))
    }
}
