//! Runtimes that end or stand still, and a task that panics.

use tokio::runtime::{Builder, Runtime};

use super::*;

/// Returns a runtime whose clock the test sets.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

#[test]
fn keys_of_a_runtime_that_ended_are_refreshed_in_another() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    let first = runtime();
    assert_eq!(first.block_on(verdict(&keys, "a")), Known);
    drop(first);
    issuer.now(Does::Publish(&["a", "b"]));
    runtime().block_on(async {
        // At once, and not when somebody misses the task.
        tokio::time::timeout(Duration::from_secs(1), keys.refresh()).await.unwrap().unwrap();
        assert_eq!(verdict(&keys, "b").await, Known);
    });
}

#[test]
fn a_fetch_that_its_runtime_interrupts_is_no_failure() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    let first = runtime();
    first.block_on(async {
        assert_eq!(look(&keys, "a"), None);
        pass(1).await;
    });
    assert_eq!(issuer.fetches(), 1);
    drop(first);
    issuer.now(Does::Publish(&["a"]));
    assert_eq!(runtime().block_on(verdict(&keys, "a")), Known);
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_runtime_that_stands_still_is_left() {
    let (issuer, keys) = FakeIssuer::that(Does::Wait);
    let (still, other) = (runtime(), runtime());
    still.block_on(async {
        assert_eq!(look(&keys, "a"), None);
        pass(1).await;
    });
    // It exists, and its task is not polled. Another task begins a fetch once it is missed.
    other.block_on(async {
        let missed = tokio::time::timeout(Duration::from_secs(65), keys.fetched()).await;
        assert!(missed.is_err());
    });
    assert_eq!(issuer.fetches(), 2);
    // The end of the first task does not concern the second one.
    drop(still);
    issuer.now(Does::Publish(&["a"]));
    assert_eq!(other.block_on(verdict(&keys, "a")), Known);
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn without_a_runtime_keys_are_unavailable() {
    let (issuer, keys) = FakeIssuer::that(Does::Publish(&["a"]));
    assert_eq!(look(&keys, "a"), Some(Unavailable(30)));
    let error = futures::executor::block_on(keys.refresh()).unwrap_err().to_string();
    assert!(error.contains("Tokio runtime"), "{error}");
    futures::executor::block_on(keys.fetched());
    assert_eq!(issuer.fetches(), 0);
    assert_eq!(runtime().block_on(verdict(&keys, "a")), Known);
}

#[tokio::test(start_paused = true)]
async fn old_keys_end_even_if_no_task_runs() {
    let (_issuer, keys) = FakeIssuer::that(Does::PublishFor(&["a"], Duration::MAX));
    assert_eq!(verdict(&keys, "a").await, Known);
    let a = revocation(&keys, "a").unwrap();
    // The clock goes on before the task does.
    tokio::time::advance(Duration::from_secs(25 * 3600)).await;
    assert!(keys.with_current(KeySet::is_empty));
    assert!(a.is_revoked());
    assert_eq!(verdict(&keys, "a").await, Known);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_fetch_is_a_failure() {
    let (issuer, keys) = FakeIssuer::that(Does::Panic);
    assert_eq!(verdict(&keys, "a").await, Unavailable(1));
    for _ in 0..100 {
        assert_eq!(look(&keys, "a"), Some(Unavailable(1)));
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.fetches(), 1);
    let error = keys.refresh().await.unwrap_err().to_string();
    assert!(error.contains("panicked"), "{error}");
    issuer.now(Does::Publish(&["a"]));
    pass(3).await;
    assert_eq!(verdict(&keys, "a").await, Known);
}
