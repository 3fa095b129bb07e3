//! Credential files are reloaded when they change: atomically, and streams opened with a removed
//! credential end.

mod revocation;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get as get_route;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, stream};
use http::request::Parts;
use http_body_util::BodyExt;
use mcp_auth_layer::auth::Lifetime;
use mcp_auth_layer::rate_limit::RateLimit;
use mcp_auth_layer::schemes::{HtpasswdFile, Signer};
use mcp_auth_layer::{Authenticator, Bearer, HttpSignature, McpAuthLayer, Principal};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::support::credential_file::CredentialFile;
use crate::support::{basic, get, send, with_authorization};

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// An app that streams events and gives each client a session.
fn protected(authenticator: impl Authenticator) -> Router {
    let unlimited = RateLimit::default().no_address_limit();
    let stream = || async {
        let first = stream::once(async { Ok::<_, std::io::Error>("data: 1\n\n") });
        let events = Body::from_stream(first.chain(stream::pending()));
        ([("content-type", "text/event-stream"), ("mcp-session-id", "7")], events)
    };
    Router::new()
        .route("/sse", get_route(stream))
        .route("/", get_route(|principal: Principal| async move { principal.name().to_owned() }))
        .layer(McpAuthLayer::new(authenticator).rate_limit(unlimited))
}

async fn open(app: &Router, authorization: &str) -> (String, Body) {
    let request = get("/sse", &[("authorization", authorization)]);
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    (session, body)
}

async fn has_ended(body: &mut Body) -> bool {
    let more = tokio::time::timeout(Duration::from_millis(5), body.frame()).await;
    more.is_ok_and(|frame| frame.is_none())
}

async fn status(app: &Router, authorization: &str) -> u16 {
    send(app.clone(), with_authorization(authorization)).await.status.as_u16()
}

fn password(user: &str, password: &str) -> String {
    format!("{user}:{}\n", bcrypt::hash(password, 4).unwrap())
}

fn token(name: &str, token: &str, rest: &str) -> String {
    let digest: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name} sha256:{digest} {rest}\n")
}

fn key(id: &str, secret: [u8; 32]) -> String {
    format!("{id} base64:{}\n", STANDARD.encode(secret))
}

#[tokio::test]
async fn reload_applies_added_changed_and_removed_users() {
    let [bob, carol] = [password("bob", "b"), password("carol", "c")];
    let file = CredentialFile::new(&(password("alice", "a") + &bob + &carol));
    let users = HtpasswdFile::open(&file.path).unwrap();
    let app = protected(users);
    let [alice, of_bob, of_carol] =
        [("alice", "a"), ("bob", "b"), ("carol", "c")].map(|(user, secret)| basic(user, secret));
    let (session, mut alice_stream) = open(&app, &alice).await;
    let (_, mut bob_stream) = open(&app, &of_bob).await;
    let (_, mut carol_stream) = open(&app, &of_carol).await;

    // Alice has a new password, Bob is removed, Carol is unchanged, and Dave is new.
    file.replace(&(password("alice", "new") + &carol + &password("dave", "d")));
    until("alice's stream ends", async || has_ended(&mut alice_stream).await).await;
    until("bob's stream ends", async || has_ended(&mut bob_stream).await).await;
    assert!(!has_ended(&mut carol_stream).await, "carol's stream is open");
    assert_eq!((status(&app, &alice).await, status(&app, &of_bob).await), (401, 401));
    assert_eq!(status(&app, &basic("dave", "d")).await, 200);
    let new = basic("alice", "new");
    let fields = [("authorization", &*new), ("mcp-session-id", &session)];
    assert_eq!(
        send(app.clone(), get("/", &fields)).await.status,
        200,
        "the session belongs to the same principal"
    );
    let fields = [("authorization", &*of_carol), ("mcp-session-id", &session)];
    assert_eq!(send(app.clone(), get("/", &fields)).await.status, 404);
}

