//! The options of a connection, and the checks before it is used.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::attempts::Attempts;
use super::error::RedisError;
use super::keys::Keys;
use super::link::{Link, LinkError};
use super::nonces::Nonces;
use super::revocations::Log;
use super::store::{Inner, RedisStore};
use super::target::Target;
use super::watch::Watch;
use super::watcher::{self, server_info};
use crate::stores::{MemoryReplayStore, StoreKey};

/// The options of a [`RedisStore`] that is about to connect: set them, and await it.
///
/// ```no_run
/// use std::time::Duration;
/// use mcp_auth_layer::stores::{RedisStore, StoreKey};
///
/// # async fn run(key: StoreKey) -> Result<(), mcp_auth_layer::stores::RedisError> {
/// let redis = RedisStore::connect("redis://redis.example.com:6379", key)
///     .key_prefix("tools")
///     .skew(Duration::from_secs(5))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is connected until it is awaited"]
pub struct Connect {
    url: String,
    key: StoreKey,
    prefix: String,
    timeout: Duration,
    skew: Duration,
    has_nonces: bool,
    memory: MemoryReplayStore,
    roots: Option<Vec<u8>>,
}

impl RedisStore {
    /// Connects to a server: `redis://HOST:PORT`, `redis://USER:PASSWORD@HOST:PORT/DATABASE`, `unix:///PATH` or, with
    /// feature `redis-tls`, `rediss://HOST:PORT`.
    ///
    /// The returned [`Connect`] has options, and is awaited, in a Tokio runtime. All replicas use the same server, key
    /// and options.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or cannot be relied on: see [`RedisError`].
    pub fn connect(url: impl Into<String>, key: StoreKey) -> Connect {
        Connect::new(url.into(), key)
    }
}

impl Connect {
    fn new(url: String, key: StoreKey) -> Self {
        Self {
            url,
            key,
            prefix: "mcp".to_owned(),
            timeout: Duration::from_millis(250),
            skew: Duration::from_secs(60),
            has_nonces: true,
            memory: MemoryReplayStore::new(),
            roots: None,
        }
    }

    /// Sets what all keys begin with, `mcp` by default. Services that share a server, and not their clients, have
    /// different ones.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a command may take, with everything that it waits for: 250 ms by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the [skew](crate::HttpSignature::skew) of signatures, 60 seconds by default. A server that is new, or has
    /// forgotten, is known as such from this moment: the time in which signed requests are rejected begins here
    /// instead of with the first of them.
    ///
    /// If it is not the skew of the signatures, the first of them begins that time again, for the longer skew.
    pub fn skew(mut self, skew: Duration) -> Self {
        self.skew = skew;
        self
    }

    /// Sets the memory of this process in front of Redis, with room for the nonces that it accepts.
    ///
    /// If it is full, signed requests are rejected with 503. By default it has room for two million nonces, and for half a
    /// million of each key: with a window of five minutes and a skew of one, 2,400 requests a second, and 600 of each
    /// key.
    pub fn memory(mut self, memory: MemoryReplayStore) -> Self {
        self.memory = memory;
        self
    }

    /// Connects for failed attempts and revocations alone, as for a program that revokes credentials.
    ///
    /// By default a store makes a server ready for nonces that is new or has forgotten, with the skew of the store,
    /// which may not be that of the replicas. With this option, the server is only asked about itself.
    pub fn without_nonces(mut self) -> Self {
        self.has_nonces = false;
        self
    }

    /// Sets which certificates are trusted, in PEM, instead of those of the operating system.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Some(pem.into());
        self
    }

    async fn open(self) -> Result<RedisStore, RedisError> {
        let keys = Keys::new(self.prefix)?;
        let target = Target::new(&self.url, self.timeout, self.roots)?;
        let revocations = Log::new(target.clone());
        let link = Link::new(target, self.timeout);
        let info = server_info(&link).await.map_err(|error| refused(&link, error))?;
        info.check(link.address())?;
        info.warn(link.address());
        info.warn_of_clock(link.address(), SystemTime::now(), self.skew);
        let nonces = Nonces::new(&self.key, info.is_cluster);
        let watch = Watch::new(&info);
        let skew = Some(self.skew).filter(|_| self.has_nonces);
        if let Some(skew) = skew {
            let began = nonces.begin_epochs(&link, &keys, skew, false).await;
            began.map_err(|error| refused(&link, error))?;
        }
        let accepted = self.memory;
        let attempts = Attempts::new();
        let inner = Arc::new(Inner { link, keys, nonces, attempts, accepted, revocations, watch });
        watcher::start(&inner, skew);
        Ok(RedisStore::new(inner))
    }
}

fn refused(link: &Link, error: LinkError) -> RedisError {
    let address = link.address().to_owned();
    if error.is_forbidden() {
        RedisError::Refused { address, cause: error.into() }
    } else if error.is_reply() {
        RedisError::Unusable { address, cause: error.into() }
    } else {
        RedisError::Unreachable { address, cause: error.into() }
    }
}

impl IntoFuture for Connect {
    type Output = Result<RedisStore, RedisError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// Shows neither the URL, which may have a password, nor the key.
impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect")
            .field("key_prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .field("skew", &self.skew)
            .field("has_nonces", &self.has_nonces)
            .finish_non_exhaustive()
    }
}
