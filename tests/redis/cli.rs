//! The example programs with `--redis`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use reqwest::Method;

use crate::support::example_server::{Server, execute, run, until};
use crate::support::forged_request::{Forged, SECRET};
use crate::support::{PATIENCE, RedisServer};

/// 32 bytes in base64.
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A server of this name that shares a Redis server with its replicas.
async fn replica(name: &str, redis: &str, args: &[&str]) -> Server {
    let common = ["--redis", redis, "--session-key", KEY, "--hmac-skew", "1"];
    let upstream = ["--upstream", "http://127.0.0.1:9"];
    let upstream = if name == "proxy" { &upstream[..] } else { &[] };
    Server::start(name, &[&common[..], upstream, args].concat()).await
}

/// The status of a signed request. The replicas have the same name, but not the same port.
async fn status(server: &Server, signed: &Forged) -> u16 {
    let headers = signed.request().into_parts().0.headers;
    execute(server.request(Method::GET, "/").headers(headers)).await.status().as_u16()
}

/// A request that is signed with its current time and a nonce of its own.
fn signed() -> Forged {
    Forged { target: "/".into(), ..Forged::get() }.with_current_time()
}

#[tokio::test]
async fn signed_request_is_accepted_by_one_of_three_programs() {
    let redis = RedisServer::start(&[]).await;
    let key = format!("ci:{}", STANDARD.encode(SECRET));
    let mut replicas = Vec::new();
    for name in ["sse_server", "streamable_server", "proxy"] {
        replicas.push(replica(name, &redis.url(), &["--hmac-key", &key]).await);
    }
    until("a skew has passed since Redis is used", async || {
        status(&replicas[0], &signed()).await != 503
    })
    .await;
    for first in 0..3 {
        let request = signed();
        let accepted = status(&replicas[first], &request).await;
        assert!(accepted != 401 && accepted != 503, "{accepted}");
        for replica in &replicas {
            assert_eq!(status(replica, &request).await, 401);
        }
    }
}

/// Another key or skew, with which a program only revokes, would have signed requests rejected for a while.
#[tokio::test]
async fn connection_without_nonces_leaves_the_epoch_alone() {
    let redis = RedisServer::start(&[]).await;
    let keys = async || redis.command::<Vec<String>>(&["KEYS", "*"]).await;
    let connect = || RedisStore::connect(redis.url(), StoreKey::from([1; 32])).timeout(PATIENCE);
    connect().without_nonces().await.unwrap();
    assert!(keys().await.is_empty());
    connect().await.unwrap();
    assert_eq!(keys().await.len(), 1);
}

#[tokio::test]
async fn redis_that_cannot_be_used_is_one_line_and_status_1() {
    for (settings, url, word) in [
        (
            &[("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lru")][..],
            "redis://127.0.0.1",
            "maxmemory-policy noeviction",
        ),
        (&[("requirepass", "secret")], "redis://127.0.0.1", "Authentication required"),
        (&[("requirepass", "secret")], "redis://:hunter2@127.0.0.1", "authentication failed"),
    ] {
        let redis = RedisServer::start(&[]).await;
        let mut connection = redis.connection().await;
        for (name, value) in settings {
            let mut set = redis::cmd("CONFIG");
            set.arg(&["SET", name, value]);
            set.exec_async(&mut connection).await.unwrap();
        }
        let url = format!("{url}:{}", redis.port());
        let args = ["--port", "0", "--redis", &url, "--session-key", KEY, "--user", "alice:secret"];
        let output = run("streamable_server", args).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: --redis: ") && stderr.contains(word), "{stderr}");
        assert!(stderr.lines().count() == 1 && !stderr.contains("hunter2"), "{stderr}");
        assert!(output.stdout.is_empty(), "it does not listen");
    }
}
