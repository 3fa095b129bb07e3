//! The examples over real sockets, as their users start them; and the HTTP+SSE transport.

#![cfg(unix)] // they are told to stop by signals, and asked to run `sh`

#[path = "common/server.rs"]
mod server;
#[path = "../examples/common/sse.rs"]
mod sse;
#[path = "../examples/common/tools.rs"]
mod tools;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use mcp_auth_layer::Principal;
use reqwest::Method;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use server::{
    ALICE, CI, DEADLINE, Events, INITIALIZED, Server, SseSession, USERS, WRONG, answer, example,
    http, in_time, initialize, output, run, until,
};
use tools::Tools;

// ---- The door ----

const VERBS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"];

/// Every verb on every one of these paths: 401 without a credential, anything else with one.
async fn every_verb_is_guarded(server: &Server, paths: &[&str]) {
    for path in paths {
        for verb in VERBS {
            let verb = Method::from_bytes(verb.as_bytes()).unwrap();
            let bare = server.status(verb.clone(), path, None).await;
            assert_eq!(bare, 401, "{verb} {path} without a credential");
            let alice = server.status(verb.clone(), path, Some(ALICE)).await;
            assert_ne!(alice, 401, "{verb} {path} with one");
        }
        for wrong in WRONG {
            assert_eq!(server.status(Method::GET, path, Some(wrong)).await, 401, "{path} {wrong}");
        }
    }
}

#[tokio::test]
async fn sse_server_guards_every_verb_of_every_path() {
    let server = Server::start("sse_server", &USERS).await;
    let session = SseSession::open(&server.url, ALICE).await;
    let messages = session.endpoint.strip_prefix(&server.url).unwrap();
    let paths = ["/sse", "/sse/", "/messages", "/messages/", messages, "/", "/nothing", "/health/"];
    every_verb_is_guarded(&server, &paths).await;
}

#[tokio::test]
async fn streamable_server_guards_every_verb_of_every_path() {
    let server = Server::start("streamable_server", &USERS).await;
    every_verb_is_guarded(&server, &["/mcp", "/mcp/", "/mcp/x", "/", "/nothing", "//health"]).await;
}

#[tokio::test]
async fn a_call_posted_into_an_open_session_needs_a_credential_of_its_own() {
    let server = Server::start("sse_server", &USERS).await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let call = json!({
        "jsonrpc": "2.0", "id": 99, "method": "tools/call",
        "params": { "name": "execute_command", "arguments": { "command": "echo" } },
    });
    for wrong in WRONG.into_iter().map(Some).chain([None]) {
        let mut request = http().post(&session.endpoint).body(call.to_string());
        if let Some(wrong) = wrong {
            request = request.header(AUTHORIZATION, wrong);
        }
        assert_eq!(answer(request).await.status(), 401, "{wrong:?}");
    }
    // None of them ran: the next answer is to the next question. Then the same call does run.
    assert_eq!(session.tool("whoami", json!({})).await, ("alice".to_owned(), false));
    assert_eq!(session.post(call.to_string()).await, 202);
    assert!(session.events.next().await.unwrap().1.contains("exit status: 0"));
}

#[tokio::test]
async fn health_is_public_and_nothing_like_it() {
    for name in ["sse_server", "streamable_server"] {
        let server = Server::start(name, &USERS).await;
        let health = answer(server.request(Method::GET, "/health")).await;
        assert_eq!((health.status().as_u16(), &*health.text().await.unwrap()), (200, "ok"));
        for path in ["/health/", "/Health", "/%68ealth", "//health", "/health/x"] {
            assert_eq!(server.status(Method::GET, path, None).await, 401, "{name} {path}");
        }
    }
}

// ---- Whole sessions ----

#[tokio::test]
async fn a_session_over_sse() {
    let server = Server::start("sse_server", &USERS).await;
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let mut session = SseSession::open(&server.url, authorization).await;
        let listed = session.call("tools/list", json!({})).await;
        let tools = listed["result"]["tools"].as_array().unwrap();
        let mut tools: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        tools.sort_unstable();
        assert_eq!(tools, ["execute_command", "whoami"]);
        assert_eq!(session.tool("whoami", json!({})).await, (name.to_owned(), false));
        assert!(session.call("tools/call", json!({ "name": "none" })).await["error"].is_object());
    }
}

async fn connect(
    url: String,
    authorization: &str,
) -> Result<RunningService<RoleClient, ()>, Option<String>> {
    let headers = HashMap::from([(AUTHORIZATION, authorization.parse().unwrap())]);
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    let connected = in_time("a session", ().serve(transport)).await;
    connected.map_err(|error| error.auth_challenge().map(str::to_owned))
}

#[tokio::test]
async fn a_session_over_streamable_http() {
    let server = Server::start("streamable_server", &USERS).await;
    let url = format!("{}/mcp", server.url);
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let client = connect(url.clone(), authorization).await.unwrap();
        let tools = in_time("the tools", client.list_all_tools()).await.unwrap();
        assert_eq!(tools.len(), 2);
        let whoami = in_time("whoami", client.call_tool(CallToolRequestParams::new("whoami")));
        let result = whoami.await.unwrap();
        assert_eq!(result.content[0].as_text().unwrap().text, name);
        client.cancel().await.unwrap();
    }
    for wrong in WRONG {
        let challenge = connect(url.clone(), wrong).await.unwrap_err();
        assert!(challenge.is_some_and(|c| c.starts_with("Bearer ")), "{wrong}");
    }
}

