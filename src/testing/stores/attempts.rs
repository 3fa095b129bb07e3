//! The rules of every attempt store.

use std::time::Duration;

use super::join_all::join_all;
use super::rule::check_rules;
use crate::crypto::random;
use crate::stores::AttemptStep::{Charge, Check, GiveBack, Remember, Take};
use crate::stores::{AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, Quota};

const HOUR: Duration = Duration::from_secs(3600);
const FIVE: Quota = Quota::from_static(5, HOUR);
const THREE: Quota = Quota::from_static(3, HOUR);
const UNKNOWN: AttemptStep = GiveBack { was_known: false };
const KNOWN: AttemptStep = GiveBack { was_known: true };

/// Checks the rules of attempt stores. Each of them gets a store from `new`, which may be the same one.
///
/// # Panics
///
/// With the name of the rule that the store breaks, or if the store fails.
pub async fn attempt_store<S: AttemptStore>(new: impl AsyncFn() -> S) {
    check_rules! {
        new;
        each_counter_allows_its_burst
        counters_are_taken_all_or_none
        a_check_takes_nothing
        given_back_attempts_are_allowed_again
        charges_fill_counters_and_no_more
        a_burst_is_refilled_in_time
        known_clients_have_counters_of_their_own
        attempts_of_known_clients_do_not_count_for_others
        attempts_are_given_back_where_they_were_taken
        a_client_is_known_to_all_subjects_or_not_at_all
        a_client_without_subjects_is_not_known
        concurrent_attempts_pass_one_burst
    }
}

/// A store with clients and users that no other rule has.
struct Scene<S> {
    store: S,
    base: u64,
}

impl<S: AttemptStore> Scene<S> {
    fn new(store: S) -> Self {
        Self { store, base: u64::from_be_bytes(random()) }
    }

    /// Returns a number that is the same for the same number.
    fn hash(&self, number: u64) -> u64 {
        self.base ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn wide_hash(&self, number: u64) -> u128 {
        u128::from(self.hash(number)) << 64 | u128::from(self.hash(number + 1).rotate_left(17))
    }

    /// Returns the keys of a client that claims no user: five attempts of the address.
    fn client(&self, client: u64) -> AttemptKeys {
        AttemptKeys::new(self.hash(client), THREE).address(self.wide_hash(1000 * client), FIVE)
    }

    /// Returns the keys of a client that claims one user: five attempts of the address, three of both.
    fn keys(&self, client: u64, user: u64) -> AttemptKeys {
        self.and_user(self.client(client), client, user)
    }

    fn and_user(&self, keys: AttemptKeys, client: u64, user: u64) -> AttemptKeys {
        keys.user(self.hash(user + (1 << 32)), self.wide_hash(1000 * client + 10 * user), THREE)
    }

    async fn apply(&self, step: AttemptStep, keys: &AttemptKeys) -> AttemptStatus {
        let applied = self.store.apply(step, keys).await;
        applied.unwrap_or_else(|error| panic!("{step:?} failed: {error}"))
    }

    /// Takes attempts until the store demands a wait; returns their number.
    async fn take_all(&self, keys: &AttemptKeys) -> usize {
        for taken in 0..100 {
            if self.apply(Take, keys).await.wait.is_some() {
                return taken;
            }
        }
        panic!("no limit after 100 attempts")
    }
}

async fn each_counter_allows_its_burst(store: impl AttemptStore) {
    let scene = Scene::new(store);
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3, "of the user");
    assert_eq!(scene.take_all(&scene.keys(1, 2)).await, 2, "left of the address");
    assert_eq!(scene.take_all(&scene.keys(2, 1)).await, 3, "of another address");
    let wait = scene.apply(Take, &scene.keys(1, 3)).await.wait.unwrap_or_default();
    assert!(wait <= HOUR && wait > HOUR - Duration::from_secs(60), "{wait:?}");
}

async fn counters_are_taken_all_or_none(store: impl AttemptStore) {
    let scene = Scene::new(store);
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3);
    for _ in 0..10 {
        assert!(scene.apply(Take, &scene.keys(1, 1)).await.wait.is_some());
    }
    assert_eq!(scene.take_all(&scene.keys(1, 2)).await, 2, "nothing more of the address");
}

async fn a_check_takes_nothing(store: impl AttemptStore) {
    let scene = Scene::new(store);
    for _ in 0..10 {
        assert_eq!(scene.apply(Check, &scene.keys(1, 1)).await, AttemptStatus::default());
    }
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3);
    assert!(scene.apply(Check, &scene.keys(1, 1)).await.wait.is_some());
}

async fn given_back_attempts_are_allowed_again(store: impl AttemptStore) {
    let scene = Scene::new(store);
    for _ in 0..10 {
        assert_eq!(scene.apply(Take, &scene.keys(1, 1)).await.wait, None);
        scene.apply(UNKNOWN, &scene.keys(1, 1)).await;
    }
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3);
    scene.apply(UNKNOWN, &scene.keys(1, 1)).await;
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 1);
}