#[tokio::test]
async fn broken_or_missing_file_keeps_the_previous_version() {
    let file = CredentialFile::new(&token("ci", "one", ""));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = protected(tokens);
    let (_, mut open) = open(&app, "Bearer one").await;
    assert!(!handle.reload().unwrap(), "nothing has changed");
    for broken in ["ci sha256:12", &(token("ci", "two", "") + "half of a li")] {
        file.replace(broken);
        let error = handle.reload().unwrap_err().to_string();
        assert!(error.starts_with(file.path.to_str().unwrap()), "{error}");
        assert!(!error.contains("half"), "{error}");
        assert_eq!(
            (status(&app, "Bearer one").await, status(&app, "Bearer two").await),
            (200, 401)
        );
    }
    fs::remove_file(&file.path).unwrap();
    assert!(handle.reload().is_err());
    assert_eq!(status(&app, "Bearer one").await, 200);
    assert!(!has_ended(&mut open).await);

    file.replace(&token("ci", "two", ""));
    until("the file is reloaded", async || status(&app, "Bearer two").await == 200).await;
    assert_eq!(status(&app, "Bearer one").await, 401);
    until("the stream ends", async || has_ended(&mut open).await).await;
}

#[tokio::test]
async fn changed_scopes_or_owner_end_streams_of_a_token() {
    let kept = token("ci", "kept", "scopes=a,b expires=2100-01-01T00:00:00Z");
    let file = CredentialFile::new(
        &(kept.clone() + &token("ci", "scoped", "scopes=a") + &token("bob", "owned", "")),
    );
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = protected(tokens);
    let mut open_with = Vec::new();
    for token in ["Bearer kept", "Bearer scoped", "Bearer owned"] {
        open_with.push(open(&app, token).await.1);
    }
    handle.add("runtime", "added").unwrap();
    assert_eq!(status(&app, "Bearer added").await, 200);

    file.replace(&(token("ci", "scoped", "") + &token("alice", "owned", "") + &kept));
    until("the file is reloaded", async || status(&app, "Bearer added").await == 401).await;
    let [kept, scoped, owned] = &mut open_with[..] else { unreachable!() };
    until("the stream with the old scopes ends", async || has_ended(scoped).await).await;
    until("the stream of the old owner ends", async || has_ended(owned).await).await;
    assert!(!has_ended(kept).await);
    let response = send(app.clone(), with_authorization("Bearer owned")).await;
    assert_eq!(response.body, "alice");
}

#[cfg(unix)]
#[tokio::test]
async fn reload_applies_added_and_removed_keys() {
    let [old, new, other] = [[1; 32], [2; 32], [3; 32]];
    let file = CredentialFile::new(&(key("ci", old) + &key("alice", other)));
    let keys = HttpSignature::from_file(&file.path).unwrap();
    let handle = keys.handle();
    let app = protected(keys);
    let signed = |id: &str, secret: [u8; 32], path: &str| {
        let request = http::Request::get(format!("http://localhost{path}"));
        let mut request = request.body(Vec::new()).unwrap();
        Signer::new(id, secret).unwrap().sign(&mut request).unwrap();
        request.map(Body::from)
    };
    let status =
        async |id: &str, secret| send(app.clone(), signed(id, secret, "/")).await.status.as_u16();
    let mut open = Vec::new();
    for (id, secret) in [("ci", old), ("alice", other)] {
        let response = app.clone().oneshot(signed(id, secret, "/sse")).await.unwrap();
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        open.push(body);
    }
    // During rotation both secrets are valid; then the old one is removed.
    file.replace(&(key("ci", old) + &key("ci", new) + &key("alice", other)));
    until("the new secret is accepted", async || status("ci", new).await == 200).await;
    assert_eq!(status("ci", old).await, 200);
    assert!(!has_ended(&mut open[0]).await);
    file.replace(&(key("alice", other) + &key("ci", new)));
    until("the stream of the old secret ends", async || has_ended(&mut open[0]).await).await;
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
    assert!(!has_ended(&mut open[1]).await);
    // A file that others can write is not loaded.
    file.replace_with_mode(&key("ci", old), 0o622);
    assert!(handle.reload().unwrap_err().to_string().ends_with("(mode 622): `chmod go-w` it"));
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
}

