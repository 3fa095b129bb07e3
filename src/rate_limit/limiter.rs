//! The limiter of one layer: the steps that the [module](super) describes.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderName, header};
use siphasher::sip128::{Hasher128, SipHasher24};
use tracing::warn;

use super::attempt::Cost;
use super::client_ip::Client;
use super::gcra::nanos;
use super::known_clients::KnownClients;
use super::permit::{Permit, Taken};
use super::slots::{Key, Kind, Slot, Slots};
use super::{Attempt, Limit, RateLimit};
use crate::secret::FirstWord;
use crate::{Admission, Rejection, counters};

/// In 2 MiB. It takes 6,500 attempts a second, from ever new addresses, to keep them in use.
const SLOTS: usize = 1 << 17;
/// How many wrong credentials a known client may present before its right one is no longer looked
/// for first. Generous, as others behind the same address may use it up.
const LOOKUPS: Limit = Limit::new(100, Duration::from_millis(200));

type Verdict = Result<Admission, Rejection>;

/// What the limiter and a first look at the credential came to.
pub(crate) struct Decision {
    /// The verdict, if it was reached without waiting.
    pub(crate) verdict: Option<Verdict>,
    /// To be settled by the final outcome.
    pub(crate) permit: Option<Permit>,
}

/// Counts the attempts of each client, and refuses what exceeds the limits.
///
/// Addresses, users and credentials are held as keyed hashes, under a random key.
pub(crate) struct RateLimiter {
    config: RateLimit,
    hasher: SipHasher24,
    slots: Slots,
    known: Mutex<KnownClients>,
    /// The attempts that are being verified, by client and credential.
    pending: Mutex<Pending>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
    warned_of_proxy: AtomicBool,
}

type Pending = HashMap<u64, Weak<Taken>, BuildHasherDefault<FirstWord>>;

/// Who asks for an expensive verification, for a fair queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// A keyed hash of the client's address, if it has one.
    pub(crate) address: Option<u64>,
    /// Whether it is a known client of the claimed user.
    pub(crate) known: bool,
}

/// The hashes of one attempt.
#[derive(Clone)]
pub(super) struct Keys {
    client: Client,
    pub(super) address: u64,
    /// The claimed users.
    users: Vec<User>,
    credential: u64,
    pub(super) cost: Cost,
}

#[derive(Clone)]
struct User {
    hash: u64,
    pair: Key,
}

impl RateLimiter {
    /// # Panics
    ///
    /// If the operating system gives no random bytes.
    pub(crate) fn new(config: RateLimit) -> Self {
        let mut key = [0; 16];
        getrandom::fill(&mut key).expect("the operating system gives random bytes");
        let started = Instant::now();
        Self {
            config,
            hasher: SipHasher24::new_with_key(&key),
            slots: Slots::new(SLOTS),
            known: Mutex::new(KnownClients::new()),
            pending: Mutex::default(),
            clock: Box::new(move || started.elapsed()),
            warned_of_proxy: AtomicBool::new(false),
        }
    }

    /// Sets another clock, which never goes backwards: the time since any one moment.
    #[cfg(test)]
    pub(super) fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    #[cfg(test)]
    pub(super) fn set_slots(&mut self, slots: Slots) {
        self.slots = slots;
    }

    /// Decides about a request as far as that is possible without waiting. `decide` must have no
    /// side effects.
    ///
    /// # Errors
    ///
    /// 429 if the client has failed too often; 503 if it has no address and needs one.
    pub(crate) fn decide(
        self: &Arc<Self>,
        head: &Parts,
        attempt: &Attempt,
        credential_headers: &[HeaderName],
        decide: impl Fn() -> Option<Verdict>,
    ) -> Result<Decision, Rejection> {
        let Some(client) = self.client(head)? else {
            return Ok(Decision { verdict: decide(), permit: None });
        };
        let keys = self.keys(client, attempt, head, credential_headers);
        let mut verdict = None;
        let (known, may_look_up) = self.recognize(&keys);
        if may_look_up {
            let looked_up = decide();
            if let Some(Ok(_)) = looked_up {
                let permit = Permit::new(self, keys, None);
                return Ok(Decision { verdict: looked_up, permit: Some(permit) });
            }
            self.slots.charge([self.lookup_slot(&keys)].into_iter(), self.now());
            verdict = Some(looked_up);
        }
        let taken = self.begin(&keys, known).map_err(|wait| {
            counters::throttled();
            Rejection::too_many_requests(wait)
        })?;
        let verdict = verdict.unwrap_or_else(decide);
        if let (None, Some(taken)) = (&verdict, &taken) {
            self.pending().insert(pending_key(&keys), Arc::downgrade(taken));
        }
        Ok(Decision { verdict, permit: Some(Permit::new(self, keys, taken)) })
    }

