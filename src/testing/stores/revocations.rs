//! The rules of every store of revocations.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stores::{RevocationCursor, RevocationEntry, RevocationKind, RevocationStore};

const KEEP: Duration = Duration::from_secs(3600);
/// A wait that ends early if the store does what it must.
const LONG: Duration = Duration::from_secs(20);

/// Checks that an implementation of [`RevocationStore`] does what the trait demands. The function returns a store
/// whose log is empty, each time that it is called.
///
/// ```
/// use mcp_auth_layer::stores::MemoryRevocationStore;
/// use mcp_auth_layer::testing::stores;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// stores::revocation_store(async || MemoryRevocationStore::new()).await;
/// # });
/// ```
///
/// # Panics
///
/// If the store breaks a rule. The message says which.
pub async fn revocation_store<S: RevocationStore>(empty: impl AsyncFn() -> S) {
    empty_log_has_an_empty_page(empty().await).await;
    entries_are_read_as_they_were_added(empty().await).await;
    reading_continues_after_the_cursor(empty().await).await;
    long_log_is_read_in_pages(empty().await).await;
    waiting_reader_gets_new_entries(empty().await).await;
    abandoned_read_loses_nothing(empty().await).await;
    entries_can_be_added_again(empty().await).await;
    cursor_of_another_log_starts_from_the_beginning(empty().await).await;
    concurrent_writers_lose_nothing(empty().await).await;
}

fn entry(number: u64) -> RevocationEntry {
    let mut digest = [0; 16];
    digest[4..12].copy_from_slice(&number.to_be_bytes());
    RevocationEntry::new(RevocationKind::Token, digest, *b"\x00\xffk\n", 4_102_444_800_000 + number)
}

async fn add(store: &impl RevocationStore, entries: &[RevocationEntry]) {
    store.publish(entries, KEEP).await.expect("entries are added to the log");
}

/// Reads all that there is after a cursor, and returns it with the cursor at its end.
async fn read_all(
    store: &impl RevocationStore,
    mut cursor: RevocationCursor,
) -> (Vec<RevocationEntry>, RevocationCursor) {
    let mut all = Vec::new();
    loop {
        let page = store.read(&cursor, Duration::ZERO).await.expect("the log is read");
        assert!(!page.lost_history, "the log is the one that the cursor was made for");
        assert!(
            !page.has_more || !page.entries.is_empty(),
            "a page that is not the last has entries"
        );
        all.extend(page.entries);
        cursor = page.next;
        if !page.has_more {
            return (all, cursor);
        }
    }
}

async fn empty_log_has_an_empty_page(store: impl RevocationStore) {
    let started = Instant::now();
    let (entries, cursor) = read_all(&store, RevocationCursor::start()).await;
    assert!(entries.is_empty(), "an empty log has no entries");
    let page = store.read(&cursor, Duration::from_millis(50)).await.expect("the log is read");
    assert!(
        page.entries.is_empty() && !page.has_more,
        "a wait without entries ends with an empty page"
    );
    assert!(started.elapsed() < LONG, "a read does not wait for longer than it should");
}

async fn entries_are_read_as_they_were_added(store: impl RevocationStore) {
    let kinds = [
        RevocationKind::Token,
        RevocationKind::Principal,
        RevocationKind::TokenId,
        RevocationKind::Subject,
    ];
    let mut added: Vec<_> =
        kinds.map(|kind| RevocationEntry { kind, ..entry(1 + kind.code() as u64) }).into();
    added.push(entry(2).issued_before(1_700_000_000_123));
    added.push(entry(3).issued_before(0));
    added.push(RevocationEntry {
        until: u64::MAX,
        digest: [0xff; 16],
        fingerprint: [0; 4],
        ..entry(4)
    });
    for entries in added.chunks(2) {
        add(&store, entries).await;
    }
    add(&store, &[]).await;
    let (entries, _) = read_all(&store, RevocationCursor::start()).await;
    assert_eq!(entries, added, "entries are read in their order, with all that they say");
}

async fn reading_continues_after_the_cursor(store: impl RevocationStore) {
    add(&store, &[entry(1), entry(2)]).await;
    let (_, cursor) = read_all(&store, RevocationCursor::start()).await;
    let (entries, same) = read_all(&store, cursor.clone()).await;
    assert!(entries.is_empty(), "what is before the cursor is not read again");
    add(&store, &[entry(3)]).await;
    let copy = RevocationCursor::new(same.as_str());
    for cursor in [cursor, same, copy] {
        let (entries, _) = read_all(&store, cursor).await;
        assert_eq!(entries, [entry(3)], "what is after the cursor is read, by each reader");
    }
}

async fn long_log_is_read_in_pages(store: impl RevocationStore) {
    let added: Vec<_> = (0..2_500).map(entry).collect();
    for entries in added.chunks(700) {
        add(&store, entries).await;
    }
    let first = store.read(&RevocationCursor::start(), LONG).await.expect("the log is read");
    assert!(first.has_more, "the first page does not have all entries");
    let (rest, _) = read_all(&store, first.next).await;
    let entries: Vec<_> = first.entries.into_iter().chain(rest).collect();
    assert!(entries == added, "pages have every entry once, in their order");
}

async fn waiting_reader_gets_new_entries(store: impl RevocationStore) {
    let store = Arc::new(store);
    let (_, cursor) = read_all(&*store, RevocationCursor::start()).await;
    let (started, reader) = (Instant::now(), store.clone());
    let waiting = tokio::spawn(async move { reader.read(&cursor, LONG).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    add(&*store, &[entry(1)]).await;
    let page = waiting.await.expect("a read does not panic").expect("the log is read");
    assert_eq!(page.entries, [entry(1)], "a reader that waits gets what is added");
    assert!(started.elapsed() < LONG / 2, "the wait ends when there is something to read");
}

async fn abandoned_read_loses_nothing(store: impl RevocationStore) {
    let (_, cursor) = read_all(&store, RevocationCursor::start()).await;
    let abandoned = tokio::time::timeout(Duration::from_millis(20), store.read(&cursor, LONG));
    assert!(abandoned.await.is_err(), "the read waits");
    add(&store, &[entry(1)]).await;
    let (entries, _) = read_all(&store, cursor).await;
    assert_eq!(entries, [entry(1)], "a read that was dropped has read nothing");
}

async fn entries_can_be_added_again(store: impl RevocationStore) {
    add(&store, &[entry(1), entry(2)]).await;
    add(&store, &[entry(1)]).await;
    let (mut entries, _) = read_all(&store, RevocationCursor::start()).await;
    entries.sort_by_key(|entry| entry.digest);
    entries.dedup();
    assert_eq!(entries, [entry(1), entry(2)]);
}

async fn cursor_of_another_log_starts_from_the_beginning(store: impl RevocationStore) {
    add(&store, &[entry(1)]).await;
    let cursor = RevocationCursor::new("0123456789abcdef0123456789abcdef01234567 99999999999999-0");
    let page = store.read(&cursor, LONG).await.expect("the log is read");
    assert!(page.lost_history, "a cursor that was not made for this log is noticed");
    assert_eq!(page.entries, [entry(1)], "the log is read from its start");
    let (entries, _) = read_all(&store, page.next).await;
    assert!(entries.is_empty(), "and on from there");
}

async fn concurrent_writers_lose_nothing(store: impl RevocationStore) {
    let store = Arc::new(store);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in 0..25 {
                    add(&*store, &[entry(writer * 100 + number)]).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("writing does not panic");
    }
    let (entries, _) = read_all(&*store, RevocationCursor::start()).await;
    assert_eq!(entries.len(), 200, "every entry is in the log once");
}
