//! What a request costs a server over a loopback socket: processor time of the server for each request, and requests per
//! second. The server has no layer, has tower-http's pair, or `McpAuthLayer`; it is an axum handler that does next to nothing,
//! and then a real MCP server of rmcp's.
//!
//! ```sh
//! cargo bench --bench socket
//! cargo bench --bench socket -- --prometheus   # with the recorder of Prometheus, as in production
//! ```
//!
//! Each server has a thread of its own, whose processor time the scheduler counts (`/proc`, on Linux alone): it does not
//! depend on what else the machine does. One client asks them in turns of 20 ms over connections that it keeps open. A
//! run is 25 turns of each; what disturbs the machine disturbs all. 20 runs take 30 seconds for a server.

#[allow(dead_code, reason = "the contenders here are servers")]
mod harness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use futures::future::join_all;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mcp_auth_layer::{McpAuthLayer, Principal};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tower_http::add_extension::AddExtensionLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

const CONNECTIONS: usize = 4;
const TURN: Duration = Duration::from_millis(20);
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";

#[tokio::main]
async fn main() {
    let (runs, turns) = if harness::measuring() { (20, 25) } else { (1, 1) };
    if std::env::args().any(|argument| argument == "--prometheus") {
        // Before any layer is used, which looks its counters up once.
        let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
        builder.install_recorder().expect("there is no other recorder");
    }
    let handler = Router::new().route("/mcp", post(pong));
    compare("an axum handler", handler, runs, turns).await;

    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Server), sessions, config);
    compare("an rmcp server", Router::new().route_service("/mcp", mcp), runs, turns).await;
}

/// Prints what a request costs each server.
async fn compare(what: &str, app: Router, runs: usize, turns: u32) {
    #[expect(deprecated)]
    let validate = ValidateRequestHeaderLayer::bearer(TOKEN);
    let pair = (validate, AddExtensionLayer::new(Principal::new("ci")));
    let mut servers = [
        ("no layer", Asked::start(app.clone()).await),
        ("tower-http's pair", Asked::start(app.clone().layer(pair)).await),
        ("McpAuthLayer", Asked::start(app.layer(McpAuthLayer::bearer(TOKEN))).await),
    ];
    let mut results = vec![Vec::new(); servers.len()];
    for _ in 0..runs {
        let mut sums = [(0, Duration::ZERO); 3];
        for _ in 0..turns {
            for ((_, server), sum) in servers.iter_mut().zip(&mut sums) {
                let before = server.processor_time();
                sum.0 += answered(&mut server.connections).await;
                sum.1 += server.processor_time() - before;
            }
        }
        for (result, (count, time)) in results.iter_mut().zip(sums) {
            let per_second = f64::from(count) / (TURN * turns).as_secs_f64();
            result.push([time.as_nanos() as f64 / f64::from(count), per_second]);
        }
    }
    println!("\n| {what:<18} | ns of the server for a request | to none | requests/s | to none |");
    println!(
        "| :----------------- | -----------------------------: | ------: | ---------: | ------: |"
    );
    let ratio = |at: usize, figure: usize| {
        median((0..runs).map(|run| results[at][run][figure] / results[0][run][figure]).collect())
    };
    for (at, (name, _)) in servers.iter().enumerate() {
        let [time, per_second] =
            [0, 1].map(|figure| median(results[at].iter().map(|run| run[figure]).collect()));
        println!(
            "| {name:<18} | {time:>30.0} | {:>7.3} | {per_second:>10.0} | {:>7.3} |",
            ratio(at, 0),
            ratio(at, 1),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn pong(Json(message): Json<Value>) -> Json<Value> {
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }))
}

struct Server;

impl ServerHandler for Server {}

/// A server in a thread of its own, and connections to it.
struct Asked {
    connections: Vec<SendRequest<String>>,
    /// Where the scheduler says how long the thread has run, in nanoseconds.
    statistics: PathBuf,
}

impl Asked {
    async fn start(app: Router) -> Self {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let thread = std::fs::read_link("/proc/thread-self").expect("this is Linux");
                let address = listener.local_addr().expect("it is bound");
                sender.send((address, thread)).expect("the benchmark waits");
                axum::serve(listener, app).await
            })
        });
        let (address, thread) = receiver.await.expect("the thread starts");
        let connections = join_all((0..CONNECTIONS).map(|_| connect(address))).await;
        Self { connections, statistics: Path::new("/proc").join(thread).join("schedstat") }
    }

    fn processor_time(&self) -> Duration {
        let text = std::fs::read_to_string(&self.statistics).expect("statistics of the scheduler");
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
        Duration::from_nanos(nanos.expect("a number of nanoseconds"))
    }
}

async fn connect(address: SocketAddr) -> SendRequest<String> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("an option of TCP");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1");
    tokio::spawn(connection);
    sender
}

/// Keeps every connection busy for a turn, and counts the answers.
async fn answered(connections: &mut [SendRequest<String>]) -> u32 {
    let start = Instant::now();
    let counts = connections.iter_mut().map(|connection| async move {
        let mut count = 0;
        while start.elapsed() < TURN {
            connection.ready().await.expect("an open connection");
            let response = connection.send_request(ping()).await.expect("an answer");
            assert_eq!(response.status(), StatusCode::OK);
            response.into_body().collect().await.expect("a whole answer");
            count += 1;
        }
        count
    });
    join_all(counts).await.iter().sum()
}

fn ping() -> http::Request<String> {
    http::Request::post("/mcp")
        .header(HOST, "127.0.0.1")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned())
        .expect("these are valid")
}
