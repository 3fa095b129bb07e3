//! Two servers are master at the same time, each for some processes.

use std::time::Duration;

use tokio::time::sleep;
use tracing_subscriber::filter::LevelFilter;

use crate::nonces::load::{Outcome, serve_through};
use crate::process::Process;
use crate::support::{Log, Proxy, RedisServer, eventually};

/// Cuts a master off from its replicas, one of which is promoted after five seconds. The first two processes stay
/// with the old master; the others go to the new one.
async fn two_masters(settings: &[(&str, &str)]) -> Outcome {
    let start = || RedisServer::start(settings);
    let (old, new, other) = tokio::join!(start(), start(), start());
    let replication = Proxy::start(old.port()).await;
    new.replica_of_port(replication.port()).await;
    other.replica_of_port(replication.port()).await;
    if !settings.is_empty() {
        eventually("the replicas are counted", async || {
            old.info_field("replication", "min_slaves_good_slaves").await == "2"
        })
        .await;
    }
    let address = Proxy::start(old.port()).await;
    let mut processes = Process::several(2, &old.url()).await;
    processes.extend(Process::several(2, &address.url()).await);
    serve_through(
        &processes,
        |at| at >= 2,
        async || {
            replication.stall();
            sleep(Duration::from_secs(5)).await;
            new.promote().await;
            other.replica_of(&new).await;
            address.point_to(new.port());
            address.cut();
        },
    )
    .await
}

/// What the guide says: a master that reaches no replica takes no writes, some time before another one is promoted.
const DOCUMENTED: [(&str, &str); 2] =
    [("min-replicas-to-write", "1"), ("min-replicas-max-lag", "2")];
const WARNING: &str = "Redis has replicas, and takes writes when it reaches none of them";

#[tokio::test]
async fn two_masters_with_the_documented_setting_serve_once() {
    let (log, _guard) = Log::start(LevelFilter::WARN);
    let outcome = two_masters(&DOCUMENTED).await;
    outcome.check("two masters, with `min-replicas-to-write 1`");
    assert!(!log.lines().iter().any(|line| line.contains(WARNING)));
}

/// Shows that it is the setting that helps, and that these tests notice what is served twice.
#[tokio::test]
async fn two_masters_without_the_setting_serve_twice_and_warn() {
    let (log, _guard) = Log::start(LevelFilter::WARN);
    let Outcome { served, twice, .. } = two_masters(&[]).await;
    println!("| two masters, without it | **{} of {served}** | |", twice.len());
    assert!(!twice.is_empty());
    assert!(log.lines().iter().any(|line| line.contains(WARNING)));
}
