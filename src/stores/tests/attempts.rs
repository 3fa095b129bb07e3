//! The rules of every attempt store.

use std::sync::Arc;
use std::time::Duration;

use super::remote::{Failure, Remote};
use crate::stores::AttemptStep::{Charge, Check, GiveBack, Remember, Take};
use crate::stores::{
    AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, BoxAttemptStore, MemoryAttemptStore,
    Quota,
};

const HOUR: Duration = Duration::from_secs(3600);
const FIVE: Quota = Quota::from_static(5, HOUR);
const THREE: Quota = Quota::from_static(3, HOUR);
const UNKNOWN: AttemptStep = GiveBack { was_known: false };
const KNOWN: AttemptStep = GiveBack { was_known: true };

/// Returns the keys of a client that claims one user: five attempts of the address, three of both.
fn keys(client: u64, user: u64) -> AttemptKeys {
    let hash =
        |number: u64| u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    AttemptKeys::new(client, THREE).address(hash(client), FIVE).user(
        user,
        hash(client << 32 | user),
        THREE,
    )
}

async fn apply(store: &impl AttemptStore, step: AttemptStep, keys: &AttemptKeys) -> AttemptStatus {
    store.apply(step, keys).await.unwrap()
}

/// Takes attempts until the store demands a wait; returns their number.
async fn take_all(store: &impl AttemptStore, keys: &AttemptKeys) -> usize {
    let mut taken = 0;
    while apply(store, Take, keys).await.wait.is_none() {
        taken += 1;
    }
    taken
}

async fn each_counter_allows_its_burst(store: impl AttemptStore) {
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3, "of the user");
    assert_eq!(take_all(&store, &keys(1, 2)).await, 2, "left of the address");
    assert_eq!(take_all(&store, &keys(2, 1)).await, 3, "of another address");
    let wait = apply(&store, Take, &keys(1, 3)).await.wait.unwrap();
    assert!(wait <= HOUR && wait > HOUR - Duration::from_secs(60), "{wait:?}");
}

async fn counters_are_taken_all_or_none(store: impl AttemptStore) {
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3);
    for _ in 0..10 {
        assert!(apply(&store, Take, &keys(1, 1)).await.wait.is_some());
    }
    assert_eq!(take_all(&store, &keys(1, 2)).await, 2, "nothing more of the address");
}

async fn a_check_takes_nothing(store: impl AttemptStore) {
    for _ in 0..10 {
        assert_eq!(apply(&store, Check, &keys(1, 1)).await, AttemptStatus::default());
    }
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3);
    assert!(apply(&store, Check, &keys(1, 1)).await.wait.is_some());
}

async fn given_back_attempts_are_allowed_again(store: impl AttemptStore) {
    for _ in 0..10 {
        assert_eq!(apply(&store, Take, &keys(1, 1)).await.wait, None);
        apply(&store, UNKNOWN, &keys(1, 1)).await;
    }
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3);
    apply(&store, UNKNOWN, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 1);
}

async fn charges_fill_counters_and_no_more(store: impl AttemptStore) {
    for _ in 0..10 {
        apply(&store, Charge, &keys(1, 1)).await;
    }
    assert!(apply(&store, Take, &keys(1, 1)).await.wait.is_some());
    apply(&store, UNKNOWN, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 1);
}

async fn known_clients_have_counters_of_their_own(store: impl AttemptStore) {
    apply(&store, Remember, &keys(1, 1)).await;
    assert!(apply(&store, Check, &keys(1, 1)).await.known);
    assert!(!apply(&store, Check, &keys(1, 2)).await.known, "another user");
    assert!(!apply(&store, Check, &keys(2, 1)).await.known, "another client");
    assert_eq!(take_all(&store, &keys(1, 2)).await + take_all(&store, &keys(1, 3)).await, 5);
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3, "the address is full");
    apply(&store, Remember, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 0, "attempts still count");
    apply(&store, KNOWN, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 1);
    for _ in 0..10 {
        apply(&store, Charge, &keys(1, 1)).await;
    }
    assert!(apply(&store, Check, &keys(1, 1)).await.wait.is_some());
}

async fn attempts_of_known_clients_do_not_count_for_others(store: impl AttemptStore) {
    apply(&store, Remember, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3);
    assert_eq!(take_all(&store, &keys(1, 2)).await, 3);
}

async fn attempts_are_given_back_where_they_were_taken(store: impl AttemptStore) {
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3);
    apply(&store, Remember, &keys(1, 1)).await;
    apply(&store, UNKNOWN, &keys(1, 1)).await;
    assert_eq!(take_all(&store, &keys(1, 1)).await, 3, "as a known client");
    assert_eq!(take_all(&store, &keys(1, 2)).await, 3, "two of five were left");
}

async fn a_client_is_known_to_all_subjects_or_not_at_all(store: impl AttemptStore) {
    let both = || keys(1, 1).user(2, 99, THREE);
    apply(&store, Remember, &keys(1, 1)).await;
    assert!(!apply(&store, Check, &both()).await.known);
    apply(&store, Remember, &both()).await;
    assert!(apply(&store, Check, &both()).await.known);
    assert!(apply(&store, Check, &keys(1, 2)).await.known);
}

async fn a_client_without_subjects_is_not_known(store: impl AttemptStore) {
    let none = AttemptKeys::new(1, THREE).address(1, FIVE);
    apply(&store, Remember, &none).await;
    assert!(!apply(&store, Check, &none).await.known);
    let token = || none.clone().credential(7);
    apply(&store, Remember, &token()).await;
    assert!(apply(&store, Check, &token()).await.known);
    let mut hidden = token();
    hidden.hide_subjects(true);
    assert!(!apply(&store, Check, &hidden).await.known);
    assert_eq!(take_all(&store, &hidden).await, 5, "of the address");
}

async fn concurrent_attempts_pass_one_burst(store: impl AttemptStore) {
    let store = Arc::new(store);
    apply(&*store, Remember, &keys(9, 9)).await;
    for (client, user, burst) in [(1, 1, 3), (9, 9, 3)] {
        let attempts: Vec<_> = (0..64)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { apply(&*store, Take, &keys(client, user)).await.wait })
            })
            .collect();
        let mut passed = 0;
        for attempt in attempts {
            passed += usize::from(attempt.await.unwrap().is_none());
        }
        assert_eq!(passed, burst);
    }
}

for_each_store! {
    MemoryAttemptStore, BoxAttemptStore;
    each_counter_allows_its_burst
    counters_are_taken_all_or_none
    a_check_takes_nothing
    given_back_attempts_are_allowed_again
    charges_fill_counters_and_no_more
    known_clients_have_counters_of_their_own
    attempts_of_known_clients_do_not_count_for_others
    attempts_are_given_back_where_they_were_taken
    a_client_is_known_to_all_subjects_or_not_at_all
    a_client_without_subjects_is_not_known
    concurrent_attempts_pass_one_burst
}

#[tokio::test(start_paused = true)]
async fn an_erased_store_reports_failures() {
    let remote = Remote::new(MemoryAttemptStore::new(), Failure::Always);
    let error = BoxAttemptStore::new(remote).apply(Take, &keys(1, 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "connection reset");
}

#[tokio::test]
async fn clones_of_an_erased_store_share_it() {
    let first = BoxAttemptStore::new(MemoryAttemptStore::new());
    assert_eq!(take_all(&first.clone(), &keys(1, 1)).await, 3);
    assert_eq!(take_all(&first, &keys(1, 1)).await, 0);
}
