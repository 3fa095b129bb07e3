//! The command line of `custom_authenticator`.

use clap::Parser;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::cli::{self, Failure, ListenArgs};
use super::credentials::{NamedSecret, generate_secret};
use super::log::log_to_stderr;
use super::shutdown;

/// A web app that requires an API key
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs,
    /// A key with the name of its owner; can be repeated. Without keys, one is generated for `demo`
    #[arg(long = "key", value_name = "NAME:KEY")]
    keys: Vec<NamedSecret>,
}

/// An app that is listening.
pub struct Started {
    pub listener: TcpListener,
    pub keys: Vec<NamedSecret>,
    /// Is cancelled when the app should stop.
    pub shutdown: CancellationToken,
}

/// Parses the arguments of this process, starts to listen, and prints the address.
pub async fn from_command_line(path: &str) -> Result<Started, Failure> {
    let Args { listen, mut keys } = cli::parse()?;
    log_to_stderr()?;
    let shutdown = shutdown::on_signal().map_err(Failure::work)?;
    let listener = listen.bind().await?;
    let address = listener.local_addr().map_err(Failure::work)?;
    if keys.is_empty() {
        let (name, secret) = ("demo".to_owned(), generate_secret()?);
        cli::print(format_args!("curl -H 'x-api-key: {secret}' 'http://{address}{path}'"));
        keys.push(NamedSecret { name, secret });
    }
    cli::print(format_args!("listening on http://{address}{path}"));
    Ok(Started { listener, keys, shutdown })
}
