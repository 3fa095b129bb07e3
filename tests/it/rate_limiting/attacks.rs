//! Password guessing against an example server, over real sockets and from several loopback
//! addresses, with a password file written by the real `htpasswd`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Router;
use mcp_auth_layer::{Basic, McpAuthLayer, RateLimit};
use reqwest::Method;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;

use crate::support::example_server::{DEADLINE, Server, execute, http, until};
use crate::support::htpasswd::htpasswd;
use crate::support::log::Log;
use crate::support::{basic, recorder, write_credentials};

/// The status of a path that does not exist, for authenticated clients.
const AUTHENTICATED: u16 = 404;

/// Users in a password file. The password of each user is the reversed name.
struct Team(TempDir);

impl Team {
    fn with(names: &[&str]) -> Self {
        let team = Self(TempDir::new().unwrap());
        // The directory must not be writable by others: the server would log a warning.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(team.0.path(), mode).unwrap();
        write_credentials(team.file(), "");
        for name in names {
            team.set(name, &password_of(name));
        }
        team
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("users.htpasswd")
    }

    /// Adds the user or changes the password, and replaces the file by rename.
    fn set(&self, name: &str, password: &str) {
        let next = self.0.path().join("next");
        fs::copy(self.file(), &next).unwrap();
        let other_lines = fs::read_to_string(&next).unwrap();
        let other_lines = other_lines.lines().filter(|line| !line.starts_with(&format!("{name}:")));
        let line = htpasswd("-B -C 4", name, password);
        let lines: Vec<_> = other_lines.chain([&*line]).collect();
        fs::write(&next, lines.join("\n") + "\n").unwrap();
        fs::rename(next, self.file()).unwrap();
    }

    async fn serve(&self, args: &[&str]) -> Server {
        let file = self.file();
        let file = ["--htpasswd", file.to_str().unwrap()];
        Server::start("sse_server", &[&file[..], args].concat()).await
    }
}

fn password_of(name: &str) -> String {
    name.chars().rev().collect()
}

/// A client with the address 127.0.0.x.
struct Client<'s> {
    http: reqwest::Client,
    server: &'s Server,
}

impl Client<'_> {
    async fn send(&self, authorization: &str) -> Outcome {
        let request = self.http.get(format!("{}/nothing", self.server.url));
        let response = execute(request.header("authorization", authorization)).await;
        let wait = response.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse());
        (response.status().as_u16(), wait.map(Result::unwrap))
    }

    async fn attempt(&self, name: &str, password: &str) -> Outcome {
        self.send(&basic(name, password)).await
    }

    async fn log_in(&self, name: &str) -> u16 {
        self.attempt(name, &password_of(name)).await.0
    }

    /// Attempts wrong passwords until the limit is reached and a full interval remains, so that no
    /// attempt is free for the next requests. Returns how many attempts were verified.
    async fn attempt_until_limited(
        &self,
        mut name: impl FnMut(usize) -> String,
        interval: u64,
    ) -> usize {
        let (started, mut verified) = (Instant::now(), 0);
        loop {
            match self.attempt(&name(verified), "wrong").await {
                (401, None) => verified += 1,
                (429, Some(wait)) if wait == interval => return verified,
                (429, Some(wait)) => {
                    assert!((1..interval).contains(&wait), "{wait}");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                other => panic!("{other:?}"),
            }
            assert!(started.elapsed() < DEADLINE, "no limit after {verified} attempts");
        }
    }
}

/// A status, and `Retry-After` in seconds.
type Outcome = (u16, Option<u64>);

fn client_at(x: u8, server: &Server) -> Client<'_> {
    let address = Ipv4Addr::new(127, 0, 0, x);
    let http = reqwest::Client::builder().no_proxy().local_address(Some(address.into()));
    Client { http: http.build().unwrap(), server }
}

/// The limits per user of an address, and per address: burst, and refill interval in seconds.
const PER_USER: (usize, u64) = (10, 10);
const PER_ADDRESS: (usize, u64) = (20, 3);

/// Asserts that the attempts are the burst, plus one for each interval that has passed.
fn assert_limited(verified: usize, (burst, interval): (usize, u64), took: Duration) {
    let max = burst + (took.as_secs() / interval) as usize;
    assert!((burst..=max).contains(&verified), "{verified} of {burst} to {max}");
}

#[tokio::test]
async fn ten_attempts_per_user_then_one_every_ten_seconds() {
    let team = Team::with(&["alice", "bob"]);
    let server = team.serve(&[]).await;
    let attacker = client_at(1, &server);
    let started = Instant::now();
    let verified = attacker.attempt_until_limited(|_| "alice".to_owned(), PER_USER.1).await;
    assert_limited(verified, PER_USER, started.elapsed());
    assert_eq!(attacker.attempt("alice", "another").await.0, 429);
    assert_eq!(attacker.attempt("bob", "another").await.0, 401, "another user's limit");
}

#[tokio::test]
async fn twenty_attempts_per_address_then_one_every_three_seconds() {
    let team = Team::with(&["alice"]);
    let server = team.serve(&[]).await;
    let attacker = client_at(1, &server);
    let started = Instant::now();
    let verified =
        attacker.attempt_until_limited(|number| format!("user-{number}"), PER_ADDRESS.1).await;
    assert_limited(verified, PER_ADDRESS, started.elapsed());
    // Requests without credentials and public paths are not limited.
    for (path, expected) in [("/nothing", 401), ("/health", 200)] {
        assert_eq!(server.status(Method::GET, path, None).await, expected);
    }
}

