//! An MCP server over HTTP+SSE, which many clients still speak, behind a door.
//!
//!     cargo run --example sse_server -- --user 'alice:correct horse' --token ci:dG9rZW4tb2YtY2k

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use clap::Parser;
use common::cli::{self, Failure, Started};
use common::sse;
use common::tools::Tools;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::PublicPath;
use tower::Layer;

/// An MCP server over HTTP+SSE whose tools run commands, and whose door is guarded
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
        server.start("/sse", "curl -N").await?;

    let app = Router::new()
        .merge(sse::router(Tools, shutdown.clone()))
        .route("/health", get(|| async { "ok" }));

    // Around the finished app: every route it has or ever gets, and paths it does not know.
    let layer = hosts
        .name(McpAuthLayer::new(authenticator).public_path(PublicPath::from_static("/health")));
    let guarded = metrics.publish(layer).layer(hosts.guard(metrics.route(app)));

    common::serve(listening, guarded, shutdown).await
}
