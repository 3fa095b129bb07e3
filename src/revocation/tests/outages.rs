//! Stores that fail or hang.

use std::time::Duration;

use super::{FaultyStore, happens, start, until, watch_name};
use crate::auth::Principal;
use crate::revocation::{RevocationOptions, RevokeError};
use crate::stores::StoreKey;

#[tokio::test]
async fn start_fails_if_the_log_cannot_be_read() {
    let store = FaultyStore::default();
    store.set_reads_fail(true);
    let error =
        RevocationOptions::new().start(store.clone(), StoreKey::from([7; 32])).await.unwrap_err();
    assert_eq!(error.to_string(), "the log of revocations cannot be read: connection refused");
    store.set_reads_fail(false);
    start(store).await;
}

#[tokio::test]
async fn revocation_that_failed_is_active_here_and_published_later() {
    let store = FaultyStore::default();
    let (here, there) = (start(store.clone()).await, start(store.clone()).await);
    let (own, other) = (watch_name(&here, "alice"), watch_name(&there, "alice"));
    store.set_publications_fail(true);
    let error = here.revoke_principal(&Principal::new("alice")).await.unwrap_err();
    assert!(matches!(error, RevokeError::Failed(_)), "{error}");
    assert_eq!(error.to_string(), "revoked on this replica only: out of memory");
    assert!(own.is_revoked() && !other.is_revoked());
    store.set_publications_fail(false);
    happens(&other).await;
}

/// Case 49, in memory.
#[tokio::test(start_paused = true)]
async fn revocation_without_an_answer_is_unsure_and_active_here() {
    let store = FaultyStore::default();
    let (here, there) = (start(store.clone()).await, start(store.clone()).await);
    let (own, other) = (watch_name(&here, "alice"), watch_name(&there, "alice"));
    store.set_publications_hang(true);
    let error = here.revoke_principal(&Principal::new("alice")).await.unwrap_err();
    assert!(matches!(error, RevokeError::Unsure(_)), "{error}");
    assert!(own.is_revoked());
    happens(&other).await; // the store had executed it
}

#[tokio::test]
async fn revocation_whose_caller_gave_up_is_published_later() {
    let store = FaultyStore::default();
    let (here, there) = (start(store.clone()).await, start(store.clone()).await);
    let other = watch_name(&there, "alice");
    store.set_publications_fail(true);
    drop(here.revoke_principal(&Principal::new("alice")).await);
    store.set_publications_fail(false);
    happens(&other).await;
}

#[tokio::test]
async fn revocations_during_an_outage_arrive_after_it() {
    let store = FaultyStore::default();
    let (here, there) = (start(store.clone()).await, start(store.clone()).await);
    let other = watch_name(&there, "alice");
    store.set_reads_fail(true);
    here.revoke_principal(&Principal::new("alice")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!other.is_revoked(), "the log cannot be read");
    store.set_reads_fail(false);
    happens(&other).await;
}

/// Case 51.
#[tokio::test(start_paused = true)]
async fn silence_counts_from_the_last_answer() {
    let store = FaultyStore::default();
    let limit = Duration::from_secs(10);
    let options = RevocationOptions::new().refuse_when_deaf(limit);
    let strict = options.start(store.clone(), StoreKey::from([7; 32])).await.unwrap();
    let lenient = start(store.clone()).await;
    tokio::time::sleep(2 * limit).await;
    assert_eq!(strict.silence(), None, "the store answers, though it has nothing new");
    store.set_reads_fail(true);
    tokio::time::sleep(limit - Duration::from_secs(4)).await;
    assert_eq!(strict.silence(), None);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(strict.silence().is_some_and(|silence| silence > limit));
    assert_eq!(lenient.silence(), None, "it has no limit");
    assert!(strict.last_heard().elapsed() < 4 * limit);
    store.set_reads_fail(false);
    until(|| strict.silence().is_none()).await;
}

/// The store waits for less than that.
#[tokio::test(start_paused = true)]
async fn short_limit_of_silence_is_kept_by_a_store_that_is_well() {
    let options = RevocationOptions::new().refuse_when_deaf(Duration::from_secs(1));
    let revocations = options.start(FaultyStore::default(), StoreKey::from([7; 32])).await.unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(70)).await;
        assert_eq!(revocations.silence(), None);
    }
}

/// A reader without a wait between failures would use a processor.
#[tokio::test(start_paused = true)]
async fn failing_store_is_asked_about_once_a_second() {
    let store = FaultyStore::default();
    let _revocations = start(store.clone()).await;
    store.set_reads_fail(true);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = store.reads();
    tokio::time::sleep(Duration::from_secs(100)).await;
    let reads = store.reads() - before;
    assert!((90..=110).contains(&reads), "{reads}");
}
