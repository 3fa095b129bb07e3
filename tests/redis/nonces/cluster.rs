//! A cluster: keys of one script are in one slot, and nonces are spread over several.

use std::collections::BTreeSet;

use crate::process::{Answer, Process};
use crate::support::{RedisServer, eventually, free_port};

#[tokio::test]
async fn a_cluster_has_several_slots_and_serves_once() {
    let bus = free_port().to_string();
    let server = RedisServer::start(&[
        ("cluster-enabled", "yes"),
        ("databases", "1"),
        ("cluster-port", &bus),
    ])
    .await;
    server.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    eventually("the cluster is complete", async || {
        server.command::<String>(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok")
    })
    .await;
    let (one, other) = (Process::start(&server.url()).await, Process::start(&server.url()).await);
    for number in 0..200 {
        let signature = one.until_served().await; // each slot has an epoch of its own
        assert_eq!(other.take(&signature).await, Answer::Replayed, "{number}");
    }
    let keys: Vec<Vec<u8>> = server.command(&["KEYS", "*"]).await;
    let tags = keys.iter().map(|key| key.split(|byte| *byte == b'}').next().unwrap());
    assert_eq!(tags.collect::<BTreeSet<_>>().len(), 16);
    let epochs = keys.iter().filter(|key| key.ends_with(b"}:e")).count();
    assert_eq!(epochs, 16);
}
