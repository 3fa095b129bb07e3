//! The command line of the servers, and a server that has been started with it.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use clap::Parser;
use mcp_auth_layer::auth::{BoxAuthenticator, Host, Scope};
use mcp_auth_layer::layer::Resource;
use mcp_auth_layer::policy::PolicyFile;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::cli::{self, Failure, ListenArgs};
use super::credentials::{CredentialArgs, invalid};
use super::log::log_to_stderr;
use super::metrics::{Metrics, MetricsArgs};
use super::oauth::OAuthArgs;
use super::replicas::{ReplicaArgs, Replicas};
use super::serve::serve;
use super::signals::{SignalArgs, Signals};
use super::{local_hosts, shutdown};

/// An MCP server that requires credentials; its tools run commands on this machine
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

/// The flags that every server has.
#[derive(clap::Args)]
pub struct ServerArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// Seconds until a connection without a complete request head is closed
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    head_timeout: u64,
    #[command(flatten)]
    credentials: CredentialArgs,
    #[command(flatten)]
    oauth: OAuthArgs,
    #[command(flatten)]
    replicas: ReplicaArgs,
    #[command(flatten)]
    signals: SignalArgs,
    /// A file that says who may use which tools, prompts and resources; reloaded when it changes
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Log what --policy would refuse, and refuse nothing
    #[arg(long, requires = "policy")]
    policy_dry_run: bool,
    /// A name of this server, such as tools.example.com; can be repeated. On loopback, requests for
    /// any other host are rejected
    #[arg(long = "host-name", value_name = "NAME")]
    hosts: Vec<Host>,
    #[command(flatten)]
    metrics: MetricsArgs,
}

/// A server that is listening.
pub struct Server {
    /// The schemes that are configured, in the order in which they should be tried.
    pub schemes: Vec<BoxAuthenticator>,
    /// The names of this server.
    pub hosts: Vec<Host>,
    /// What this server is to OAuth clients.
    pub resource: Option<Resource>,
    /// The scopes that every request needs.
    pub scopes: Vec<Scope>,
    /// Who may use what, and whether that is only tried.
    pub policy: Option<PolicyFile>,
    pub policy_dry_run: bool,
    /// What this server shares with its replicas.
    pub replicas: Replicas,
    /// What identity providers send to this server.
    pub signals: Signals,
    pub metrics: Metrics,
    /// Is cancelled when the server should stop.
    pub shutdown: CancellationToken,
    listener: TcpListener,
    head_timeout: Duration,
    is_loopback: bool,
}

impl Server {
    /// Parses the arguments of this process, and starts to listen. `path` and `curl` are printed:
    /// the command for a first request.
    pub async fn from_command_line(path: &str, curl: &str) -> Result<Self, Failure> {
        cli::parse::<Args>()?.server.start(path, curl).await
    }

    /// Adds `/metrics` if it is configured. On loopback, rejects requests for other hosts.
    pub fn add_metrics_and_host_check(&self, app: Router) -> Router {
        let app = self.metrics.add_route(app);
        if self.is_loopback { local_hosts::require(self.hosts.clone(), app) } else { app }
    }

    /// Serves until Ctrl-C or SIGTERM.
    pub async fn serve(self, app: Router) -> Result<(), Failure> {
        serve(self.listener, app, self.head_timeout, self.shutdown).await;
        Ok(())
    }
}

impl ServerArgs {
    /// Starts to listen, and prints the address.
    pub async fn start(self, path: &str, curl: &str) -> Result<Server, Failure> {
        log_to_stderr()?;
        let names = self.credentials.names().filter(|_| !self.oauth.is_configured());
        let replicas = self.replicas.connect().await?;
        let signals = self.signals.signals(&self.oauth, &replicas).await?;
        let (mut schemes, generated) =
            self.credentials.schemes(self.oauth.is_configured(), &replicas)?;
        let policy = self.policy.map(PolicyFile::open).transpose();
        let policy = policy.map_err(invalid("--policy"))?;
        if let (Some(policy), Some(names)) = (&policy, names) {
            warn_of_unknown_principals(policy, &names);
        }
        let metrics = self.metrics.start()?;
        let shutdown = shutdown::on_signal().map_err(Failure::work)?;
        let listener = self.listen.bind().await?;
        let address = listener.local_addr().map_err(Failure::work)?;
        let is_loopback = address.ip().is_loopback();
        if !is_loopback {
            tracing::warn!("credentials are sent in clear text: use a proxy with TLS");
        }
        let (mut hosts, mut resource, mut scopes) = (self.hosts, None, Vec::new());
        let url = format!("http://{address}{}", path.trim_end_matches('/'));
        if let Some(oauth) = self.oauth.at(&url)? {
            // After the tables: their credentials are accepted while the issuer is down.
            schemes.extend(oauth.schemes);
            hosts.extend(oauth.host);
            resource = Some(oauth.resource);
            scopes = oauth.scopes;
        }
        if let Some(password) = generated {
            cli::print("no credentials configured; using admin with a generated password; try:");
            cli::print(format_args!("  {curl} -u admin:{password} 'http://{address}{path}'"));
        }
        cli::print(format_args!("listening on http://{address}{path}"));
        Ok(Server {
            schemes,
            hosts,
            resource,
            scopes,
            policy,
            policy_dry_run: self.policy_dry_run,
            replicas,
            signals,
            metrics,
            shutdown,
            listener,
            head_timeout: Duration::from_secs(self.head_timeout),
            is_loopback,
        })
    }
}

/// Warns of rules for principals who have no credential: a name is misspelled, perhaps.
fn warn_of_unknown_principals(policy: &PolicyFile, names: &[String]) {
    for principal in policy.policy().principals() {
        if principal.issuer().is_some() || !names.iter().any(|name| name == principal.name()) {
            tracing::warn!(principal = principal.name(), "--policy: no credential has this name");
        }
    }
}
