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
/// neighbouring slots.
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
mod tests {
    use super::*;

    /// Returns a key as good as a keyed hash: splitmix64.
    fn key(number: u64) -> Key {
        let mut state = number.wrapping_mul(0xd134_2543_de82_ef95);
        std::array::from_fn(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ word >> 31
        })
    }

    const QUOTA: Quota = Quota::from_static(3, Duration::from_nanos(10));

    fn slots_of(address: u64, pair: u64) -> [Slot; 2] {
        let slot = |kind, number| Slot { kind, key: key(number), quota: QUOTA };
        [slot(Kind::Address, address), slot(Kind::Pair, pair)]
    }

    /// Replaces the TATs of this address and this pair, and returns the former ones.
    fn exchange(
        slots: &Slots,
        address: u64,
        pair: u64,
        now: u64,
        next: impl Fn(u64) -> u64,
    ) -> [u64; 2] {
        let two = slots_of(address, pair);
        let mut shard = slots.shard(&two.into_iter());
        two.map(|slot| {
            let tat = shard.entry(&slot, now);
            let before = *tat;
            *tat = next(before);
            before
        })
    }

    /// Sets the TATs of this number; returns the former ones.
    fn set_tats(slots: &Slots, number: u64, now: u64, until: u64) -> [u64; 2] {
        exchange(slots, number, !number, now, |_| until)
    }

    fn tats(slots: &Slots, number: u64, now: u64) -> [u64; 2] {
        exchange(slots, number, !number, now, |tat| tat)
    }

    #[test]
    fn all_slots_are_taken_or_none() {
        let slots = Slots::new(1 << 12);
        let take = |address, pair| slots.take(slots_of(address, pair).into_iter(), 0);
        for _ in 0..3 {
            assert_eq!(take(1, 1), Ok(()));
        }
        assert_eq!(take(1, 2), Err(Duration::from_nanos(10)), "the address is full");
        assert_eq!(take(2, 2), Ok(()), "nothing was taken from pair 2");
        assert_eq!(exchange(&slots, 2, 2, 0, |tat| tat), [10, 10]);
    }

    #[test]
    fn given_back_attempts_can_be_taken_again() {
        let slots = Slots::new(1 << 12);
        let two = || slots_of(1, 1).into_iter();
        for _ in 0..1000 {
            assert_eq!(slots.take(two(), 0), Ok(()));
            slots.give_back(two(), 0);
        }
        for _ in 0..5 {
            slots.charge(two(), 0);
        }
        assert_eq!(slots.check(two(), 0), Err(Duration::from_nanos(10)), "no more than full");
        slots.give_back(two(), 0);
        assert_eq!(slots.check(two(), 0), Ok(()));
        assert_eq!(slots.take(two(), 0), Ok(()), "a check takes nothing");
        assert!(slots.take(two(), 0).is_err());
    }

    #[test]
    fn each_client_has_two_slots_of_its_own() {
        let slots = Slots::new(1 << 17);
        for number in 0..1000 {
            assert_eq!(set_tats(&slots, number, 0, 100 + number), [0, 0], "{number}");
        }
        for number in 0..1000 {
            assert_eq!(tats(&slots, number, 99), [100 + number; 2], "{number}");
        }
        let with_pair = |pair: u64| exchange(&slots, 1, pair, 99, |tat| tat);
        assert_eq!([with_pair(!1), with_pair(!(1 << 40))], [[101, 101], [101, 0]]);
    }

    #[test]
    fn a_flood_allocates_nothing_and_evicts_no_slot() {
        const EARLIER: u64 = 10_000;
        let slots = Slots::new(1 << 17);
        for number in 0..EARLIER {
            set_tats(&slots, number, 0, 100 + number);
        }
        let flood = allocation_counter::measure(|| {
            for number in EARLIER..EARLIER + 1_000_000 {
                set_tats(&slots, number, 0, 50);
            }
        });
        assert_eq!(flood.count_total, 0);
        let changed = (0..EARLIER).filter(|number| tats(&slots, *number, 0) != [100 + number; 2]);
        assert_eq!(changed.count(), 0);
    }

    /// Creates a small table in which no slot is free before 50.
    fn full() -> Slots {
        let slots = Slots::new(1 << 12);
        for number in 0..100_000 {
            set_tats(&slots, number, 0, 50);
        }
        slots
    }

    #[test]
    fn a_client_without_a_slot_shares_one_until_one_is_free() {
        let (slots, newcomer, others) = (full(), 100_000, 100_001..200_000);
        let with_tat =
            |tat| others.clone().filter(|other| tats(&slots, *other, 49)[0] == tat).count();
        assert_eq!(set_tats(&slots, newcomer, 49, 60), [50; 2]);
        assert_ne!(with_tat(60), 0, "shared");
        assert_eq!(set_tats(&slots, newcomer, 50, 70), [50; 2], "a free slot");
        assert_eq!(with_tat(70), 0, "not shared any more");
        assert_eq!(tats(&slots, newcomer, 50), [70; 2]);
    }

    #[test]
    fn a_shared_slot_is_shared_by_few() {
        let (slots, attacker, others) = (full(), 100_000, 100_001..200_000);
        set_tats(&slots, attacker, 0, 99);
        let hit = others.filter(|number| tats(&slots, *number, 0)[0] == 99).count();
        assert!((1..200).contains(&hit), "{hit} of 100,000, in {} slots", SHARDS * SHARED);
    }

    #[test]
    fn a_slot_is_free_after_its_arrival_time() {
        let slots = Slots::new(1);
        for number in 0..10_000 {
            assert!(set_tats(&slots, number, number, number + 1)[0] <= number, "{number}");
        }
    }

    #[test]
    fn few_slots_are_shared_while_most_are_free() {
        let slots = Slots::new(1 << 17);
        let unshared =
            (0..1 << 14).filter(|number| set_tats(&slots, *number, 0, 50) == [0, 0]).count();
        assert!(unshared > (1 << 14) - 20, "{unshared} of {}", 1 << 14);
    }
}
