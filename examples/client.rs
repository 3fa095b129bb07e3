//! A client over Streamable HTTP that sends credentials. It lists the tools of a server, and calls one.
//!
//!     USERNAME=alice PASSWORD='correct horse' cargo run --example client -- http://127.0.0.1:8000/mcp

mod common;

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use common::cli::{self, Failure};
use common::credentials::{HmacKey, NamedSecret};
use common::environment;
use common::login;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Uri};
use mcp_auth_layer::schemes::{Signer, SigningClient};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::streamable_http_client::{
    StreamableHttpClientTransportConfig, StreamableHttpError,
};

/// Lists the tools of an MCP server, and calls one of them
///
/// Other users of this machine can see arguments in the process list. Without --user, --token and
/// --hmac-key, credentials are read from the environment: HMAC_KEY, TOKEN, or USERNAME and PASSWORD.
/// Without any, a server may ask for a login by OAuth: open the URL that is printed.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The URL of the server, such as http://127.0.0.1:8000/mcp
    #[arg(value_parser = cli::http_url)]
    url: Uri,
    /// A user and a password, for HTTP Basic
    #[arg(long, value_name = "NAME:PASSWORD", conflicts_with = "token")]
    user: Option<NamedSecret>,
    /// A bearer token
    #[arg(long)]
    token: Option<String>,
    /// A key ID and its secret, to sign every request
    #[arg(long, value_name = "ID:BASE64SECRET")]
    hmac_key: Option<HmacKey>,
    /// The tool to call
    #[arg(long, value_name = "NAME", default_value = "whoami")]
    tool: String,
    /// The arguments of the tool, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json_object)]
    args: JsonObject,
}

fn json_object(text: &str) -> Result<JsonObject, serde_json::Error> {
    serde_json::from_str(text)
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let args: Args = cli::parse()?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(args.url.to_string());
    let (authorization, signer) = (authorization(args.user, args.token)?, signer(args.hmac_key)?);
    let has_credential = authorization.is_some() || signer.is_some();
    if let Some(authorization) = authorization {
        config = config.custom_headers(HashMap::from([(AUTHORIZATION, authorization)]));
    }
    let mut connected = match signer {
        Some(signer) => {
            let client = SigningClient::new(signer).map_err(Failure::work)?;
            ().serve(StreamableHttpClientTransport::with_client(client, config.clone())).await
        }
        None => ().serve(StreamableHttpClientTransport::from_config(config.clone())).await,
    };
    let is_asked_to_log_in = |text: &str| !has_credential && text.contains("resource_metadata=");
    // The second login is for scopes that the first one did not grant.
    for _ in 0..2 {
        let challenge = connected.as_ref().err().and_then(ClientInitializeError::auth_challenge);
        let Some(challenge) = challenge.filter(|text| is_asked_to_log_in(text)) else { break };
        let login = login::log_in(&args.url.to_string(), challenge).await?;
        let client = AuthClient::new(reqwest::Client::default(), login);
        connected =
            ().serve(StreamableHttpClientTransport::with_client(client, config.clone())).await;
    }
    let client = connected.map_err(|error| failure(error.auth_challenge(), &error))?;

    for tool in client.list_all_tools().await.map_err(service_failure)? {
        let description = tool.description.unwrap_or_default();
        cli::print(format_args!("{}: {description}", tool.name));
    }
    let call = CallToolRequestParams::new(args.tool.clone()).with_arguments(args.args);
    let result = client.call_tool(call).await.map_err(service_failure)?;
    for text in result.content.iter().filter_map(|block| block.as_text()) {
        cli::print(&text.text);
    }
    let _ = client.cancel().await; // ends the session; the server may ignore it
    if result.is_error == Some(true) {
        return Err(Failure::work(format!("{} reports an error", args.tool)));
    }
    Ok(())
}

/// Returns the signer of the requests, if a key is given.
fn signer(key: Option<HmacKey>) -> Result<Option<Signer>, Failure> {
    let key = match (key, environment::variable("HMAC_KEY")?) {
        (Some(key), _) => key,
        (None, Some(key)) => key.parse().map_err(|e| Failure::usage(format!("HMAC_KEY: {e}")))?,
        (None, None) => return Ok(None),
    };
    Signer::new(key.id, key.secret)
        .map(Some)
        .map_err(|e| Failure::usage(format!("--hmac-key: {e}")))
}

/// Returns the credentials of the command line or, if it has none, of the environment.
fn authorization(
    user: Option<NamedSecret>,
    token: Option<String>,
) -> Result<Option<HeaderValue>, Failure> {
    let (user, token) = match (user, token) {
        (None, None) => (environment::username_and_password()?, environment::variable("TOKEN")?),
        (user, token) => (user.map(|user| (user.name, user.secret)), token),
    };
    let text = match (user, token) {
        (_, Some(token)) => format!("Bearer {token}"),
        (Some((name, password)), None) => {
            format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
        }
        (None, None) => return Ok(None),
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Failure::usage("a token must not have control characters"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn service_failure(error: ServiceError) -> Failure {
    failure(error.auth_challenge(), &error)
}

fn failure(challenge: Option<&str>, error: &(dyn Error + 'static)) -> Failure {
    Failure::work(match challenge {
        Some(challenge) => format!(
            "the server rejected the credentials (401, challenge {challenge}): check --user, --token or --hmac-key"
        ),
        None => format!("the request failed: {}", root_cause(error)),
    })
}

/// Returns the cause that is worth printing. rmcp wraps it several times, not always as a source.
fn root_cause<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    let inner: Option<&(dyn Error + 'static)> = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(ClientInitializeError::TransportError { error, .. }), _) => Some(&*error.error),
        (_, Some(StreamableHttpError::<reqwest::Error>::Client(error))) => Some(error),
        _ => error.source(),
    };
    inner.map_or(error, root_cause)
}
