//! A scheme of your own: API keys in the header `x-api-key`.
//!
//!     cargo run --example custom_authenticator -- --key 'alice:correct horse'

mod common;

use std::net::SocketAddr;
use std::process::ExitCode;

use axum::Router;
use axum::routing::get;
use common::api_keys::{self, Started};
use common::cli::{self, Failure};
use http::HeaderName;
use http::request::Parts;
use mcp_auth_layer::auth::{AuthParam, AuthScheme, Authenticated, Challenge};
use mcp_auth_layer::rate_limit::RateLimit;
use mcp_auth_layer::{Authenticator, McpAuthLayer, Principal, Rejection};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const SCHEME: AuthScheme = AuthScheme::from_static("ApiKey");
const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Names, and the digests of their keys. Digests have equal length: comparing them does not reveal
/// the length of a key.
struct ApiKeys(Vec<(String, [u8; 32])>);

fn challenge() -> Challenge {
    Challenge::new(SCHEME).param(AuthParam::from_static("header"), HEADER.as_str())
}

impl Authenticator for ApiKeys {
    async fn authenticate(&self, head: &Parts) -> Result<Authenticated, Rejection> {
        let mut values = head.headers.get_all(HEADER).iter();
        let key = values.next().ok_or_else(|| Rejection::missing(challenge()))?;
        if values.next().is_some() {
            return Err(Rejection::bad_request("more than one x-api-key header"));
        }
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut result = Err(Rejection::invalid(challenge()));
        for (name, known) in &self.0 {
            // No early return: the time must not depend on the position in the list.
            if known.ct_eq(&digest).into() {
                result = Ok(Authenticated::new(Principal::new(name)).scheme(SCHEME));
            }
        }
        result
    }

    fn challenges(&self) -> Vec<Challenge> {
        vec![challenge()]
    }

    /// The layer strips these headers: the app receives the principal, and never the key.
    fn credential_headers(&self) -> Vec<HeaderName> {
        vec![HEADER]
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Started { listener, keys, shutdown } = api_keys::from_command_line("/whoami").await?;
    let keys = keys.into_iter().map(|key| (key.name, Sha256::digest(key.secret).into()));

    let app = Router::new()
        .route("/whoami", get(|caller: Principal| async move { caller.name().to_owned() }));
    let app = McpAuthLayer::new(ApiKeys(keys.collect()))
        .rate_limit(RateLimit::default()) // of failed attempts, by the client's address
        .protect(app)
        .into_make_service_with_connect_info::<SocketAddr>();

    let stopped = shutdown.cancelled_owned();
    axum::serve(listener, app).with_graceful_shutdown(stopped).await.map_err(Failure::work)
}
