//! Three replicas, one Redis.

use std::time::{Duration, Instant};

use futures::future::join_all;
use mcp_auth_layer::Principal;

use super::{Replica, ended, is_open};
use crate::support::{Proxy, RedisServer, eventually};

async fn three(server: &RedisServer) -> Vec<Replica> {
    join_all((0..3).map(|_| Replica::start(server))).await
}

/// Case 43.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoked_token_ends_a_thousand_streams_on_each_replica() {
    let server = RedisServer::start(&[]).await;
    let replicas = three(&server).await;
    let (mut revoked, mut others) = (Vec::new(), Vec::new());
    for replica in &replicas {
        for _ in 0..1_000 {
            revoked.push(replica.open("one").await);
        }
        for _ in 0..100 {
            others.push(replica.open("two").await);
        }
    }
    let ending = revoked.into_iter().map(|body| tokio::spawn(ended(body)));
    let ending: Vec<_> = ending.collect();
    let started = Instant::now();
    replicas[0].revocations.revoke_token("one").await.unwrap();
    let acknowledged = started.elapsed();
    for ended in ending {
        ended.await.unwrap();
    }
    let all = started.elapsed();
    println!("acknowledged after {acknowledged:?}, 3,000 streams ended after {all:?}");
    assert!(all < Duration::from_secs(1), "{all:?}");
    for body in &mut others {
        assert!(is_open(body).await);
    }
    for replica in &replicas {
        assert_eq!((replica.status("one").await, replica.status("two").await), (401, 200));
    }
}

#[tokio::test]
async fn revoked_principal_is_rejected_by_every_replica() {
    let server = RedisServer::start(&[]).await;
    let replicas = three(&server).await;
    let streams = join_all(replicas.iter().map(|replica| replica.open("two"))).await;
    replicas[2].revocations.revoke_principal(&Principal::new("two")).await.unwrap();
    join_all(streams.into_iter().map(ended)).await;
    for replica in &replicas {
        assert_eq!(replica.status("two").await, 401);
        assert_eq!(replica.status("three").await, 200);
    }
}

/// Case 45.
#[tokio::test]
async fn replica_that_starts_later_knows_all_revocations() {
    let server = RedisServer::start(&[]).await;
    let first = Replica::start(&server).await;
    first.revocations.revoke_token("one").await.unwrap();
    for number in 0..2_500 {
        first.revocations.revoke_jti("issuer", &number.to_string()).await.unwrap();
    }
    let later = Replica::start(&server).await;
    assert_eq!((later.status("one").await, later.status("two").await), (401, 200));
}

/// Case 44: the path to Redis is gone for longer than a reader waits, and heals.
#[tokio::test]
async fn replica_that_was_cut_off_catches_up() {
    let server = RedisServer::start(&[]).await;
    let (stalled, lost) = (Proxy::start(server.port()).await, Proxy::start(server.port()).await);
    let here = Replica::start(&server).await;
    let (one, other) = (Replica::at(&stalled.url()).await, Replica::at(&lost.url()).await);
    let streams = [one.open("one").await, other.open("one").await];
    let mut unconcerned = one.open("two").await;
    stalled.stall();
    lost.black_hole();
    here.revocations.revoke_token("one").await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(
        (one.status("one").await, other.status("one").await),
        (200, 200),
        "they cannot know"
    );
    stalled.heal();
    lost.heal();
    let healed = Instant::now();
    join_all(streams.into_iter().map(ended)).await;
    println!("caught up {:?} after the path had healed", healed.elapsed());
    assert!(is_open(&mut unconcerned).await);
}

#[tokio::test]
async fn revocations_reach_readers_of_a_redis_that_restarts() {
    let server = RedisServer::start(&[("appendonly", "yes"), ("appendfsync", "always")]).await;
    let replicas = three(&server).await;
    replicas[0].revocations.revoke_token("one").await.unwrap();
    server.kill();
    let failed = replicas[0].revocations.revoke_token("two").await;
    assert!(failed.is_err());
    server.restart().await;
    for replica in &replicas {
        eventually("the replica has both", async || {
            (replica.status("one").await, replica.status("two").await) == (401, 401)
        })
        .await;
        assert_eq!(replica.status("three").await, 200);
    }
}
