//! The store, whose clones share one connection.

use std::fmt;
use std::sync::Arc;

use super::attempts::Attempts;
use super::keys::Keys;
use super::link::Link;
use super::nonces::Nonces;
use super::revocations::Log;
use super::watch::Watch;
use crate::stores::MemoryReplayStore;

/// A Redis server that replicas share. Clones share one connection.
///
/// It remembers used nonces ([`ReplayStore`](crate::stores::ReplayStore)), failed attempts
/// ([`AttemptStore`](crate::stores::AttemptStore)) and revocations ([`RevocationStore`](crate::stores::RevocationStore)). What is stored are digests under the
/// [`StoreKey`](crate::stores::StoreKey): Redis learns neither names, addresses, tokens nor nonces.
///
/// ```no_run
/// use mcp_auth_layer::stores::{RedisStore, StoreKey};
/// use mcp_auth_layer::{HttpSignature, McpAuthLayer};
///
/// # async fn run(key: StoreKey) -> Result<(), Box<dyn std::error::Error>> {
/// let redis = RedisStore::connect("redis://127.0.0.1:6379", key).await?;
/// let signatures = HttpSignature::new([("ci", [7; 32])])?.replay_store(redis);
/// let layer = McpAuthLayer::new(signatures);
/// # Ok(())
/// # }
/// ```
///
/// # When Redis is away, or forgets
///
/// Each command has a deadline of 250 ms, [by default](crate::stores::Connect::timeout). After three failures in a row, further
/// commands fail at once, but for one every 250 ms that finds out whether the server is back.
///
/// A server that was restarted, flushed, or replaced by a copy that lags has forgotten used nonces. It is noticed by
/// `master_replid`: signed requests are then rejected with 503 and `Retry-After` until a signature cannot have been
/// used before the loss, which takes one [skew](crate::HttpSignature::skew) and a second. The page `guide::replicas`
/// has the settings for Redis, and what each failure costs.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

pub(super) struct Inner {
    pub(super) link: Link,
    pub(super) keys: Keys,
    pub(super) nonces: Nonces,
    pub(super) attempts: Attempts,
    /// The nonces of the requests that this process accepted.
    pub(super) accepted: MemoryReplayStore,
    pub(super) revocations: Log,
    pub(super) watch: Watch,
}

impl RedisStore {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self(inner)
    }

    pub(super) fn inner(&self) -> &Inner {
        &self.0
    }
}

/// Shows the address of the server, without the password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("address", &self.0.link.address())
            .finish_non_exhaustive()
    }
}
