//! The rules of every store of revocations, and what the one in memory does beyond them.

use std::time::Duration;

use crate::stores::{
    BoxRevocationStore, MemoryRevocationStore, RevocationCursor, RevocationEntry, RevocationKind,
    RevocationStore,
};
use crate::testing::stores;

const KEEP: Duration = Duration::from_secs(60);

fn entry(digest: u8) -> RevocationEntry {
    RevocationEntry::new(RevocationKind::Token, [digest; 16], [0; 4], 1)
}

async fn entries(store: &MemoryRevocationStore, after: &RevocationCursor) -> Vec<RevocationEntry> {
    store.read(after, Duration::ZERO).await.unwrap().entries
}

#[tokio::test]
async fn memory_store_passes_the_rules() {
    stores::revocation_store(async || MemoryRevocationStore::new()).await;
}

#[tokio::test]
async fn erased_store_passes_the_rules() {
    stores::revocation_store(async || BoxRevocationStore::new(MemoryRevocationStore::new())).await;
}

#[tokio::test(start_paused = true)]
async fn log_in_memory_removes_entries_that_are_too_old() {
    let store = MemoryRevocationStore::new();
    store.publish(&[entry(1)], KEEP).await.unwrap();
    let middle = store.read(&RevocationCursor::start(), KEEP).await.unwrap().next;
    tokio::time::advance(KEEP).await;
    store.publish(&[entry(2)], KEEP).await.unwrap();
    assert_eq!(entries(&store, &RevocationCursor::start()).await, [entry(1), entry(2)]);
    tokio::time::advance(Duration::from_millis(1)).await;
    store.publish(&[entry(3)], KEEP).await.unwrap();
    assert_eq!(entries(&store, &RevocationCursor::start()).await, [entry(2), entry(3)]);
    assert_eq!(entries(&store, &middle).await, [entry(2), entry(3)]);
}

#[tokio::test]
async fn cleared_log_is_another_log() {
    let store = MemoryRevocationStore::new();
    store.publish(&[entry(1)], KEEP).await.unwrap();
    let end = store.read(&RevocationCursor::start(), KEEP).await.unwrap().next;
    let same = store.clone().read(&end, Duration::ZERO).await.unwrap();
    assert!(!same.lost_history && same.entries.is_empty(), "clones share the log");
    store.clear();
    let page = store.read(&end, KEEP).await.unwrap();
    assert!(page.lost_history && page.entries.is_empty());
    assert!(!store.read(&page.next, Duration::ZERO).await.unwrap().lost_history);
}

/// A reader that waits while the log is cleared learns of it at once.
#[tokio::test(start_paused = true)]
async fn clearing_a_log_wakes_its_readers() {
    let store = MemoryRevocationStore::new();
    let end = store.read(&RevocationCursor::start(), Duration::ZERO).await.unwrap().next;
    let reader = store.clone();
    let waiting = tokio::spawn(async move { reader.read(&end, Duration::from_secs(3600)).await });
    tokio::task::yield_now().await;
    store.clear();
    let read = tokio::time::timeout(Duration::from_secs(1), waiting).await;
    assert!(read.expect("the reader wakes").unwrap().unwrap().lost_history);
}
