//! The tools behind the door: one that shows why there is a door, and one that shows who came in.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use mcp_auth_layer::Principal;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

const TIME_LIMIT: Duration = Duration::from_secs(30);
const OUTPUT_LIMIT: u64 = 256 * 1024;

#[derive(Clone)]
pub struct Tools;

#[derive(Deserialize, JsonSchema)]
struct ExecuteCommand {
    /// The program, found along PATH
    command: String,
    /// Its arguments, as they are: there is no shell between
    #[serde(default)]
    args: Vec<String>,
}

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Runs a command on the server, and returns what it printed")]
    async fn execute_command(
        &self,
        Parameters(ExecuteCommand { command, args }): Parameters<ExecuteCommand>,
        cancelled: CancellationToken,
    ) -> CallToolResult {
        let problem = match run(&command, &args, cancelled).await {
            Ok(result) => return result,
            Err(error) => format!("{command:?} failed: {error}"),
        };
        CallToolResult::error(vec![ContentBlock::text(problem)])
    }

    #[tool(description = "Tells who you are to this server")]
    async fn whoami(&self, who: Principal) -> String {
        who.name().to_owned()
    }
}

async fn run(
    command: &str,
    args: &[String],
    cancelled: CancellationToken,
) -> io::Result<CallToolResult> {
    let mut child = Command::new(command)
        .args(args)
        .env_remove("PASSWORD") // the one that lets into this server
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let stopped = |why| Err(io::Error::new(io::ErrorKind::Interrupted, why));
    let finished = tokio::select! {
        finished = async { tokio::try_join!(text(stdout), text(stderr), child.wait()) } => finished,
        () = tokio::time::sleep(TIME_LIMIT) => stopped("it took too long"),
        // The client took the call back, or the session ended.
        () = cancelled.cancelled() => stopped("the call was cancelled"),
    };
    if finished.is_err() {
        let _ = child.kill().await;
    }
    let (stdout, stderr, status) = finished?;

    let stderr = match &*stderr {
        "" => stderr,
        _ => format!("stderr:\n{stderr}"),
    };
    let content = [stdout, stderr, status.to_string()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(ContentBlock::text)
        .collect();
    Ok(match status.success() {
        true => CallToolResult::success(content),
        false => CallToolResult::error(content),
    })
}

/// What comes out of a pipe, up to the limit; the rest is read and dropped, so that the command
/// does not wait for a reader.
async fn text(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(mut pipe) = pipe else {
        return Ok(String::new());
    };
    let mut bytes = Vec::new();
    (&mut pipe).take(OUTPUT_LIMIT).read_to_end(&mut bytes).await?;
    let dropped = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match dropped {
        0 => text.into_owned(),
        _ => format!("{text}\n[{dropped} more bytes]"),
    })
}
