//! How many connections a process has.

use futures::future::join_all;

use crate::process::{Answer, Process, Signature};
use crate::support::{Proxy, RedisServer, eventually};

async fn take_64(process: &Process) -> Vec<Answer> {
    let signatures: Vec<_> = (0..64).map(|_| Signature::new(0)).collect();
    join_all(signatures.iter().map(|signature| process.take(signature))).await
}

#[tokio::test]
async fn claims_of_a_process_share_one_connection() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let processes = Process::several(2, &proxy.url()).await;
    processes[0].until_served().await;
    for process in processes.iter().cycle().take(20) {
        assert_eq!(take_64(process).await, vec![Answer::Served; 64]);
    }
    assert_eq!((proxy.connections(), proxy.open_connections()), (2, 2), "one of each process");
}

#[tokio::test]
async fn a_broken_connection_is_replaced_by_one_without_an_error() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let process = Process::start(&proxy.url()).await;
    process.until_served().await;
    for round in 1..=10 {
        proxy.cut();
        assert_eq!(take_64(&process).await, vec![Answer::Served; 64]);
        eventually("the old connection is closed", async || proxy.open_connections() == 1).await;
        assert_eq!(proxy.connections(), 1 + round);
    }
}

#[tokio::test]
async fn a_store_that_is_dropped_closes_its_connection() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let process = Process::start(&proxy.url()).await;
    let clone = process.store().clone();
    drop(process);
    assert_eq!(proxy.open_connections(), 1, "a clone uses it");
    drop(clone);
    eventually("the connection is closed", async || proxy.open_connections() == 0).await;
}
