use std::time::Duration;

use redis::{RedisResult, cmd};
use tokio::time::timeout;

use super::Proxy;
use crate::support::{RedisServer, connect, eventually};

async fn is_answered(connection: &mut redis::aio::MultiplexedConnection) -> bool {
    let ping = cmd("PING");
    let answer = timeout(Duration::from_millis(300), ping.query_async::<String>(connection)).await;
    answer.is_ok_and(|answer| answer.is_ok())
}

#[tokio::test]
async fn a_stalled_proxy_forwards_later_and_a_black_hole_never() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::capturing(server.port()).await;
    let mut connection = connect(&proxy.url()).await;
    proxy.stall();
    assert!(!is_answered(&mut connection).await);
    proxy.heal();
    eventually("the answer arrives", async || is_answered(&mut connection).await).await;
    proxy.black_hole();
    proxy.heal();
    assert!(!is_answered(&mut connection).await);
    let answer: String = cmd("PING").query_async(&mut connect(&proxy.url()).await).await.unwrap();
    assert_eq!(answer, "PONG");
    assert_eq!(proxy.connections(), 2);
    assert!(proxy.captured().windows(4).any(|bytes| bytes == b"PONG"));
}

#[tokio::test]
async fn a_cut_closes_connections_and_new_ones_work() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let mut connection = connect(&proxy.url()).await;
    proxy.cut();
    eventually("the connection is closed", async || proxy.open_connections() == 0).await;
    let answer: RedisResult<String> = cmd("PING").query_async(&mut connection).await;
    assert!(answer.is_err());
    let answer: RedisResult<String> =
        cmd("PING").query_async(&mut connect(&proxy.url()).await).await;
    assert_eq!(answer.unwrap(), "PONG");
    assert!(proxy.bytes() > 0);
}

#[tokio::test]
async fn a_lost_answer_is_of_an_executed_command() {
    let server = RedisServer::start(&[]).await;
    let proxy = Proxy::start(server.port()).await;
    let mut connection = connect(&proxy.url()).await;
    proxy.lose_next_answer();
    let answer: RedisResult<String> = cmd("SET").arg("a").arg(1).query_async(&mut connection).await;
    assert!(answer.is_err());
    assert_eq!(server.command::<u8>(&["GET", "a"]).await, 1);
}

#[tokio::test]
async fn a_proxy_rewrites_answers_and_changes_its_server() {
    let (old, new) = tokio::join!(RedisServer::start(&[]), RedisServer::start(&[]));
    old.command::<()>(&["SET", "a", "version:7"]).await;
    new.command::<()>(&["SET", "a", "another"]).await;
    let proxy = Proxy::rewriting(old.port(), "version:7", "version:6").await;
    let get = async || {
        cmd("GET").arg("a").query_async::<String>(&mut connect(&proxy.url()).await).await.unwrap()
    };
    assert_eq!(get().await, "version:6");
    proxy.point_to(new.port());
    assert_eq!(get().await, "another");
}