#[tokio::test]
async fn commands_report_what_happened_to_them() {
    let server = Server::spawn(
        example("sse_server").args(["--port", "0"]).args(USERS).env("PASSWORD", "hunter2"),
    )
    .await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let mut sh = async |script: &str| {
        let arguments = json!({ "command": "sh", "args": ["-c", script] });
        session.tool("execute_command", arguments).await
    };
    let (text, error) = sh("echo out; echo err >&2").await;
    assert!(text.contains("out\n") && text.contains("stderr:\nerr\n"), "{text}");
    assert!(text.ends_with("exit status: 0") && !error, "{text}");
    let (text, error) = sh("exit 3").await;
    assert_eq!((&*text, error), ("exit status: 3", true));
    let (text, _) = sh("read line; echo \"[$line]\"").await;
    assert!(text.starts_with("[]"), "stdin is empty: {text}");
    let (text, _) = sh("head -c 1000000 /dev/zero").await;
    assert!(text.len() < 300_000 && text.contains("[737856 more bytes]"), "{}", text.len());
    let (text, _) = sh("env; echo end").await;
    assert!(!text.contains("hunter2") && text.contains("end"), "{text}");

    for command in ["/no/such/program", ""] {
        let (text, error) = session.tool("execute_command", json!({ "command": command })).await;
        assert!(error && text.contains("failed: "), "{text}");
    }
    let nul = json!({ "command": "echo", "args": ["\0"] });
    assert!(session.tool("execute_command", nul).await.1, "no argument holds a NUL");
    assert!(session.tool("execute_command", json!({ "args": [] })).await.1, "no command");
    // And it still serves.
    assert_eq!(session.tool("whoami", json!({})).await.0, "alice");
}

#[tokio::test]
async fn a_command_does_not_hold_up_others_and_ends_with_its_session() {
    let server = Server::start("sse_server", &USERS).await;
    let mut session = SseSession::open(&server.url, ALICE).await;
    let file = std::env::temp_dir().join(format!("mcp-auth-layer-{}", std::process::id()));
    let script = "echo $$ > \"$0.new\"; mv \"$0.new\" \"$0\"; exec sleep 1000";
    let arguments = json!({ "command": "sh", "args": ["-c", script, file] });
    let call = json!({ "name": "execute_command", "arguments": arguments });
    session.ask("tools/call", call).await;
    until("it runs", async || file.exists()).await;
    let pid = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    std::fs::remove_file(&file).unwrap();
    let alive = || server::kill("0", &pid);
    assert_eq!(session.tool("whoami", json!({})).await.0, "alice");
    assert!(alive());
    drop(session); // hangs up
    until("it was killed", async || !alive()).await;
}

// ---- The transport ----

/// The transport alone, without a door.
fn transport(shutdown: &CancellationToken) -> Router {
    sse::router(Tools, shutdown.clone())
}