    /// Whose attempt a request is. `None` has no address and is not limited.
    fn client(&self, head: &Parts) -> Result<Option<Client>, Rejection> {
        let found = self.config.address.of(head);
        if found.is_none() && !self.config.without_address {
            return Err(Rejection::unavailable().caused_by(
                "failed attempts are limited by client address, and there is none: serve the app \
                 with into_make_service_with_connect_info::<SocketAddr>(), or see RateLimit",
            ));
        }
        if found.is_some()
            && self.config.address.ignores_a_proxy(head)
            && !self.warned_of_proxy.swap(true, Relaxed)
        {
            warn!(
                "a request has X-Forwarded-For or Forwarded, and comes from a peer that is no \
                 trusted proxy: if it is a proxy, all clients behind it share one rate limit. \
                 Name it with ClientAddress::trusted_proxies (logged once)"
            );
        }
        Ok(found)
    }

    /// Whether this is a known client, and whether its credential may be looked at before the
    /// attempt is counted.
    fn recognize(&self, keys: &Keys) -> (bool, bool) {
        let lookup = || [self.lookup_slot(keys)].into_iter();
        let is_known = self.is_known(keys);
        let may_look_up = self.slots.check(lookup(), self.now()).is_ok();
        if keys.users.is_empty() {
            // Where the credential claims no user, to find it among the known ones is a look-up.
            if !is_known {
                self.slots.charge(lookup(), self.now());
            }
            return (is_known && may_look_up, is_known && may_look_up);
        }
        (is_known, is_known && may_look_up)
    }

    /// Takes the slots of an attempt, unless one with the same credential is being verified.
    fn begin(self: &Arc<Self>, keys: &Keys, known: bool) -> Result<Option<Arc<Taken>>, Duration> {
        if keys.cost == Cost::Unguessable {
            self.check(keys, known)?;
            return Ok(None);
        }
        if let Some(pending) = self.pending().get(&pending_key(keys)).and_then(Weak::upgrade) {
            return Ok(Some(pending));
        }
        self.take(keys, known)?;
        Ok(Some(Arc::new(Taken::new(self, keys, known))))
    }

    fn take(&self, keys: &Keys, known: bool) -> Result<(), Duration> {
        let now = self.now();
        if !known {
            return self.slots.take(self.slots_of(keys), now);
        }
        self.check_known(keys, now)?;
        self.charge_known(keys, now);
        Ok(())
    }

    fn check(&self, keys: &Keys, known: bool) -> Result<(), Duration> {
        let now = self.now();
        if known { self.check_known(keys, now) } else { self.slots.check(self.slots_of(keys), now) }
    }

    /// Counts a failure of an attempt that took no slots.
    pub(super) fn charge(&self, keys: &Keys) {
        let now = self.now();
        match self.is_known(keys) {
            true => self.charge_known(keys, now),
            false => self.slots.charge(self.slots_of(keys), now),
        }
    }

    pub(super) fn give_back(&self, keys: &Keys, known: bool) {
        if !known {
            return self.slots.give_back(self.slots_of(keys), self.now());
        }
        let (now, limit) = (self.now(), self.config.per_user);
        let mut clients = self.known();
        for subject in keys.subjects() {
            if let Some(slot) = clients.slot(keys.address, subject, now) {
                *slot = limit.give_back(*slot);
            }
        }
    }

    fn check_known(&self, keys: &Keys, now: u64) -> Result<(), Duration> {
        let mut clients = self.known();
        for subject in keys.subjects() {
            if let Some(slot) = clients.slot(keys.address, subject, now) {
                self.config.per_user.next(*slot, now)?;
            }
        }
        Ok(())
    }

