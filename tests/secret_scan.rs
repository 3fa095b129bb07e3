//! A scan for secrets: a server whose users, tokens and keys are in files is used, guessed at,
//! attacked and given broken files, and says none of what was secret in all of that.

#![cfg(unix)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::basic;
use http::Request;
use mcp_auth_layer::{Basic, Bearer, HttpSignature, McpAuthLayer, Signer, any_of};
use serde_json::json;
use server::{Server, SseSession, answer, example, http, until};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower::Layer;

const PASSWORD: &str = "correct-horse-battery";
const NEW_PASSWORD: &str = "staple-of-tomorrow";
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const NEW_TOKEN: &str = "Zb9tQ0sJw2uLx4hVn6pRaA";
const KEY: [u8; 32] = *b"a signer's 32 bytes, kept secret";
const NEW_KEY: [u8; 32] = *b"another 32 bytes, as it rotates.";
/// What is wrong may be right elsewhere, or nearly right here.
const GUESS: &str = "corect-hors-batery";
/// Given on the command line.
const DAVES: &str = "hunter2-of-dave";
const BOTS: &str = "Hk7yGd1oTf8eMi5zCs3jUQ";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What must not be said, in every form in which it is sent or stored.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn all() -> Self {
        let mut secrets = Self::default();
        for password in [PASSWORD, NEW_PASSWORD, GUESS, DAVES] {
            secrets.add(password);
            for user in ["alice", "bob", "dave", "mallory"] {
                secrets.add(basic(user, password).strip_prefix("Basic ").unwrap());
            }
        }
        for token in [TOKEN, NEW_TOKEN, BOTS] {
            secrets.add(token);
            secrets.add(&hex(&Sha256::digest(token)));
        }
        for key in [KEY, NEW_KEY] {
            secrets.add(STANDARD.encode(key).trim_end_matches('='));
            secrets.add(&URL_SAFE_NO_PAD.encode(key));
            secrets.add(&hex(&key));
            secrets.add(str::from_utf8(&key).unwrap());
        }
        secrets
    }

    fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "what is this short is found by chance: {secret}");
        self.0.push(secret.to_owned());
    }

    /// Salt and hash of the lines of a password file.
    fn add_hashes(&mut self, lines: &str) {
        for line in lines.lines() {
            self.add(line.rsplit('$').next().unwrap());
        }
    }

    fn assert_none_in(&self, text: &str) {
        for secret in &self.0 {
            let found = text.lines().find(|line| line.contains(secret));
            assert!(found.is_none(), "{secret} stands in: {}", found.unwrap());
        }
        // Nor bytes of a digest or key, as `Debug` shows an array of them.
        let numbers = |line: &str| line.split(", ").filter(|n| n.parse::<u64>().is_ok()).count();
        assert!(text.lines().all(|line| numbers(line) < 4), "bytes are shown");
    }
}

/// A line of a password file for alice.
fn hashed(password: &str) -> String {
    let hash = bcrypt::hash_with_result(password, 4).unwrap();
    format!("alice:{}", hash.format_for_version(bcrypt::Version::TwoY))
}

fn token_line(token: &str) -> String {
    format!("ci sha256:{}", hex(&Sha256::digest(token)))
}

fn key_line(key: [u8; 32]) -> String {
    format!("ci base64:{}", STANDARD.encode(key))
}

/// A file of credentials, which its owner alone can read.
struct File<'d>(&'d TempDir, &'static str);

impl File<'_> {
    fn path(&self) -> PathBuf {
        self.0.path().join(self.1)
    }

    /// In place of the old one.
    fn replace(&self, text: &str) {
        let next = self.0.path().join("next");
        fs::write(&next, text).unwrap();
        fs::set_permissions(&next, PermissionsExt::from_mode(0o600)).unwrap();
        fs::rename(next, self.path()).unwrap();
    }
}

fn files(directory: &TempDir) -> [File<'_>; 3] {
    ["users", "tokens", "keys"].map(|name| File(directory, name))
}

/// A server, and all that it says to anybody.
struct Overheard {
    server: Server,
    answers: String,
}

