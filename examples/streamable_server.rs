//! An MCP server over Streamable HTTP, on rmcp's own service, behind a door.
//!
//!     cargo run --example streamable_server -- --user 'alice:correct horse'

mod common;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use clap::Parser;
use common::cli::{self, Failure, Started};
use common::tools::Tools;
use mcp_auth_layer::McpAuthLayer;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
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
    let Started { listener, authenticator, metrics, shutdown } = server.start("/mcp", CURL).await?;

    // rmcp checks `Host`, lest a web page reach a server on loopback by a name of its own (DNS
    // rebinding). Whoever listens on other addresses wants to be reached by names that nobody
    // knows here: any will do then, as such a page brings no credential.
    let address = listener.local_addr().map_err(Failure::work)?.ip();
    let hosts = match address.is_loopback() {
        true => vec!["localhost".to_owned(), address.to_string()],
        false => Vec::new(),
    };
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(hosts)
        .with_cancellation_token(shutdown.clone()); // which ends open streams
    let mcp =
        StreamableHttpService::new(|| Ok(Tools), Arc::new(LocalSessionManager::default()), config);
    let app = Router::new().route_service("/mcp", mcp).route("/health", get(|| async { "ok" }));

    // Around the finished app: every route it has or ever gets, and paths it does not know.
    let layer = McpAuthLayer::new(authenticator).public_path("/health");
    let guarded = metrics.publish(layer).layer(metrics.route(app));

    common::serve(listener, guarded, shutdown).await
}