#[tokio::test]
async fn known_users_keep_access_behind_a_rate_limited_address() {
    let team = Team::with(&["alice", "carol"]);
    let server = team.serve(&["--metrics"]).await;
    let client = client_at(1, &server);
    assert_eq!(client.log_in("alice").await, AUTHENTICATED);
    client.attempt_until_limited(|number| format!("user-{number}"), PER_ADDRESS.1).await;
    assert_eq!(client.log_in("carol").await, 429, "carol has not logged in before");
    for time in 0..50 {
        assert_eq!(client.log_in("alice").await, AUTHENTICATED, "cached, {time}");
    }

    // A known user with a new, uncached password is not limited either.
    let count = "mcp_auth_reloads_total{outcome=\"applied\"} 1\n";
    team.set("alice", "a new one");
    until("the file is reloaded", async || {
        let text = execute(server.request(Method::GET, "/metrics")).await.text().await;
        text.unwrap().contains(count)
    })
    .await;
    client.attempt_until_limited(|number| format!("user-{number}"), PER_ADDRESS.1).await;
    assert_eq!(client.log_in("carol").await, 429);
    assert_eq!(client.log_in("alice").await, 401, "the old password");
    assert_eq!(client.attempt("alice", "a new one").await.0, AUTHENTICATED);
}

#[tokio::test]
async fn attacks_do_not_lock_users_out_at_other_addresses() {
    let team = Team::with(&["alice"]);
    let server = team.serve(&[]).await;
    let (attacker, alice) = (client_at(1, &server), client_at(2, &server));
    attacker.attempt_until_limited(|_| "alice".to_owned(), PER_USER.1).await;
    for time in ["first", "remembered"] {
        assert_eq!(alice.log_in("alice").await, AUTHENTICATED, "{time}");
    }
    assert_eq!(client_at(3, &server).log_in("alice").await, AUTHENTICATED, "at a third address");
}

/// Otherwise cached passwords could be guessed at full speed.
#[tokio::test]
async fn rate_limited_address_cannot_confirm_a_correct_password() {
    let team = Team::with(&["alice"]);
    let server = team.serve(&[]).await;
    let (attacker, alice) = (client_at(1, &server), client_at(2, &server));
    assert_eq!(alice.log_in("alice").await, AUTHENTICATED);
    attacker.attempt_until_limited(|_| "alice".to_owned(), PER_USER.1).await;
    assert_eq!(attacker.log_in("alice").await, 429);
    assert_eq!(attacker.attempt("alice", "wrong").await.0, 429);
    assert_eq!(alice.log_in("alice").await, AUTHENTICATED);
    assert_eq!(client_at(3, &server).log_in("alice").await, AUTHENTICATED);
}

#[tokio::test]
async fn address_limit_applies_to_all_schemes() {
    let team = Team::with(&["alice"]);
    let (token, dave) = ("ci:rD3m0NfE5Yc0mKq1bWv7Xw", "dave:evad");
    let server = team.serve(&["--token", token, "--user", dave]).await;
    let client = client_at(1, &server);
    client.attempt_until_limited(|number| format!("user-{number}"), PER_ADDRESS.1).await;
    assert_eq!(client.log_in("alice").await, 429);
    assert_eq!(client.log_in("dave").await, 429);
    assert_eq!(client.send("Bearer rD3m0NfE5Yc0mKq1bWv7Xw").await.0, 429);
    assert_eq!(client.send("Basic !").await.0, 429, "malformed credentials count too");
    assert_eq!(client.send("Unknown scheme").await, (401, None), "no credentials");
    let other = client_at(2, &server);
    assert_eq!(other.send("Bearer rD3m0NfE5Yc0mKq1bWv7Xw").await, (AUTHENTICATED, None));
    assert_eq!(other.log_in("dave").await, AUTHENTICATED);
}

/// The status for alice, if the app is served with or without client addresses.
async fn served(app: Router, with_addresses: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let serving = if with_addresses {
        let app = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(axum::serve(listener, app).into_future())
    } else {
        tokio::spawn(axum::serve(listener, app.into_make_service()).into_future())
    };
    let request = http().get(url).header("authorization", basic("alice", "ecila"));
    let status = execute(request).await.status().as_u16();
    serving.abort();
    status
}

#[tokio::test]
async fn missing_connect_info_is_503_and_logged() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let team = Team::with(&["alice"]);
    let users = || Basic::from_htpasswd_file(team.file()).unwrap();
    let app = |users| recorder().0.layer(McpAuthLayer::new(users));

    assert_eq!(served(app(users()), false).await, 503);
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for expected in ["ERROR", "unavailable", "into_make_service_with_connect_info::<SocketAddr>()"]
    {
        assert!(lines[0].contains(expected), "{lines:?}");
    }

    assert_eq!(served(app(users()), true).await, 200);
    let unlimited = RateLimit::default().no_address_limit();
    let unlimited = recorder().0.layer(McpAuthLayer::new(users()).rate_limit(unlimited));
    assert_eq!(served(unlimited, false).await, 200);
    assert!(log.lines().is_empty());
}
