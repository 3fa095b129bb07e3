//! A table of GCRA states, in memory whose size never changes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::keys::AttemptCounter;
use super::quota::Quota;

/// The number of parts of the memory. Cores that use different parts do not wait for each other.
const SHARDS: usize = 64;
/// How many slots are searched to find one: 128 bytes, two cache lines.
const WAYS: usize = 8;
/// How many slots of each shard and kind are shared by clients that find no free slot.
const SHARED: usize = 16;

/// Identifies the owner of a slot: a keyed hash, so that an attacker cannot predict which clients have
/// neighboring slots.
///
/// Its words choose the shard, the place in it, and the slot to share if that place is full; the last
/// one identifies the owner. Two owners with the same last word share a slot.
type Key = [u64; 4];

/// A slot to take, and the quota that applies to it.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    kind: Kind,
    key: Key,
    quota: Quota,
}

impl Slot {
    pub(super) fn new(kind: Kind, AttemptCounter { key, quota }: AttemptCounter) -> Self {
        Self { kind, key: words(key), quota }
    }
}

/// Spreads a hash over the words of a key, each of which needs few bits but the last.
fn words(hash: u128) -> Key {
    let low = hash as u64;
    [low & 0xffff, low >> 16 & 0xffff_ffff, low >> 48, (hash >> 64) as u64]
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An address or a network.
    Address,
    /// An address and a claimed user.
    Pair,
}

/// A slot for every address that tried recently, and for every pair of address and user. A slot holds
/// the theoretical arrival time (TAT) of its owner, see [`Quota::next`]. After that time it is free.
///
/// A slot that is not free is never evicted: otherwise a client with many addresses could erase its
/// own attempts. A client that finds no free slot shares one with others, chosen by its hash, until
/// one is free.
pub(super) struct Slots {
    shards: Box<[Mutex<Shard>]>,
}

struct Shard {
    addresses: Table,
    pairs: Table,
}

struct Table {
    places: Box<[[Entry; WAYS]]>,
    /// The TATs of shared slots.
    shared: [u64; SHARED],
}

#[derive(Clone, Copy, Default)]
struct Entry {
    owner: u64,
    tat: u64,
}

impl Slots {
    /// Creates about this many slots of 16 bytes, half of them for addresses and half for pairs.
    pub(super) fn new(slots: usize) -> Self {
        let places = (slots / (2 * SHARDS * WAYS)).max(1);
        let table = || Table {
            places: vec![[Entry::default(); WAYS]; places].into_boxed_slice(),
            shared: [0; SHARED],
        };
        let shard = || Mutex::new(Shard { addresses: table(), pairs: table() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Takes all of these slots, or none and returns how long the client must wait. All of them are
    /// in the shard of the first key. Of any number of concurrent calls, no more succeed than the
    /// quotas allow.
    pub(super) fn take(
        &self,
        slots: impl Iterator<Item = Slot> + Clone,
        now: u64,
    ) -> Result<(), Duration> {
        let mut shard = self.shard(&slots);
        shard.check(slots.clone(), now)?;
        shard.charge(slots, now);
        Ok(())
    }

    /// Returns how long the client must wait before it could take these slots.
    pub(super) fn check(
        &self,
        slots: impl Iterator<Item = Slot> + Clone,
        now: u64,
    ) -> Result<(), Duration> {
        self.shard(&slots).check(slots, now)
    }

    /// Takes those of the slots that are not full.
    pub(super) fn charge(&self, slots: impl Iterator<Item = Slot> + Clone, now: u64) {
        self.shard(&slots).charge(slots, now);
    }

    /// Takes back what [`take`](Self::take) took.
    pub(super) fn give_back(&self, slots: impl Iterator<Item = Slot> + Clone, now: u64) {
        let mut shard = self.shard(&slots);
        for slot in slots {
            let tat = shard.entry(&slot, now);
            *tat = slot.quota.give_back(*tat);
        }
    }

    fn shard(&self, slots: &(impl Iterator<Item = Slot> + Clone)) -> MutexGuard<'_, Shard> {
        let first = slots.clone().next().map_or(0, |slot| slot.key[0]);
        let shard = &self.shards[first as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shard {
    fn check(&mut self, slots: impl Iterator<Item = Slot>, now: u64) -> Result<(), Duration> {
        let mut wait = Duration::ZERO;
        for slot in slots {
            let tat = *self.entry(&slot, now);
            wait = wait.max(slot.quota.next(tat, now).err().unwrap_or_default());
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn charge(&mut self, slots: impl Iterator<Item = Slot>, now: u64) {
        for slot in slots {
            let tat = self.entry(&slot, now);
            *tat = slot.quota.next(*tat, now).unwrap_or(*tat);
        }
    }

    fn entry(&mut self, slot: &Slot, now: u64) -> &mut u64 {
        let table = match slot.kind {
            Kind::Address => &mut self.addresses,
            Kind::Pair => &mut self.pairs,
        };
        table.entry(slot.key, now)
    }
}

impl Table {
    /// Returns the owner's slot, a free one, or one to share.
    fn entry(&mut self, [_, place, shared, owner]: Key, now: u64) -> &mut u64 {
        let place = place as usize % self.places.len();
        let entries = &mut self.places[place];
        let own = entries.iter().position(|entry| entry.owner == owner);
        let free = || entries.iter().position(|entry| entry.tat <= now);
        match own.or_else(free) {
            Some(at) => {
                entries[at].owner = owner;
                &mut entries[at].tat
            }
            None => &mut self.shared[shared as usize % SHARED],
        }
    }
}

#[cfg(test)]
mod tests;
