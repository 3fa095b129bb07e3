//! What a scheme asks before it judges a credential: how guesses are limited, and whose they are.

use std::fmt;

use http::request::Parts;

use super::{Limit, Throttle};
use crate::client_address::{Client, ClientAddress};
use crate::{Admission, Rejection, counters};

/// How guessing is limited: by client address, and by client address and claimed user. Nobody can
/// lock a user out, since no limit is of the user alone: an address that verified a user within 24
/// hours keeps access to that user's login, whatever others do.
///
/// ```
/// use std::time::Duration;
/// use mcp_auth_layer::{Bearer, ClientAddress, GuessLimit, Limit};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address = ClientAddress::peer().trusted_proxies(["127.0.0.1"])?;
/// let limit = GuessLimit::by(address).per_address(Limit::new(5, Duration::from_secs(10)));
/// let tokens = Bearer::new([("ci", "rD3m0NfE5Yc0mKq1bWv7Xw")])?.limit_guesses(limit);
/// # Ok(())
/// # }
/// ```
///
/// Over the limit the answer is 429 with `Retry-After`. Where a client's address cannot be told it
/// is 503, and the log says why, unless [`no_address_limit`](Self::no_address_limit) is set: the
/// protection is not lost in silence.
#[derive(Clone, Debug)]
pub struct GuessLimit {
    address: ClientAddress,
    per_address: Limit,
    per_user: Limit,
    without_address: bool,
}

impl GuessLimit {
    /// By the addresses that are found so. An address may try 20 times at once and then once every
    /// 3 seconds; for one user, 10 times and then once every 10 seconds.
    pub fn by(address: ClientAddress) -> Self {
        let (per_address, per_user) = (super::PER_ADDRESS, super::PER_USER);
        Self { address, per_address, per_user, without_address: false }
    }

    /// How often one address may try, whomever it claims to be.
    pub fn per_address(mut self, limit: Limit) -> Self {
        self.per_address = limit;
        self
    }

    /// How often one address may try to be one user.
    pub fn per_user(mut self, limit: Limit) -> Self {
        self.per_user = limit;
        self
    }

    /// Judges without a limit where there is no address: behind a Unix socket that only friends
    /// can reach, say.
    pub fn no_address_limit(mut self) -> Self {
        self.without_address = true;
        self
    }
}

/// By the peer's address, as `axum::serve` tells it with
/// `app.into_make_service_with_connect_info::<SocketAddr>()`; without feature `axum` there is none.
impl Default for GuessLimit {
    fn default() -> Self {
        #[cfg(feature = "axum")]
        let address = ClientAddress::peer();
        #[cfg(not(feature = "axum"))]
        let address = ClientAddress::from_fn(|_| None);
        Self::by(address)
    }
}

/// The guesses at the credentials of one scheme.
pub(crate) struct Guesses {
    throttle: Throttle,
    limit: GuessLimit,
}

impl Guesses {
    /// # Panics
    ///
    /// If the operating system gives no random bytes.
    pub(crate) fn new(limit: GuessLimit) -> Self {
        let throttle = Throttle::new().expect("the operating system gives random bytes");
        let throttle = throttle.per_address(limit.per_address).per_user(limit.per_user);
        Self { throttle, limit }
    }

    /// Whose guess this would be. `None` is nobody's, which is not limited.
    ///
    /// # Errors
    ///
    /// If that cannot be told, and must be.
    pub(crate) fn client(&self, head: &Parts) -> Result<Option<Client>, Rejection> {
        match self.limit.address.of(head) {
            None if !self.limit.without_address => Err(Rejection::unavailable().caused_by(
                "guesses are limited by client address, and there is none: serve the app with \
                 into_make_service_with_connect_info::<SocketAddr>(), or see GuessLimit",
            )),
            client => Ok(client),
        }
    }

    /// The throttle itself, whose documentation has the order of steps.
    #[cfg(feature = "password")]
    pub(crate) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// [`Throttle::take_unless`], and how it is answered.
    pub(crate) fn take_unless<T>(
        &self,
        client: Client,
        user: &[u8],
        look: impl FnOnce() -> Option<T>,
    ) -> Result<Option<T>, Rejection> {
        self.throttle.take_unless(client, user, look).map_err(|wait| {
            counters::throttled();
            Rejection::too_many_requests(wait)
        })
    }

    /// Judges a credential that costs nothing to verify: wrong ones are counted, right ones are not,
    /// and who brought one is familiar with it.
    pub(crate) fn judge(
        &self,
        head: &Parts,
        credential: &[u8],
        judge: impl FnOnce() -> Result<Admission, Rejection>,
    ) -> Result<Admission, Rejection> {
        let Some(client) = self.client(head)? else { return judge() };
        let mut refused = None;
        let look = || judge().map_err(|rejection| refused = Some(rejection)).ok();
        match self.take_unless(client, credential, look)? {
            Some(admission) => {
                self.throttle.remember(client, credential);
                Ok(admission)
            }
            None => Err(refused.unwrap_or_else(Rejection::unavailable)),
        }
    }
}

impl fmt::Debug for Guesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limit.fmt(f)
    }
}
