//! Redis is away, and comes back.

use futures::future::join_all;

use super::*;
use crate::support::{Log, eventually};

fn count(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

/// Case 39.
#[tokio::test]
async fn without_redis_each_replica_has_the_limit() {
    let (log, _guard) = Log::start(tracing_subscriber::filter::LevelFilter::INFO);
    let server = RedisServer::start(&[]).await;
    let replicas = join_all((0..2).map(|_| replica(&server, users()))).await;
    for n in 0..4 {
        assert_eq!(status(&replicas[0], HOME, &wrong("alice", n)).await, 401);
    }
    server.kill();
    assert_eq!(fail(&replicas[0], HOME, "alice").await, 6, "it has seen four");
    assert_eq!(fail(&replicas[1], HOME, "alice").await, 10);
    for replica in &replicas {
        assert_eq!(status(replica, HOME, ALICE).await, 429);
        assert_eq!(status(replica, ELSEWHERE, BOB).await, 200, "no response is 503");
    }
    server.restart().await;
    let mut lines = log.lines();
    eventually("attempts are counted in Redis", async || {
        for replica in &replicas {
            status(replica, "198.51.100.1", &wrong("carol", 0)).await;
        }
        lines.extend(log.lines());
        count(&lines, "store of failed attempts is back") == replicas.len()
    })
    .await;
    assert_eq!(count(&lines, "store of failed attempts failed"), replicas.len(), "once each");

    server.command::<()>(&["FLUSHALL"]).await;
    let mut statuses = Vec::new();
    for n in 0..20 {
        statuses.push(status(&replicas[n % 2], "198.51.100.2", &wrong("dave", n)).await);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "together again");
}
