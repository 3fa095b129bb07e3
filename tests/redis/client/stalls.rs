//! Redis is silent: its process is stopped, or the network drops what is sent.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::process::{Answer, Process, Signature};
use crate::support::{Proxy, RedisServer, eventually};

async fn process_at(proxy: &Proxy) -> Process {
    let process = Process::with_default_timeout(&proxy.url()).await;
    process.until_served().await;
    process
}

async fn fails(process: &Process) {
    let answer = process.take(&Signature::new(0)).await;
    assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
}

#[tokio::test]
async fn a_silent_connection_is_replaced_once_the_network_heals() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let process = process_at(&proxy).await;
    // The connection stays silent for ever, although it is open.
    proxy.black_hole();
    for _ in 0..2 {
        fails(&process).await;
    }
    proxy.heal();
    assert_eq!(process.take(&Signature::new(0)).await, Answer::Served);
    assert!(proxy.open_connections() <= 2);
}

/// Requests arrive all the time, so that they time out one after the other.
#[tokio::test]
async fn a_silence_under_load_costs_few_connections() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let process = process_at(&proxy).await;
    proxy.black_hole();
    let load = (0..500).map(async |number| {
        sleep(Duration::from_millis(4 * number)).await;
        process.take(&Signature::new(0)).await
    });
    let heal = async {
        sleep(Duration::from_millis(300)).await;
        proxy.heal();
    };
    let (answers, ()) = tokio::join!(join_all(load), heal);
    assert!(answers.contains(&Answer::Served), "the process recovers while requests arrive");
    process.until_served().await;
    // Replies that come too late on an old connection may cost a new one its place.
    assert!(proxy.connections() <= 20, "{}", proxy.connections());
}

#[tokio::test]
async fn a_long_silence_ends_as_well() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let process = process_at(&proxy).await;
    for silence in [Proxy::black_hole, Proxy::stall] {
        silence(&proxy);
        for _ in 0..8 {
            fails(&process).await;
        }
        proxy.heal();
        process.until_served().await;
    }
}

#[tokio::test]
async fn a_stopped_server_costs_the_timeout_and_works_again() {
    let server = RedisServer::start(&[]).await;
    let process = Process::with_default_timeout(&server.url()).await;
    let other = Process::start(&server.url()).await;
    process.until_served().await;
    server.stop();
    let started = Instant::now();
    let signature = Signature::new(0);
    let answer = process.take(&signature).await;
    assert!(
        matches!(&answer, Answer::Failed(error) if error.contains("did not answer within 250ms")),
        "{answer:?}"
    );
    assert!(started.elapsed() >= Duration::from_millis(250));
    server.cont();
    // The claim was executed late: the nonce is used, and the request was not served.
    eventually("the server answers", async || {
        let answer = other.take(&signature).await;
        assert_ne!(answer, Answer::Served);
        answer == Answer::Replayed
    })
    .await;
    process.until_served().await;
}

/// 1,000 requests of 20 clients, one after the other. Without a breaker each client would wait for 12 seconds.
#[tokio::test]
async fn requests_in_an_outage_do_not_wait_one_by_one() {
    let server = RedisServer::start(&[]).await;
    let process = Process::with_default_timeout(&server.url()).await;
    process.until_served().await;
    server.stop();
    let started = Instant::now();
    join_all((0..20).map(async |_| {
        for _ in 0..50 {
            fails(&process).await;
        }
    }))
    .await;
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(4), "{elapsed:?}");
    println!("1,000 requests in an outage: {elapsed:?}");
    server.cont();
    process.until_served().await;
}

#[tokio::test]
async fn requests_that_wait_are_bounded() {
    let server = RedisServer::start(&[]).await;
    let process = Process::with_default_timeout(&server.url()).await;
    process.until_served().await;
    server.stop();
    let signatures: Vec<_> = (0..2000).map(|_| Signature::new(0)).collect();
    let answers = join_all(signatures.iter().map(|signature| process.take(signature))).await;
    let overloaded =
        |answer: &&Answer| matches!(answer, Answer::Failed(error) if error.contains("too many"));
    assert_eq!(answers.iter().filter(overloaded).count(), 2000 - 1024);
    server.cont();
    process.until_served().await;
}
