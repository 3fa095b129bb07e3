//! The key or the skew changes while processes are replaced one by one: those with the old and those with the new
//! one do not see each other's claims.

use std::time::Duration;

use tokio::time::sleep;

use crate::process::{Answer, KEY, Process, SKEW, Signature};
use crate::support::RedisServer;

const OTHER_KEY: [u8; 32] = *b"another key that processes share";

async fn nothing_is_served_twice_by(key: [u8; 32], skew: Duration) {
    let server = RedisServer::start(&[]).await;
    let mut old = Process::several(2, &server.url()).await;
    old[0].until_served().await;
    let mut served = Vec::new();
    while served.len() < 50 {
        let signature = Signature::of_any_clock();
        if old[served.len() % 2].take(&signature).await == Answer::Served {
            served.push(signature);
        }
    }
    let mut new = vec![Process::with(&server.url(), key, skew).await];
    let not_served_by_new = async |new: &[Process]| {
        for (at, signature) in served.iter().enumerate() {
            assert_ne!(new[at % new.len()].take(signature).await, Answer::Served, "{signature:?}");
        }
    };
    not_served_by_new(&new).await;
    // While both run, none serves: each takes the epoch from the other.
    for _ in 0..20 {
        for process in old.iter().chain(&new) {
            let answer = process.take(&Signature::of_any_clock()).await;
            assert!(matches!(answer, Answer::NotYet(_) | Answer::Untimely), "{answer:?}");
        }
    }
    old.pop();
    new.push(Process::with(&server.url(), key, skew).await);
    not_served_by_new(&new).await;
    old.clear();
    while served.iter().any(|signature| !signature.remaining().is_zero()) {
        not_served_by_new(&new).await;
        sleep(Duration::from_millis(50)).await;
    }
    let signature = new[0].until_served().await;
    assert_eq!(new[1].take(&signature).await, Answer::Replayed);
}

#[tokio::test]
async fn a_rolling_change_of_the_key_serves_nothing_twice() {
    nothing_is_served_twice_by(OTHER_KEY, SKEW).await;
}

#[tokio::test]
async fn a_rolling_change_to_more_skew_serves_nothing_twice() {
    nothing_is_served_twice_by(KEY, 2 * SKEW).await;
}

#[tokio::test]
async fn a_rolling_change_to_less_skew_serves_nothing_twice() {
    nothing_is_served_twice_by(KEY, SKEW / 2).await;
}

#[tokio::test]
async fn a_change_of_key_and_to_less_skew_serves_nothing_twice() {
    nothing_is_served_twice_by(OTHER_KEY, SKEW / 2).await;
}

/// The same mistake at each start must not stop the others each time.
#[tokio::test]
async fn a_process_that_starts_with_another_skew_stops_no_other() {
    let server = RedisServer::start(&[]).await;
    let process = Process::start(&server.url()).await;
    process.until_served().await;
    let started = Process::with(&server.url(), OTHER_KEY, 2 * SKEW).await;
    assert_eq!(process.take(&Signature::new(0)).await, Answer::Served);
    // Once it claims, it does.
    let answer = started.take(&Signature::new(0)).await;
    assert!(matches!(answer, Answer::NotYet(_)), "{answer:?}");
    let answer = process.take(&Signature::new(0)).await;
    assert!(matches!(answer, Answer::NotYet(_)), "{answer:?}");
}
