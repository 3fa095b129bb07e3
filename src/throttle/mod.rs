//! Guessing is made slow, for those alone who guess.
//!
//! Every verification that costs a hash takes a cell of the client's address and one of this
//! address and the claimed user, whether it succeeds or not. Never of the user alone: nobody can
//! lock a user out. An address that verified a user within 24 hours is *familiar* with him, and
//! takes a cell of this pair's own in place of both: neither the guesses that others make from
//! behind the same address, nor those from a million addresses, use it up. It is as large as the
//! other one of address and user, so that it is no way to guess faster.
//!
//! # The order of steps
//!
//! Whoever verifies credentials that are costly to verify, and remembers them, has to do so in
//! this order:
//!
//! 1. [`ClientAddress::of`](crate::ClientAddress) says who is asking. Nobody: 503, and log why. If
//!    it was configured that there need not be an address, steps 2 and 3 become one look into what
//!    is remembered, and step 5 and all that is done with an address is left out.
//! 2. Look for this credential among those that *this client* verified, or is just having verified:
//!    admit, or wait for the outcome. Nothing is taken, and throttled clients come this far.
//! 3. [`Throttle::take_unless`], with a look for the credential among *all* that are remembered or
//!    being verified, in the same synchronous call:
//!    * `Err(wait)`: 429 with `Retry-After`. The look was not made: otherwise what is remembered
//!      could be guessed at full speed.
//!    * `Ok(Some(_))`: admit, or wait for the outcome. No cell was taken. Go on with step 7, so that
//!      the client's next request ends in step 2.
//!    * `Ok(None)`: the cells are taken, and stay so whatever becomes of the request. Go on.
//! 4. Lead the verification, or join one that began since step 3. Note the client with it.
//! 5. Queue. The limit of how many may wait from one address does not apply to those whom
//!    [`Throttle::knows`].
//! 6. Hash.
//! 7. If the credential is good, [`Throttle::remember`] the client and the user, and note the
//!    client with the remembered credential, by [`Throttle::key_of`]. If not, note nothing.
//!
//! The user is what is claimed, as the names of users are compared, known or not. For tokens, which
//! claim nobody, it is the token.
//!
//! # What it does not do
//!
//! * Who shares a user's address can take the cells of this pair by claiming the same user, and try
//!   against what that user has remembered, without limit, for as long as it is. Addresses cannot
//!   tell the two apart.
//! * Many addresses have many guesses: [`Limit`] times their number. What bounds these is the time
//!   that a hash takes, and the password.
//! * Who shares an address with others can tell with whom it is familiar.

mod cells;
mod familiar;
mod guesses;
mod limit;

#[cfg(test)]
mod attacks;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::cells::{Cells, Key};
use self::familiar::Familiar;
pub use self::guesses::GuessLimit;
pub(crate) use self::guesses::Guesses;
pub use self::limit::Limit;
use self::limit::nanos;
use crate::CredentialError;
use crate::client_address::Client;
use crate::secret::KeyedDigest;

const PER_ADDRESS: Limit = Limit::new(20, Duration::from_secs(3));
const PER_USER: Limit = Limit::new(10, Duration::from_secs(10));

/// In 2 MiB. It takes 6,500 tries a second, from ever new addresses, to keep them in use.
const CELLS: usize = 1 << 17;

