//! Failed attempts at all replicas meet one limit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Replicas, first_message};
use crate::support::example_server::{execute, http};

/// A user may fail ten times at once, and once more every ten seconds.
const BURST: std::ops::RangeInclusive<usize> = 10..=15;
const USER: [&str; 2] = ["--user", "alice:correct horse"];

async fn status(url: &str, password: &str) -> u16 {
    let credentials = STANDARD.encode(format!("alice:{password}"));
    let request = http()
        .post(url)
        .header("authorization", format!("Basic {credentials}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(first_message());
    execute(request).await.status().as_u16()
}

async fn guesses_meet_one_limit_at(count: usize) {
    let replicas = Replicas::start(count, "streamable_server", &USER).await;
    let url = replicas.url("/mcp");
    let mut failed = 0;
    for number in 0..60 {
        match status(&url, &format!("guess {number}")).await {
            401 => failed += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert!(BURST.contains(&failed), "{failed} attempts at {count} servers");
    // The right password tells nothing either.
    for _ in 0..count {
        assert_eq!(status(&url, "correct horse").await, 429);
    }
}

#[tokio::test]
async fn guesses_at_two_servers_meet_one_limit() {
    guesses_meet_one_limit_at(2).await;
}

#[tokio::test]
async fn guesses_at_four_servers_meet_one_limit() {
    guesses_meet_one_limit_at(4).await;
}

/// A client whose password is right is not counted, however many requests it sends.
#[tokio::test]
async fn right_passwords_are_not_counted() {
    let replicas = Replicas::start(2, "streamable_server", &USER).await;
    for _ in 0..30 {
        assert_eq!(status(&replicas.url("/mcp"), "correct horse").await, 200);
    }
}
