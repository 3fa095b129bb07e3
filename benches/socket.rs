//! Requests per second over a loopback socket: a server without `McpAuthLayer` and the same one
//! with it, asked by one client over connections that it keeps open. The server is an axum handler
//! that does next to nothing, and then a real MCP server of rmcp's.
//!
//! ```sh
//! cargo bench --bench socket
//! ```
//!
//! The two take turns of 20 ms. A run is 25 turns of each, and its ratio that of the requests
//! answered in it; what disturbs the machine disturbs both. 20 runs take 20 seconds for a server.

#[allow(dead_code, reason = "the contenders here are servers")]
mod harness;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router, ServiceExt};
use futures::future::join_all;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use mcp_auth_layer::McpAuthLayer;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service};

const CONNECTIONS: usize = 4;
const TURN: Duration = Duration::from_millis(20);
const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";

#[tokio::main]
async fn main() {
    let (runs, turns) = if harness::measuring() { (20, 25) } else { (1, 1) };
    let handler = Router::new().route("/mcp", post(pong));
    compare("an axum handler", handler, runs, turns).await;

    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Server), sessions, config);
    compare("an rmcp server", Router::new().route_service("/mcp", mcp), runs, turns).await;
}

/// Prints how many requests a second the app answers, bare and guarded.
async fn compare(what: &str, app: Router, runs: usize, turns: u32) {
    let mut bare = connections(app.clone()).await;
    let mut guarded = connections(McpAuthLayer::bearer(TOKEN).layer(app)).await;

    let mut results = Vec::new();
    for _ in 0..runs {
        let (mut without, mut with) = (0, 0);
        for _ in 0..turns {
            without += answered(&mut bare).await;
            with += answered(&mut guarded).await;
        }
        let per_second = |count| f64::from(count) / (TURN * turns).as_secs_f64();
        let ratio = f64::from(with) / f64::from(without);
        results.push([per_second(without), per_second(with), ratio]);
    }
    println!("\n| {what:<16} | median |  least |   most |");
    println!("| :--------------- | -----: | -----: | -----: |");
    for (index, (figure, digits)) in
        [("bare, 1/s", 0), ("guarded, 1/s", 0), ("ratio", 3)].into_iter().enumerate()
    {
        let mut values: Vec<_> = results.iter().map(|run| run[index]).collect();
        values.sort_by(f64::total_cmp);
        let (least, median, most) = (values[0], values[runs / 2], values[runs - 1]);
        println!("| {figure:<16} | {median:>6.digits$} | {least:>6.digits$} | {most:>6.digits$} |");
    }
}

async fn pong(Json(message): Json<Value>) -> Json<Value> {
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} }))
}

struct Server;

impl ServerHandler for Server {}

/// Serves the app, and opens connections to it.
async fn connections<S>(app: S) -> Vec<SendRequest<String>>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(axum::serve(listener, app.into_make_service()).into_future());
    join_all((0..CONNECTIONS).map(|_| async {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("an option of TCP");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1");
        tokio::spawn(connection);
        sender
    }))
    .await
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
