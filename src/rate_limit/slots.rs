//! How many attempts each client has made lately, in memory whose size never changes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::gcra::Quota;

/// The memory is split into this many parts, so that cores do not wait for each other.
const SHARDS: usize = 64;
/// So many slots are looked at to find one: 128 bytes, two lines of a cache.
const WAYS: usize = 8;
/// How many slots of each shard and kind are shared by clients for whom there is none.
const SHARED: usize = 16;

/// Whose a slot is: a keyed hash. Nobody outside can tell which clients have neighbouring slots.
///
/// Its words choose the shard, the place in it, the slot to share if that place is taken, and the
/// last one identifies the client. Two clients with the same last word share a slot.
pub(super) type Key = [u64; 4];

/// A slot to take, and the limit that applies to it.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    pub(super) kind: Kind,
    pub(super) key: Key,
    pub(super) limit: Quota,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Of an address or a network.
    Address,
    /// Of an address and a claimed user.
    Pair,
}

/// A slot for every address that tried lately, and for every address and user. It holds the time
/// at which all attempts are paid for, see [`Quota::next`]; then it is free.
///
/// A slot that is not free is never taken away: otherwise a client with many addresses could have
/// its own attempts forgotten. A client that finds no slot shares one with others, chosen by its
/// hash, until one is free.
pub(super) struct Slots {
    shards: Box<[Mutex<Shard>]>,
}

struct Shard {
    addresses: Table,
    pairs: Table,
}

struct Table {
    places: Box<[[Entry; WAYS]]>,
    shared: [u64; SHARED],
}

#[derive(Clone, Copy, Default)]
struct Entry {
    whose: u64,
    paid_at: u64,
}

