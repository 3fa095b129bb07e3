//! An MCP server over Streamable HTTP, with the service of rmcp, that requires credentials.
//!
//!     cargo run --example streamable_server -- --user 'alice:correct horse'

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use common::cli::{self, Failure};
use common::command::ExecuteCommand;
use common::server::Server;
use common::session_limit::{self, Sessions};
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{McpAuthLayer, Principal, any_of};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::CallToolResult;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{tool, tool_router};
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    /// A tool receives the authenticated principal as an argument.
    #[tool(description = "Returns your name on this server")]
    async fn whoami(&self, caller: Principal) -> String {
        caller.name().to_owned()
    }

    #[tool(description = "Runs a command on the server, and returns its output")]
    async fn execute_command(
        &self,
        Parameters(command): Parameters<ExecuteCommand>,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        command.run(cancelled).await
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    // Parses the flags and listens. The arguments are printed as a hint for a first request.
    let server = Server::from_command_line("/mcp", common::INITIALIZE_WITH_CURL).await?;

    // The MCP server. rmcp's own check of `Host` is off: the one that is added below has the
    // names of `--host-name`.
    let config = StreamableHttpServerConfig::default()
        .disable_allowed_hosts()
        .with_cancellation_token(server.shutdown.clone());
    let sessions = Sessions::default();
    let mcp = StreamableHttpService::new(|| Ok(Tools), sessions.manager.clone(), config);
    let app = Router::new()
        .route_service("/mcp", mcp)
        .layer(from_fn_with_state(sessions, session_limit::limit))
        .route("/health", get(|| async { "ok" }));
    let app = server.add_metrics_and_host_check(app);

    // Access control, as in `sse_server`. Session IDs in `Mcp-Session-Id` are bound to the
    // principal: no other principal can use them.
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
    server.serve(auth.protect(app)).await
}