async fn charges_fill_counters_and_no_more(store: impl AttemptStore) {
    let scene = Scene::new(store);
    for _ in 0..10 {
        scene.apply(Charge, &scene.keys(1, 1)).await;
    }
    assert!(scene.apply(Take, &scene.keys(1, 1)).await.wait.is_some());
    scene.apply(UNKNOWN, &scene.keys(1, 1)).await;
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 1);
}

async fn a_burst_is_refilled_in_time(store: impl AttemptStore) {
    let scene = Scene::new(store);
    let short = Quota::from_static(2, Duration::from_millis(50));
    let keys = AttemptKeys::new(scene.hash(1), short).address(scene.wide_hash(1), short);
    let started = std::time::Instant::now();
    let mut taken = 0;
    while taken < 6 {
        match scene.apply(Take, &keys).await.wait {
            None => taken += 1,
            Some(wait) => tokio::time::sleep(wait.min(short.interval())).await,
        }
    }
    let elapsed = started.elapsed();
    assert!(elapsed >= 4 * short.interval() - Duration::from_millis(5), "{elapsed:?}");
}

async fn known_clients_have_counters_of_their_own(store: impl AttemptStore) {
    let scene = Scene::new(store);
    let keys = |client, user| scene.keys(client, user);
    scene.apply(Remember, &keys(1, 1)).await;
    assert!(scene.apply(Check, &keys(1, 1)).await.known);
    assert!(!scene.apply(Check, &keys(1, 2)).await.known, "another user");
    assert!(!scene.apply(Check, &keys(2, 1)).await.known, "another client");
    assert_eq!(scene.take_all(&keys(1, 2)).await + scene.take_all(&keys(1, 3)).await, 5);
    assert_eq!(scene.take_all(&keys(1, 1)).await, 3, "the address is full");
    scene.apply(Remember, &keys(1, 1)).await;
    assert_eq!(scene.take_all(&keys(1, 1)).await, 0, "attempts still count");
    scene.apply(KNOWN, &keys(1, 1)).await;
    assert_eq!(scene.take_all(&keys(1, 1)).await, 1);
    for _ in 0..10 {
        scene.apply(Charge, &keys(1, 1)).await;
    }
    assert!(scene.apply(Check, &keys(1, 1)).await.wait.is_some());
}

async fn attempts_of_known_clients_do_not_count_for_others(store: impl AttemptStore) {
    let scene = Scene::new(store);
    scene.apply(Remember, &scene.keys(1, 1)).await;
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3);
    assert_eq!(scene.take_all(&scene.keys(1, 2)).await, 3);
}

async fn attempts_are_given_back_where_they_were_taken(store: impl AttemptStore) {
    let scene = Scene::new(store);
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3);
    scene.apply(Remember, &scene.keys(1, 1)).await;
    scene.apply(UNKNOWN, &scene.keys(1, 1)).await;
    assert_eq!(scene.take_all(&scene.keys(1, 1)).await, 3, "as a known client");
    assert_eq!(scene.take_all(&scene.keys(1, 2)).await, 3, "two of five were left");
}

async fn a_client_is_known_to_all_subjects_or_not_at_all(store: impl AttemptStore) {
    let scene = Scene::new(store);
    let both = scene.and_user(scene.keys(1, 1), 1, 2);
    scene.apply(Remember, &scene.keys(1, 1)).await;
    assert!(!scene.apply(Check, &both).await.known);
    assert_eq!(scene.take_all(&both).await, 3, "of each user");
    scene.apply(Remember, &both).await;
    assert!(scene.apply(Check, &both).await.known);
    assert_eq!(scene.take_all(&both).await, 3, "of each user, as a known client");
    assert!(scene.apply(Check, &scene.keys(1, 2)).await.known);
    assert_eq!(scene.take_all(&scene.keys(1, 2)).await, 0);
}

async fn a_client_without_subjects_is_not_known(store: impl AttemptStore) {
    let scene = Scene::new(store);
    scene.apply(Remember, &scene.client(1)).await;
    assert!(!scene.apply(Check, &scene.client(1)).await.known);
    let token = || scene.client(1).credential(scene.hash(7));
    scene.apply(Remember, &token()).await;
    assert!(scene.apply(Check, &token()).await.known);
    let mut hidden = token();
    hidden.hide_subjects(true);
    assert!(!scene.apply(Check, &hidden).await.known);
    assert_eq!(scene.take_all(&hidden).await, 5, "of the address");
}

async fn concurrent_attempts_pass_one_burst(store: impl AttemptStore) {
    let scene = Scene::new(store);
    scene.apply(Remember, &scene.keys(9, 9)).await;
    for keys in [scene.keys(1, 1), scene.keys(9, 9)] {
        let statuses = join_all((0..64).map(|_| scene.apply(Take, &keys))).await;
        assert_eq!(statuses.iter().filter(|status| status.wait.is_none()).count(), 3);
    }
}
