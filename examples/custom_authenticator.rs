//! A scheme of your own: API keys in an `x-api-key` header, which the app never gets to see.
//!
//!     cargo run --example custom_authenticator -- --key 'alice:correct horse'

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use clap::Parser;
use common::cli::{self, Failure, Listen, NamedSecret};
use http::HeaderName;
use http::request::Parts;
use mcp_auth_layer::{Authenticated, Authenticator, Challenge, McpAuthLayer, Principal, Rejection};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tower::Layer;

const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Names, and digests of their keys: of equal length, so comparing them does not tell that of a key.
struct ApiKeys(Vec<(String, [u8; 32])>);

impl Authenticator for ApiKeys {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let challenge = || Challenge::new("ApiKey").param("header", HEADER.as_str());
        let mut sent = head.headers.get_all(HEADER).iter();
        let key = sent.next().ok_or_else(|| Rejection::missing(challenge()))?;
        if sent.next().is_some() {
            return Err(Rejection::bad_request("more than one x-api-key header"));
        }
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut owner = Err(Rejection::invalid(challenge()));
        for (name, known) in &self.0 {
            // No early end: how long it takes does not tell where in the list a key stands.
            if known.ct_eq(&digest).into() {
                owner = Ok(Authenticated::new(Principal::new(name)).scheme("ApiKey"));
            }
        }
        owner
    }

    fn credential_headers(&self) -> Vec<HeaderName> {
        vec![HEADER]
    }
}

/// A web app that asks for an API key
#[derive(Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    listen: Listen,
    /// A key and the name of its owner; can be repeated. Without any, one is generated for `demo`
    #[arg(long = "key", value_name = "NAME:KEY")]
    keys: Vec<NamedSecret>,
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Args { listen, mut keys } = cli::parse()?;
    common::log()?;
    let listening = listen.bind().await?;
    let address = listening.listener.local_addr().map_err(Failure::work)?;
    if keys.is_empty() {
        let (name, secret) = ("demo".to_owned(), cli::generate_secret()?);
        cli::print(format_args!("curl -H 'x-api-key: {secret}' 'http://{address}/whoami'"));
        keys.push(NamedSecret { name, secret });
    }
    cli::print(format_args!("listening on http://{address}/whoami"));

    let digest = |key: NamedSecret| (key.name, Sha256::digest(key.secret).into());
    let keys = ApiKeys(keys.into_iter().map(digest).collect());
    let whoami = get(|who: Principal| async move { who.name().to_owned() });
    let app = Router::new().route("/whoami", whoami);
    let guarded = McpAuthLayer::new(keys).layer(app);

    let shutdown = common::shutdown_signal().map_err(Failure::work)?;
    common::serve(listening, guarded, shutdown).await
}
