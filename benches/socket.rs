//! What a request costs a server over a loopback socket: processor time of the server for each request, and requests per
//! second. The server has no layer, has tower-http's pair, or `McpAuthLayer`, or has nginx in front of it, if that is
//! installed; it is an axum handler that does next to nothing, and then a real MCP server of rmcp's.
//!
//! ```sh
//! cargo bench --bench socket
//! cargo bench --bench socket -- --prometheus   # with the recorder of Prometheus, as in production
//! cargo bench --bench socket -- --json FILE    # writes the figures as JSON as well
//! ```
//!
//! Each server has a thread of its own, whose processor time the scheduler counts (`/proc`, on Linux alone): it does not
//! depend on what else the machine does. With nginx, the time is that of both. One client asks them in turns of 20 ms over
//! connections that it keeps open. A run is 25 turns of each; what disturbs the machine disturbs all. 20 runs take ten
//! seconds for a server.

#[allow(dead_code, reason = "the contenders here are servers")]
mod harness;
#[path = "socket/nginx.rs"]
mod nginx;

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
use nginx::{AUTH_BASIC, Check, MAP, Nginx};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tower_http::add_extension::AddExtensionLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

/// Enough that a server is always busy: otherwise its time is mostly that of being woken, as often as the client happens to let
/// it sleep.
const CONNECTIONS: usize = 32;
const TURN: Duration = Duration::from_millis(20);
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";

#[tokio::main]
async fn main() {
    let (runs, turns) = if harness::measuring() { (20, 25) } else { (1, 1) };
    let arguments: Vec<String> = std::env::args().collect();
    let prometheus = arguments.iter().any(|argument| argument == "--prometheus");
    if prometheus {
        // Before any layer is used, which looks its counters up once.
        let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
        builder.install_recorder().expect("there is no other recorder");
    }
    let handler = Router::new().route("/mcp", post(pong));
    let mut rows = compare("axum handler", handler, runs, turns).await;

    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Server), sessions, config);
    let server = Router::new().route_service("/mcp", mcp);
    rows.extend(compare("rmcp server", server, runs, turns).await);

    if let Some(at) = arguments.iter().position(|argument| argument == "--json") {
        let file = arguments.get(at + 1).expect("--json needs a file");
        let figures = json!({ "prometheus": prometheus, "rows": rows });
        std::fs::write(file, format!("{figures:#}\n")).expect("the file can be written");
    }
}

/// Prints what a request costs each server, and returns the same as JSON.
async fn compare(what: &str, app: Router, runs: usize, turns: u32) -> Vec<Value> {
    #[expect(deprecated)]
    let validate = ValidateRequestHeaderLayer::bearer(TOKEN);
    let pair = (validate, AddExtensionLayer::new(Principal::new("ci")));
    let mut servers = vec![
        Asked::start("no layer", app.clone()).await,
        Asked::start("tower-http's pair", app.clone().layer(pair)).await,
        Asked::start("McpAuthLayer", app.clone().layer(McpAuthLayer::bearer(TOKEN))).await,
    ];
    for check in [MAP, AUTH_BASIC] {
        match Asked::start("", app.clone()).await.behind_nginx(&check).await {
            Some(server) => servers.push(server),
            None => println!("skipped: {}, which is not installed", check.name),
        }
    }
    for server in &mut servers[1..] {
        let response = asked(&mut server.connections[0], None).await;
        assert_eq!(response, StatusCode::UNAUTHORIZED, "{}", server.name);
    }
    let mut results = vec![Vec::new(); servers.len()];
    for _ in 0..runs {
        let mut sums = vec![(0, Duration::ZERO); servers.len()];
        for _ in 0..turns {
            for (server, sum) in servers.iter_mut().zip(&mut sums) {
                let before = server.processor_time();
                sum.0 += server.answered().await;
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
    let over_runs =
        |figure: &dyn Fn(usize) -> f64| harness::median((0..runs).map(figure).collect());
    let rows = servers.iter().zip(&results).map(|(Asked { name, .. }, result)| {
        let [cpu_ns, per_second] = [0, 1].map(|at| over_runs(&|run| result[run][at]));
        let [cpu_ratio, per_second_ratio] =
            [0, 1].map(|at| over_runs(&|run| result[run][at] / results[0][run][at]));
        println!(
            "| {name:<18} | {cpu_ns:>30.0} | {cpu_ratio:>7.3} | {per_second:>10.0} | {per_second_ratio:>7.3} |",
        );
        json!({
            "handler": what,
            "server": name,
            "cpu_ns": cpu_ns,
            "cpu_ratio": cpu_ratio,
            "per_second": per_second,
            "per_second_ratio": per_second_ratio,
        })
    });
    rows.collect()
}

async fn pong(Json(message): Json<Value>) -> Json<Value> {
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }))
}

struct Server;

impl ServerHandler for Server {}

/// A server in a thread of its own, perhaps behind nginx, and connections to it.
struct Asked {
    name: &'static str,
    authorization: String,
    address: SocketAddr,
    connections: Vec<SendRequest<String>>,
    /// Where the scheduler says how long thread and proxy have run, in nanoseconds.
    statistics: Vec<PathBuf>,
    /// Ends with the server.
    _proxy: Option<Nginx>,
}

impl Asked {
    async fn start(name: &'static str, app: Router) -> Self {
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
        Self {
            name,
            authorization: format!("Bearer {TOKEN}"),
            address,
            connections: connect_all(address).await,
            statistics: vec![Path::new("/proc").join(thread).join("schedstat")],
            _proxy: None,
        }
    }

    /// Puts nginx in front of it, if that is installed.
    async fn behind_nginx(mut self, check: &Check) -> Option<Self> {
        let proxy = Nginx::start(check, self.address)?;
        self.statistics.push(proxy.statistics());
        Some(Self {
            name: check.name,
            authorization: check.authorization.to_owned(),
            connections: connect_all(proxy.address).await,
            _proxy: Some(proxy),
            ..self
        })
    }

    fn processor_time(&self) -> Duration {
        let nanos = |path| {
            let text = std::fs::read_to_string(path).expect("statistics of the scheduler");
            let nanos = text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok());
            nanos.expect("a number of nanoseconds")
        };
        Duration::from_nanos(self.statistics.iter().map(nanos).sum())
    }

    /// Keeps every connection busy for a turn, and counts the answers.
    async fn answered(&mut self) -> u32 {
        let start = Instant::now();
        let authorization = &self.authorization;
        let counts = self.connections.iter_mut().map(|connection| async move {
            let mut count = 0;
            while start.elapsed() < TURN {
                assert_eq!(asked(connection, Some(authorization)).await, StatusCode::OK);
                count += 1;
            }
            count
        });
        join_all(counts).await.iter().sum()
    }
}

async fn connect_all(address: SocketAddr) -> Vec<SendRequest<String>> {
    join_all((0..CONNECTIONS).map(|_| connect(address))).await
}

async fn connect(address: SocketAddr) -> SendRequest<String> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("an option of TCP");
    let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1");
    tokio::spawn(connection);
    sender
}

/// Sends a request, reads the whole response, and returns its status.
async fn asked(connection: &mut SendRequest<String>, authorization: Option<&str>) -> StatusCode {
    connection.ready().await.expect("an open connection");
    let response = connection.send_request(ping(authorization)).await.expect("a response");
    let status = response.status();
    response.into_body().collect().await.expect("a whole response");
    status
}

fn ping(authorization: Option<&str>) -> http::Request<String> {
    let mut request = http::Request::post("/mcp")
        .header(HOST, "127.0.0.1")
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-06-18");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned()).expect("these are valid")
}
