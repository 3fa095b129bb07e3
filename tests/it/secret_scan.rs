//! A scan for secrets: a server with credential files is used, attacked and given broken files; no
//! secret appears in its logs or responses.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Request;
use mcp_auth_layer::schemes::{HtpasswdFile, Signer};
use mcp_auth_layer::{Bearer, HttpSignature, McpAuthLayer, any_of};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::Layer;

use crate::support::access_token::{ED, K1, RESOURCE, jwks, with_claims};
use crate::support::credential_file::CredentialFile;
use crate::support::example_server::{Server, SseSession, example, execute, http, until};
use crate::support::{UnusedPort, basic};

const PASSWORD: &str = "correct-horse-battery";
const NEW_PASSWORD: &str = "staple-of-tomorrow";
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const NEW_TOKEN: &str = "Zb9tQ0sJw2uLx4hVn6pRaA";
const KEY: [u8; 32] = *b"a signer's 32 bytes, kept secret";
const NEW_KEY: [u8; 32] = *b"another 32 bytes, as it rotates.";

/// A wrong password is a secret too: it may be valid elsewhere, or almost valid here.
const WRONG_PASSWORD: &str = "corect-hors-batery";

/// Secrets given on the command line.
const DAVES_PASSWORD: &str = "hunter2-of-dave";
const BOTS_TOKEN: &str = "Hk7yGd1oTf8eMi5zCs3jUQ";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Secrets that must not appear, in every form in which they are sent or stored.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    fn all() -> Self {
        let mut secrets = Self::default();
        for password in [PASSWORD, NEW_PASSWORD, WRONG_PASSWORD, DAVES_PASSWORD] {
            secrets.add(password);
            for user in ["alice", "bob", "dave", "mallory"] {
                secrets.add(basic(user, password).strip_prefix("Basic ").unwrap());
            }
        }
        for token in [TOKEN, NEW_TOKEN, BOTS_TOKEN] {
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
        assert!(secret.len() >= 8, "too short, would be found by chance: {secret}");
        self.0.push(secret.to_owned());
    }

    /// Adds an access token: pieces of its claims and its signature, as the log cuts what is long, and digests.
    fn add_access_token(&mut self, token: &str) {
        self.add(&hex(&Sha256::digest(token)));
        self.add(&STANDARD.encode(Sha256::digest(token)));
        for part in token.split('.').skip(1) {
            let pieces = part.as_bytes().chunks(24).filter(|piece| piece.len() == 24);
            pieces.for_each(|piece| self.add(str::from_utf8(piece).unwrap()));
        }
    }

    /// Adds the salt and hash of each line of a password file.
    fn add_hashes(&mut self, lines: &str) {
        for line in lines.lines() {
            self.add(line.rsplit('$').next().unwrap());
        }
    }

    fn assert_none_in(&self, text: &str) {
        for secret in &self.0 {
            let found = text.lines().find(|line| line.contains(secret));
            assert!(found.is_none(), "{secret} found in: {}", found.unwrap());
        }
        // Nor may bytes of a digest or key appear, as `Debug` prints arrays.
        let numbers = |line: &str| line.split(", ").filter(|n| n.parse::<u64>().is_ok()).count();
        assert!(text.lines().all(|line| numbers(line) < 4), "bytes are printed");
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

/// A server, and all responses that it has sent.
struct RecordedServer {
    server: Server,
    responses: String,
}

impl RecordedServer {
    async fn send(&mut self, request: reqwest::RequestBuilder) -> u16 {
        let response = execute(request).await;
        let status = response.status().as_u16();
        self.responses += &format!("{:?}\n", response.headers());
        self.responses += &(response.text().await.unwrap() + "\n");
        status
    }

    async fn get(&mut self, path: &str, authorization: &[&str]) -> u16 {
        let mut request = http().get(format!("{}{path}", self.server.url));
        for value in authorization {
            request = request.header("authorization", *value);
        }
        self.send(request).await
    }

    /// Sends a signed request. Its signature is a secret until it has been used.
    async fn signed(&mut self, key: [u8; 32], secrets: &mut Secrets) -> u16 {
        let url = format!("{}/nothing", self.server.url);
        let mut request = Request::get(&url).body(Vec::new()).unwrap();
        Signer::new("ci", key).unwrap().sign(&mut request).unwrap();
        let signature = request.headers()["signature"].to_str().unwrap();
        secrets.add(signature.split(':').nth(1).unwrap());
        self.send(http().get(url).headers(request.into_parts().0.headers)).await
    }

    /// Waits until this text has been logged this many times.
    async fn logged(&self, what: &str, times: usize) {
        until(what, async || self.server.log().matches(what).count() >= times).await;
    }
}

#[tokio::test]
async fn server_never_reveals_secrets_in_logs_or_responses() {
    let (old, new) = (hashed(PASSWORD), hashed(NEW_PASSWORD));
    let mut secrets = Secrets::all();
    secrets.add_hashes(&format!("{old}\n{new}"));
    let users = CredentialFile::new(&old);
    let tokens = CredentialFile::new(&token_line(TOKEN));
    let keys = CredentialFile::new(&key_line(KEY));

    let mut command = example("sse_server");
    command.args(["--port", "0", "--metrics"]);
    command.arg("--htpasswd").arg(&users.path);
    command.arg("--token-file").arg(&tokens.path);
    command.arg("--hmac-key-file").arg(&keys.path);
    command.args([
        "--user",
        &format!("dave:{DAVES_PASSWORD}"),
        "--token",
        &format!("bot:{BOTS_TOKEN}"),
    ]);
    // Log everything that this crate logs. rmcp logs messages and session IDs at lower levels.
    command.env("RUST_LOG", "info,mcp_auth_layer=trace");
    let server = Server::spawn(&mut command).await;
    let mut recorded = RecordedServer { server, responses: String::new() };
    recorded.responses += &recorded.server.printed.join("\n");

    // Normal use.
    let (alice, bearer) = (basic("alice", PASSWORD), format!("Bearer {TOKEN}"));
    for right in [
        &*alice,
        &*alice,
        &*bearer,
        &basic("dave", DAVES_PASSWORD),
        &format!("Bearer {BOTS_TOKEN}"),
    ] {
        assert_eq!(recorded.get("/nothing", &[right]).await, 404);
    }
    assert_eq!(recorded.signed(KEY, &mut secrets).await, 404);
    assert_eq!(recorded.get("/health", &[&alice]).await, 200);
    let mut session = SseSession::open(&recorded.server.url, &alice).await;
    assert_eq!(session.tool("whoami", json!({})).await, ("alice".to_owned(), false));
    let bound = session.endpoint.split_once("session_id=").unwrap().1.to_owned();
    let (id, tag) = bound.rsplit_once('.').unwrap();
    secrets.add(id);
    secrets.add(tag);

    // Attacks.
    assert_eq!(recorded.signed(NEW_KEY, &mut secrets).await, 401);
    for (path, authorization, status) in [
        ("/nothing", &[&*format!("Bearer {NEW_TOKEN}")][..], 401),
        ("/nothing", &[&format!("Basic alice:{PASSWORD}")], 401),
        ("/nothing", &[PASSWORD], 401),
        ("/nothing", &[&alice, &bearer], 400),
        (&format!("/nothing?access_token={TOKEN}"), &[], 401),
        (&format!("/messages/?session_id={bound}"), &[&bearer], 404),
        (&format!("/messages/?session_id={id}"), &[&alice], 404),
    ] {
        assert_eq!(recorded.get(path, authorization).await, status, "{path}");
    }
    let wrong = basic("mallory", WRONG_PASSWORD);
    let mut status = 401;
    while status == 401 {
        status = recorded.get("/nothing", &[&wrong]).await;
    }
    assert_eq!(status, 429);

    // Broken files: with a plain secret in place of its hash, or missing.
    let rejected = "reload failed";
    users.replace(&format!("{old}\nbob:{NEW_PASSWORD}\n"));
    recorded.logged(rejected, 1).await;
    tokens.replace(&format!("{}\nbot {NEW_TOKEN}\n", token_line(TOKEN)));
    recorded.logged(rejected, 2).await;
    keys.replace(&format!("{}*\n", key_line(NEW_KEY)));
    recorded.logged(rejected, 3).await;
    fs::remove_file(&users.path).unwrap();
    recorded.logged("the credential file is missing", 1).await;
    keys.set_mode(0o666);
    recorded.logged(rejected, 4).await;
    for still in [&alice, &bearer] {
        assert_eq!(recorded.get("/nothing", &[still]).await, 404);
    }

    // Rotation.
    users.replace(&new);
    tokens.replace(&token_line(NEW_TOKEN));
    keys.replace(&key_line(NEW_KEY));
    recorded.logged("credential file reloaded", 3).await;
    assert!(session.events.next().await.is_none(), "opened with the old password");
    assert_eq!(recorded.get("/nothing", &[&basic("alice", NEW_PASSWORD)]).await, 404);
    assert_eq!(recorded.get("/nothing", &[&format!("Bearer {NEW_TOKEN}")]).await, 404);
    assert_eq!(recorded.signed(NEW_KEY, &mut secrets).await, 404);
    for gone in [&alice, &bearer] {
        assert_eq!(recorded.get("/nothing", &[gone]).await, 401);
    }
    assert_eq!(recorded.get("/metrics", &[]).await, 200);

    let (status, log) = recorded.server.terminate().await;
    assert!(status.success());
    // All of this was logged, so the scan had something to search.
    for what in [
        "DEBUG mcp_auth_layer",
        "authenticated",
        "exempt",
        "response ended: its credential expired or was revoked",
        "reason=\"missing\"",
        "reason=\"malformed\"",
        "reason=\"invalid\"",
        "reason=\"bad_request\"",
        "reason=\"unknown_session\"",
        "reason=\"too_many_requests\"",
        "line 2: the password is not hashed",
        "chmod go-w",
    ] {
        assert!(log.contains(what), "{what}:\n{log}");
    }
    assert!(!log.contains("mcp_auth_layer::"), "every event has the stable target:\n{log}");
    secrets.assert_none_in(&log);
    secrets.assert_none_in(&recorded.responses);
    assert!(!log.contains("mallory"), "a claimed name may be a mistyped password");
}

#[tokio::test]
async fn server_never_reveals_access_tokens() {
    const CLIENT_SECRET: &str = "secret-of-this-resource-server";
    const PRIVATE: &str = "cHJpdmF0ZS1wYXJ0LW9mLWEta2V5";
    let down = UnusedPort::reserve();
    let issuer = down.url();
    let mut secrets = Secrets::default();
    secrets.add(CLIENT_SECRET);
    secrets.add(basic("rs", CLIENT_SECRET).strip_prefix("Basic ").unwrap());
    secrets.add(PRIVATE);
    let keys = CredentialFile::new(&jwks([K1.jwk("k1")]));

    let mut command = example("sse_server");
    command.args(["--port", "0", "--metrics", "--oauth-issuer", &issuer]);
    command.args(["--oauth-resource", RESOURCE]).arg("--oauth-jwks").arg(&keys.path);
    command.args(["--oauth-introspect", &format!("{issuer}/introspect")]);
    command.args(["--oauth-client", &format!("rs:{CLIENT_SECRET}")]);
    command.env("RUST_LOG", "info,mcp_auth_layer=trace");
    let server = Server::spawn(&mut command).await;
    let mut recorded = RecordedServer { server, responses: String::new() };
    recorded.responses += &recorded.server.printed.join("\n");

    // Good and refused tokens, and what is no token.
    let mut token = |edit: fn(&mut Value)| {
        let token = with_claims(|claims| {
            claims["iss"] = json!(issuer);
            edit(claims);
        });
        secrets.add_access_token(&token);
        token
    };
    let good = token(|_| {});
    let refused = [
        token(|claims| claims["aud"] = json!("https://other.example.com")),
        token(|claims| claims["iss"] = json!("https://other.example.com")),
        token(|claims| claims["exp"] = json!(1_000_000)),
        token(|claims| claims["sub"] = json!("")),
        token(|claims| claims["scope"] = json!(7)),
        token(|claims| claims["cnf"] = json!({"jkt": "a"})),
    ];
    let (start, end) = good.split_at(good.len() - 20);
    let forged = format!("{start}AAAAAAAAAA{}", &end[10..]);
    secrets.add_access_token(&forged);
    secrets.add(TOKEN);
    let bearer = format!("Bearer {good}");
    assert_eq!(recorded.get("/nothing", &[&bearer]).await, 404);
    for wrong in refused.iter().chain([&forged]) {
        assert_eq!(recorded.get("/nothing", &[&format!("Bearer {wrong}")]).await, 401);
    }
    // An opaque token, while its verifier is down.
    assert_eq!(recorded.get("/nothing", &[&format!("Bearer {TOKEN}")]).await, 503);
    for (path, authorization, status) in [
        ("/nothing", &[&*good][..], 401),
        ("/nothing", &[&*format!("Basic {good}")], 401),
        ("/nothing", &[&*bearer, &*bearer], 400),
        (&format!("/nothing?access_token={good}"), &[], 401),
        (&format!("/.well-known/oauth-protected-resource?{good}"), &[&*bearer], 200),
    ] {
        assert_eq!(recorded.get(path, authorization).await, status, "{path}");
    }
    let mut session = SseSession::open(&recorded.server.url, &bearer).await;
    assert_eq!(session.tool("whoami", json!({})).await, ("alice".to_owned(), false));

    // A broken set of keys, one with a private key, and a rotation.
    keys.replace(&format!(r#"{{"keys":["{PRIVATE}"]}}"#));
    recorded.logged("reload failed", 1).await;
    let mut private = ED.jwk("ed");
    private["d"] = json!(PRIVATE);
    keys.replace(&jwks([private]));
    recorded.logged("reload failed", 2).await;
    assert_eq!(recorded.get("/nothing", &[&bearer]).await, 404);
    keys.replace(&jwks([ED.jwk("ed")]));
    recorded.logged("credential file reloaded", 1).await;
    assert!(session.events.next().await.is_none(), "opened with a key that is gone");
    assert_eq!(recorded.get("/nothing", &[&bearer]).await, 401);
    assert_eq!(recorded.get("/metrics", &[]).await, 200);

    let (status, log) = recorded.server.terminate().await;
    assert!(status.success());
    for what in [
        "authenticated",
        "the token expired",
        "the signature is wrong",
        "https://other.example.com",
        "no key of the issuer has `kid`",
        "response ended: its credential expired or was revoked",
        "exempt",
        "reason=\"unavailable\"",
    ] {
        assert!(log.contains(what), "{what}:\n{log}");
    }
    secrets.assert_none_in(&log);
    secrets.assert_none_in(&recorded.responses);
}

#[test]
fn debug_and_errors_of_credential_files_contain_no_secrets() {
    let line = hashed(PASSWORD);
    let mut secrets = Secrets::all();
    secrets.add_hashes(&line);
    let users = CredentialFile::new(&line);
    let tokens = CredentialFile::new(&token_line(TOKEN));
    let keys = CredentialFile::new(&key_line(KEY));
    let user_file = HtpasswdFile::open(&users.path).unwrap();
    let token_file = Bearer::from_file(&tokens.path).unwrap();
    let key_file = HttpSignature::from_file(&keys.path).unwrap();
    let (a, b, c) = (user_file.handle(), token_file.handle(), key_file.handle());
    b.add("ci", NEW_TOKEN).unwrap();
    c.add("ci", NEW_KEY).unwrap();
    let mut shown = format!("{user_file:?}\n{token_file:?}\n{key_file:?}\n{a:?}\n{b:?}\n{c:?}\n");
    assert!(shown.contains("[1 users]"), "{shown}");

    let layer = McpAuthLayer::new(any_of((key_file, any_of((token_file, user_file)))));
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
