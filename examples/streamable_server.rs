//! An MCP server over Streamable HTTP, on rmcp's own service, behind a door.
//!
//!     cargo run --example streamable_server -- --user 'alice:correct horse'

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use clap::Parser;
use common::cli::{self, Failure, Started};
use common::sessions::{self, Sessions};
use common::tools::Tools;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::PublicPath;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tower::Layer;

/// For a first look without a client.
const CURL: &str = r#"curl -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' -d '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"curl","version":"0"}}}'"#;

/// An MCP server over Streamable HTTP whose tools run commands, and whose door is guarded
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: cli::Server,
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Args { server } = cli::parse()?;
    let Started { listening, authenticator, hosts, metrics, shutdown } =
        server.start("/mcp", CURL).await?;

    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts.allowed())
        .with_cancellation_token(shutdown.clone()); // which ends open streams
    let sessions = Sessions::default();
    let mcp = StreamableHttpService::new(|| Ok(Tools), sessions.manager.clone(), config);
    let app = Router::new()
        .route_service("/mcp", mcp)
        .layer(from_fn_with_state(sessions, sessions::limit))
        .route("/health", get(|| async { "ok" }));

    // Around the finished app: every route it has or ever gets, and paths it does not know.
    let layer = hosts
        .name(McpAuthLayer::new(authenticator).public_path(PublicPath::from_static("/health")));
    let guarded = metrics.publish(layer).layer(hosts.guard(metrics.route(app)));

    common::serve(listening, guarded, shutdown).await
}