async fn send(app: &Router, method: &str, path: &str, body: impl Into<Body>) -> Response {
    let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

/// Opens a session, and returns the path to post to beside the stream, which is to be held.
async fn open(app: &Router, path: &str) -> (String, BodyDataStream) {
    let response = send(app, "GET", path, Body::empty()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut stream = response.into_body().into_data_stream();
    let event = stream.next().await.unwrap().unwrap();
    let event = str::from_utf8(&event).unwrap();
    let path = event.strip_prefix("event: endpoint\ndata: ").expect("it comes first");
    (path.trim().to_owned(), stream)
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[tokio::test]
async fn messages_are_refused_for_what_is_wrong_with_them() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    let unknown = format!("/messages/?session_id={:032x}", 1);
    let limit = "x".repeat(sse::MAX_MESSAGE);
    for (path, body, status) in [
        (&*path, PING, 202),
        (&*path, "", 400),
        (&*path, "{", 400),
        (&*path, "{}", 400),
        (&*path, "\"text\"", 400),
        (&*path, &*limit, 400),
        (&*path, &*format!("{limit}x"), 413),
        (&*unknown, PING, 404),
        ("/messages/?session_id=", PING, 404),
        ("/messages/", PING, 400),
        (&*format!("{path}&session_id=x"), PING, 400),
        (&*path.replace("/messages/", "/messages"), PING, 404),
    ] {
        let answer = send(&app, "POST", path, body.to_owned()).await;
        assert_eq!(answer.status(), status, "{path} {:.20}", body);
    }
    for path in [&*path, "/sse"] {
        assert_eq!(send(&app, "PUT", path, PING).await.status(), 405);
    }
    let answer = stream.next().await.unwrap().unwrap();
    assert!(answer.starts_with(b"event: message\ndata: {"), "{answer:?}");
}

#[tokio::test]
async fn the_endpoint_carries_the_path_of_the_nest() {
    let app = Router::new().nest("/a/b", transport(&CancellationToken::new()));
    let app = Router::new().nest("/outer", app);
    let (path, _stream) = open(&app, "/outer/a/b/sse?x=/sse").await;
    assert!(path.starts_with("/outer/a/b/messages/?session_id="), "{path}");
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
    let bare = path.strip_prefix("/outer/a/b").unwrap();
    assert_eq!(send(&app, "POST", bare, PING).await.status(), 404);
}

#[tokio::test]
async fn sessions_have_ids_of_128_random_bits() {
    let app = transport(&CancellationToken::new());
    let [(one, _a), (two, _b)] = [open(&app, "/sse").await, open(&app, "/sse").await];
    let id = one.split_once('=').unwrap().1;
    assert!(id.len() == 32 && u128::from_str_radix(id, 16).is_ok(), "{id}");
    assert_ne!(one, two);
}

#[tokio::test]
async fn a_session_ends_with_its_stream_and_not_before() {
    let app = transport(&CancellationToken::new());
    let (path, stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
    drop(stream);
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn a_session_without_initialize_ends() {
    let app = transport(&CancellationToken::new());
    let started = tokio::time::Instant::now();
    let (path, mut stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202); // which is none
    while stream.next().await.is_some() {} // the answer to it, and keep-alives
    assert!(started.elapsed() >= sse::INITIALIZE_WITHIN);
    assert!(started.elapsed() < sse::INITIALIZE_WITHIN * 2);
    drop(stream);
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn a_session_with_initialize_goes_on_and_is_kept_alive() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    let initialize = initialize("2024-11-05").to_string();
    assert_eq!(send(&app, "POST", &path, initialize).await.status(), 202);
    assert!(stream.next().await.unwrap().unwrap().starts_with(b"event: message"));
    assert_eq!(send(&app, "POST", &path, INITIALIZED).await.status(), 202);
    let started = tokio::time::Instant::now();
    while started.elapsed() < sse::INITIALIZE_WITHIN * 3 {
        let comment = stream.next().await.expect("it goes on").unwrap();
        assert!(comment.starts_with(b":"), "{comment:?}");
    }
    assert_eq!(send(&app, "POST", &path, PING).await.status(), 202);
}

#[tokio::test]
async fn a_first_message_that_breaks_the_protocol_ends_the_session() {
    let app = transport(&CancellationToken::new());
    let (path, mut stream) = open(&app, "/sse").await;
    assert_eq!(send(&app, "POST", &path, INITIALIZED).await.status(), 202);
    in_time("the end", async { while stream.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn there_are_only_so_many_sessions() {
    let app = transport(&CancellationToken::new());
    let mut open_ones = Vec::new();
    for _ in 0..sse::MAX_SESSIONS {
        open_ones.push(open(&app, "/sse").await);
    }
    let one_more = async || send(&app, "GET", "/sse", Body::empty()).await.status();
    assert_eq!(one_more().await, StatusCode::SERVICE_UNAVAILABLE);
    open_ones.pop();
    assert_eq!(one_more().await, StatusCode::OK);
}

#[tokio::test]
async fn streams_end_when_the_server_does() {
    let shutdown = CancellationToken::new();
    let app = transport(&shutdown);
    let (_, mut stream) = open(&app, "/sse").await;
    shutdown.cancel();
    assert!(in_time("the end", stream.next()).await.is_none());
}

// ---- Starting and stopping ----

#[tokio::test]
async fn sigterm_ends_open_streams_and_the_process() {
    let server = Server::start("sse_server", &USERS).await;
    let mut idle = SseSession::connect(&server.url, ALICE).await;
    let mut busy = SseSession::open(&server.url, ALICE).await;
    let sleep = json!({ "command": "sleep", "args": ["1000"] });
    let call = json!({ "name": "execute_command", "arguments": sleep });
    busy.ask("tools/call", call).await;
    let (status, _) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(idle.events.next().await, None);
    while busy.events.next().await.is_some() {} // the call may have been answered
}

#[tokio::test]
async fn sigterm_ends_the_open_stream_of_streamable_http() {
    let server = Server::start("streamable_server", &USERS).await;
    let mcp = |method| {
        let request = server.request(method, "/mcp").header(AUTHORIZATION, ALICE);
        request.header("accept", "application/json, text/event-stream")
    };
    let initialized = answer(mcp(Method::POST).json(&initialize("2025-06-18"))).await;
    let session = initialized.headers()["mcp-session-id"].clone();
    drop(initialized);
    let notification = mcp(Method::POST).header("mcp-session-id", &session);
    let notification = notification.header("content-type", "application/json").body(INITIALIZED);
    assert_eq!(answer(notification).await.status(), 202);
    let mut events = Events::of(answer(mcp(Method::GET).header("mcp-session-id", &session)).await);
    let (status, _) = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    while events.next().await.is_some() {}
}

#[tokio::test]
async fn a_bad_argument_is_one_line_and_status_2() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    let both: &[&[&str]] = &[
        &["--port", "none"],
        &["--port", "65536"],
        &["--port", "-1"],
        &["--port"],
        &["--port", &taken],
        &["--port", "0", "--port", "0"],
        &["--host", ""],
        &["--host", "no such\nhost"],
        &["--user", "hunter2"],
        &["--user", ":hunter2"],
        &["--user", "alice:"],
        &["--user", "alice"],
        &["--user"],
        &["--user", "alice:hunter2\n"],
        &["--user", "alice\u{7}:hunter2"],
        &["--user", "alice:hunter2", "--user", "alice:hunter2"],
        &["--user", "alice:one", "hunter2"],
        &["--user=alice:hunter2", "--", "hunter2"],
        &["--token", "hunter2"],
        &["--token", "ci:hunter2 with spaces"],
        &["--token", "ci:hunter2:"],
        &["--token", "ci:="],
        &["--token", "ci:hunter2", "--token", "alice:hunter2"],
        &["--hmac-key", "hunter2"],
        &["--hmac-key", "ci:hunter2"],
        &["--hmac-key", "ci:aHVudGVyMg=="],
        &["--hmac-key", ":aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjI="],
        &["--users", "alice:hunter2"],
        &["--usr=alice:hunter2"],
        &["-u", "alice:hunter2"],
        &["-ualice:hunter2"],
        &["--hunter2"],
        &["--help=hunter2"],
    ];
    let proxy: &[&[&str]] = &[
        &[],
        &["--upstream"],
        &["--upstream", ""],
        &["--upstream", "127.0.0.1:9000"],
        &["--upstream", "/path"],
        &["--upstream", "http://"],
        &["--upstream", "http://:80"],
        &["--upstream", "http://host:99999"],
        &["--upstream", "ftp://host"],
        &["--upstream", "https://host"],
        &["--upstream", "http://alice:hunter2@host"],
        &["--upstream", "http://host/base"],
        &["--upstream", "http://host/?key=hunter2"],
        &["--upstream", "http://host", "--port", "none"],
    ];
    let client: &[&[&str]] = &[
        &[],
        &["hunter2"],
        &["https://host/mcp"],
        &["http://alice:hunter2@host/mcp"],
        &["http://host/mcp", "--args", "hunter2"],
        &["http://host/mcp", "--args", "[\"hunter2\"]"],
        &["http://host/mcp", "--user", "hunter2"],
        &["http://host/mcp", "--token", "hunter2\n"],
        &["http://host/mcp", "--user", "alice:one", "--token", "hunter2"],
    ];
    let keys: &[&[&str]] = &[&["--key", "hunter2"], &["--key", "alice:"], &["--port", "none"]];
    for (name, table) in [
        ("sse_server", both),
        ("streamable_server", both),
        ("proxy", proxy),
        ("client", client),
        ("custom_authenticator", keys),
    ] {
        for args in table {
            let output = run(name, *args).await;
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {args:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{name} {args:?}: {said}");
            assert!(said.starts_with("error: ") && !said.contains("hunter2"), "{said}");
            assert!(output.stdout.is_empty(), "{name} {args:?}");
        }
    }
    for (name, args) in [("sse_server", ["--help"]), ("proxy", ["--version"])] {
        let output = run(name, args).await;
        assert!(output.status.success() && !output.stdout.is_empty() && output.stderr.is_empty());
    }
}

#[tokio::test]
async fn a_bad_environment_is_one_line_and_status_2() {
    for (variables, word) in [
        ([("USERNAME", "al:ice"), ("PASSWORD", "hunter2")], "colon"),
        ([("USERNAME", "alice"), ("PASSWORD", "hunter2\n")], "control character"),
        ([("RUST_LOG", "hunter2=loud"), ("X", "")], "RUST_LOG"),
    ] {
        let output = output(example("sse_server").args(["--port", "0"]).envs(variables)).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.lines().count() == 1 && said.contains(word), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn the_environment_names_the_user_where_no_argument_does() {
    let basic = |pair: &str| {
        use base64::Engine as _;
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    let spawn = async |args: &[&str], user: &str, password: &str| {
        let mut command = example("sse_server");
        command.args(["--port", "0"]).args(args).env("USERNAME", user).env("PASSWORD", password);
        Server::spawn(&mut command).await
    };
    let bob = basic("bob:hunter2");
    let server = spawn(&[], "bob", "hunter2").await;
    assert_eq!(server.printed.len(), 1, "{:?}", server.printed);
    assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 200);
    assert_eq!(server.status(Method::GET, "/sse", Some(ALICE)).await, 401);
    let (_, logged) = server.terminate().await;
    assert!(logged.contains("rejected") && !logged.contains("hunter2"), "{logged}");

    let server = spawn(&["--user", "alice:pass:word"], "bob", "hunter2").await;
    assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 401);
    assert_eq!(server.status(Method::GET, "/sse", Some(ALICE)).await, 200);

    for (user, password) in [("bob", ""), ("", "hunter2")] {
        let server = spawn(&[], user, password).await;
        assert_eq!(server.status(Method::GET, "/sse", Some(&bob)).await, 401);
        assert_eq!(server.status(Method::GET, "/sse", Some(&basic("bob:"))).await, 401);
        assert_eq!(server.printed.len(), 3, "a password was generated: {:?}", server.printed);
    }
}

#[tokio::test]
async fn a_signed_request_is_served_once_by_the_servers() {
    use base64::Engine as _;
    let secret = [7; 32];
    let key = format!("ci:{}", base64::engine::general_purpose::STANDARD.encode(secret));
    let signer = mcp_auth_layer::Signer::new("ci", secret).unwrap();
    for (name, method, path) in
        [("streamable_server", Method::POST, "/mcp"), ("sse_server", Method::GET, "/sse")]
    {
        let server = Server::start(name, &["--hmac-key", &key, "--user", "alice:pass:word"]).await;
        let body = match method {
            Method::POST => initialize("2025-06-18").to_string(),
            _ => String::new(),
        };
        let mut request = http::Request::builder()
            .method(&method)
            .uri(format!("{}{path}", server.url))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body)
            .unwrap();
        signer.sign(&mut request).unwrap();
        for expected in [200, 401, 401] {
            let copy = reqwest::Request::try_from(request.clone()).unwrap();
            let answer = reqwest::Client::new().execute(copy).await.unwrap();
            assert_eq!(answer.status(), expected, "{name}");
        }
        assert_eq!(server.status(Method::GET, "/health", None).await, 200);
    }
}

/// The words of a line of shell without escapes.
fn shell_words(line: &str) -> Vec<String> {
    let parts = line.trim().split('\'').enumerate();
    let mut words = Vec::new();
    for (index, part) in parts {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

#[tokio::test]
async fn a_generated_password_comes_with_a_line_of_curl_that_works() {
    let upstream = recorder().await;
    let upstream = format!("--upstream={}", upstream.0);
    let mut passwords = Vec::new();
    for (name, args) in
        [("sse_server", None), ("streamable_server", None), ("proxy", Some(&*upstream))]
    {
        let server = Server::start(name, args.as_slice()).await;
        let words = shell_words(server.printed.iter().find(|line| line.contains("curl")).unwrap());
        let mut words = words.iter().map(String::as_str);
        assert_eq!(words.next(), Some("curl"));
        let (mut url, mut method, mut body) = ("", Method::GET, String::new());
        let (mut headers, mut user, mut password) = (HeaderMap::new(), "", "");
        while let Some(word) = words.next() {
            match word {
                "-N" | "-i" => {}
                "-u" => (user, password) = words.next().unwrap().split_once(':').unwrap(),
                "-d" => (method, body) = (Method::POST, words.next().unwrap().to_owned()),
                "-H" => {
                    let (name, value) = words.next().unwrap().split_once(": ").unwrap();
                    let name: http::HeaderName = name.parse().unwrap();
                    headers.append(name, value.parse().unwrap());
                }
                other => url = other,
            }
        }
        assert_eq!(user, "admin");
        assert!(password.len() >= 22, "{password}");
        passwords.push(password.to_owned());
        let path = url.strip_prefix(&server.url).expect("the port that was bound");
        let request = server.request(method, path).headers(headers).body(body);
        let wrong = request.try_clone().unwrap().basic_auth(user, Some("admin"));
        assert_eq!(answer(wrong).await.status(), 401, "{name}");
        let right = request.basic_auth(user, Some(password));
        assert_eq!(answer(right).await.status(), 200, "{name}");
    }
    passwords.sort_unstable();
    passwords.dedup();
    assert_eq!(passwords.len(), 3, "each has its own");
}

#[tokio::test]
async fn servers_listen_where_they_are_told_to() {
    for (host, shown) in [("localhost", "http://"), ("0.0.0.0", "http://0.0.0.0:")] {
        for name in ["sse_server", "streamable_server"] {
            let args = [&["--host", host][..], &USERS].concat();
            let server = Server::start(name, &args).await;
            assert!(server.url.starts_with(shown), "{}", server.url);
            assert_eq!(server.status(Method::GET, "/health", None).await, 200);
        }
    }
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return; // no IPv6 here
    }
    for host in ["::1", "[::1]"] {
        let args = [&["--host", host][..], &USERS].concat();
        let server = Server::start("streamable_server", &args).await;
        assert!(server.url.starts_with("http://[::1]:"), "{}", server.url);
        assert!(connect(format!("{}/mcp", server.url), ALICE).await.is_ok());
    }
}

#[tokio::test]
async fn streamable_server_knows_its_names() {
    let initialize = initialize("2025-06-18");
    for (host, foreign) in [("127.0.0.1", 403), ("0.0.0.0", 200)] {
        let args = [&["--host", host][..], &USERS].concat();
        let server = Server::start("streamable_server", &args).await;
        for (name, status) in [("localhost", 200), ("tools.example.com", foreign)] {
            let request = server.request(Method::POST, "/mcp").header(AUTHORIZATION, ALICE);
            let request = request.header("accept", "application/json, text/event-stream");
            let request = request.header("host", name).json(&initialize);
            assert_eq!(answer(request).await.status(), status, "{host} {name}");
        }
    }
}

// ---- The client, and the scheme of its own ----

#[tokio::test]
async fn the_client_calls_a_tool_or_says_in_a_line_why_not() {
    let server = Server::start("streamable_server", &USERS).await;
    let url = format!("{}/mcp", server.url);
    let client = async |args: &[&str], variables: &[(&str, &str)]| {
        let output = output(example("client").args(args).envs(variables.iter().copied())).await;
        let [out, err] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        (output.status.code().unwrap(), out, err)
    };
    let (status, out, err) = client(&[&url, "--user", "alice:pass:word"], &[]).await;
    assert!(status == 0 && out.ends_with("\nalice\n") && err.is_empty(), "{out}{err}");
    assert!(out.contains("execute_command: "), "{out}");
    let token = ["--token", "dG9rZW4tb2YtdGhlLWNp"];
    assert!(client(&[&url, token[0], token[1]], &[]).await.1.ends_with("\nci\n"));
    let variables = [("TOKEN", token[1])];
    assert!(client(&[&url], &variables).await.1.ends_with("\nci\n"));
    let variables = [("USERNAME", "alice"), ("PASSWORD", "pass:word")];
    assert!(client(&[&url], &variables).await.1.ends_with("\nalice\n"));
    let echo = [&url, "--tool", "execute_command", "--args", r#"{"command":"echo","args":["hi"]}"#];
    assert!(client(&echo, &variables).await.1.contains("hi\n"));

    let nobody = format!("http://127.0.0.1:{}/mcp", free_port().await);
    let nowhere = format!("{}/nowhere", server.url);
    for (args, word) in [
        (vec![&*url], "401"),
        (vec![&url, "--user", "alice:hunter2"], "401"),
        (vec![&url, "--token", "hunter2"], "401"),
        (vec![&nobody, "--token", "hunter2"], "refused"),
        (vec![&nowhere, "--user", "alice:pass:word"], "404"),
        (vec![&url, "--user", "alice:pass:word", "--tool", "none"], "tool"),
        (
            vec![
                &url,
                "--user",
                "alice:pass:word",
                "--tool",
                "execute_command",
                "--args",
                r#"{"command":"false"}"#,
            ],
            "execute_command",
        ),
    ] {
        let (status, _, err) = client(&args, &[]).await;
        assert_eq!((status, err.lines().count()), (1, 1), "{args:?} {err}");
        assert!(err.contains(word) && !err.contains("hunter2"), "{args:?} {err}");
    }
}

/// A port that was free a moment ago.
async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn api_keys_let_in_who_has_one() {
    let keys = ["--key", "alice:correct horse", "--key", "bob:battery:staple"];
    let server = Server::start("custom_authenticator", &keys).await;
    let with = |keys: &[&str]| {
        let mut request = server.request(Method::GET, "/whoami");
        for key in keys {
            request = request.header("x-api-key", *key);
        }
        async { answer(request).await }
    };
    for (key, name) in [("correct horse", "alice"), ("battery:staple", "bob")] {
        assert_eq!(with(&[key]).await.text().await.unwrap(), name);
    }
    for key in ["", "correct", "correct horse ", "alice:correct horse", "alice"] {
        // Fields are sent without white space at their ends.
        let expected = if key == "correct horse " { 200 } else { 401 };
        assert_eq!(with(&[key]).await.status(), expected, "{key:?}");
    }
    let refused = with(&[]).await;
    assert_eq!(refused.status(), 401);
    let challenge = &refused.headers()["www-authenticate"];
    assert_eq!(challenge, r#"ApiKey realm="mcp", header="x-api-key""#);
    assert_eq!(with(&["correct horse", "correct horse"]).await.status(), 400);
    assert_eq!(server.status(Method::GET, "/whoami", Some(ALICE)).await, 401);

    let server = Server::start("custom_authenticator", &[]).await;
    let words = shell_words(&server.printed[0]);
    let key = words.iter().find_map(|word| word.strip_prefix("x-api-key: ")).unwrap();
    let request = server.request(Method::GET, "/whoami").header("x-api-key", key);
    assert_eq!(answer(request).await.text().await.unwrap(), "demo");
}

// ---- The proxy ----

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// An upstream that tells the method, target and headers it was sent, and counts.
async fn recorder() -> (String, Arc<AtomicUsize>) {
    let count = Arc::<AtomicUsize>::default();
    let counted = count.clone();
    let app = Router::new().fallback(move |request: Request| async move {
        counted.fetch_add(1, SeqCst);
        let headers = request.headers().iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let target = request.uri().to_string();
        let told =
            json!({ "method": request.method().as_str(), "target": target, "headers": headers });
        Json(told).into_response()
    });
    (serve(app).await, count)
}

async fn proxy(upstream: &str, args: &[&str]) -> Server {
    Server::start("proxy", &[&["--upstream", upstream][..], args].concat()).await
}

/// What the recorder was sent for a request of these lines.
async fn recorded(proxy: &Server, head: &str) -> (Value, HashMap<String, Vec<String>>) {
    let answer = proxy.raw(&format!("{head}\r\n\r\n")).await;
    let start = answer.find('{').unwrap_or_else(|| panic!("{answer}"));
    let end = answer.rfind('}').unwrap() + 1;
    let told: Value = serde_json::from_str(&answer[start..end]).unwrap();
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for pair in told["headers"].as_array().unwrap() {
        let [name, value] = [0, 1].map(|index| pair[index].as_str().unwrap().to_owned());
        headers.entry(name).or_default().push(value);
    }
    (told, headers)
}

#[tokio::test]
async fn the_proxy_guards_every_verb_of_every_path() {
    let (upstream, count) = recorder().await;
    let proxy = proxy(&upstream, &USERS).await;
    let refused = async || {
        for path in ["/", "/health", "/sse", "/mcp", "/messages/?session_id=x", "/.well-known/x"] {
            for verb in VERBS {
                let verb = Method::from_bytes(verb.as_bytes()).unwrap();
                let status = proxy.status(verb.clone(), path, None).await;
                assert_eq!(status, 401, "{verb} {path}");
            }
            for wrong in WRONG {
                assert_eq!(proxy.status(Method::POST, path, Some(wrong)).await, 401);
            }
            // A preflight is no request of anybody: the layer passes it, the proxy does not.
            let preflight = proxy.request(Method::OPTIONS, path);
            let preflight = preflight.header("access-control-request-method", "POST");
            let preflight = preflight.header("origin", "https://evil.example");
            assert_eq!(answer(preflight).await.status(), 401);
        }
    };
    refused().await;
    assert_eq!(count.load(SeqCst), 0, "nothing reached the upstream");
    every_verb_is_guarded(&proxy, &["/health", "/a/b?c"]).await;
    assert_ne!(count.load(SeqCst), 0);
}

#[tokio::test]
async fn the_proxy_says_who_it_is_and_nobody_else_does() {
    let (upstream, _) = recorder().await;
    let proxy = proxy(&upstream, &USERS).await;
    let (told, headers) = recorded(
        &proxy,
        &format!(
            "POST /a//b/%2e%2E;x?q=%20&r HTTP/1.1\r\n\
             Host: localhost:8000\r\n\
             Authorization: {CI}\r\n\
             X-Mcp-Principal: root\r\n\
             x-mcp-principal: root2\r\n\
             X_Mcp_Principal: root3\r\n\
             X-MCP_PRINCIPAL: root4\r\n\
             X.Mcp.Principal: root5\r\n\
             Connection: close, X-Mcp-Principal, X-Private\r\n\
             Connection: authorization, x-mcp-session-hint\r\n\
             X-Private: gone\r\n\
             X-Mcp-Session-Hint: gone\r\n\
             Keep-Alive: timeout=5\r\n\
             Proxy-Connection: keep-alive\r\n\
             Proxy-Authorization: Basic cm9vdDpyb290\r\n\
             TE: gzip\r\n\
             Trailer: X-T\r\n\
             Upgrade: websocket\r\n\
             X-Forwarded-For: 6.6.6.6\r\n\
             X-Forwarded-Host: evil.example\r\n\
             X_Forwarded_Proto: https\r\n\
             X-Forwarded-Prefix: /evil\r\n\
             Forwarded: for=6.6.6.6\r\n\
             X-Real-IP: 6.6.6.6\r\n\
             X-Original-URL: /evil\r\n\
             X-Rewrite-URL: /evil\r\n\
             Origin: http://localhost:8000\r\n\
             Mcp-Protocol-Version: 2025-06-18\r\n\
             Accept: text/event-stream\r\n\
             Cookie: a=b\r\n\
             Content-Length: 0"
        ),
    )
    .await;
    assert_eq!(
        (&told["method"], &told["target"]),
        (&json!("POST"), &json!("/a//b/%2e%2E;x?q=%20&r"))
    );
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "cookie",
            "forwarded",
            "host",
            "mcp-protocol-version",
            "x-forwarded-for",
            "x-mcp-principal",
        ]
    );
    assert_eq!(headers["x-mcp-principal"], ["ci"]);
    assert_eq!(headers["host"], [upstream.strip_prefix("http://").unwrap()]);
    assert_eq!(headers["x-forwarded-for"], ["127.0.0.1"]);
    assert_eq!(headers["forwarded"], ["for=127.0.0.1"]);
}

#[tokio::test]
async fn names_that_no_header_can_hold_are_percent_encoded() {
    let (upstream, _) = recorder().await;
    let names = [("Łukasz", "%C5%81ukasz"), ("a b", "a%20b"), ("a%20b,c", "a%2520b%2Cc")];
    let users = names.map(|(name, _)| format!("--user={name}:password"));
    let proxy = proxy(&upstream, &users.each_ref().map(String::as_str)).await;
    for (name, encoded) in names {
        let request = proxy.request(Method::GET, "/").basic_auth(name, Some("password"));
        let told: Value = answer(request).await.json().await.unwrap();
        let told = told["headers"].as_array().unwrap().clone();
        let told: Vec<_> = told.iter().filter(|pair| pair[0] == "x-mcp-principal").collect();
        assert_eq!(told, [&json!(["x-mcp-principal", encoded])]);
    }
}

#[tokio::test]
async fn the_proxy_forwards_paths_only() {
    let (upstream, _) = recorder().await;
    let named = ["--host-name", "evil.example"];
    let proxy = proxy(&upstream, &[&USERS[..], &named].concat()).await;
    let rest = format!(
        "HTTP/1.1\r\nHost: localhost\r\nAuthorization: {ALICE}\r\nConnection: close\r\n\r\n"
    );
    for start in ["OPTIONS *", "CONNECT evil.example:80"] {
        let answer = proxy.raw(&format!("{start} {rest}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{start}: {answer}");
    }
    let answer = proxy.raw(&format!("GET http://evil.example/x {rest}")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""/x""#), "{answer}");
}

#[tokio::test]
async fn the_proxy_streams_both_ways() {
    // The upstream sends back what it gets, as it gets it.
    let echo = any(|request: Request| async { request.into_body() });
    let upstream = serve(Router::new().route("/echo", echo)).await;
    let proxy = proxy(&upstream, &USERS).await;
    let (mut sender, receiver) = mpsc::channel::<Bytes>(1);
    let body = reqwest::Body::wrap_stream(receiver.map(Ok::<_, std::io::Error>));
    let request = proxy.request(Method::POST, "/echo").header(AUTHORIZATION, ALICE).body(body);
    sender.send("one".into()).await.unwrap();
    let mut response = answer(request).await;
    assert_eq!(response.status(), 200);
    for next in ["two", "three"] {
        let chunk = in_time("what was sent", response.chunk()).await.unwrap().unwrap();
        assert!(!chunk.is_empty());
        sender.send(next.into()).await.unwrap();
    }
    drop(sender);
    let rest = in_time("the end", response.text()).await.unwrap();
    assert_eq!(rest, "three");
}

#[tokio::test]
async fn the_proxy_passes_answers_as_they_are() {
    let app = Router::new()
        .route("/teapot", get(|| async { (StatusCode::IM_A_TEAPOT, [("x-own", "1")], "short") }))
        .route("/away", get(|| async { Redirect::to("/elsewhere") }))
        .route(
            "/refused",
            get(|| async { (StatusCode::UNAUTHORIZED, [("www-authenticate", "Own")]) }),
        )
        .route("/hops", get(|| async { ([("keep-alive", "timeout=5"), ("x-own", "2")], "hops") }));
    let proxy = proxy(&serve(app).await, &USERS).await;
    let get = async |path: &str| {
        let request = proxy.request(Method::GET, path).header(AUTHORIZATION, ALICE);
        answer(request).await
    };
    let teapot = get("/teapot").await;
    assert_eq!(
        (teapot.status().as_u16(), &teapot.headers()["x-own"]),
        (418, &"1".parse().unwrap())
    );
    assert_eq!(teapot.text().await.unwrap(), "short");
    assert_eq!(get("/refused").await.headers()["www-authenticate"], "Own");
    let hops = get("/hops").await;
    assert!(!hops.headers().contains_key("keep-alive") && hops.headers()["x-own"] == "2");
    let away = format!(
        "GET /away HTTP/1.1\r\nHost: localhost\r\nAuthorization: {ALICE}\r\nConnection: close\r\n\r\n"
    );
    let away = proxy.raw(&away).await;
    assert!(away.starts_with("HTTP/1.1 303") && away.contains("location: /elsewhere"), "{away}");
}

#[tokio::test]
async fn an_upstream_that_is_down_is_a_502() {
    let upstream = format!("http://127.0.0.1:{}", free_port().await);
    let proxy = proxy(&upstream, &USERS).await;
    assert_eq!(proxy.status(Method::GET, "/", Some(ALICE)).await, 502);
    assert_eq!(proxy.status(Method::GET, "/", None).await, 401);
}

/// An MCP server over HTTP+SSE that believes its proxy.
async fn believing_upstream() -> String {
    async fn believe(mut request: Request, next: Next) -> Response {
        let name = request.headers().get("x-mcp-principal");
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or("nobody").to_owned();
        request.extensions_mut().insert(Principal::new(name));
        next.run(request).await
    }
    serve(transport(&CancellationToken::new()).layer(from_fn(believe))).await
}

#[tokio::test]
async fn a_session_through_the_proxy() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    for (authorization, name) in [(ALICE, "alice"), (CI, "ci")] {
        let mut session = SseSession::open(&proxy.url, authorization).await;
        assert_eq!(session.tool("whoami", json!({})).await, (name.to_owned(), false));
        let bare = http().post(&session.endpoint).body(PING);
        assert_eq!(answer(bare).await.status(), 401);
    }
    let mut direct = SseSession::open(&upstream, ALICE).await;
    assert_eq!(direct.tool("whoami", json!({})).await.0, "nobody");
}

#[tokio::test]
async fn hanging_up_on_the_proxy_hangs_up_on_the_upstream() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    let session = SseSession::open(&proxy.url, ALICE).await;
    let (endpoint, _seal) = session.endpoint.rsplit_once('.').unwrap();
    let endpoint = endpoint.replace(&proxy.url, &upstream);
    let posted = async || answer(http().post(&endpoint).body(PING)).await.status();
    assert_eq!(posted().await, 202);
    drop(session);
    until("the session ended", async || posted().await == 404).await;
}

#[tokio::test]
async fn sigterm_ends_the_proxy_with_its_streams() {
    let upstream = believing_upstream().await;
    let proxy = proxy(&upstream, &USERS).await;
    let mut session = SseSession::open(&proxy.url, ALICE).await;
    let started = std::time::Instant::now();
    let (status, _) = proxy.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(started.elapsed() < DEADLINE);
    assert_eq!(session.events.next().await, None);
}
