//! Redis is gone, and comes back.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use crate::process::{Answer, Process, Signature};
use crate::support::RedisServer;

/// What a request may wait when Redis is gone, on a slow machine as well.
const SOON: Duration = Duration::from_secs(1);

async fn take_64(process: &Process) -> Vec<(Answer, Duration)> {
    let signatures: Vec<_> = (0..64).map(|_| Signature::new(0)).collect();
    join_all(signatures.iter().map(async |signature| {
        let started = Instant::now();
        (process.take(signature).await, started.elapsed())
    }))
    .await
}

#[tokio::test]
async fn requests_are_answered_at_once_when_redis_was_killed() {
    let server = RedisServer::start(&[]).await;
    let process = Process::with_default_timeout(&server.url()).await;
    process.until_served().await;
    server.kill();
    for _ in 0..3 {
        for (answer, time) in take_64(&process).await {
            assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
            assert!(time < SOON, "{time:?}");
        }
    }
    server.restart().await;
    process.until_served().await;
}

#[tokio::test]
async fn a_restart_between_two_requests_is_no_error() {
    let server = RedisServer::start(&[]).await;
    let process = Process::with_default_timeout(&server.url()).await;
    process.until_served().await;
    server.restart().await;
    for (answer, _) in take_64(&process).await {
        assert!(
            matches!(answer, Answer::NotYet(_)),
            "the connection works, and the server is new: {answer:?}"
        );
    }
}

/// The password was changed while processes run. Otherwise each request would make a connection.
#[tokio::test]
async fn a_server_that_rejects_the_password_is_seldom_asked() {
    let server = RedisServer::start(&[]).await;
    let url = server.url().replace("redis://", "redis://:secret@");
    server.set_config("requirepass", "secret").await;
    let process = Process::with_default_timeout(&url).await;
    let mut control = crate::support::connect(&url).await;
    for words in [
        &["CONFIG", "SET", "requirepass", "another"][..],
        &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
    ] {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).exec_async(&mut control).await.unwrap();
    }
    let mut connections = async || {
        let mut info = redis::cmd("INFO");
        let info: String = info.arg("stats").query_async(&mut control).await.unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.unwrap().parse::<u64>().unwrap()
    };
    let (before, started) = (connections().await, Instant::now());
    for _ in 0..10 {
        for (answer, _) in take_64(&process).await {
            assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
        }
    }
    // Those of the first requests, before it counts as away, and then two in each interval.
    let most = 2 * 64 + 2 * (started.elapsed().as_millis() as u64 / 250 + 1);
    assert!(connections().await - before <= most);
}

#[tokio::test]
async fn a_server_that_is_away_refuses_a_process_that_starts() {
    let server = RedisServer::start(&[]).await;
    server.kill();
    let error = Process::try_start(&server.url()).await.unwrap_err().to_string();
    let address = format!("127.0.0.1:{}", server.port());
    assert!(error.contains("cannot connect to Redis") && error.contains(&address), "{error}");
}

/// A script of another program runs for long: Redis answers nothing, then that it is busy.
#[tokio::test]
async fn a_busy_server_serves_nothing_until_it_is_not() {
    let server = RedisServer::start(&[("lua-time-limit", "100")]).await;
    let processes = Process::several(2, &server.url()).await;
    let signature = processes[0].until_served().await;
    let url = server.url();
    let script = tokio::spawn(async move {
        let mut connection = crate::support::connect(&url).await;
        let mut eval = redis::cmd("EVAL");
        eval.arg("while true do end").arg(0);
        let _: redis::RedisResult<()> = eval.query_async(&mut connection).await;
    });
    let mut is_busy = false;
    while !is_busy {
        match processes[1].take(&Signature::new(0)).await {
            Answer::Failed(error) => is_busy = error.contains("Busy") || error.contains("BUSY"),
            Answer::Served => {} // before the script began
            other => panic!("{other:?}"),
        }
        tokio::task::yield_now().await;
    }
    for _ in 0..3 {
        let answer = processes[1].take(&signature).await;
        assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    }
    server.command::<()>(&["SCRIPT", "KILL"]).await;
    script.await.unwrap();
    processes[1].until_served().await;
    assert_ne!(processes[1].take(&signature).await, Answer::Served);
}
