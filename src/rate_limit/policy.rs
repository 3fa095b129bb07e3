//! How failed attempts are limited.

use std::time::Duration;

use super::client_ip::ClientIp;
use super::gcra::Quota;

const PER_ADDRESS: Quota = Quota::new(20, Duration::from_secs(3));
const PER_USER: Quota = Quota::new(10, Duration::from_secs(10));

/// How failed attempts to authenticate are limited: by client address, and by client address and
/// claimed user.
///
/// No limit is of the user alone, so nobody can lock a user out at another address. A right
/// credential is never counted, of whatever scheme.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::{ClientIp, Quota, McpAuthLayer, RateLimit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address = ClientIp::peer().trusted_proxies(["127.0.0.1"])?;
/// let limit = RateLimit::by(address).per_address(Quota::new(5, Duration::from_secs(10)));
/// let layer = McpAuthLayer::basic("alice", "correct horse battery staple").rate_limit(limit);
/// # Ok(())
/// # }
/// ```
///
/// Over the limit the answer is 429 with `Retry-After`. Where a client's address is unknown it is
/// 503, and the log says why, unless [`no_address_limit`](Self::no_address_limit) is set: the
/// protection is not lost in silence.
///
/// # Addresses
///
/// An IPv4 address counts as one client, and so does an IPv6 /64 network. Of IPv6, the /56 and /48
/// networks are limited as well, to 4 and 16 times as many attempts as one address.
#[derive(Clone, Debug)]
pub struct RateLimit {
    pub(super) address: ClientIp,
    pub(super) per_address: Quota,
    pub(super) per_user: Quota,
    pub(super) without_address: bool,
}

impl RateLimit {
    /// Counts by the addresses that are found so. An address may fail 20 times at once and then
    /// once every 3 seconds; for one user, 10 times and then once every 10 seconds.
    pub fn by(address: ClientIp) -> Self {
        let (per_address, per_user) = (PER_ADDRESS, PER_USER);
        Self { address, per_address, per_user, without_address: false }
    }

    /// Sets how often one address may fail, whomever it claims to be.
    pub fn per_address(mut self, limit: Quota) -> Self {
        self.per_address = limit;
        self
    }

    /// Sets how often one address may fail to be one user. Schemes whose credentials claim no user,
    /// such as bearer tokens, are limited by address alone.
    pub fn per_user(mut self, limit: Quota) -> Self {
        self.per_user = limit;
        self
    }

    /// Sets no limit where a request has no address: behind a Unix socket that only trusted
    /// clients can reach, say.
    pub fn no_address_limit(mut self) -> Self {
        self.without_address = true;
        self
    }
}

/// Counts by the peer's address, as `axum::serve` provides it with
/// `app.into_make_service_with_connect_info::<SocketAddr>()`. Without feature `axum` there is none.
impl Default for RateLimit {
    fn default() -> Self {
        #[cfg(feature = "axum")]
        let address = ClientIp::peer();
        #[cfg(not(feature = "axum"))]
        let address = ClientIp::from_fn(|_| None);
        Self::by(address)
    }
}
