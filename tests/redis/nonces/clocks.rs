//! The clocks of a process and of Redis differ.
//!
//! The server's clock is the machine's. A proxy changes how the script reads it, by a second and a half.

use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;

use super::endpoint::Endpoint;
use crate::process::{Answer, Process};
use crate::support::{Log, Proxy, RedisServer};

const SCRIPT: &str = include_str!("../../../src/stores/redis/claim.lua");
/// How the script computes milliseconds from the server's time. The others are as long.
const READ: &str = "time[1] * 1000 + (";
const READ_AHEAD: &str = "1e3*time[1]+15e2+(";
const READ_BEHIND: &str = "1e3*time[1]-15e2+(";

/// A server whose clock is a second and a half ahead of that of processes, or behind it.
async fn with_other_clock(server: &RedisServer, read: &str) -> Proxy {
    assert!(SCRIPT.contains(READ));
    Proxy::rewriting(server.port(), READ, read).await
}

#[tokio::test]
async fn clocks_that_differ_by_less_than_the_skew_are_accepted() {
    for read in [READ_AHEAD, READ_BEHIND] {
        let server = RedisServer::start(&[]).await;
        let address = with_other_clock(&server, read).await;
        let processes = Process::several(2, &address.url()).await;
        let signature = processes[0].until_served().await;
        assert_eq!(processes[1].take(&signature).await, Answer::Replayed);
    }
}

#[tokio::test]
async fn clocks_that_differ_by_more_than_the_skew_are_503_and_logged() {
    for (read, expected) in
        [(READ_AHEAD, "s behind that of Redis"), (READ_BEHIND, "s ahead of that of Redis")]
    {
        let (log, _guard) = Log::start(LevelFilter::WARN);
        let server = RedisServer::start(&[]).await;
        let address = with_other_clock(&server, read).await;
        let endpoint = Endpoint::with_skew(&address.url(), Duration::from_secs(1)).await;
        assert_eq!(endpoint.send(endpoint.signed()).await.status(), 503);
        let lines = log.lines();
        assert!(lines.iter().any(|line| line.contains(expected)), "{lines:?}");
        assert_eq!(server.command::<u64>(&["DBSIZE"]).await, 0, "nothing is stored");
    }
}
