//! A Redis that has forgotten, or that is another one than before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_auth_layer::Principal;

use super::{Replica, ended, is_open};
use crate::support::{Proxy, RedisServer, eventually};

/// Makes two replicas know a revocation, lets Redis lose it, and starts a third replica.
async fn forgets(configuration: &[(&str, &str)], lose: impl AsyncFnOnce(&RedisServer)) {
    let server = RedisServer::start(configuration).await;
    let (first, second) = (Replica::start(&server).await, Replica::start(&server).await);
    first.revocations.revoke_token("one").await.unwrap();
    ended_or_rejected(&second, "one").await;
    drop(first); // the one that revoked is not needed
    lose(&server).await;
    eventually("the log has the entry again", async || {
        server.command::<u64>(&["XLEN", "{mcp:r}:s"]).await >= 1
    })
    .await;
    let third = Replica::start(&server).await;
    assert_eq!((third.status("one").await, third.status("two").await), (401, 200));
    // And what is new reaches both.
    third.revocations.revoke_principal(&Principal::new("two")).await.unwrap();
    ended_or_rejected(&second, "two").await;
}

async fn ended_or_rejected(replica: &Replica, token: &str) {
    eventually("the revocation arrives", async || replica.status(token).await == 401).await;
}

/// Case 46.
#[tokio::test]
async fn emptied_redis_gets_revocations_again() {
    forgets(&[], async |server| server.command(&["FLUSHALL"]).await).await;
}

#[tokio::test]
async fn redis_that_restarts_empty_gets_revocations_again() {
    forgets(&[], async |server| server.restart_empty().await).await;
}

#[tokio::test]
async fn deleted_stream_gets_revocations_again() {
    forgets(&[], async |server| {
        let _: u64 = server.command(&["DEL", "{mcp:r}:s"]).await;
    })
    .await;
}

/// The log was replaced before its readers looked: only its name tells.
#[tokio::test]
async fn log_that_was_replaced_at_once_gets_revocations_again() {
    forgets(&[], async |server| {
        let mut connection = server.connection().await;
        let () = redis::pipe()
            .atomic()
            .cmd("FLUSHALL")
            .cmd("SET")
            .arg("{mcp:r}:n")
            .arg("another")
            .cmd("XADD")
            .arg(&["{mcp:r}:s", "*", "k", "p"])
            .query_async(&mut connection)
            .await
            .unwrap();
        // The entry that is there already does not count.
        eventually("the log has two entries", async || {
            server.command::<u64>(&["XLEN", "{mcp:r}:s"]).await >= 2
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn redis_with_an_older_dump_gets_revocations_again() {
    forgets(&[], async |server| {
        // Of a time before the revocation.
        let _: u64 = server.command(&["DEL", "{mcp:r}:s", "{mcp:r}:n"]).await;
        server.save_dump().await;
        server.restore_dump();
        server.restart().await;
    })
    .await;
}

/// Case 47: what is added to a master whose clock is 50 seconds behind has smaller IDs than what was read before.
#[tokio::test]
async fn new_master_with_a_slow_clock_is_read_from_its_start() {
    let (old, new) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let (to_master, to_old) = (Proxy::start(old.port()).await, Proxy::start(old.port()).await);
    let (here, there) = (Replica::at(&to_master.url()).await, Replica::at(&to_master.url()).await);
    here.revocations.revoke_token("three").await.unwrap();
    new.replica_of_port(to_old.port()).await;
    eventually("the new master has the first entry", async || {
        new.command::<u64>(&["XLEN", "{mcp:r}:s"]).await == 1
    })
    .await;
    // The new master lacks this entry, whose ID is 50 seconds ahead.
    to_old.stall();
    let ahead = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(50);
    let id = format!("{}-0", ahead.as_millis());
    old.command::<String>(&["XADD", "{mcp:r}:s", &id, "k", "p"]).await;
    here.revocations.revoke_token("one").await.unwrap();
    ended_or_rejected(&there, "one").await;
    let open = there.open("two").await;

    new.promote().await;
    to_master.point_to(new.port());
    to_master.cut();
    old.kill();
    eventually("the new master takes writes", async || {
        here.revocations.revoke_token("two").await.is_ok()
    })
    .await;
    ended(open).await;
    // What the new master lacked is added, too.
    eventually("a later replica has all three", async || {
        let later = Replica::at(&to_master.url()).await;
        let statuses =
            (later.status("one").await, later.status("two").await, later.status("three").await);
        statuses == (401, 401, 401)
    })
    .await;
}

/// The history changes when the first replica of Redis attaches, and nothing is lost.
#[tokio::test]
async fn first_replica_of_redis_makes_no_noise_in_the_log() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let app = Replica::start(&master).await;
    app.revocations.revoke_token("one").await.unwrap();
    let before = master.info_field("replication", "master_replid").await;
    replica.replica_of(&master).await;
    assert_ne!(master.info_field("replication", "master_replid").await, before);
    let mut open = app.open("two").await;
    // The answer that was under way, the one that shows the change, and one after what follows from it.
    for _ in 0..3 {
        let heard = app.revocations.last_heard();
        eventually("the log is read again", async || app.revocations.last_heard() > heard).await;
    }
    app.revocations.revoke_token("three").await.unwrap();
    assert_eq!(app.status("three").await, 401);
    let length: u64 = master.command(&["XLEN", "{mcp:r}:s"]).await;
    assert_eq!(length, 2);
    assert!(is_open(&mut open).await);
}
