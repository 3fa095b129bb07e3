//! Streams of events over a loopback socket, bare and guarded: events per second, and the resident
//! memory of a server that holds ten thousand of them, or sends long answers.
//!
//! ```sh
//! cargo bench --bench streams
//! ```
//!
//! The servers are processes of their own. For events per second the two take turns: a stream from
//! the one, then from the other; the ratio is the median over all rounds. The streams are rmcp's (a
//! tool that reports progress 2,000 times), within a session, where rmcp gives events ids, and
//! without one, and those of a GET. With a policy, the latter are read for lists. What a single event costs is measured
//! by the benchmark `session_binding`.

#[allow(dead_code, reason = "the contenders here are servers")]
mod harness;

use std::convert::Infallible;
use std::future::ready;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use axum::{Router, ServiceExt};
use futures::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use mcp_auth_layer::policy::{Policy, principal, tools};
use mcp_auth_layer::schemes::BearerToken;
use mcp_auth_layer::{Bearer, McpAuthLayer};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
    ProgressNotificationParam, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::json;

const EVENTS: usize = 2000;
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

fn main() {
    if let Ok(kind) = std::env::var("STREAMS_SERVER") {
        return serve(&kind);
    }
    let (rounds, streams) = if harness::measuring() { (100, 10_000) } else { (1, 10) };
    let events = || request("GET", "/events", "", "");
    let against_bare = ["bare", "guarded"];
    header(against_bare);
    throughput("rmcp, with ids", rounds, against_bare, |server| server.call_in_session());
    throughput("rmcp, without ids", rounds, against_bare, |_| call("/stateless", "2026-07-28", ""));
    throughput("GET", rounds, against_bare, |_| events());
    let with_policy = ["guarded", "with a policy"];
    header(with_policy);
    throughput("rmcp, with ids", rounds, with_policy, |server| server.call_in_session());
    throughput("GET", rounds, with_policy, |_| events());
    memory(streams);
    peaks();
}

fn header([first, second]: [&str; 2]) {
    println!("\n| events per second, medians | {first:>8} | {second:>13} | ratio |");
    println!("| :------------------------- | -------: | ------------: | ----: |");
}

/// Prints how many events a second one stream carries, as an answer to this request, from servers of these kinds.
fn throughput(what: &str, rounds: usize, kinds: [&str; 2], request: impl Fn(&Server) -> String) {
    let servers = kinds.map(Server::start);
    let requests = [request(&servers[0]), request(&servers[1])];
    let mut taken: Vec<[f64; 2]> = (0..rounds)
        .map(|_| [0, 1].map(|one: usize| servers[one].read_all(&requests[one]).as_secs_f64()))
        .collect();
    let mut median = |figure: fn(&[f64; 2]) -> f64| {
        taken.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
        figure(&taken[rounds / 2])
    };
    let per_second = |seconds: f64| EVENTS as f64 / seconds;
    println!(
        "| {what:<26} | {:>8.0} | {:>13.0} | {:>5.3} |",
        per_second(median(|[bare, _]| *bare)),
        per_second(median(|[_, guarded]| *guarded)),
        median(|[bare, guarded]| bare / guarded),
    );
}

/// Prints what a server's memory grows by for each stream that it holds open.
fn memory(streams: usize) {
    if rlimit::increase_nofile_limit(streams as u64 + 5000).unwrap_or(0) < streams as u64 + 2000 {
        println!("\nnot enough files may be open for {streams} streams");
        return;
    }
    println!("\n| resident, {streams} streams | bytes a stream | more than bare |");
    println!("| :---------------------- | -------------: | -------------: |");
    let mut bare = None;
    for kind in ["bare", "guarded", "guarded, may end"] {
        let server = Server::start(kind);
        let hold = || server.open(&request("GET", "/hold", "", ""));
        // What a server takes for its first streams, it takes once.
        let warm: Vec<_> = (0..streams / 10).map(|_| hold()).collect();
        let before = server.resident();
        let held: Vec<_> = (0..streams).map(|_| hold()).collect();
        let each = (server.resident() - before) / held.len() as i64;
        println!("| {kind:<23} | {each:>14} | {:>14} |", each - *bare.get_or_insert(each));
        drop((warm, held));
    }
}

