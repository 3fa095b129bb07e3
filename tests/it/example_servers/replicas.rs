//! The flags for what replicas share, without Redis.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{PING, transport};
use crate::support::example_server::{
    ALICE, Server, SseSession, USERS, example, execute, http, output, run,
};
use crate::support::forged_request::{Forged, SECRET, now};
use crate::support::{UnusedPort, serve};

/// 32 bytes in base64. A shorter one is an error.
const KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const OTHER_KEY: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const SHORT_KEY: &str = "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmg=";

/// A proxy with these flags in front of a server that both replicas have.
async fn replica(upstream: &str, args: &[&str]) -> Server {
    Server::start("proxy", &[&["--upstream", upstream][..], &USERS, args].concat()).await
}

/// The status of a message for a session that another replica opened.
async fn status_at(replica: &Server, opened_at: &Server, session: &SseSession) -> u16 {
    let endpoint = session.endpoint.replace(&opened_at.url, &replica.url);
    let message = http().post(endpoint).header("authorization", ALICE).body(PING);
    execute(message).await.status().as_u16()
}

#[tokio::test]
async fn sessions_are_known_to_replicas_of_the_same_key() {
    let upstream = serve(transport(&CancellationToken::new())).await;
    let first = replica(&upstream, &["--session-key", KEY]).await;
    let session = SseSession::open(&first.url, ALICE).await;

    let same = replica(&upstream, &["--session-key", KEY]).await;
    assert_eq!(status_at(&same, &first, &session).await, 202);
    let mut variable = example("proxy");
    variable.args(["--port", "0", "--upstream", &upstream]).args(USERS).env("SESSION_KEY", KEY);
    let variable = Server::spawn(&mut variable).await;
    assert_eq!(status_at(&variable, &first, &session).await, 202);
    let rotated =
        replica(&upstream, &["--session-key", OTHER_KEY, "--previous-session-key", KEY]).await;
    assert_eq!(status_at(&rotated, &first, &session).await, 202);

    for args in [&["--session-key", OTHER_KEY][..], &[]] {
        let other = replica(&upstream, args).await;
        assert_eq!(status_at(&other, &first, &session).await, 404, "{args:?}");
    }
    assert_eq!(status_at(&first, &first, &session).await, 202, "it is still open");
}

#[tokio::test]
async fn clocks_of_signers_may_be_ahead_by_the_skew() {
    let key = format!("ci:{}", STANDARD.encode(SECRET));
    let authority = |server: &Server| server.url.strip_prefix("http://").unwrap().to_owned();
    for (args, ahead, is_accepted) in [
        (&["--hmac-skew", "5"][..], 0, true),
        (&["--hmac-skew", "5"], 40, false),
        (&[], 40, true),
        (&["--hmac-skew", "200"], 90, true),
        (&[], 90, false),
    ] {
        let server =
            Server::start("streamable_server", &[&["--hmac-key", &key], args].concat()).await;
        let created = now() + ahead;
        let signed = Forged { target: "/".into(), ..Forged::get() }
            .without_header("host")
            .with_header("host", &authority(&server))
            .with("created", created)
            .with("expires", created + 60);
        let head = signed.request().into_parts().0;
        let request = server.request(Method::GET, "/").headers(head.headers);
        let status = execute(request).await.status();
        assert_eq!(status != 401, is_accepted, "{args:?} {ahead}: {status}");
    }
}

#[tokio::test]
async fn unusable_replica_flags_exit_with_one_line_and_status_2() {
    let redis = "redis://:hunter2@127.0.0.1:6379";
    for (args, variables, word) in [
        (&["--session-key", "hunter2"][..], &[][..], "--session-key"),
        (&["--session-key", SHORT_KEY], &[], "32 or more bytes"),
        (&[], &[("SESSION_KEY", "hunter2")], "SESSION_KEY"),
        (&["--previous-session-key", KEY], &[], "--previous-session-key needs --session-key"),
        (&[], &[("PREVIOUS_SESSION_KEY", KEY)], "--previous-session-key needs --session-key"),
        (&["--session-key", KEY], &[("PREVIOUS_SESSION_KEY", SHORT_KEY)], "PREVIOUS_SESSION_KEY"),
        (&["--redis", redis], &[], "needs --session-key, or SESSION_KEY in the environment"),
        (&[], &[("REDIS_URL", redis)], "needs --session-key, or SESSION_KEY in the environment"),
        (&["--redis-prefix", "mcp"], &[], "--redis-prefix needs --redis"),
        (&["--redis-timeout", "100"], &[], "--redis-timeout needs --redis"),
        (&["--redis", redis, "--session-key", KEY, "--redis-timeout", "0"], &[], "--redis-timeout"),
        (&["--redis-attempts", redis], &[], "--redis-attempts needs --redis"),
        (&[], &[("REDIS_ATTEMPTS_URL", redis)], "--redis-attempts needs --redis"),
        (&["--trusted-proxy", "nginx"], &[], "--trusted-proxy"),
        (&["--redis", "http://:hunter2@host", "--session-key", KEY], &[], "not a URL of Redis"),
        (&["--redis", "rediss://:hunter2@host", "--session-key", KEY], &[], "redis-tls"),
        (&["--redis", redis, "--redis-prefix", "a b", "--session-key", KEY], &[], "key prefix"),
        (&["--hmac-skew", "0"], &[], "--hmac-skew"),
        (&["--hmac-skew", "3601"], &[], "--hmac-skew"),
    ] {
        let mut command = example("sse_server");
        command.args(["--port", "0"]).args(USERS).args(args).envs(variables.iter().copied());
        let output = output(&mut command).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.lines().count() == 1 && stderr.contains(word), "{args:?}: {stderr}");
        for secret in ["hunter2", KEY, SHORT_KEY] {
            assert!(!stderr.contains(secret) && output.stdout.is_empty(), "{stderr}");
        }
    }
}

#[tokio::test]
async fn unreachable_redis_is_one_line_and_status_1() {
    let unused = UnusedPort::reserve();
    let url = unused.url().replace("http://", "redis://:hunter2@");
    let upstream = ["--upstream", "http://127.0.0.1:9"];
    for (name, rest) in [("sse_server", &[][..]), ("streamable_server", &[]), ("proxy", &upstream)]
    {
        let args = ["--port", "0", "--redis", &url, "--session-key", KEY];
        let output = run(name, [&args[..], &USERS, rest].concat()).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("error: --redis: cannot connect to Redis at 127.0.0.1:"));
        assert!(stderr.lines().count() == 1 && !stderr.contains("hunter2"), "{stderr}");
        assert!(output.stdout.is_empty(), "it does not listen");
    }
}

#[tokio::test]
async fn commands_do_not_inherit_secrets_of_the_server() {
    let variables = ["PASSWORD", "OAUTH_CLIENT", "SESSION_KEY", "PREVIOUS_SESSION_KEY"];
    let values = ["hunter2", "me:hunter2", KEY, OTHER_KEY];
    let mut command = example("sse_server");
    command.args(["--port", "0"]).args(USERS).envs(variables.into_iter().zip(values));
    let server = Server::spawn(command.env("HARMLESS", "value")).await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let (text, _) = session.tool("execute_command", json!({ "command": "env" })).await;
    assert!(text.contains("HARMLESS=value"), "{text}");
    for variable in variables {
        assert!(!text.contains(variable), "{text}");
    }
}
