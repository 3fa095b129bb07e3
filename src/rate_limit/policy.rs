//! How failed attempts are limited.

use std::fmt;
use std::time::Duration;

use super::client_ip::ClientIp;
use crate::crypto::Mac;
use crate::stores::{AttemptStore, BoxAttemptStore, Quota, StoreKey};

const PER_ADDRESS: Quota = Quota::from_static(20, Duration::from_secs(3));
const PER_USER: Quota = Quota::from_static(10, Duration::from_secs(10));

/// Limits failed attempts to authenticate: by client address, and by client address and claimed
/// user.
///
/// No limit is by user alone, so an attacker cannot lock a user out at another address. A right
/// credential is never counted, of whatever scheme.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::McpAuthLayer;
/// use mcp_auth_layer::rate_limit::{ClientIp, Quota, RateLimit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address = ClientIp::peer().trusted_proxies(["127.0.0.1"])?;
/// let quota = Quota::new(5, Duration::from_secs(10))?;
/// let layer = McpAuthLayer::basic("alice", "correct horse battery staple")
///     .rate_limit(RateLimit::by(address).per_address(quota));
/// # Ok(())
/// # }
/// ```
///
/// Above the limit, the response is 429 with `Retry-After`. If the address of a client is unknown,
/// the response is 503 and the log says why, unless
/// [`no_address_limit`](Self::no_address_limit) is set: the protection is not lost silently.
///
/// # Addresses
///
/// An IPv4 address counts as one client, and so does an IPv6 /64 network. Of IPv6, the /56 and /48
/// networks are limited as well, to 4 and 16 times as many attempts as one address.
///
/// # Without feature `axum`
///
/// Only a server's own code knows the peer then: configure the address with [`by`](Self::by) and
/// [`ClientIp::from_fn`]. There is no `RateLimit::default()`. Password files are limited in any
/// case: a layer that has one and no rate limit logs an error when it is put around a service, and
/// responds with 503 to every login.
#[derive(Clone, Debug)]
#[must_use = "a rate limit does nothing until a layer has it"]
pub struct RateLimit {
    pub(super) address: ClientIp,
    pub(super) per_address: Quota,
    pub(super) per_user: Quota,
    pub(super) without_address: bool,
    pub(super) shared: Option<SharedStore>,
}

/// A store that replicas share, and the key under which they hash what they count by.
#[derive(Clone)]
pub(super) struct SharedStore {
    pub(super) store: BoxAttemptStore,
    pub(super) key: Mac,
}

impl RateLimit {
    /// Creates a limit by the addresses that are found this way. An address may fail 20 times at
    /// once and then once every 3 seconds; for one user, 10 times and then once every 10 seconds.
    pub fn by(address: ClientIp) -> Self {
        let (per_address, per_user) = (PER_ADDRESS, PER_USER);
        Self { address, per_address, per_user, without_address: false, shared: None }
    }

    /// Creates the limit of a layer whose authenticator needs one, if it is not configured.
    pub(crate) fn unconfigured() -> Self {
        #[cfg(feature = "axum")]
        let address = ClientIp::peer();
        #[cfg(not(feature = "axum"))]
        let address = ClientIp::unconfigured();
        Self::by(address)
    }

    /// Sets how often one address may fail, whatever users it claims to be.
    pub fn per_address(mut self, quota: Quota) -> Self {
        self.per_address = quota;
        self
    }

    /// Sets how often one address may fail to authenticate as one user. Schemes whose credentials
    /// claim no user, such as bearer tokens, are limited by address alone.
    pub fn per_user(mut self, quota: Quota) -> Self {
        self.per_user = quota;
        self
    }

    /// Sets no limit for requests that have no address: behind a Unix socket that only trusted
    /// clients can reach, for example.
    pub fn no_address_limit(mut self) -> Self {
        self.without_address = true;
        self
    }

    /// Counts attempts in a store that several replicas share, so that all of them together allow as many as the
    /// limit says.
    ///
    /// The store sees no address and no user: these are hashed under `key`, which all replicas have. It is asked once
    /// or twice for the first request of a client with a credential, and not at all for later ones with
    /// the same credential within a day. The attempt of a client that disconnects stays counted.
    ///
    /// If the store fails, each replica limits the attempts that it has seen itself: the limit then is as many times
    /// higher as there are replicas, and never off. The log says once that the store is away, and once that
    /// it is back. In a flood, at most 1,000 new addresses a second reach the store, and each replica counts the
    /// attempts of all others alone.
    ///
    /// ```
    /// use mcp_auth_layer::rate_limit::{ClientIp, RateLimit};
    /// use mcp_auth_layer::stores::{MemoryAttemptStore, StoreKey};
    ///
    /// # fn limit(key: StoreKey) -> RateLimit {
    /// // One that replicas can reach, in place of the one in memory.
    /// let store = MemoryAttemptStore::new();
    /// RateLimit::by(ClientIp::from_fn(|_| None)).shared_store(store, key)
    /// # }
    /// ```
    pub fn shared_store(mut self, store: impl AttemptStore, key: impl Into<StoreKey>) -> Self {
        let (store, key) = (BoxAttemptStore::new(store), key.into().derive("attempts"));
        self.shared = Some(SharedStore { store, key });
        self
    }
}

/// Limits by the peer's address, as `axum::serve` provides it with
/// `app.into_make_service_with_connect_info::<SocketAddr>()`.
#[cfg(feature = "axum")]
impl Default for RateLimit {
    fn default() -> Self {
        Self::by(ClientIp::peer())
    }
}

/// Does not show the key.
impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