impl Overheard {
    async fn ask(&mut self, request: reqwest::RequestBuilder) -> u16 {
        let answer = answer(request).await;
        let status = answer.status().as_u16();
        self.answers += &format!("{:?}\n", answer.headers());
        self.answers += &(answer.text().await.unwrap() + "\n");
        status
    }

    async fn get(&mut self, path: &str, authorization: &[&str]) -> u16 {
        let mut request = http().get(format!("{}{path}", self.server.url));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        self.ask(request).await
    }

    /// A signed request. Its signature is a secret until it has been used.
    async fn signed(&mut self, key: [u8; 32], secrets: &mut Secrets) -> u16 {
        let url = format!("{}/nothing", self.server.url);
        let mut request = Request::get(&url).body(Vec::new()).unwrap();
        Signer::new("ci", key).unwrap().sign(&mut request).unwrap();
        let signature = request.headers()["signature"].to_str().unwrap();
        secrets.add(signature.split(':').nth(1).unwrap());
        self.ask(http().get(url).headers(request.into_parts().0.headers)).await
    }

    /// Waits until this has been logged so many times.
    async fn logged(&self, what: &str, times: usize) {
        until(what, async || self.server.said().matches(what).count() >= times).await;
    }
}

#[tokio::test]
async fn a_server_says_no_secret_whatever_is_done_to_it() {
    let directory = TempDir::new().unwrap();
    let [users, tokens, keys] = files(&directory);
    let (old, new) = (hashed(PASSWORD), hashed(NEW_PASSWORD));
    let mut secrets = Secrets::all();
    secrets.add_hashes(&format!("{old}\n{new}"));
    users.replace(&old);
    tokens.replace(&token_line(TOKEN));
    keys.replace(&key_line(KEY));

    let mut command = example("sse_server");
    command.args(["--port", "0", "--metrics"]);
    command.arg("--htpasswd").arg(users.path());
    command.arg("--token-file").arg(tokens.path());
    command.arg("--hmac-key-file").arg(keys.path());
    command.args(["--user", &format!("dave:{DAVES}"), "--token", &format!("bot:{BOTS}")]);
    // Whatever this crate logs. What others log in detail is theirs: rmcp writes down messages, and
    // the ids of its sessions.
    command.env("RUST_LOG", "info,mcp_auth_layer=trace");
    let server = Server::spawn(&mut command).await;
    let mut all = Overheard { server, answers: String::new() };
    all.answers += &all.server.printed.join("\n");

    // Used.
    let (alice, bearer) = (basic("alice", PASSWORD), format!("Bearer {TOKEN}"));
    for right in [&*alice, &*alice, &*bearer, &basic("dave", DAVES), &format!("Bearer {BOTS}")] {
        assert_eq!(all.get("/nothing", &[right]).await, 404);
    }
    assert_eq!(all.signed(KEY, &mut secrets).await, 404);
    assert_eq!(all.get("/health", &[&alice]).await, 200);
    let mut session = SseSession::open(&all.server.url, &alice).await;
    assert_eq!(session.tool("whoami", json!({})).await, ("alice".to_owned(), false));
    let sealed = session.endpoint.split_once("session_id=").unwrap().1.to_owned();
    let (id, seal) = sealed.rsplit_once('.').unwrap();
    secrets.add(id);
    secrets.add(seal);

    // Attacked.
    assert_eq!(all.signed(NEW_KEY, &mut secrets).await, 401);
    for (path, authorization, status) in [
        ("/nothing", &[&*format!("Bearer {NEW_TOKEN}")][..], 401),
        ("/nothing", &[&format!("Basic alice:{PASSWORD}")], 401),
        ("/nothing", &[PASSWORD], 401),
        ("/nothing", &[&alice, &bearer], 400),
        (&format!("/nothing?access_token={TOKEN}"), &[], 401),
        (&format!("/messages/?session_id={sealed}"), &[&bearer], 404),
        (&format!("/messages/?session_id={id}"), &[&alice], 404),
    ] {
        assert_eq!(all.get(path, authorization).await, status, "{path}");
    }
    let guess = basic("mallory", GUESS);
    let mut status = 401;
    while status == 401 {
        status = all.get("/nothing", &[&guess]).await;
    }
    assert_eq!(status, 429);

    // Given broken files, with the secret itself where its hash should be, and none at all.
    let refused = "reload failed";
    users.replace(&format!("{old}\nbob:{NEW_PASSWORD}\n"));
    all.logged(refused, 1).await;
    tokens.replace(&format!("{}\nbot {NEW_TOKEN}\n", token_line(TOKEN)));
    all.logged(refused, 2).await;
    keys.replace(&format!("{}*\n", key_line(NEW_KEY)));
    all.logged(refused, 3).await;
    fs::remove_file(users.path()).unwrap();
    all.logged("the credential file is missing", 1).await;
    fs::set_permissions(keys.path(), PermissionsExt::from_mode(0o666)).unwrap();
    all.logged(refused, 4).await;
    for still in [&alice, &bearer] {
        assert_eq!(all.get("/nothing", &[still]).await, 404);
    }

    // Rotated.
    users.replace(&new);
    tokens.replace(&token_line(NEW_TOKEN));
    keys.replace(&key_line(NEW_KEY));
    all.logged("credential file reloaded", 3).await;
    assert!(session.events.next().await.is_none(), "opened with the old password");
    assert_eq!(all.get("/nothing", &[&basic("alice", NEW_PASSWORD)]).await, 404);
    assert_eq!(all.get("/nothing", &[&format!("Bearer {NEW_TOKEN}")]).await, 404);
    assert_eq!(all.signed(NEW_KEY, &mut secrets).await, 404);
    for gone in [&alice, &bearer] {
        assert_eq!(all.get("/nothing", &[gone]).await, 401);
    }
    assert_eq!(all.get("/metrics", &[]).await, 200);

    let (status, said) = all.server.terminate().await;
    assert!(status.success());
    // All of it was logged, so that there was something to find.
    for what in [
        "DEBUG mcp_auth_layer",
        "admitted",
        "passed bare",
        "an answer ended with its credential",
        "reason=\"missing\"",
        "reason=\"malformed\"",
        "reason=\"invalid\"",
        "reason=\"bad_request\"",
        "reason=\"unknown_session\"",
        "reason=\"too_many_requests\"",
        "line 2: the password is not hashed",
        "chmod go-w",
    ] {
        assert!(said.contains(what), "{what}:\n{said}");
    }
    secrets.assert_none_in(&said);
    secrets.assert_none_in(&all.answers);
    assert!(!said.contains("mallory"), "a name that was claimed may be a password");
}

