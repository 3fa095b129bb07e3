//! Redis comes back without nonces, or without the last of them.

use crate::nonces::load::serve_through;
use crate::process::{Answer, Process};
use crate::support::{Proxy, RedisServer, eventually};

const ALL: fn(usize) -> bool = |_| true;

/// Stores something that the failure must lose, so that a test shows what it says.
async fn mark(server: &RedisServer) {
    server.command::<()>(&["SET", "mark", "1"]).await;
}

async fn is_marked(server: &RedisServer) -> bool {
    server.command(&["EXISTS", "mark"]).await
}

#[tokio::test]
async fn nothing_is_served_twice_after_flushall() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(3, &server.url()).await;
    let outcome =
        serve_through(&processes, ALL, async || server.command(&["FLUSHALL"]).await).await;
    outcome.check("`FLUSHALL`");
}

#[tokio::test]
async fn nothing_is_served_twice_after_an_empty_restart() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(3, &server.url()).await;
    let outcome = serve_through(&processes, ALL, async || {
        mark(&server).await;
        server.restart_empty().await;
        assert!(!is_marked(&server).await);
    })
    .await;
    outcome.check("killed, restarted empty");
}

#[tokio::test]
async fn nothing_is_served_twice_after_an_older_dump() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(3, &server.url()).await;
    server.save_dump().await; // it has the epoch
    let outcome = serve_through(&processes, ALL, async || {
        mark(&server).await;
        server.restore_dump();
        server.restart().await;
        assert!(!is_marked(&server).await);
    })
    .await;
    outcome.check("killed, restarted with an older dump");
}

#[tokio::test]
async fn nothing_is_served_twice_after_a_lagging_promotion() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let replication = Proxy::start(master.port()).await;
    replica.replica_of_port(replication.port()).await;
    let address = Proxy::start(master.port()).await;
    let processes = Process::several(3, &address.url()).await;
    mark(&master).await;
    eventually("the replica has the epoch", async || is_marked(&replica).await).await;
    replication.stall();
    let outcome = serve_through(&processes, ALL, async || {
        master.command::<()>(&["DEL", "mark"]).await;
        master.kill();
        replica.promote().await;
        address.point_to(replica.port());
        address.cut();
        assert!(is_marked(&replica).await, "the replica lacks what came after");
    })
    .await;
    outcome.check("a replica that lags is promoted");
}

#[tokio::test]
async fn nothing_is_served_twice_after_demotion_to_an_older_copy() {
    let (server, copy) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let processes = Process::several(3, &server.url()).await;
    copy.replica_of(&server).await; // with the epoch
    copy.promote().await;
    let outcome = serve_through(&processes, ALL, async || {
        mark(&server).await;
        server.replica_of(&copy).await;
        server.promote().await;
        assert!(!is_marked(&server).await);
    })
    .await;
    outcome.check("demoted to an older copy, promoted again; the same process");
}

/// Nothing is sent in between, so the connection does not notice anything.
#[tokio::test]
async fn a_connection_that_outlives_a_demotion_sees_the_new_history() {
    let (server, copy) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let proxy = Proxy::start(server.port()).await;
    let (process, other) = (Process::start(&proxy.url()).await, Process::start(&proxy.url()).await);
    copy.replica_of(&server).await;
    copy.promote().await;
    let signature = process.until_served().await;
    let connections = proxy.connections();
    server.replica_of(&copy).await;
    server.promote().await;
    let answer = other.take(&signature).await;
    assert!(matches!(answer, Answer::NotYet(_)), "{answer:?}");
    assert_eq!(proxy.connections(), connections);
}
