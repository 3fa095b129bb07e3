//! The log in Redis.

use std::time::Duration;

use mcp_auth_layer::stores::{
    BoxRevocationStore, PublishError, RedisStore, RevocationCursor, RevocationEntry,
    RevocationKind, RevocationStore,
};
use mcp_auth_layer::testing::stores;

use super::connect;
use crate::support::{Proxy, RedisServer, eventually};

const HOUR: Duration = Duration::from_secs(3600);

fn entries(numbers: std::ops::Range<u64>) -> Vec<RevocationEntry> {
    let entry = |number: u64| {
        let mut digest = [0; 16];
        digest[..8].copy_from_slice(&number.to_ne_bytes());
        RevocationEntry::new(RevocationKind::Token, digest, [0; 4], u64::MAX)
    };
    numbers.map(entry).collect()
}

#[tokio::test]
async fn redis_passes_the_rules_of_revocation_stores() {
    let server = RedisServer::start(&[]).await;
    stores::revocation_store(async || {
        server.command::<()>(&["FLUSHALL"]).await;
        connect(&server.url()).await
    })
    .await;
    stores::revocation_store(async || {
        server.command::<()>(&["FLUSHALL"]).await;
        BoxRevocationStore::new(connect(&server.url()).await)
    })
    .await;
}

/// Case 48: entries are removed by their age, and not by their number.
#[tokio::test]
async fn hundred_thousand_entries_are_kept_until_they_are_old() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server.url()).await;
    store.publish(&entries(0..100_000), HOUR).await.unwrap();
    store.publish(&entries(0..1), HOUR).await.unwrap();
    let length: u64 = server.command(&["XLEN", "{mcp:r}:s"]).await;
    assert_eq!(length, 100_001);
    let memory: u64 = server.command(&["MEMORY", "USAGE", "{mcp:r}:s", "SAMPLES", "0"]).await;
    assert!(memory / length < 100, "{} bytes an entry", memory / length);

    let mut cursor = RevocationCursor::start();
    let mut read = Vec::new();
    loop {
        let page = store.read(&cursor, Duration::ZERO).await.unwrap();
        read.extend(page.entries);
        cursor = page.next;
        if !page.has_more {
            break;
        }
    }
    assert!(read[..100_000] == entries(0..100_000) && read.len() == 100_001);

    eventually("old entries are removed", async || {
        store.publish(&entries(0..1_000), Duration::from_millis(1)).await.unwrap();
        server.command::<u64>(&["XLEN", "{mcp:r}:s"]).await < 5_000
    })
    .await;
}

#[tokio::test]
async fn full_redis_refuses_entries_and_keeps_the_others() {
    let server = RedisServer::start(&[("maxmemory-policy", "noeviction")]).await;
    let store = connect(&server.url()).await;
    store.publish(&entries(0..10), HOUR).await.unwrap();
    server.set_config("maxmemory", "1").await;
    let error = store.publish(&entries(10..11), HOUR).await.unwrap_err();
    assert!(matches!(error, PublishError::Failed(_)), "{error}");
    let read = store.read(&RevocationCursor::start(), Duration::ZERO).await.unwrap();
    assert_eq!(read.entries, entries(0..10));
    server.set_config("maxmemory", "0").await;
    store.publish(&entries(10..11), HOUR).await.unwrap();
}

#[tokio::test]
async fn documented_rights_suffice_for_revocations() {
    let server = RedisServer::start(&[]).await;
    let rights = "+eval +evalsha +script|load +info +time +get +set +zscore +zadd +zremrangebyscore \
                  +zremrangebyrank +pexpire +xadd +xread +exists +ping +select";
    let words = ["ACL", "SETUSER", "layer", "on", ">secret", "resetkeys", "~{mcp:*", "-@all"];
    let words: Vec<_> = words.into_iter().chain(rights.split_whitespace()).collect();
    server.command::<()>(&words).await;
    let url = format!("redis://layer:secret@127.0.0.1:{}", server.port());
    let store = connect(&url).await;
    store.publish(&entries(0..1), HOUR).await.unwrap();
    let page = store.read(&RevocationCursor::start(), HOUR).await.unwrap();
    assert_eq!(page.entries, entries(0..1));
    server.command::<()>(&["ACL", "SETUSER", "layer", "-xadd"]).await;
    let error = store.publish(&entries(1..2), HOUR).await.unwrap_err();
    assert!(matches!(error, PublishError::Failed(_)), "{error}");
}

