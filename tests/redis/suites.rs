//! Redis keeps the rules of every store.

use std::time::Duration;

use mcp_auth_layer::rate_limit::Quota;
use mcp_auth_layer::stores::{
    AttemptKeys, AttemptStep, AttemptStore, BoxAttemptStore, BoxReplayStore, RedisStore, StoreKey,
};
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

/// The rights are those that the error names when one is missing.
#[tokio::test]
async fn the_named_rights_suffice_for_the_rules_of_attempts() {
    let server = RedisServer::start(&[]).await;
    let set_user = async |rules: &[&str]| {
        let user = ["ACL", "SETUSER", "app", "reset", "on", ">secret"];
        server.command::<()>(&[&user[..], rules].concat()).await;
    };
    let url = server.url().replace("redis://", "redis://app:secret@");
    let connect = async || {
        let connect = RedisStore::connect(url.clone(), StoreKey::from([7; 32]));
        connect.timeout(Duration::from_secs(10)).await
    };
    set_user(&["~*", "+@all", "-info"]).await;
    let error = connect().await.unwrap_err().to_string();
    let (_, rights) = error.split_once("ACL SETUSER … ").expect("the rights are named");
    let rights = rights.trim_end_matches(')').replace("PREFIX", "mcp");
    let rights: Vec<_> = rights.split(' ').collect();

    set_user(&rights).await;
    attempt_store(async || connect().await.unwrap()).await;
    set_user(&[&rights[..], &["-zscore"]].concat()).await;
    let store = connect().await.unwrap();
    let quota = Quota::from_static(1, Duration::from_secs(1));
    let keys = AttemptKeys::new(1, quota).credential(1);
    assert!(store.apply(AttemptStep::Check, &keys).await.is_err(), "one right less");
}
