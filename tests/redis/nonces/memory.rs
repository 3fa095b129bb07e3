//! What a process remembers on its own.

use mcp_auth_layer::stores::{MemoryReplayStore, ReplayStore};

use crate::process::{Answer, KEY, Process, SKEW, Signature};
use crate::support::{Proxy, RedisServer};

#[tokio::test]
async fn what_an_emptied_server_forgot_is_refused_everywhere() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let (process, other) =
        (Process::start(&proxy.url()).await, Process::start(&server.url()).await);
    let signature = process.until_served().await;
    assert_eq!(other.take(&signature).await, Answer::Replayed);
    server.command::<()>(&["FLUSHALL"]).await;
    let answer = other.take(&signature).await;
    assert!(matches!(answer, Answer::NotYet(_)), "{answer:?}");
    let bytes = proxy.bytes();
    assert_eq!(process.take(&signature).await, Answer::Replayed);
    assert_eq!(proxy.bytes(), bytes, "the process knows its own, and asks nothing");
    server.kill();
    assert_eq!(process.take(&signature).await, Answer::Replayed);
    let answer = process.take(&Signature::new(0)).await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
}

#[tokio::test]
async fn whether_a_nonce_is_claimed_costs_no_round_trip() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let (process, other) =
        (Process::start(&proxy.url()).await, Process::start(&server.url()).await);
    let (own, foreign) = (process.until_served().await, other.until_served().await);
    let bytes = proxy.bytes();
    assert!(process.store().is_claimed("ci", &own.nonce).await.unwrap());
    assert!(!process.store().is_claimed("another key", &own.nonce).await.unwrap());
    // This one is found by the claim.
    assert!(!process.store().is_claimed("ci", &foreign.nonce).await.unwrap());
    assert_eq!(proxy.bytes(), bytes);
    assert_eq!(process.take(&foreign).await, Answer::Replayed);
    assert!(proxy.bytes() > bytes);
}

#[tokio::test]
async fn a_full_memory_serves_nothing_and_writes_nothing() {
    let server = RedisServer::start(&[]).await;
    let full =
        Process::options(&server.url(), KEY, SKEW).memory(MemoryReplayStore::with_capacity(1, 1));
    let (full, other) = (Process::connect(full, SKEW).await, Process::start(&server.url()).await);
    full.until_served().await;
    let keys = server.command::<usize>(&["DBSIZE"]).await;
    let answer = full.take(&Signature::new(0)).await;
    assert!(matches!(&answer, Answer::Failed(cause) if cause.contains("full")), "{answer:?}");
    assert_eq!(server.command::<usize>(&["DBSIZE"]).await, keys);
    assert_eq!(other.take(&Signature::new(0)).await, Answer::Served);
}
