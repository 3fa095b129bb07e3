//! A store that is away: each replica counts alone.

use super::*;

#[tokio::test]
async fn without_the_store_each_replica_has_the_limit() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    store.set_away(true);
    let replicas = [(); 2].map(|()| Replica::new(store.clone()).with_clock(&clock));
    for replica in &replicas {
        assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200, "no response is 503");
        assert_eq!(replica.fail(HOME, "alice").await, 10, "a known client");
        assert_eq!(replica.fail(ELSEWHERE, "alice").await, 10);
        assert_eq!(replica.request(ELSEWHERE, "alice", ALICE.1).await, 429);
    }
    clock.wait(10);
    assert_eq!(replicas[0].fail(ELSEWHERE, "alice").await, 1);
}

#[tokio::test]
async fn attempts_before_an_outage_count_in_it() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    for n in 0..7 {
        assert_eq!(replica.request(HOME, "alice", &n.to_string()).await, 401);
    }
    store.set_away(true);
    assert_eq!(replica.fail(HOME, "alice").await, 3);
}

#[tokio::test]
async fn attempts_of_an_outage_are_not_copied_to_the_store() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    store.set_away(true);
    assert_eq!(replica.fail(HOME, "alice").await, 10);
    store.set_away(false);
    assert_eq!(replica.fail(HOME, "alice").await, 10, "the answer of the store counts");
    assert_eq!(replica.fail(HOME, "alice").await, 0);
}

/// Otherwise the store would not hear for a day that the client is known.
#[tokio::test]
async fn a_credential_verified_in_an_outage_is_reported_later() {
    let store = Probe::new(&Clock::default());
    let replica = Replica::new(store.clone());
    store.set_away(true);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
    store.set_away(false);
    store.asked();
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
    assert_eq!(store.asked().len(), 2);
    assert_eq!(replica.request(HOME, "alice", ALICE.1).await, 200);
    assert_eq!(store.asked().len(), 0);
}

/// The kind of fault: an attempt is decided, but not counted.
#[tokio::test]
async fn outcomes_that_the_store_misses_are_counted_here() {
    let clock = Clock::default();
    let store = Probe::new(&clock);
    let replica = Replica::new(store.clone()).with_clock(&clock);
    let unguessable = Attempt::claiming("ci").unguessable();
    for failed in 0..10 {
        store.set_away(false);
        let head = head(HOME, &failed.to_string());
        let decided = replica.0.decide_later(&head, &unguessable, &[], || None).await;
        store.set_away(true);
        decided.unwrap().permit.unwrap().settle_later(Outcome::Failed).await;
    }
    let head = head(HOME, "x");
    assert!(replica.0.decide_later(&head, &unguessable, &[], || None).await.is_err());
}