/// Prints how much memory a server needs at most for one long answer: a result of 30 MiB on a stream that stays open,
/// and a list of 5,000 tools, which is filtered.
fn peaks() {
    println!("\n| peak memory, KiB above an idle server | guarded | with a policy |");
    println!("| :------------------------------------ | ------: | ------------: |");
    let list = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/list" }).to_string();
    for (what, asked) in [
        ("a result of 30 MiB on a GET", request("GET", "/long", "", "")),
        ("a list of 5,000 tools", request("POST", "/list", "", &list)),
    ] {
        let peaks = ["guarded", "with a policy"].map(|kind| {
            let server = Server::start(kind);
            server.read_answer(&request("GET", "/events", "", ""));
            let before = server.memory("VmHWM:");
            server.read_answer(&asked);
            (server.memory("VmHWM:") - before) / 1024
        });
        println!("| {what:<37} | {:>7} | {:>13} |", peaks[0], peaks[1]);
    }
}

/// An HTTP request, after which the connection ends.
fn request(method: &str, target: &str, fields: &str, body: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{fields}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A call of the tool that reports progress.
fn call(target: &str, version: &str, fields: &str) -> String {
    let mut meta = json!({ "progressToken": 7 });
    for (name, value) in [
        ("protocolVersion", json!(version)),
        ("clientInfo", json!({ "name": "bench", "version": "0" })),
        ("clientCapabilities", json!({})),
    ] {
        meta[format!("io.modelcontextprotocol/{name}")] = value;
    }
    let params = json!({ "name": "work", "arguments": {}, "_meta": meta });
    let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    let fields = format!(
        "Mcp-Protocol-Version: {version}\r\nMcp-Method: tools/call\r\nMcp-Name: work\r\n{fields}"
    );
    request("POST", target, &fields, &call.to_string())
}

/// A server as a process of its own, which is killed when this is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(kind: &str) -> Self {
        let this = std::env::current_exe().expect("the path of this benchmark");
        let mut process = Command::new(this)
            .env("STREAMS_SERVER", kind)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut address = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("it says where it listens");
        Self { process, address: address.trim().to_owned() }
    }

    /// Sends a request, and reads its answer up to the first event.
    fn open(&self, request: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut stream = BufReader::with_capacity(512, stream);
        let mut line = String::new();
        while !line.starts_with("data:") {
            line.clear();
            assert!(stream.read_line(&mut line).expect("it answers") > 0, "it answers with events");
        }
        stream
    }

    fn read_all(&self, request: &str) -> Duration {
        let started = Instant::now();
        let mut rest = self.open(request);
        let mut buffer = [0; 1 << 16];
        while rest.get_mut().read(&mut buffer).expect("it goes on") > 0 {}
        started.elapsed()
    }

    /// Sends a request, and reads its answer to the end.
    fn read_answer(&self, request: &str) {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut buffer = [0; 1 << 16];
        let mut length = stream.read(&mut buffer).expect("it answers");
        assert!(buffer[..length].starts_with(b"HTTP/1.1 200"), "it accepts the request");
        while length > 0 {
            length = stream.read(&mut buffer).expect("it goes on");
        }
    }

    /// A call within a session, which is opened for it.
    fn call_in_session(&self) -> String {
        let version = "2025-11-25";
        let client = json!({ "name": "bench", "version": "0" });
        let params =
            json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        let initialize =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let ask = |fields: &str, body: &str| {
            let mut stream = TcpStream::connect(&self.address).expect("it listens");
            let request = request("POST", "/session", fields, body);
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        };
        let answer = ask("", &initialize.to_string());
        let id = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
        let session = format!("Mcp-Session-Id: {}\r\n", id.expect("a session").trim());
        let fields = format!("Mcp-Protocol-Version: {version}\r\n{session}");
        ask(&fields, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        call("/session", version, &session)
    }

    /// Its resident memory, in bytes.
    fn resident(&self) -> i64 {
        std::thread::sleep(Duration::from_millis(500));
        self.memory("VmRSS:")
    }

    /// A figure of its memory, in bytes.
    fn memory(&self, field: &str) -> i64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        1024 * kilobytes.unwrap_or(0_i64)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(kind: &str) {
    let config = StreamableHttpServerConfig::default;
    let sessions = Arc::new(LocalSessionManager::default());
    let in_session = StreamableHttpService::new(|| Ok(Working), sessions, config());
    let config = config().with_legacy_session_mode(false);
    let sessions = Arc::new(NeverSessionManager::default());
    let stateless = StreamableHttpService::new(|| Ok(Working), sessions, config);
    let app = Router::new()
        .route_service("/session", in_session)
        .route_service("/stateless", stateless)
        .route("/events", get(|| async { Sse::new(stream::iter((0..EVENTS).map(progress))) }))
        .route("/long", get(|| async { long_result() }))
        .route("/list", post(|| async { ([(CONTENT_TYPE, "application/json")], list_of_tools()) }))
        .route("/hold", get(|| async { Sse::new(one_event().chain(stream::pending())) }));
    let app = match kind {
        "bare" => app,
        "guarded, may end" => {
            let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
            let token = BearerToken::new(TOKEN).expires_at(in_an_hour);
            McpAuthLayer::new(Bearer::new([("ci", token)]).expect("a valid token")).protect(app)
        }
        "with a policy" => {
            let policy = Policy::new().allow(principal("bearer"), tools(["work"]));
            McpAuthLayer::bearer(TOKEN).authorize(policy).protect(app)
        }
        _ => McpAuthLayer::bearer(TOKEN).protect(app),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("an address"));
    let app = ServiceExt::<Request>::into_make_service(app);
    axum::serve(listener, app).await.expect("it serves");
}

fn progress(done: usize) -> Result<Event, Infallible> {
    let params = json!({ "progressToken": 7, "progress": done, "message": "working on it, some of it is done" });
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
    Ok(Event::default().id(done.to_string()).data(message.to_string()))
}

/// One event of 30 MiB, in chunks of 64 KiB.
fn long_result() -> Response {
    let start = r#"data: {"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":""#;
    let text = stream::repeat_with(|| Bytes::from(vec![b'x'; 1 << 16])).take(30 * 16);
    let chunks = stream::once(ready(Bytes::from(start)))
        .chain(text)
        .chain(stream::once(ready(Bytes::from("\"}]}}\n\n"))));
    let body = Body::from_stream(chunks.map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn list_of_tools() -> String {
    let tool = |number: usize| {
        json!({ "name": format!("tool_{number}"), "description": "Does something useful. ".repeat(5),
            "inputSchema": { "type": "object", "properties": { "text": { "type": "string" } } } })
    };
    let tools: Vec<_> = (0..5000).map(tool).collect();
    json!({ "jsonrpc": "2.0", "id": 7, "result": { "tools": tools } }).to_string()
}

fn one_event() -> impl Stream<Item = Result<Event, Infallible>> {
    stream::once(ready(Ok(Event::default().id("0/0").data("{}"))))
}

/// Has a tool that reports progress many times.
#[derive(Clone)]
struct Working;

impl ServerHandler for Working {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, rmcp::ErrorData> {
        let token = context.meta.get_progress_token().expect("asked for");
        for done in 0..EVENTS {
            let progress = ProgressNotificationParam::new(token.clone(), done as f64)
                .with_message("working on it, some of it is done");
            if context.peer.notify_progress(progress).await.is_err() {
                break;
            }
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }
}
