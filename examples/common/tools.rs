//! The tools of the MCP server over HTTP+SSE.

use mcp_auth_layer::Principal;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::CallToolResult;
use rmcp::{tool, tool_router};
use tokio_util::sync::CancellationToken;

use super::command::ExecuteCommand;

#[derive(Clone)]
pub struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Runs a command on the server, and returns its output")]
    async fn execute_command(
        &self,
        Parameters(command): Parameters<ExecuteCommand>,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        command.run(cancelled).await
    }

    #[tool(description = "Returns your name on this server")]
    async fn whoami(&self, caller: Principal) -> String {
        caller.name().to_owned()
    }
}
