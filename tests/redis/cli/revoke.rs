//! `credentials revoke` with `--redis`, and the replicas that hear of it.

use std::fs;
use std::io::{Seek, Write};
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::{KEY, bearer_status, replica, signed, status};
use crate::support::RedisServer;
use crate::support::example_server::{Server, SseSession, example, output, until};
use crate::support::forged_request::SECRET;

const CI: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const NEW_CI: &str = "Zb9tQ0sJw2uLx4hVn6pRaA";
const BOB: &str = "Hk7yGd1oTf8eMi5zCs3jUQ";

fn line(name: &str, token: &str) -> String {
    let digest = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("{name} sha256:{digest}\n")
}

/// Two replicas of `sse_server`, each with a token file of its own.
struct Replicas {
    redis: RedisServer,
    folder: TempDir,
    servers: Vec<Server>,
}

impl Replicas {
    async fn start() -> Self {
        let redis = RedisServer::start(&[]).await;
        let folder = tempfile::tempdir().unwrap();
        let mut replicas = Self { redis, folder, servers: Vec::new() };
        for number in 0..2 {
            replicas.write(number, &[line("ci", CI), line("bob", BOB)].concat());
            let file = replicas.file(number);
            let args = ["--token-file", &file];
            replicas.servers.push(replica("sse_server", &replicas.redis.url(), &args).await);
        }
        replicas
    }

    fn file(&self, number: usize) -> String {
        self.folder.path().join(format!("tokens{number}")).to_str().unwrap().to_owned()
    }

    fn write(&self, number: usize, text: &str) {
        let next = self.folder.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(next, self.file(number)).unwrap();
    }

    /// The exit status and the output of `credentials revoke`, however busy this machine is.
    async fn revoke(&self, args: &[&str], input: &str) -> (Option<i32>, String) {
        self.revoke_within("10000", args, input).await
    }

    /// The same, if Redis may take this long for a command, in milliseconds.
    async fn revoke_within(
        &self,
        timeout: &str,
        args: &[&str],
        input: &str,
    ) -> (Option<i32>, String) {
        let mut stdin = tempfile::tempfile().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        stdin.rewind().unwrap();
        let mut command = example("credentials");
        command.args(["revoke", "--redis-timeout", timeout]).args(args).stdin(Stdio::from(stdin));
        command.env("SESSION_KEY", KEY).env("REDIS_URL", self.redis.url());
        let output = output(&mut command).await;
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty() && !stderr.contains(CI), "{stderr}");
        (output.status.code(), stderr)
    }

    async fn assert_statuses(&self, token: &str, expected: u16) {
        for server in &self.servers {
            assert_eq!(bearer_status(server, token).await, expected);
        }
    }
}

#[tokio::test]
async fn token_of_a_file_is_revoked_on_all_replicas() {
    let replicas = Replicas::start().await;
    let url = &replicas.servers[1].url;
    let mut revoked = SseSession::open(url, &format!("Bearer {CI}")).await;
    let mut other = SseSession::open(url, &format!("Bearer {BOB}")).await;
    let (status, stderr) = replicas.revoke(&["ci", "--token-file", &replicas.file(0)], "").await;
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.contains("tokens0: 1 line removed\n"), "{stderr}");
    assert!(stderr.contains("all replicas refuse the token of the files for 24 hours"), "{stderr}");
    assert_eq!(fs::read_to_string(replicas.file(0)).unwrap(), line("bob", BOB));

    // The file of the other replica still has it.
    while revoked.events.next().await.is_some() {}
    replicas.assert_statuses(CI, 401).await;
    assert_eq!(other.tool("whoami", serde_json::json!({})).await.0, "bob");

    // Another token of the same name works at once.
    replicas.write(1, &[line("ci", CI), line("ci", NEW_CI)].concat());
    until("the file is reloaded", async || {
        bearer_status(&replicas.servers[1], NEW_CI).await != 401
    })
    .await;
    assert_eq!(bearer_status(&replicas.servers[1], CI).await, 401);
}

#[tokio::test]
async fn token_on_stdin_is_revoked_without_a_file() {
    let replicas = Replicas::start().await;
    let (status, stderr) = replicas.revoke(&["--token", "-"], CI).await;
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stderr.starts_with("all replicas refuse the token for 24 hours"), "{stderr}");
    until("the token is rejected", async || bearer_status(&replicas.servers[1], CI).await == 401)
        .await;
    replicas.assert_statuses(BOB, 404).await;
    // A replica that starts later knows it, too.
    let args = ["--token-file", &replicas.file(0)];
    let late = replica("streamable_server", &replicas.redis.url(), &args).await;
    assert_eq!(bearer_status(&late, CI).await, 401);
    assert_eq!(bearer_status(&late, BOB).await, 404);
}