/// Counts what each address tries, and refuses what is too much.
///
/// Addresses and users are held as keyed digests, under a random key.
pub(crate) struct Throttle {
    per_address: Limit,
    per_user: Limit,
    keyed: KeyedDigest,
    cells: Cells,
    familiar: Mutex<Familiar>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl Throttle {
    /// For each address, 20 tries at once and then one every 3 seconds; for each user that it
    /// claims, 10 and one every 10 seconds.
    ///
    /// # Errors
    ///
    /// If the operating system gives no random bytes.
    pub(crate) fn new() -> Result<Self, CredentialError> {
        let started = Instant::now();
        Ok(Self {
            per_address: PER_ADDRESS,
            per_user: PER_USER,
            keyed: KeyedDigest::new()?,
            cells: Cells::new(CELLS),
            familiar: Mutex::new(Familiar::new()),
            clock: Box::new(move || started.elapsed()),
        })
    }

    /// How often one address may try, whomever it claims to be.
    pub(crate) fn per_address(self, limit: Limit) -> Self {
        Self { per_address: limit, ..self }
    }

    /// How often one address may try to be one user.
    pub(crate) fn per_user(self, limit: Limit) -> Self {
        Self { per_user: limit, ..self }
    }

    /// Another clock, which never goes backwards: the time since any one moment.
    #[cfg(test)]
    pub(crate) fn clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    /// Looks for what makes a verification superfluous, if this client may try to be this user now;
    /// takes the cells if there is none. All of it, or nothing, at once: of any number of concurrent
    /// calls no more look and find nothing than the limits allow.
    ///
    /// `look` must be quick, and ask nothing of this throttle, parts of which are locked meanwhile.
    ///
    /// # Errors
    ///
    /// How long the client must wait. Then there was no look, and nothing is taken.
    pub(crate) fn take_unless<T>(
        &self,
        client: Client,
        user: &[u8],
        look: impl FnOnce() -> Option<T>,
    ) -> Result<Option<T>, Duration> {
        let (now, address) = (self.now(), self.address(client));
        if let Some(cell) = self.familiar().cell(address[0], self.user(user)[0], now) {
            let next = self.per_user.next(*cell, now)?;
            let found = look();
            if found.is_none() {
                *cell = next;
            }
            return Ok(found);
        }
        let pair = self.keyed.of(&[b"pair", &client.to_bytes(), user]);
        self.cells.with(address, pair, now, |of_address, of_pair| {
            let next_of_address = self.per_address.next(*of_address, now);
            let next = match (next_of_address, self.per_user.next(*of_pair, now)) {
                (Ok(address), Ok(pair)) => (address, pair),
                (Err(address), Err(pair)) => return Err(address.max(pair)),
                (Err(wait), _) | (_, Err(wait)) => return Err(wait),
            };
            let found = look();
            if found.is_none() {
                (*of_address, *of_pair) = next;
            }
            Ok(found)
        })
    }

    /// Takes the cells of a try. There is nothing to look for.
    ///
    /// # Errors
    ///
    /// How long the client must wait. Then nothing is taken.
    #[cfg(test)]
    pub(crate) fn take(&self, client: Client, user: &[u8]) -> Result<(), Duration> {
        self.take_unless(client, user, || None::<()>).map(drop)
    }

    /// Whether this address verified this user within 24 hours.
    #[cfg(any(test, feature = "password"))]
    pub(crate) fn knows(&self, client: Client, user: &[u8]) -> bool {
        let (now, address, user) = (self.now(), self.address(client), self.user(user));
        self.familiar().cell(address[0], user[0], now).is_some()
    }

    /// This address has verified this user.
    pub(crate) fn remember(&self, client: Client, user: &[u8]) {
        let (now, address, user) = (self.now(), self.address(client), self.user(user));
        self.familiar().remember(address[0], user[0], now);
    }

    /// An address, for where it must be remembered and should not lie in memory.
    #[cfg(any(test, feature = "password"))]
    pub(crate) fn key_of(&self, client: Client) -> u128 {
        let [.., high, low] = self.address(client);
        u128::from(high) << 64 | u128::from(low)
    }

    fn address(&self, client: Client) -> Key {
        self.keyed.of(&[b"addr", &client.to_bytes()])
    }

    fn user(&self, user: &[u8]) -> Key {
        self.keyed.of(&[b"user", user])
    }

    fn now(&self) -> u64 {
        nanos((self.clock)())
    }

    fn familiar(&self) -> MutexGuard<'_, Familiar> {
        self.familiar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the limits, and nobody whom it counts.
impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("per_address", &self.per_address)
            .field("per_user", &self.per_user)
            .finish_non_exhaustive()
    }
}
