//! The example programs with `--redis`.

mod revoke;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use reqwest::Method;

use crate::support::RedisServer;
use crate::support::example_server::{Server, execute, run, until};
use crate::support::forged_request::{Forged, SECRET};

/// 32 bytes in base64.
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A server of this name that shares a Redis server with its replicas.
async fn replica(name: &str, redis: &str, args: &[&str]) -> Server {
    let common =
        ["--redis", redis, "--session-key", KEY, "--redis-timeout", "10000", "--hmac-skew", "1"];
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

/// A program that only revokes does not know the skew of the replicas.
#[tokio::test]
async fn connection_without_nonces_leaves_the_epoch_alone() {
    let redis = RedisServer::start(&[]).await;
    let keys = async || redis.command::<u64>(&["DBSIZE"]).await;
    let connect = || RedisStore::connect(redis.url(), StoreKey::from([1; 32]));
    connect().without_nonces().await.unwrap();
    assert_eq!(keys().await, 0);
    connect().await.unwrap();
    assert_eq!(keys().await, 1);
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
        let args = [&args[..], &["--redis-timeout", "10000"]].concat();
        let output = run("streamable_server", args).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: --redis: ") && stderr.contains(word), "{stderr}");
        assert!(stderr.lines().count() == 1 && !stderr.contains("hunter2"), "{stderr}");
        assert!(output.stdout.is_empty(), "it does not listen");
    }
}

/// The status of a request with this token.
async fn bearer_status(server: &Server, token: &str) -> u16 {
    server.status(Method::GET, "/", Some(&format!("Bearer {token}"))).await
}

#[tokio::test]
async fn failed_attempts_at_all_replicas_have_one_limit() {
    let (redis, attempts) = (RedisServer::start(&[]).await, RedisServer::start(&[]).await);
    for args in [&[][..], &["--redis-attempts", &attempts.url()]] {
        let mut replicas = Vec::new();
        for _ in 0..3 {
            let token = ["--token", "ci:rD3m0NfE5Yc0mKq1bWv7Xw"];
            let args = [&token[..], args].concat();
            replicas.push(replica("streamable_server", &redis.url(), &args).await);
        }
        let mut rejected = 0;
        for attempt in 0..36 {
            match bearer_status(&replicas[attempt % 3], &format!("wrong{attempt}")).await {
                401 => rejected += 1,
                status => assert_eq!(status, 429),
            }
        }
        // One more every three seconds.
        assert!((20..30).contains(&rejected), "{rejected} attempts of 20");
        redis.command::<()>(&["FLUSHALL"]).await;
    }
    assert_ne!(attempts.command::<u64>(&["DBSIZE"]).await, 0);
}

/// Behind a proxy that is trusted, the limit is that of the client.
#[tokio::test]
async fn failed_attempts_count_by_the_client_of_a_trusted_proxy() {
    let redis = RedisServer::start(&[]).await;
    for (args, expected) in [(&["--trusted-proxy", "127.0.0.1"][..], 401), (&[], 429)] {
        let token = ["--token", "ci:rD3m0NfE5Yc0mKq1bWv7Xw"];
        let server = replica("sse_server", &redis.url(), &[&token[..], args].concat()).await;
        let attempt = async |client: &str, token: &str| {
            let request = server.request(Method::GET, "/sse").bearer_auth(token);
            execute(request.header("x-forwarded-for", client)).await.status().as_u16()
        };
        let mut statuses = Vec::new();
        for number in 0..30 {
            statuses.push(attempt("192.0.2.1", &format!("wrong{number}")).await);
        }
        assert!(statuses.contains(&429), "{statuses:?}");
        assert_eq!(attempt("192.0.2.2", "wrong").await, expected, "{args:?}");
        redis.command::<()>(&["FLUSHALL"]).await;
    }
}
