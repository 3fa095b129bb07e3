//! Who has tried how much lately, in memory whose size never changes.

use std::sync::{Mutex, PoisonError};

/// The memory is split into this many parts, so that cores do not wait for each other.
const SHARDS: usize = 64;
/// So many cells are looked at to find one: 128 bytes, two lines of a cache.
const WAYS: usize = 8;
/// How many cells of each shard and kind are shared by those for whom there is none.
const SHARED: usize = 16;

/// Of whom a cell is: a keyed digest. Nobody outside can tell whose lie side by side.
///
/// Its words choose the shard, the place in it, the cell to share if that place is taken, and the
/// last tells who it is. Who has the same last one shares a cell, which harms neither.
pub(super) type Key = [u64; 4];

/// A cell for every address that tried lately, and for every address and user. A cell is the time
/// at which all tries are paid for, see [`Limit::next`](super::Limit::next); then it is free.
///
/// A cell that is not free is never taken away: whoever comes from many addresses could otherwise
/// have his own debts forgotten. Who finds none shares one with others, by chance, until one is
/// free.
pub(super) struct Cells {
    shards: Box<[Mutex<Shard>]>,
}

struct Shard {
    addresses: Table,
    pairs: Table,
}

struct Table {
    places: Box<[[Cell; WAYS]]>,
    shared: [u64; SHARED],
}

#[derive(Clone, Copy, Default)]
struct Cell {
    whose: u64,
    paid_at: u64,
}

impl Cells {
    /// About so many cells, half of them for addresses, half for addresses and users: 16 bytes each.
    pub(super) fn new(cells: usize) -> Self {
        let places = (cells / (2 * SHARDS * WAYS)).max(1);
        let table = || Table {
            places: vec![[Cell::default(); WAYS]; places].into_boxed_slice(),
            shared: [0; SHARED],
        };
        let shard = || Mutex::new(Shard { addresses: table(), pairs: table() });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Gives the cells of an address, and of it with a user, to this function, and to nobody else
    /// meanwhile. Both are in the shard that the address chooses.
    pub(super) fn with<T>(
        &self,
        address: Key,
        pair: Key,
        now: u64,
        judge: impl FnOnce(&mut u64, &mut u64) -> T,
    ) -> T {
        let shard = &self.shards[address[0] as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let Shard { addresses, pairs } = &mut *shard;
        judge(addresses.cell(address, now), pairs.cell(pair, now))
    }
}

impl Table {
    /// Its own cell, one that is free, or one to share.
    fn cell(&mut self, [_, place, shared, whose]: Key, now: u64) -> &mut u64 {
        let place = place as usize % self.places.len();
        let cells = &mut self.places[place];
        let own = cells.iter().position(|cell| cell.whose == whose);
        let free = || cells.iter().position(|cell| cell.paid_at <= now);
        match own.or_else(free) {
            Some(at) => {
                cells[at].whose = whose;
                &mut cells[at].paid_at
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

    /// Puts the cells of this number into debt until then; what was in them.
    fn owe(cells: &Cells, number: u64, now: u64, until: u64) -> [u64; 2] {
        cells.with(key(number), key(!number), now, |address, pair| {
            let before = [*address, *pair];
            (*address, *pair) = (until, until);
            before
        })
    }

    fn owed(cells: &Cells, number: u64, now: u64) -> [u64; 2] {
        cells.with(key(number), key(!number), now, |address, pair| [*address, *pair])
    }

    #[test]
    fn everybody_has_two_cells_of_his_own() {
        let cells = Cells::new(1 << 17);
        for number in 0..1000 {
            assert_eq!(owe(&cells, number, 0, 100 + number), [0, 0], "{number}");
        }
        for number in 0..1000 {
            assert_eq!(owed(&cells, number, 99), [100 + number; 2], "{number}");
        }
        let [address, pair, other] = [key(1), key(!1), key(!2)];
        assert_eq!(cells.with(address, other, 99, |address, pair| [*address, *pair]), [101, 0]);
        assert_eq!(cells.with(address, pair, 99, |address, pair| [*address, *pair]), [101, 101]);
    }

    #[test]
    fn a_million_addresses_take_no_memory_and_no_debt_away() {
        const EARLIER: u64 = 10_000;
        let cells = Cells::new(1 << 17);
        for number in 0..EARLIER {
            owe(&cells, number, 0, 100 + number);
        }
        let flood = allocation_counter::measure(|| {
            for number in EARLIER..EARLIER + 1_000_000 {
                owe(&cells, number, 0, 50);
            }
        });
        assert_eq!(flood.count_total, 0);
        let shared_by = (0..EARLIER).filter(|number| owed(&cells, *number, 0) != [100 + number; 2]);
        assert_eq!(shared_by.count(), 0);
    }

    /// Small, and with no cell that is free before 50.
    fn full() -> Cells {
        let cells = Cells::new(1 << 12);
        for number in 0..100_000 {
            owe(&cells, number, 0, 50);
        }
        cells
    }

    #[test]
    fn who_finds_no_cell_shares_one_until_one_is_free() {
        let (cells, newcomer, others) = (full(), 100_000, 100_001..200_000);
        let as_deep =
            |debt| others.clone().filter(|other| owed(&cells, *other, 49)[0] == debt).count();
        assert_eq!(owe(&cells, newcomer, 49, 60), [50; 2]);
        assert_ne!(as_deep(60), 0, "shared");
        assert_eq!(owe(&cells, newcomer, 50, 70), [50; 2], "one that is paid for");
        assert_eq!(as_deep(70), 0, "of its own");
        assert_eq!(owed(&cells, newcomer, 50), [70; 2]);
    }

    #[test]
    fn a_cell_is_shared_by_few() {
        let (cells, attacker, others) = (full(), 100_000, 100_001..200_000);
        owe(&cells, attacker, 0, 99);
        let hit = others.filter(|number| owed(&cells, *number, 0)[0] == 99).count();
        assert!((1..200).contains(&hit), "{hit} of 100,000, in {} cells", SHARDS * SHARED);
    }

    #[test]
    fn what_is_paid_for_is_free_for_others() {
        let cells = Cells::new(1);
        for number in 0..10_000 {
            assert!(owe(&cells, number, number, number + 1)[0] <= number, "{number}");
        }
    }

    #[test]
    fn cells_are_shared_only_where_most_are_taken() {
        let cells = Cells::new(1 << 17);
        let alone = (0..1 << 14).filter(|number| owe(&cells, *number, 0, 50) == [0, 0]).count();
        assert!(alone > (1 << 14) - 20, "{alone} of {}", 1 << 14);
    }
}
