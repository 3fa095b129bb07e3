//! What the limiter counts: the attempts of each client, the known clients, and the attempts that are
//! being verified.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::gcra::{Quota, nanos};
use super::keys::{Keys, key, pending_key};
use super::known_clients::KnownClients;
use super::slots::{Kind, Slot, Slots};
use crate::auth::Cost;
use crate::crypto::{AlreadyHashed, KeyedHash};

/// In 2 MiB. It takes 6,500 attempts a second, from ever new addresses, to keep them in use.
const SLOTS: usize = 1 << 17;
/// How many wrong credentials a known client may present before its right one is no longer looked
/// for first. Generous, as others behind the same address may use it up.
const LOOKUPS: Quota = Quota::new(100, Duration::from_millis(200));

/// Addresses, users and credentials are held as keyed hashes, under a random key.
pub(super) struct Counters {
    pub(super) per_address: Quota,
    pub(super) per_user: Quota,
    pub(super) hash: KeyedHash,
    slots: Slots,
    known: Mutex<KnownClients>,
    /// The attempts that are being verified, by client and credential.
    pending: Mutex<Pending>,
    clock: Box<dyn Fn() -> Duration + Send + Sync>,
}

type Pending = HashMap<u64, Weak<Taken>, BuildHasherDefault<AlreadyHashed>>;

/// The slots of an attempt, and of concurrent ones with the same credential. They are given back
/// when this is dropped, unless they are kept.
pub(super) struct Taken {
    counters: Arc<Counters>,
    keys: Keys,
    known: bool,
    pub(super) keep: AtomicBool,
}

impl Taken {
    fn new(counters: &Arc<Counters>, keys: &Keys, known: bool) -> Self {
        let keep = AtomicBool::new(keys.cost == Cost::Expensive);
        Self { counters: counters.clone(), keys: keys.clone(), known, keep }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !*self.keep.get_mut() {
            self.counters.give_back(&self.keys, self.known);
        }
        self.counters.forget_pending(pending_key(&self.keys));
    }
}

impl Counters {
    pub(super) fn new(per_address: Quota, per_user: Quota) -> Self {
        let started = Instant::now();
        Self {
            per_address,
            per_user,
            hash: KeyedHash::new(),
            slots: Slots::new(SLOTS),
            known: Mutex::new(KnownClients::new()),
            pending: Mutex::default(),
            clock: Box::new(move || started.elapsed()),
        }
    }

    /// Sets another clock, which never goes backwards: the time since any one moment.
    #[cfg(test)]
    pub(super) fn with_clock(self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    #[cfg(test)]
    pub(super) fn with_slots(self, slots: Slots) -> Self {
        Self { slots, ..self }
    }

    /// Whether this is a known client, and whether its credential may be looked at before the
    /// attempt is counted.
    pub(super) fn recognize(&self, keys: &Keys) -> (bool, bool) {
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

    /// Counts a wrong credential that was looked for first.
    pub(super) fn charge_lookup(&self, keys: &Keys) {
        self.slots.charge([self.lookup_slot(keys)].into_iter(), self.now());
    }

    /// Lets concurrent attempts with the same credential share the slots of this one.
    pub(super) fn is_pending(&self, keys: &Keys, taken: &Arc<Taken>) {
        self.pending().insert(pending_key(keys), Arc::downgrade(taken));
    }

    /// Takes the slots of an attempt, unless one with the same credential is being verified.
    pub(super) fn begin(
        self: &Arc<Self>,
        keys: &Keys,
        known: bool,
    ) -> Result<Option<Arc<Taken>>, Duration> {
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

    fn give_back(&self, keys: &Keys, known: bool) {
        if !known {
            return self.slots.give_back(self.slots_of(keys), self.now());
        }
        let (now, limit) = (self.now(), self.per_user);
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
                self.per_user.next(*slot, now)?;
            }
        }
        Ok(())
    }

    fn charge_known(&self, keys: &Keys, now: u64) {
        let mut clients = self.known();
        for subject in keys.subjects() {
            if let Some(slot) = clients.slot(keys.address, subject, now) {
                *slot = self.per_user.next(*slot, now).unwrap_or(*slot);
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

    fn forget_pending(&self, key: u64) {
        let mut pending = self.pending();
        // Another attempt may have taken the place of one that has just ended.
        if pending.get(&key).is_some_and(|taken| taken.strong_count() == 0) {
            pending.remove(&key);
        }
    }

    /// The slots of a client that is not known: of its networks, its address, and of it with each
    /// claimed user.
    fn slots_of<'k>(&'k self, keys: &'k Keys) -> impl Iterator<Item = Slot> + Clone + 'k {
        let Self { per_address, per_user, .. } = *self;
        let addresses = keys.client.networks().map(move |(prefix, bits, factor)| Slot {
            kind: Kind::Address,
            key: key(self.hash.hash((b"address", prefix, bits))),
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
        let key = key(self.hash.hash((b"look-up", keys.address, users)));
        Slot { kind: Kind::Pair, key, limit: LOOKUPS }
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
