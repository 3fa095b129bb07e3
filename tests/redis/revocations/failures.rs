//! Redis does not answer.

use std::time::Duration;

use http::header::RETRY_AFTER;
use mcp_auth_layer::revocation::{RevocationOptions, Revocations, RevokeError};

use super::{Replica, connect, ended, is_open, key};
use crate::support::{Proxy, RedisServer, eventually};

/// Case 49.
#[tokio::test]
async fn revocation_in_a_stalled_redis_is_unsure_and_arrives_later() {
    let server = RedisServer::start(&[]).await;
    let (here, there) = (Replica::start(&server).await, Replica::start(&server).await);
    let (own, other) = (here.open("one").await, there.open("one").await);
    let mut unconcerned = there.open("two").await;
    server.stop();
    let error = here.revocations.revoke_token("one").await.unwrap_err();
    assert!(matches!(error, RevokeError::Unsure(_)), "{error}");
    ended(own).await;
    assert_eq!((here.status("one").await, there.status("one").await), (401, 200));
    server.cont();
    ended(other).await;
    assert!(is_open(&mut unconcerned).await);
}

#[tokio::test]
async fn revocation_without_a_redis_fails_and_arrives_later() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let (here, there) = (Replica::at(&proxy.url()).await, Replica::start(&server).await);
    let other = there.open("one").await;
    proxy.point_to(1); // nothing listens there
    proxy.cut();
    let error = here.revocations.revoke_token("one").await.unwrap_err();
    assert!(matches!(error, RevokeError::Failed(_) | RevokeError::Unsure(_)), "{error}");
    assert_eq!((here.status("one").await, there.status("one").await), (401, 200));
    proxy.point_to(server.port());
    ended(other).await;
}

/// Case 51.
#[tokio::test]
async fn deaf_replica_rejects_requests_where_that_is_asked_for() {
    let server = RedisServer::start(&[]).await;
    let strict = RevocationOptions::new().refuse_when_deaf(Duration::from_secs(3));
    let strict = Replica::with(&server.url(), strict).await;
    let lenient = Replica::start(&server).await;
    let mut open = strict.open("one").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(strict.status("one").await, 200, "an idle Redis answers");
    server.stop();
    eventually("requests are rejected", async || strict.status("one").await == 503).await;
    assert!(strict.request("one").await.headers().contains_key(RETRY_AFTER));
    assert_eq!(strict.status("wrong").await, 401);
    assert_eq!(lenient.status("one").await, 200);
    assert!(is_open(&mut open).await, "open streams continue");
    server.cont();
    eventually("requests are accepted", async || strict.status("one").await == 200).await;
}

#[tokio::test]
async fn start_fails_if_redis_does_not_answer() {
    let server = RedisServer::start(&[]).await;
    let store = connect(&server.url()).await;
    server.kill();
    let error = Revocations::start(store.clone(), key()).await.unwrap_err();
    assert!(error.to_string().starts_with("the log of revocations cannot be read: "), "{error}");
    server.restart().await;
    Revocations::start(store, key()).await.unwrap();
}
