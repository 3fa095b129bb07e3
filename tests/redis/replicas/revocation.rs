//! A revoked credential's streams end at every replica.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout};

use super::{Replicas, SESSION_KEY};
use crate::support::example_server::{Events, execute, http, run};

const TOKENS: [&str; 4] =
    ["--token", "ci:dG9rZW4tb2YtdGhlLWNp", "--token", "bob:dG9rZW4tb2YtYm9iLjEy"];
const CI: &str = "Bearer dG9rZW4tb2YtdGhlLWNp";
const BOB: &str = "Bearer dG9rZW4tb2YtYm9iLjEy";

/// Opens a stream at the server whose turn it is.
async fn open(url: &str, authorization: &str) -> Events {
    let request = http().get(url).header("authorization", authorization);
    let mut events = Events::of(execute(request).await);
    events.next().await.expect("a first event");
    events
}

async fn status(url: &str, authorization: &str) -> u16 {
    execute(http().get(url).header("authorization", authorization)).await.status().as_u16()
}

async fn ends_streams_at(count: usize) {
    let replicas = Replicas::start(count, "sse_server", &TOKENS).await;
    let url = replicas.url("/sse");
    let (mut of_ci, mut of_bob) = (Vec::new(), Vec::new());
    for _ in 0..2 * count {
        of_ci.push(open(&url, CI).await);
    }
    for _ in 0..count {
        of_bob.push(open(&url, BOB).await);
    }
    let redis = replicas.redis.url();
    let output =
        run("credentials", ["revoke", "--redis", &redis, "--session-key", SESSION_KEY, "ci"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let revoked = Instant::now();
    join_all(of_ci.iter_mut().map(async |stream| assert_eq!(stream.next().await, None))).await;
    println!(
        "{} streams at {count} servers ended {:?} after the revocation",
        2 * count,
        revoked.elapsed()
    );
    // A second is promised; the rest is for a slow machine.
    assert!(revoked.elapsed() < Duration::from_secs(5));
    for _ in 0..count {
        assert_eq!(status(&url, CI).await, 401);
    }
    for stream in &mut of_bob {
        assert!(
            timeout(Duration::from_millis(50), stream.next()).await.is_err(),
            "a stream of another one"
        );
    }
}

#[tokio::test]
async fn revocation_ends_the_streams_at_two_servers() {
    ends_streams_at(2).await;
}

#[tokio::test]
async fn revocation_ends_the_streams_at_four_servers() {
    ends_streams_at(4).await;
}
