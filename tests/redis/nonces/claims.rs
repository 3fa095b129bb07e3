//! Claims at one server that keeps its data.

use futures::future::join_all;
use redis::cmd;

use crate::process::{Answer, Process, Signature};
use crate::support::{Proxy, RedisServer};

async fn copies_are_served_once(count: usize) {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(count, &server.url()).await;
    processes[0].until_served().await;
    for round in 0..200 {
        let signature = Signature::new(0);
        let copies = (0..64).map(|copy| processes[copy % count].take(&signature));
        let answers = join_all(copies).await;
        let served = answers.iter().filter(|answer| **answer == Answer::Served).count();
        let replayed = answers.iter().filter(|answer| **answer == Answer::Replayed).count();
        assert_eq!((served, replayed), (1, 63), "round {round}: {answers:?}");
    }
}

#[tokio::test]
async fn of_64_copies_at_two_processes_one_is_served() {
    copies_are_served_once(2).await;
}

#[tokio::test]
async fn of_64_copies_at_four_processes_one_is_served() {
    copies_are_served_once(4).await;
}

#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_recognized() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let (process, other) =
        (Process::start(&proxy.url()).await, Process::start(&server.url()).await);
    process.until_served().await;
    let signature = Signature::new(0);
    let before = server.command_calls("evalsha").await;
    proxy.lose_next_answer();
    assert_eq!(process.take(&signature).await, Answer::Served);
    assert_eq!(server.command_calls("evalsha").await - before, 2, "the claim was sent twice");
    assert_eq!(proxy.connections(), 2);
    // The same from another request is a replay.
    assert_eq!(process.take(&signature).await, Answer::Replayed);
    assert_eq!(other.take(&signature).await, Answer::Replayed);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(2, &server.url()).await;
    processes[0].until_served().await;
    let mut connection = server.connection().await;
    for round in 0..100 {
        let signatures: Vec<_> = (0..8).map(|_| Signature::new(0)).collect();
        let flush = cmd("SCRIPT").arg("FLUSH").clone();
        let flush = flush.query_async::<()>(&mut connection);
        let takes =
            join_all(signatures.iter().map(|signature| processes[round % 2].take(signature)));
        let (flushed, answers) = tokio::join!(flush, takes);
        flushed.unwrap();
        assert_eq!(answers, vec![Answer::Served; 8], "round {round}");
    }
    assert!(server.command_calls("eval").await > 10);
}

#[tokio::test]
async fn a_full_server_serves_nothing_and_forgets_nothing() {
    let server = RedisServer::start(&[]).await;
    let processes = Process::several(2, &server.url()).await;
    processes[0].until_served().await;
    let used: u64 = server.info_field("memory", "used_memory").await.parse().unwrap();
    server.set_config("maxmemory", &(used + 100_000).to_string()).await;
    let mut served = Vec::new();
    let refused = loop {
        let signature = Signature::new(0);
        match processes[0].take(&signature).await {
            Answer::Served => served.push(signature),
            other => break other,
        }
    };
    assert!(matches!(&refused, Answer::Failed(error) if error.contains("OOM")), "{refused:?}");
    assert!(served.len() > 50, "{}", served.len());
    for signature in &served {
        assert_ne!(processes[1].take(signature).await, Answer::Served);
    }
    server.set_config("maxmemory", "0").await;
    assert_eq!(processes[1].take(&Signature::new(0)).await, Answer::Served);
}
