//! Redis keeps the rules of every store.

use std::time::Duration;

use mcp_auth_layer::stores::{BoxAttemptStore, BoxReplayStore, RedisStore, StoreKey};
use mcp_auth_layer::testing::stores::{attempt_store, replay_store};

use crate::support::RedisServer;

const SKEW: Duration = Duration::from_secs(1);

async fn connect(server: &RedisServer) -> RedisStore {
    RedisStore::connect(server.url(), StoreKey::from([7; 32]))
        .skew(SKEW)
        .timeout(Duration::from_secs(10))
        .await
        .unwrap()
}

#[tokio::test]
async fn redis_keeps_the_rules_of_attempts() {
    let server = RedisServer::start(&[]).await;
    attempt_store(async || connect(&server).await).await;
    attempt_store(async || BoxAttemptStore::new(connect(&server).await)).await;
}

#[tokio::test]
async fn redis_keeps_the_rules_of_nonces() {
    let server = RedisServer::start(&[]).await;
    replay_store(async || connect(&server).await, SKEW).await;
    replay_store(async || BoxReplayStore::new(connect(&server).await), SKEW).await;
}
