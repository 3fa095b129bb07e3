//! The command line of `authzen`, and a decision point with three rules to try it.

use axum::routing::post;
use axum::{Json, Router};
use clap::Parser;
use http::Uri;
use mcp_auth_layer::auth::BoxAuthenticator;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::cli::{self, Failure, ListenArgs};
use super::credentials::CredentialArgs;
use super::log::log_to_stderr;
use super::metrics::{Metrics, MetricsArgs};
use super::replicas::Replicas;
use super::shutdown;

/// An MCP server whose calls a decision point decides about; its tools run commands on this machine
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// The URL of an AuthZEN decision point, such as http://127.0.0.1:8080 [default: one with three rules
    /// in this process]
    #[arg(long, value_name = "URL", value_parser = cli::http_url)]
    decision_point: Option<Uri>,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// A server that is listening.
pub struct Started {
    pub listener: TcpListener,
    /// The schemes that are configured, in the order in which they should be tried.
    pub schemes: Vec<BoxAuthenticator>,
    /// The URL of the decision point, without a trailing slash.
    pub url: String,
    pub metrics: Metrics,
    /// Is cancelled when the server should stop.
    pub shutdown: CancellationToken,
}

/// Parses the arguments of this process, starts the decision point unless there is another one, starts to
/// listen, and prints the address.
pub async fn from_command_line(path: &str) -> Result<Started, Failure> {
    let Args { listen, credentials, decision_point, metrics } = cli::parse()?;
    log_to_stderr()?;
    let (schemes, generated) = credentials.schemes(false, &Replicas::default())?;
    let shutdown = shutdown::on_signal().map_err(Failure::work)?;
    let url = match decision_point {
        Some(url) => url.to_string().trim_end_matches('/').to_owned(),
        None => start().await.map_err(Failure::work)?,
    };
    let metrics = metrics.start()?;
    let listener = listen.bind().await?;
    let address = listener.local_addr().map_err(Failure::work)?;
    if let Some(password) = generated {
        cli::print(format_args!("no credentials configured; using -u admin:{password}"));
    }
    cli::print(format_args!("listening on http://{address}{path}"));
    Ok(Started { listener, schemes, url, metrics, shutdown })
}

/// Starts the decision point, and returns its URL.
async fn start() -> std::io::Result<String> {
    let one = async |Json(question): Json<Value>| {
        Json(json!({ "decision": is_allowed(&question["subject"], &question) }))
    };
    let several = async |Json(question): Json<Value>| {
        let all = question["evaluations"].as_array().map_or(&[][..], Vec::as_slice);
        let decide = |one| json!({ "decision": is_allowed(&question["subject"], one) });
        Json(json!({ "evaluations": all.iter().map(decide).collect::<Vec<_>>() }))
    };
    let app = Router::new()
        .route("/access/v1/evaluation", post(one))
        .route("/access/v1/evaluations", post(several));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(url)
}

/// The three rules.
fn is_allowed(subject: &Value, evaluation: &Value) -> bool {
    let subject = subject["id"].as_str();
    let action = evaluation["action"]["name"].as_str();
    let resource = evaluation["resource"]["id"].as_str();
    match (subject, action, resource) {
        (Some("alice"), ..) => true,
        (_, Some("tools/call"), Some("whoami")) => true,
        (_, Some("resources/read"), Some(uri)) => uri.starts_with("docs://"),
        _ => false,
    }
}
