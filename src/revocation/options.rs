//! How revocations are kept.

use std::sync::Arc;
use std::time::Duration;

use super::error::RevocationStartError;
use super::reader::{self, read_all};
use super::revocations::Revocations;
use super::shared::Shared;
use crate::stores::{BoxRevocationStore, RevocationStore, StoreKey};

/// Options of [`Revocations`].
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::revocation::RevocationOptions;
/// use mcp_auth_layer::stores::{MemoryRevocationStore, StoreKey};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7; 32];
/// let revocations = RevocationOptions::new()
///     .keep(Duration::from_secs(12 * 3600))
///     .refuse_when_deaf(Duration::from_secs(10))
///     .start(MemoryRevocationStore::new(), StoreKey::from(secret))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RevocationOptions {
    keep: Duration,
    max_silence: Option<Duration>,
}

impl RevocationOptions {
    /// Creates the default options.
    pub fn new() -> Self {
        Self { keep: Duration::from_secs(24 * 3600), max_silence: None }
    }

    /// Sets the longest lifetime of a credential that is issued, such as an access token: 24 hours by default.
    ///
    /// A revocation is remembered for that time and 15 minutes, as clocks differ. A token that lives longer is accepted
    /// again after it. All replicas must have the same value. Credentials without
    /// an end are revoked by their removal from the code or the credential file; a revocation bridges the time until
    /// that is done everywhere.
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Rejects requests with 503 and `Retry-After` while the store has not answered for this long. By default they are
    /// accepted, without the revocations of other replicas.
    ///
    /// Open streams continue. A store that is well answers about every two seconds, or every half of this time if that
    /// is shorter: set at least a few seconds.
    pub fn refuse_when_deaf(mut self, silence: Duration) -> Self {
        self.max_silence = Some(silence);
        self
    }

    /// Reads the whole log of a store, and starts a task that reads what is added to it. The task runs until all
    /// clones of the returned [`Revocations`] are dropped. It needs a Tokio runtime with timers.
    ///
    /// The key must be the same on all replicas. The store sees digests that are made with it, and no name or token.
    ///
    /// # Errors
    ///
    /// If the log cannot be read. Without it, credentials would be accepted that were revoked before this process
    /// started, so try again before you serve requests.
    ///
    /// # Panics
    ///
    /// If it is called outside of a Tokio runtime.
    pub async fn start(
        self,
        store: impl RevocationStore,
        key: StoreKey,
    ) -> Result<Revocations, RevocationStartError> {
        let shared = Arc::new(Shared::new(BoxRevocationStore::new(store), &key, self.keep));
        let cursor = read_all(&shared).await.map_err(|source| RevocationStartError { source })?;
        let max_wait = self.max_silence.map_or(Duration::MAX, |silence| silence / 2);
        let reader = reader::start(shared.clone(), cursor, max_wait);
        Ok(Revocations::new(shared, reader, self.max_silence))
    }
}

impl Default for RevocationOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl Revocations {
    /// Starts with the default options, see [`RevocationOptions::start`].
    ///
    /// # Errors
    ///
    /// If the log cannot be read.
    ///
    /// # Panics
    ///
    /// If it is called outside of a Tokio runtime.
    pub async fn start(
        store: impl RevocationStore,
        key: StoreKey,
    ) -> Result<Self, RevocationStartError> {
        RevocationOptions::new().start(store, key).await
    }
}