#[tokio::test]
async fn entry_of_an_unknown_form_is_left_out() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server.url()).await;
    store.publish(&entries(0..1), HOUR).await.unwrap();
    server.command::<String>(&["XADD", "{mcp:r}:s", "*", "k", "z", "later", "version"]).await;
    store.publish(&entries(1..2), HOUR).await.unwrap();
    let page = store.read(&RevocationCursor::start(), Duration::ZERO).await.unwrap();
    assert_eq!(page.entries, entries(0..2));
    let page = store.read(&page.next, Duration::ZERO).await.unwrap();
    assert!(page.entries.is_empty());
}

/// One entry that is no text must not keep all replicas from reading those after it, and from starting.
#[tokio::test]
async fn entry_with_a_name_that_is_no_text_is_left_out() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server.url()).await;
    store.publish(&entries(0..1), HOUR).await.unwrap();
    let mut add = redis::cmd("XADD");
    add.arg("{mcp:r}:s").arg("*").arg(&[0xff_u8][..]).arg(&[0xff_u8][..]);
    add.exec_async(&mut server.connection().await).await.unwrap();
    store.publish(&entries(1..2), HOUR).await.unwrap();
    let page = store.read(&RevocationCursor::start(), Duration::ZERO).await.unwrap();
    assert_eq!(page.entries, entries(0..2));
}

/// A reader that waits for the first entry of all learns that it was lost at once.
#[tokio::test]
async fn first_entry_that_is_lost_is_noticed() {
    let server = RedisServer::start(&[]).await;
    let (store, writer) = (connect(&server.url()).await, connect(&server.url()).await);
    for is_flushed in [false, true] {
        server.command::<()>(&["FLUSHALL"]).await;
        let empty = store.read(&RevocationCursor::start(), Duration::ZERO).await.unwrap().next;
        let publish = async {
            eventually("the reader waits", async || {
                let clients: String = server.command(&["CLIENT", "LIST"]).await;
                clients.contains("cmd=xread")
            })
            .await;
            writer.publish(&entries(0..1), HOUR).await.unwrap();
        };
        let (page, ()) = tokio::join!(store.read(&empty, HOUR), publish);
        let page = page.unwrap();
        assert_eq!(page.entries, entries(0..1));
        if is_flushed {
            server.command::<()>(&["FLUSHALL"]).await;
        }
        let page = store.read(&page.next, Duration::ZERO).await.unwrap();
        assert_eq!(page.lost_history, is_flushed);
    }
}

/// Case 32, for revocations: one connection for commands, one for the reader.
#[tokio::test]
async fn reader_uses_one_connection_of_its_own() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let store: RedisStore = connect(&proxy.url()).await;
    let before = proxy.open_connections();
    let mut cursor = RevocationCursor::start();
    for number in 0..20 {
        store.publish(&entries(number..number + 1), HOUR).await.unwrap();
        cursor = store.read(&cursor, HOUR).await.unwrap().next;
    }
    assert_eq!(proxy.open_connections(), before + 1);
    assert_eq!(proxy.connections(), before + 1);
    // A read that is dropped takes its connection with it, as the server still waits there.
    let abandoned = tokio::time::timeout(Duration::from_millis(20), store.read(&cursor, HOUR));
    assert!(abandoned.await.is_err());
    eventually("the connection is closed", async || proxy.open_connections() == before).await;
}