#[tokio::test]
async fn last_credential_of_a_file_can_be_removed() {
    let users = CredentialFile::new(&password("alice", "a"));
    let app = protected(HtpasswdFile::open(&users.path).unwrap());
    let (_, mut stream) = open(&app, &basic("alice", "a")).await;
    users.replace("# no users\n");
    until("the stream ends", async || has_ended(&mut stream).await).await;
    assert_eq!(status(&app, &basic("alice", "a")).await, 401);

    let tokens = CredentialFile::new(&token("ci", "leaked", ""));
    let app = protected(Bearer::from_file(&tokens.path).unwrap());
    let (_, mut stream) = open(&app, "Bearer leaked").await;
    tokens.replace("");
    until("the stream ends", async || has_ended(&mut stream).await).await;
    assert_eq!(status(&app, "Bearer leaked").await, 401);
    tokens.replace(&token("ci", "new", ""));
    until("the new token is accepted", async || status(&app, "Bearer new").await == 200).await;

    let keys = CredentialFile::new(&key("ci", [1; 32]));
    let hmac = HttpSignature::from_file(&keys.path).unwrap();
    let handle = hmac.handle();
    keys.replace("\n# none\n");
    handle.reload().unwrap(); // or the watch was faster
    assert!(!format!("{hmac:?}").contains("ci"));
}

/// Every line of a version names the version, so a request that used two versions would be noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reloads_are_atomic_under_load() {
    let set = |number: u64| {
        let rest = format!("expires={}-01-01T00:00:00Z scopes=set-{number}", 2100 + number % 2);
        token(&format!("set-{number}"), "changes", &rest) + &token("stable", "stays", "")
    };
    let file = CredentialFile::new(&set(0));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let describe = |head: Parts| async move {
        let principal = head.extensions.get::<Principal>().unwrap();
        let lifetime = head.extensions.get::<Lifetime>().unwrap();
        let year = lifetime
            .expires_at()
            .map(|at| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
        let scopes: Vec<_> = principal.scopes().collect();
        format!("{} {} {year:?}", principal.name(), scopes.join(","))
    };
    let app = Router::new().route("/", get_route(describe)).layer(McpAuthLayer::new(tokens));
    let ended = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let (app, ended) = (app.clone(), ended.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while !ended.load(SeqCst) {
                    let stays = send(app.clone(), with_authorization("Bearer stays")).await;
                    assert_eq!(stays.status, 200, "the token is in every version");
                    let changes = send(app.clone(), with_authorization("Bearer changes")).await;
                    assert_eq!(changes.status, 200, "the token is in every version: {changes:?}");
                    let [name, scopes, year] = changes.body.split(' ').collect::<Vec<_>>()[..]
                    else {
                        panic!("{}", changes.body)
                    };
                    assert_eq!(name, scopes);
                    let number: u64 = name.strip_prefix("set-").unwrap().parse().unwrap();
                    let expected = [4_102_444_800_u64, 4_133_980_800][(number % 2) as usize];
                    assert_eq!(year, format!("Some({expected})"));
                    count += 1;
                    tokio::task::yield_now().await;
                }
                count
            })
        })
        .collect();
    for number in 1..=1000 {
        file.replace(&set(number));
        let handle = handle.clone();
        tokio::task::spawn_blocking(move || handle.reload()).await.unwrap().unwrap();
    }
    ended.store(true, SeqCst);
    for count in clients {
        assert!(count.await.unwrap() > 100);
    }
    let last = send(app, with_authorization("Bearer changes")).await;
    assert!(last.body.starts_with("set-1000 "), "{}", last.body);
}