impl Slots {
    /// Creates about so many slots of 16 bytes, half of them for addresses, half for pairs.
    pub(super) fn new(slots: usize) -> Self {
        let places = (slots / (2 * SHARDS * WAYS)).max(1);
        let table = || Table {
            places: vec![[Entry::default(); WAYS]; places].into_boxed_slice(),
            shared: [0; SHARED],
        };
        let shard = || Mutex::new(Shard { addresses: table(), pairs: table() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Takes all of these slots, or none and returns how long the client must wait. They are in the
    /// shard of the first key. Of any number of concurrent calls, no more succeed than the limits
    /// allow.
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
            let paid_at = shard.entry(&slot, now);
            *paid_at = slot.limit.give_back(*paid_at);
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
            let paid_at = *self.entry(&slot, now);
            wait = wait.max(slot.limit.next(paid_at, now).err().unwrap_or_default());
        }
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    fn charge(&mut self, slots: impl Iterator<Item = Slot>, now: u64) {
        for slot in slots {
            let paid_at = self.entry(&slot, now);
            *paid_at = slot.limit.next(*paid_at, now).unwrap_or(*paid_at);
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
    /// The client's own slot, one that is free, or one to share.
    fn entry(&mut self, [_, place, shared, whose]: Key, now: u64) -> &mut u64 {
        let place = place as usize % self.places.len();
        let entries = &mut self.places[place];
        let own = entries.iter().position(|entry| entry.whose == whose);
        let free = || entries.iter().position(|entry| entry.paid_at <= now);
        match own.or_else(free) {
            Some(at) => {
                entries[at].whose = whose;
                &mut entries[at].paid_at
            }
            None => &mut self.shared[shared as usize % SHARED],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As good as a digest: splitmix64.
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

    const LIMIT: Quota = Quota::new(3, Duration::from_nanos(10));

    fn slots_of(address: u64, pair: u64) -> [Slot; 2] {
        let slot = |kind, number| Slot { kind, key: key(number), limit: LIMIT };
        [slot(Kind::Address, address), slot(Kind::Pair, pair)]
    }

    /// Reads and replaces what is in the slots of this address and pair.
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
            let paid_at = shard.entry(&slot, now);
            let before = *paid_at;
            *paid_at = next(before);
            before
        })
    }

    /// Fills the slots of this number until then; returns what was in them.
    fn owe(slots: &Slots, number: u64, now: u64, until: u64) -> [u64; 2] {
        exchange(slots, number, !number, now, |_| until)
    }

    fn owed(slots: &Slots, number: u64, now: u64) -> [u64; 2] {
        exchange(slots, number, !number, now, |paid_at| paid_at)
    }

    #[test]
    fn all_slots_are_taken_or_none() {
        let slots = Slots::new(1 << 12);
        let take = |address, pair| slots.take(slots_of(address, pair).into_iter(), 0);
        for _ in 0..3 {
            assert_eq!(take(1, 1), Ok(()));
        }
        assert_eq!(take(1, 2), Err(Duration::from_nanos(10)), "the address is full");
        assert_eq!(take(2, 2), Ok(()), "and nothing of pair 2 was taken");
        assert_eq!(exchange(&slots, 2, 2, 0, |paid_at| paid_at), [10, 10]);
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let slots = Slots::new(1 << 12);
        let two = || slots_of(1, 1).into_iter();
        for _ in 0..1000 {
            assert_eq!(slots.take(two(), 0), Ok(()));
            slots.give_back(two(), 0);
        }
        for _ in 0..5 {
            slots.charge(two(), 0);
        }
        assert_eq!(slots.check(two(), 0), Err(Duration::from_nanos(10)), "no deeper than full");
        slots.give_back(two(), 0);
        assert_eq!(slots.check(two(), 0), Ok(()));
        assert_eq!(slots.take(two(), 0), Ok(()), "a check takes nothing");
        assert!(slots.take(two(), 0).is_err());
    }

    #[test]
    fn each_client_has_two_slots_of_its_own() {
        let slots = Slots::new(1 << 17);
        for number in 0..1000 {
            assert_eq!(owe(&slots, number, 0, 100 + number), [0, 0], "{number}");
        }
        for number in 0..1000 {
            assert_eq!(owed(&slots, number, 99), [100 + number; 2], "{number}");
        }
        let of = |pair: u64| exchange(&slots, 1, pair, 99, |paid_at| paid_at);
        assert_eq!([of(!1), of(!(1 << 40))], [[101, 101], [101, 0]]);
    }

    #[test]
    fn a_flood_takes_no_memory_and_evicts_no_slot() {
        const EARLIER: u64 = 10_000;
        let slots = Slots::new(1 << 17);
        for number in 0..EARLIER {
            owe(&slots, number, 0, 100 + number);
        }
        let flood = allocation_counter::measure(|| {
            for number in EARLIER..EARLIER + 1_000_000 {
                owe(&slots, number, 0, 50);
            }
        });
        assert_eq!(flood.count_total, 0);
        let shared_by = (0..EARLIER).filter(|number| owed(&slots, *number, 0) != [100 + number; 2]);
        assert_eq!(shared_by.count(), 0);
    }

    /// Small, and with no cell that is free before 50.
    fn full() -> Slots {
        let slots = Slots::new(1 << 12);
        for number in 0..100_000 {
            owe(&slots, number, 0, 50);
        }
        slots
    }

    #[test]
    fn a_client_without_a_slot_shares_one_until_one_is_free() {
        let (slots, newcomer, others) = (full(), 100_000, 100_001..200_000);
        let as_deep =
            |debt| others.clone().filter(|other| owed(&slots, *other, 49)[0] == debt).count();
        assert_eq!(owe(&slots, newcomer, 49, 60), [50; 2]);
        assert_ne!(as_deep(60), 0, "shared");
        assert_eq!(owe(&slots, newcomer, 50, 70), [50; 2], "one that is paid for");
        assert_eq!(as_deep(70), 0, "of its own");
        assert_eq!(owed(&slots, newcomer, 50), [70; 2]);
    }

    #[test]
    fn a_shared_slot_is_shared_by_few() {
        let (slots, attacker, others) = (full(), 100_000, 100_001..200_000);
        owe(&slots, attacker, 0, 99);
        let hit = others.filter(|number| owed(&slots, *number, 0)[0] == 99).count();
        assert!((1..200).contains(&hit), "{hit} of 100,000, in {} slots", SHARDS * SHARED);
    }

    #[test]
    fn a_slot_that_is_paid_for_is_free_for_others() {
        let slots = Slots::new(1);
        for number in 0..10_000 {
            assert!(owe(&slots, number, number, number + 1)[0] <= number, "{number}");
        }
    }

    #[test]
    fn slots_are_shared_only_where_most_are_taken() {
        let slots = Slots::new(1 << 17);
        let alone = (0..1 << 14).filter(|number| owe(&slots, *number, 0, 50) == [0, 0]).count();
        assert!(alone > (1 << 14) - 20, "{alone} of {}", 1 << 14);
    }
}
