//! Floods, of which the store sees a part.

use super::*;

#[tokio::test]
async fn a_flood_of_new_addresses_reaches_the_store_in_part() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    let mut asked = 0;
    for number in 0..20_000 {
        clock.wait(u64::from(number % 5_000 == 0));
        // Twice each: the second request of an address does not make it an old one.
        for password in ["one", "two"] {
            let status = replica.request(ipv4(number), "alice", password).await;
            assert!([401, 429].contains(&status));
        }
        asked += store.asked().len();
    }
    assert!((2 * 4_000..=2 * 5_000).contains(&asked), "{asked}");
}

#[tokio::test]
async fn new_addresses_beyond_the_budget_are_limited_here() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    for number in 0..1000 {
        replica.request(ipv4(number), "alice", "?").await;
    }
    store.asked();
    assert_eq!(replica.fail(HOME, "alice").await, 10);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 429);
    assert_eq!(replica.request(HOME, "bob", BOB.1).await, 200);
    assert_eq!(store.asked(), []);
    clock.wait(1);
    assert_eq!(replica.fail(HOME, "carol").await, 10, "its address is admitted now");
    assert_eq!(store.asked().len(), 11);
}

/// The kind of fault: an address that is refused asks the store at full speed.
#[tokio::test]
async fn a_waiting_address_asks_the_store_within_a_budget() {
    for passwords in [|n: u32| format!("wrong {n}"), |_| ALICE.1.to_owned()] {
        let clock = Clock::default();
        let store = Probe::new(&clock);
        let (first, second) = (Replica::new(store.clone()), Replica::new(store.clone()));
        let (first, second) = (first.with_clock(&clock), second.with_clock(&clock));
        assert_eq!(first.fail(HOME, "alice").await, 10);
        store.asked();
        for n in 0..10_000 {
            assert_eq!(second.request(HOME, "alice", &passwords(n)).await, 429);
        }
        assert!((100..=120).contains(&store.asked().len()));
        clock.wait(1);
        for n in 0..10_000 {
            assert_eq!(second.request(HOME, "alice", &passwords(n)).await, 429);
        }
        assert!((10..=20).contains(&store.asked().len()));
    }
}
