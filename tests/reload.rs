//! Files of credentials come into force anew when they change, as a whole, and what was opened with a
//! credential that is gone ends.

mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get as get_route;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{basic, get, send, with_authorization};
use futures::{StreamExt, stream};
use http::request::Parts;
use http_body_util::BodyExt;
use mcp_auth_layer::{
    Authenticator, Basic, Bearer, HttpSignature, McpAuthLayer, Principal, RateLimit, Signer,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tower::ServiceExt;

/// A file that is replaced by rename, as editors do it and Kubernetes.
struct File {
    folder: TempDir,
    path: PathBuf,
}

impl File {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials");
        let file = Self { folder, path };
        file.replace(text);
        file
    }

    fn replace(&self, text: &str) {
        self.replace_with_mode(text, 0o600);
    }

    fn replace_with_mode(&self, text: &str, mode: u32) {
        let next = self.folder.path().join("next");
        fs::write(&next, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let _ = mode;
        fs::rename(next, &self.path).unwrap();
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Streams events to whoever asks, and gives them a session.
fn guarded(authenticator: impl Authenticator) -> Router {
    let anybody = RateLimit::default().no_address_limit();
    let stream = || async {
        let first = stream::once(async { Ok::<_, std::io::Error>("data: 1\n\n") });
        let events = Body::from_stream(first.chain(stream::pending()));
        ([("content-type", "text/event-stream"), ("mcp-session-id", "7")], events)
    };
    Router::new()
        .route("/sse", get_route(stream))
        .route("/", get_route(|who: Principal| async move { who.name().to_owned() }))
        .layer(McpAuthLayer::new(authenticator).rate_limit(anybody))
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

#[tokio::test]
async fn users_come_and_go_with_their_lines() {
    let [bob, carol] = [password("bob", "b"), password("carol", "c")];
    let file = File::new(&(password("alice", "a") + &bob + &carol));
    let users = Basic::from_htpasswd_file(&file.path).unwrap();
    let app = guarded(users);
    let [alice, of_bob, of_carol] =
        [("alice", "a"), ("bob", "b"), ("carol", "c")].map(|(user, secret)| basic(user, secret));
    let (session, mut alices) = open(&app, &alice).await;
    let (_, mut bobs) = open(&app, &of_bob).await;
    let (_, mut carols) = open(&app, &of_carol).await;

    // Alice has a new password, Bob is gone, Carol stays, and Dave is new.
    file.replace(&(password("alice", "new") + &carol + &password("dave", "d")));
    until("alice's stream ends", async || has_ended(&mut alices).await).await;
    until("bob's stream ends", async || has_ended(&mut bobs).await).await;
    assert!(!has_ended(&mut carols).await, "hers goes on");
    assert_eq!((status(&app, &alice).await, status(&app, &of_bob).await), (401, 401));
    assert_eq!(status(&app, &basic("dave", "d")).await, 200);
    let new = basic("alice", "new");
    let fields = [("authorization", &*new), ("mcp-session-id", &session)];
    assert_eq!(send(app.clone(), get("/", &fields)).await.status, 200, "the session is hers still");
    let fields = [("authorization", &*of_carol), ("mcp-session-id", &session)];
    assert_eq!(send(app.clone(), get("/", &fields)).await.status, 404);
}

#[tokio::test]
async fn a_file_that_is_broken_or_gone_changes_nothing() {
    let file = File::new(&token("ci", "one", ""));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = guarded(tokens);
    let (_, mut open) = open(&app, "Bearer one").await;
    assert!(!handle.reload().unwrap(), "nothing is new");
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
    until("the file is seen again", async || status(&app, "Bearer two").await == 200).await;
    assert_eq!(status(&app, "Bearer one").await, 401);
    until("its stream ends", async || has_ended(&mut open).await).await;
}

fn token(name: &str, token: &str, rest: &str) -> String {
    let digest: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name} sha256:{digest} {rest}\n")
}

#[tokio::test]
async fn a_token_that_means_something_else_is_another_one() {
    let kept = token("ci", "kept", "scopes=a,b expires=2100-01-01T00:00:00Z");
    let file =
        File::new(&(kept.clone() + &token("ci", "scoped", "scopes=a") + &token("bob", "his", "")));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = guarded(tokens);
    let mut open_with = Vec::new();
    for token in ["Bearer kept", "Bearer scoped", "Bearer his"] {
        open_with.push(open(&app, token).await.1);
    }
    handle.add("by hand", "added").unwrap();
    assert_eq!(status(&app, "Bearer added").await, 200);

    file.replace(&(token("ci", "scoped", "") + &token("alice", "his", "") + &kept));
    until("it is in force", async || status(&app, "Bearer added").await == 401).await;
    let [kept, scoped, his] = &mut open_with[..] else { unreachable!() };
    until("the scopes are others", async || has_ended(scoped).await).await;
    until("the owner is another", async || has_ended(his).await).await;
    assert!(!has_ended(kept).await);
    let answer = send(app.clone(), with_authorization("Bearer his")).await;
    assert_eq!(answer.body, "alice");
}

fn key(id: &str, secret: [u8; 32]) -> String {
    format!("{id} base64:{}\n", STANDARD.encode(secret))
}

#[cfg(unix)]
#[tokio::test]
async fn keys_come_and_go_with_their_lines() {
    let [old, new, other] = [[1; 32], [2; 32], [3; 32]];
    let file = File::new(&(key("ci", old) + &key("alice", other)));
    let keys = HttpSignature::from_file(&file.path).unwrap();
    let handle = keys.handle();
    let app = guarded(keys);
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
    // In rotation, both are good; then the old one goes.
    file.replace(&(key("ci", old) + &key("ci", new) + &key("alice", other)));
    until("the new one is in force", async || status("ci", new).await == 200).await;
    assert_eq!(status("ci", old).await, 200);
    assert!(!has_ended(&mut open[0]).await);
    file.replace(&(key("alice", other) + &key("ci", new)));
    until("its stream ends", async || has_ended(&mut open[0]).await).await;
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
    assert!(!has_ended(&mut open[1]).await);
    // What others can write is not put in force.
    file.replace_with_mode(&key("ci", old), 0o622);
    assert!(handle.reload().unwrap_err().to_string().ends_with("(mode 622): `chmod go-w` it"));
    assert_eq!((status("ci", old).await, status("ci", new).await), (401, 200));
}

/// The kind: revocation fails open, by hand at the next edit of the file, by file at its last line.
#[tokio::test]
async fn a_token_revoked_by_hand_stays_revoked_until_its_line_is_gone() {
    let [leaked, other] = [token("ci", "leaked", ""), token("ci", "other", "")];
    let file = File::new(&(leaked.clone() + &other));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = guarded(tokens);
    let leaks = async || status(&app, "Bearer leaked").await == 200;
    assert!(leaks().await);
    assert!(handle.revoke("leaked"));
    for edited in ["# a comment\n", "# another\n", "\n\n"] {
        file.replace(&(leaked.clone() + &other + edited));
        handle.reload().unwrap();
        assert!(!leaks().await && status(&app, "Bearer other").await == 200);
    }
    // Without the line it is forgotten, and a new line is a new decision.
    file.replace(&other);
    handle.reload().unwrap();
    file.replace(&(leaked.clone() + &other));
    handle.reload().unwrap();
    assert!(leaks().await);
    // All of a name, and back by hand.
    assert_eq!(handle.revoke_all("ci"), 2);
    file.replace(&(other.clone() + &leaked));
    handle.reload().unwrap();
    assert!(!leaks().await && status(&app, "Bearer other").await == 401);
    handle.add("ci", "leaked").unwrap();
    assert!(leaks().await);
    file.replace(&(leaked + "# again\n" + &other));
    handle.reload().unwrap();
    assert!(leaks().await && status(&app, "Bearer other").await == 401);
}

#[tokio::test]
async fn a_key_revoked_by_hand_stays_revoked_until_its_line_is_gone() {
    let [leaked, new] = [[1; 32], [2; 32]];
    let lines = key("ci", leaked) + &key("ci", new);
    let file = File::new(&lines);
    let keys = HttpSignature::from_file(&file.path).unwrap();
    let handle = keys.handle();
    let app = guarded(keys);
    let is_good = async |secret: [u8; 32]| {
        let request = http::Request::get("http://localhost/").body(Vec::new());
        let mut request = request.unwrap();
        Signer::new("ci", secret).unwrap().sign(&mut request).unwrap();
        send(app.clone(), request.map(Body::from)).await.status == 200
    };
    assert!(is_good(leaked).await && is_good(new).await);
    assert!(handle.revoke("ci", leaked));
    file.replace(&(lines.clone() + "# a comment\n"));
    handle.reload().unwrap();
    assert!(!is_good(leaked).await && is_good(new).await);
    file.replace(&key("ci", new));
    handle.reload().unwrap();
    file.replace(&lines);
    handle.reload().unwrap();
    assert!(is_good(leaked).await);
    assert_eq!(handle.revoke_all("ci"), 2);
    file.replace(&("# again\n".to_owned() + &lines));
    handle.reload().unwrap();
    assert!(!is_good(leaked).await && !is_good(new).await);
    handle.add("ci", leaked).unwrap();
    assert!(is_good(leaked).await);
}

/// What a handle added is no line of the file: that it was revoked is no matter of the file.
#[tokio::test]
async fn a_token_added_and_revoked_by_hand_may_come_by_file() {
    let file = File::new(&token("ci", "other", ""));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let app = guarded(tokens);
    handle.add("ci", "new").unwrap();
    assert!(handle.revoke("new"));
    assert_eq!(status(&app, "Bearer new").await, 401);
    file.replace(&(token("ci", "other", "") + &token("ci", "new", "")));
    handle.reload().unwrap();
    assert_eq!(status(&app, "Bearer new").await, 200);
}

/// The kind: a line that somebody has taken out is read all the same.
#[tokio::test]
async fn a_line_that_is_commented_out_is_revoked() {
    for comment in ["#", "# ", " #", "\t# "] {
        let (line, stays) = (token("ci", "leaked", ""), token("ci", "other", ""));
        let file = File::new(&(line.clone() + &stays));
        let tokens = Bearer::from_file(&file.path).unwrap();
        let handle = tokens.handle();
        let app = guarded(tokens);
        assert_eq!(status(&app, "Bearer leaked").await, 200);
        file.replace(&format!("{comment}{line}{stays}"));
        assert!(handle.reload().unwrap());
        assert_eq!(status(&app, "Bearer leaked").await, 401, "{comment:?}");
        assert_eq!(status(&app, "Bearer other").await, 200);

        let users =
            File::new(&format!("{comment}{}{}", password("alice", "a"), password("b", "b")));
        let app = guarded(Basic::from_htpasswd_file(&users.path).unwrap());
        for name in ["alice", "#alice", " #alice", "# alice"] {
            assert_eq!(status(&app, &basic(name, "a")).await, 401, "{comment:?} {name}");
        }
        assert_eq!(status(&app, &basic("b", "b")).await, 200);
    }
}

#[tokio::test]
async fn the_last_credential_of_a_file_can_be_revoked() {
    let users = File::new(&password("alice", "a"));
    let app = guarded(Basic::from_htpasswd_file(&users.path).unwrap());
    let (_, mut stream) = open(&app, &basic("alice", "a")).await;
    users.replace("# nobody\n");
    until("its stream ends", async || has_ended(&mut stream).await).await;
    assert_eq!(status(&app, &basic("alice", "a")).await, 401);

    let tokens = File::new(&token("ci", "leaked", ""));
    let app = guarded(Bearer::from_file(&tokens.path).unwrap());
    let (_, mut stream) = open(&app, "Bearer leaked").await;
    tokens.replace("");
    until("its stream ends", async || has_ended(&mut stream).await).await;
    assert_eq!(status(&app, "Bearer leaked").await, 401);
    tokens.replace(&token("ci", "new", ""));
    until("a new one is in force", async || status(&app, "Bearer new").await == 200).await;

    let keys = File::new(&key("ci", [1; 32]));
    let hmac = HttpSignature::from_file(&keys.path).unwrap();
    let handle = hmac.handle();
    keys.replace("\n# none\n");
    assert!(handle.reload().unwrap());
    assert!(!format!("{hmac:?}").contains("ci"));
}

/// Each set names the one it is of in every line: a request that saw two of them would tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_replacements_under_load() {
    let set = |number: u64| {
        let rest = format!("expires={}-01-01T00:00:00Z scopes=set-{number}", 2100 + number % 2);
        token(&format!("set-{number}"), "changes", &rest) + &token("stable", "stays", "")
    };
    let file = File::new(&set(0));
    let tokens = Bearer::from_file(&file.path).unwrap();
    let handle = tokens.handle();
    let told = |head: Parts| async move {
        let who = head.extensions.get::<Principal>().unwrap();
        let year =
            who.expiry().map(|at| at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs());
        let scopes: Vec<_> = who.scopes().collect();
        format!("{} {} {year:?}", who.name(), scopes.join(","))
    };
    let app = Router::new().route("/", get_route(told)).layer(McpAuthLayer::new(tokens));
    let ended = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..3)
        .map(|_| {
            let (app, ended) = (app.clone(), ended.clone());
            tokio::spawn(async move {
                let mut asked = 0;
                while !ended.load(SeqCst) {
                    let stays = send(app.clone(), with_authorization("Bearer stays")).await;
                    assert_eq!(stays.status, 200, "it is in every set");
                    let changes = send(app.clone(), with_authorization("Bearer changes")).await;
                    assert_eq!(changes.status, 200, "and so is this: {changes:?}");
                    let [name, scopes, year] = changes.body.split(' ').collect::<Vec<_>>()[..]
                    else {
                        panic!("{}", changes.body)
                    };
                    assert_eq!(name, scopes);
                    let number: u64 = name.strip_prefix("set-").unwrap().parse().unwrap();
                    let expected = [4_102_444_800_u64, 4_133_980_800][(number % 2) as usize];
                    assert_eq!(year, format!("Some({expected})"));
                    asked += 1;
                    tokio::task::yield_now().await;
                }
                asked
            })
        })
        .collect();
    for number in 1..=1000 {
        file.replace(&set(number));
        let handle = handle.clone();
        tokio::task::spawn_blocking(move || handle.reload()).await.unwrap().unwrap();
    }
    ended.store(true, SeqCst);
    for asked in asking {
        assert!(asked.await.unwrap() > 100);
    }
    let last = send(app, with_authorization("Bearer changes")).await;
    assert!(last.body.starts_with("set-1000 "), "{}", last.body);
}
