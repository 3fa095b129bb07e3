//! Attempt stores keep the rules of [`testing`](crate::testing::stores).

use std::time::Duration;

use super::remote::{Failure, Remote};
use crate::auth::BoxError;
use crate::stores::AttemptStep::{self, Check, GiveBack, Take};
use crate::stores::{
    AttemptKeys, AttemptStatus, AttemptStore, BoxAttemptStore, MemoryAttemptStore, Quota,
};
use crate::testing::stores::attempt_store;

const THREE: Quota = Quota::from_static(3, Duration::from_secs(3600));

fn remote(failure: Failure) -> Remote<MemoryAttemptStore> {
    Remote::new(MemoryAttemptStore::new(), failure)
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_rules() {
    attempt_store(async || MemoryAttemptStore::new()).await;
    attempt_store(async || BoxAttemptStore::new(MemoryAttemptStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn a_remote_store_keeps_the_rules() {
    attempt_store(async || remote(Failure::Never)).await;
    attempt_store(async || BoxAttemptStore::new(remote(Failure::Never))).await;
}

#[tokio::test]
async fn one_store_for_all_rules_keeps_them() {
    let shared = BoxAttemptStore::new(MemoryAttemptStore::new());
    attempt_store(async || shared.clone()).await;
}

/// A store that applies other steps than it is asked to.
struct Faulty(fn(AttemptStep) -> AttemptStep, MemoryAttemptStore);

impl AttemptStore for Faulty {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        Ok(self.1.apply_now(self.0(step), keys))
    }
}

async fn check_faulty(fault: fn(AttemptStep) -> AttemptStep) {
    attempt_store(async || Faulty(fault, MemoryAttemptStore::new())).await;
}

#[tokio::test]
#[should_panic(expected = "the store breaks the rule `each_counter_allows_its_burst`: no limit")]
async fn a_store_that_counts_nothing_is_found() {
    check_faulty(|step| if step == Take { Check } else { step }).await;
}

#[tokio::test]
#[should_panic(expected = "the store breaks the rule `a_check_takes_nothing`")]
async fn a_store_that_counts_checks_is_found() {
    check_faulty(|step| if step == Check { Take } else { step }).await;
}

#[tokio::test]
#[should_panic(expected = "the store breaks the rule `known_clients_have_counters_of_their_own`")]
async fn a_store_that_gives_back_elsewhere_is_found() {
    check_faulty(|step| match step {
        GiveBack { .. } => GiveBack { was_known: false },
        step => step,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_erased_store_reports_failures() {
    let store = BoxAttemptStore::new(remote(Failure::Always));
    let error = store.apply(Take, &AttemptKeys::new(1, THREE)).await.unwrap_err();
    assert_eq!(error.to_string(), "connection reset");
}

#[tokio::test]
async fn clones_of_an_erased_store_share_it() {
    let keys = AttemptKeys::new(1, THREE).address(1, THREE);
    let first = BoxAttemptStore::new(MemoryAttemptStore::new());
    for _ in 0..3 {
        assert_eq!(first.clone().apply(Take, &keys).await.unwrap().wait, None);
    }
    assert!(first.apply(Take, &keys).await.unwrap().wait.is_some());
}
