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
    let with_tat = |tat| others.clone().filter(|other| tats(&slots, *other, 49)[0] == tat).count();
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
    let unshared = (0..1 << 14).filter(|number| set_tats(&slots, *number, 0, 50) == [0, 0]).count();
    assert!(unshared > (1 << 14) - 20, "{unshared} of {}", 1 << 14);
}