    fn charge_known(&self, keys: &Keys, now: u64) {
        let mut clients = self.known();
        for subject in keys.subjects() {
            if let Some(slot) = clients.slot(keys.address, subject, now) {
                *slot = self.config.per_user.next(*slot, now).unwrap_or(*slot);
            }
        }
    }

    /// Whether this address authenticated as all of these users within 24 hours, or with this
    /// credential where none is claimed.
    pub(super) fn is_known(&self, keys: &Keys) -> bool {
        let (now, mut clients) = (self.now(), self.known());
        keys.subjects().all(|subject| clients.slot(keys.address, subject, now).is_some())
    }

    /// Makes the client a known one.
    pub(super) fn remember(&self, keys: &Keys) {
        let (now, mut clients) = (self.now(), self.known());
        for subject in keys.subjects() {
            clients.remember(keys.address, subject, now);
        }
    }

    pub(super) fn forget_pending(&self, key: u64) {
        let mut pending = self.pending();
        // Another attempt may have taken the place of one that has just ended.
        if pending.get(&key).is_some_and(|taken| taken.strong_count() == 0) {
            pending.remove(&key);
        }
    }

    /// The slots of a client that is not known: of its networks, its address, and of it with each
    /// claimed user.
    fn slots_of<'k>(&'k self, keys: &'k Keys) -> impl Iterator<Item = Slot> + Clone + 'k {
        let RateLimit { per_address, per_user, .. } = self.config;
        let addresses = keys.client.networks().map(move |(prefix, bits, factor)| Slot {
            kind: Kind::Address,
            key: key(self.hash((b"address", prefix, bits))),
            limit: per_address.times(factor),
        });
        let pairs = keys.users.iter().map(move |user| Slot {
            kind: Kind::Pair,
            key: user.pair,
            limit: per_user,
        });
        addresses.chain(pairs)
    }

    /// The budget of wrong credentials for the look at a known client's.
    fn lookup_slot(&self, keys: &Keys) -> Slot {
        let users = keys.users.iter().fold(0, |all, user| all ^ user.hash);
        let key = key(self.hash((b"look-up", keys.address, users)));
        Slot { kind: Kind::Pair, key, limit: LOOKUPS }
    }

    fn keys(
        &self,
        client: Client,
        attempt: &Attempt,
        head: &Parts,
        credential_headers: &[HeaderName],
    ) -> Keys {
        let bits = client.bits();
        let users = attempt.users().map(|user| User {
            hash: high(self.hash((b"user", user))),
            pair: key(self.hash((b"pair", bits, user))),
        });
        let mut credential = self.hasher;
        for name in credential_headers.iter().chain([&header::AUTHORIZATION]) {
            for value in head.headers.get_all(name) {
                (name.as_str(), value.as_bytes()).hash(&mut credential);
            }
        }
        Keys {
            client,
            address: high(self.hash((b"client", bits))),
            users: users.collect(),
            credential: high(credential.finish128().into()),
            cost: attempt.cost,
        }
    }

    fn hash(&self, what: impl Hash) -> u128 {
        let mut hasher = self.hasher;
        what.hash(&mut hasher);
        hasher.finish128().into()
    }

    fn now(&self) -> u64 {
        nanos((self.clock)())
    }

    fn known(&self) -> MutexGuard<'_, KnownClients> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    /// What the client is known by: the claimed users or, where there are none, the credential.
    fn subjects(&self) -> impl Iterator<Item = u64> {
        let credential = self.users.is_empty().then_some(self.credential);
        self.users.iter().map(|user| user.hash).chain(credential)
    }
}

/// What concurrent attempts with one credential have in common.
pub(super) fn pending_key(keys: &Keys) -> u64 {
    keys.address.rotate_left(1) ^ keys.credential
}

fn high(hash: u128) -> u64 {
    (hash >> 64) as u64
}

/// Spreads a hash over the words that choose a slot, each of which needs few bits but the last.
fn key(hash: u128) -> Key {
    let low = hash as u64;
    [low & 0xffff, low >> 16 & 0xffff_ffff, low >> 48, high(hash)]
}

/// Shows the limits, and no client.
impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}