/// A file that does not have the token is a failure, but the replicas are told.
#[tokio::test]
async fn token_that_no_file_has_is_revoked_and_reported() {
    let replicas = Replicas::start().await;
    replicas.write(0, &line("bob", BOB));
    let args = ["--token", "-", "--token-file", &replicas.file(0)];
    let (status, stderr) = replicas.revoke(&args, CI).await;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("all replicas refuse the token for 24 hours"), "{stderr}");
    assert!(
        stderr.ends_with("error: no line of these files matches: none was changed\n"),
        "{stderr}"
    );
    until("the token is rejected", async || bearer_status(&replicas.servers[1], CI).await == 401)
        .await;
}

/// Its name alone does not revoke a token whose line is gone: it could still be accepted by every replica.
#[tokio::test]
async fn name_that_no_file_has_is_reported_as_not_told() {
    let replicas = Replicas::start().await;
    let args = ["alice", "--token-file", &replicas.file(0)];
    let (status, stderr) = replicas.revoke(&args, "").await;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("no line of these files matches: none was changed; "), "{stderr}");
    assert!(stderr.contains("the replicas were not told, as no token was found: "), "{stderr}");
}

#[tokio::test]
async fn name_without_a_token_file_is_refused_with_every_credential() {
    let replicas = Replicas::start().await;
    let (status, stderr) = replicas.revoke(&["ci"], "").await;
    assert_eq!(status, Some(0), "{stderr}");
    let expected = "all replicas refuse every credential of ci, also a new one, for 24 hours";
    assert!(stderr.starts_with(expected), "{stderr}");
    until("the token is rejected", async || bearer_status(&replicas.servers[1], CI).await == 401)
        .await;
    replicas.assert_statuses(BOB, 404).await;
    let token = format!("ci:{NEW_CI}");
    let server = replica("sse_server", &replicas.redis.url(), &["--token", &token]).await;
    assert_eq!(bearer_status(&server, NEW_CI).await, 401);
}

#[tokio::test]
async fn revoking_while_redis_is_away_changes_the_file_and_fails() {
    let replicas = Replicas::start().await;
    replicas.redis.kill();
    let (status, stderr) = replicas.revoke(&["ci", "--token-file", &replicas.file(0)], "").await;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("tokens0: 1 line removed\n"), "{stderr}");
    assert!(stderr.contains("error: the replicas were not told: cannot connect"), "{stderr}");
    assert!(stderr.contains("(the files were changed): run this again"), "{stderr}");
    assert_eq!(fs::read_to_string(replicas.file(0)).unwrap(), line("bob", BOB));

    // The same, with an answer that does not come.
    replicas.redis.restart().await;
    replicas.redis.stop();
    let (status, stderr) = replicas.revoke_within("250", &["bob"], "").await;
    assert_eq!(status, Some(1), "{stderr}");
    assert!(!stderr.contains("(the files were changed)"), "{stderr}");
    replicas.redis.cont();
}

/// A tool with another skew would otherwise have all signed requests rejected for a while.
#[tokio::test]
async fn revoking_does_not_disturb_signed_requests() {
    use base64::Engine as _;
    let redis = RedisServer::start(&[]).await;
    let key = format!("ci:{}", base64::engine::general_purpose::STANDARD.encode(SECRET));
    let server = replica("sse_server", &redis.url(), &["--hmac-key", &key]).await;
    until("a skew has passed", async || status(&server, &signed()).await == 404).await;
    let mut command = example("credentials");
    command.args(["revoke", "bob", "--redis", &redis.url(), "--session-key", KEY]);
    command.args(["--redis-timeout", "10000"]);
    assert_eq!(output(&mut command).await.status.code(), Some(0));
    assert_eq!(status(&server, &signed()).await, 404);
}

/// Replicas do not understand what is made with another key. The tool says so as soon as the log shows it.
#[tokio::test]
async fn revoking_with_another_key_is_logged() {
    let replicas = Replicas::start().await;
    assert_eq!(replicas.revoke(&["bob"], "").await.0, Some(0));
    let mut command = example("credentials");
    let other = KEY.replace('A', "B");
    command.args(["revoke", "ci", "--redis", &replicas.redis.url(), "--session-key", &other]);
    let output = output(&mut command).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("another store key"), "{stderr}");
    assert!(!stderr.contains(&other), "{stderr}");
}
