//! An MCP server over HTTP+SSE (MCP 2024-11-05) that requires credentials.
//!
//!     cargo run --example sse_server -- --user 'alice:correct horse' --token ci:dG9rZW4tb2YtY2k

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use common::cli::{self, Failure};
use common::server::Server;
use common::sse;
use common::tools::Tools;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{McpAuthLayer, Principal, any_of};

/// A handler receives the authenticated principal as an argument.
async fn whoami(caller: Principal) -> String {
    caller.name().to_owned()
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    // Parses the flags and listens. The arguments are printed as a hint for a first request.
    let server = Server::from_command_line("/sse", "curl -N").await?;

    // The MCP server: `/sse` and `/messages/`, and two more endpoints.
    let app = Router::new()
        .merge(sse::router(Tools, server.shutdown.clone()))
        .route("/whoami", get(whoami))
        .route("/health", get(|| async { "ok" }));
    let app = server.add_metrics_and_host_check(app);

    // Access control. Each flag for credentials is a scheme, such as
    // `Bearer::new([("ci", "dG9rZW4tb2YtY2k")])?.boxed()`; they are tried in order.
    let mut auth = McpAuthLayer::new(any_of(server.schemes.clone()))
        .public_path(ExactPath::from_static("/health"));
    if let Some(path) = server.metrics.path() {
        auth = auth.public_path(path); // flag `--metrics`
    }
    if let Some(resource) = &server.resource {
        // flags `--oauth-…`
        auth = auth.resource(resource.clone()).require_scopes(server.scopes.clone());
    }
    if let Some(policy) = &server.policy {
        // flags `--policy` and `--policy-dry-run`
        auth = auth.authorize(policy.clone());
        if server.policy_dry_run {
            auth = auth.dry_run();
        }
    }
    for host in &server.hosts {
        auth = auth.host(host.clone()); // flag `--host-name`
    }
    auth = server.signals.receive(auth); // flags `--security-events-…` and `--logout-client`
    auth = server.replicas.share(auth); // flags `--session-key` and `--redis`

    // `protect` returns a router. Password files limit failed attempts by the client's address: with
    // `axum::serve`, call `into_make_service_with_connect_info::<SocketAddr>()` as well.
    server.serve(auth.protect(app)).await
}
