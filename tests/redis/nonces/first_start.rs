//! A server that is new: requests are refused for the skew, and are told for how long.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::endpoint::Endpoint;
use crate::process::{Answer, Process, SKEW, Signature};
use crate::support::RedisServer;

#[tokio::test]
async fn processes_that_start_together_begin_one_epoch() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(4, &server.url()).await;
    assert_eq!(server.command::<u64>(&["DBSIZE"]).await, 1);
    let epoch = || async { server.command::<String>(&["GET", "{tests:0}:e"]).await };
    let before = epoch().await;
    for process in &processes {
        let answer = process.take(&Signature::new(0)).await;
        assert!(matches!(answer, Answer::NotYet(_)), "{answer:?}");
    }
    assert_eq!(epoch().await, before);
}

#[tokio::test]
async fn retry_after_is_true_to_the_second() {
    let server = RedisServer::start(&[]).await;
    let process = Process::start(&server.url()).await;
    let started = Instant::now();
    let Answer::NotYet(retry_after) = process.take(&Signature::new(0)).await else {
        panic!("a first request is served at once");
    };
    let asked_for = started.elapsed();
    assert!(retry_after <= SKEW + Duration::from_secs(1), "{retry_after:?}");
    process.until_served().await;
    let waited = started.elapsed();
    // Clients sign whole seconds.
    assert!(
        waited + Duration::from_secs(1) >= retry_after,
        "served too early for {retry_after:?}: {waited:?}"
    );
    // A request that is sent then is served.
    sleep((retry_after + asked_for).saturating_sub(waited)).await;
    assert_eq!(process.take(&Signature::new(0)).await, Answer::Served);
}

#[tokio::test]
async fn a_signed_request_gets_503_and_then_200() {
    let server = RedisServer::start(&[]).await;
    let endpoint = Endpoint::start(&server.url()).await;
    let refused = endpoint.send(endpoint.signed()).await;
    assert_eq!(refused.status(), 503);
    let retry_after: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=SKEW.as_secs() + 1).contains(&retry_after), "{retry_after}");
    sleep(Duration::from_secs(retry_after)).await;
    let request = endpoint.signed();
    assert_eq!(endpoint.send(request.clone()).await.status(), 200);
    assert_eq!(endpoint.send(request).await.status(), 401);
}
