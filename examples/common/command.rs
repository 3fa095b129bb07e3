//! Commands that clients run on the server: the reason for its access control.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// The environment variables of this server that are secrets.
const SECRETS: [&str; 6] = [
    "PASSWORD",
    "OAUTH_CLIENT",
    "SESSION_KEY",
    "PREVIOUS_SESSION_KEY",
    "REDIS_URL",
    "REDIS_ATTEMPTS_URL",
];

const TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum of bytes that are returned of stdout, and of stderr.
const MAX_OUTPUT: u64 = 256 * 1024;

/// The arguments of the tool `execute_command`.
#[derive(Deserialize, JsonSchema)]
pub struct ExecuteCommand {
    /// The program, found along PATH
    command: String,
    /// Its arguments; they are not interpreted by a shell
    #[serde(default)]
    args: Vec<String>,
}

impl ExecuteCommand {
    /// Runs the command. It is killed if it takes too long or is cancelled.
    pub async fn run(self, cancelled: CancellationToken) -> CallToolResult {
        match self.output(cancelled).await {
            Ok(result) => result,
            Err(error) => {
                let problem = format!("{:?} failed: {error}", self.command);
                CallToolResult::error(vec![ContentBlock::text(problem)])
            }
        }
    }

    async fn output(&self, cancelled: CancellationToken) -> io::Result<CallToolResult> {
        let mut command = Command::new(&self.command);
        for secret in SECRETS {
            command.env_remove(secret);
        }
        let mut child = command
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let completed = tokio::select! {
            completed = complete(&mut child) => completed,
            () = tokio::time::sleep(TIMEOUT) => Err(interrupted("it took too long")),
            // The client cancelled the call, or the session ended.
            () = cancelled.cancelled() => Err(interrupted("the call was cancelled")),
        };
        if completed.is_err() {
            let _ = child.kill().await;
        }
        let (stdout, mut stderr, status) = completed?;

        if !stderr.is_empty() {
            stderr.insert_str(0, "stderr:\n");
        }
        let content = [stdout, stderr, status.to_string()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(ContentBlock::text)
            .collect();
        if status.success() {
            Ok(CallToolResult::success(content))
        } else {
            Ok(CallToolResult::error(content))
        }
    }
}

/// Returns stdout, stderr and the exit status of a process.
async fn complete(child: &mut Child) -> io::Result<(String, String, ExitStatus)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    tokio::try_join!(read(stdout), read(stderr), child.wait())
}

fn interrupted(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, reason)
}

/// Reads the output of a pipe, up to the maximum. The rest is dropped, but read: otherwise the
/// process would wait for a reader.
async fn read(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let Some(mut pipe) = pipe else {
        return Ok(String::new());
    };
    let mut bytes = Vec::new();
    (&mut pipe).take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
    let dropped = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if dropped > 0 {
        text += &format!("\n[{dropped} more bytes]");
    }
    Ok(text)
}
