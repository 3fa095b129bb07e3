//! Redis comes back with every nonce.

use std::time::Duration;

use tokio::time::sleep;

use crate::nonces::load::serve_through;
use crate::process::{Process, SKEW, VALIDITY};
use crate::support::{Proxy, RedisServer, eventually};

const ALL: fn(usize) -> bool = |_| true;

#[tokio::test]
async fn nothing_is_served_twice_after_shutdown_save() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(3, &server.url()).await;
    let outcome = serve_through(&processes, ALL, async || {
        server.shutdown_save().await;
        server.restart().await;
    })
    .await;
    outcome.check("`SHUTDOWN SAVE`, started again (nothing lost)");
}

#[tokio::test]
async fn nothing_is_served_twice_after_a_kill_with_aof() {
    let server = RedisServer::start(&[("appendonly", "yes"), ("appendfsync", "always")]).await;
    let processes = Process::several(3, &server.url()).await;
    let outcome = serve_through(&processes, ALL, async || server.restart().await).await;
    outcome.check("killed, restarted with `appendfsync always` (nothing lost)");
}

#[tokio::test]
async fn nothing_is_served_twice_after_a_coordinated_failover() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    replica.replica_of(&master).await;
    let address = Proxy::start(master.port()).await;
    let processes = Process::several(3, &address.url()).await;
    let outcome = serve_through(&processes, ALL, async || {
        master.command::<()>(&["FAILOVER"]).await;
        eventually("the replica is the master", async || {
            replica.info_field("replication", "role").await == "master"
        })
        .await;
        address.point_to(replica.port());
    })
    .await;
    outcome.check("`FAILOVER` (nothing lost)");
}

#[tokio::test]
async fn a_first_replica_stops_requests_for_the_skew() {
    let (master, replica) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    let processes = Process::several(3, &master.url()).await;
    let outcome = serve_through(&processes, ALL, async || replica.replica_of(&master).await).await;
    outcome.check("the first replica is attached (nothing lost)");
}

#[tokio::test]
async fn nothing_is_served_twice_after_a_long_stop() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(3, &server.url()).await;
    let validity = Duration::from_secs(VALIDITY) + 2 * SKEW + Duration::from_secs(1);
    let outcome = serve_through(&processes, ALL, async || {
        server.stop();
        sleep(validity).await;
        server.cont();
    })
    .await;
    outcome.check("`SIGSTOP` for longer than a signature is valid");
    // What was sent during the stop is executed after it, and makes no key.
    eventually("the epoch is the only key", async || server.command::<u64>(&["DBSIZE"]).await == 1)
        .await;
}