#[test]
fn debug_and_errors_of_what_is_in_files_show_no_secret() {
    let directory = TempDir::new().unwrap();
    let [users, tokens, keys] = files(&directory);
    let line = hashed(PASSWORD);
    let mut secrets = Secrets::all();
    secrets.add_hashes(&line);
    users.replace(&line);
    tokens.replace(&token_line(TOKEN));
    keys.replace(&key_line(KEY));
    let user_file = Basic::from_htpasswd_file(users.path()).unwrap();
    let token_file = Bearer::from_file(tokens.path()).unwrap();
    let key_file = HttpSignature::from_file(keys.path()).unwrap();
    let (a, b, c) = (user_file.handle(), token_file.handle(), key_file.handle());
    b.add("ci", NEW_TOKEN).unwrap();
    c.add("ci", NEW_KEY).unwrap();
    let mut shown = format!("{user_file:?}\n{token_file:?}\n{key_file:?}\n{a:?}\n{b:?}\n{c:?}\n");
    assert!(shown.contains("[1 users]"), "{shown}");

    let layer = McpAuthLayer::new(any_of(key_file, any_of(token_file, user_file)));
    shown += &format!("{layer:?}\n{:?}\n", layer.layer(()));
    users.replace(&format!("{line}\nbob:{NEW_PASSWORD}"));
    tokens.replace(&format!("{}\nci {NEW_TOKEN}", token_line(TOKEN)));
    keys.replace(&format!("{}\nci base64:*{}", key_line(KEY), STANDARD.encode(NEW_KEY)));
    let errors = [a.reload().unwrap_err(), b.reload().unwrap_err(), c.reload().unwrap_err()];
    for error in errors {
        assert_eq!(error.line(), Some(2), "{error}");
        shown += &format!("{error}\n{error:?}\n");
    }
    secrets.assert_none_in(&shown);
}
