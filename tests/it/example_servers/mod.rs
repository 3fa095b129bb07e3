//! The example servers as child processes, over real sockets.

mod authzen;
mod capacity;
mod credential_arguments;
mod credentials_tool;
mod endpoints;
mod login_server;
mod oauth;
mod oauth_login;
mod policy_flags;
mod policy_tool;
mod replicas;
mod revoke_tool;
mod sessions;
mod sse_transport;
mod startup;

use std::collections::HashMap;

use self::tools::Tools;
use axum::Router;
use http::header::AUTHORIZATION;
use reqwest::Method;
use rmcp::service::RunningService;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{RoleClient, ServiceExt};
use tokio_util::sync::CancellationToken;

use crate::support::example_server::{ALICE, INVALID, Server, http, in_time};

#[path = "../../../examples/common/command.rs"]
mod command;

#[path = "../../../examples/common/sse.rs"]
mod sse;

#[path = "../../../examples/common/tools.rs"]
mod tools;

pub const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"];

/// Every method on every one of these paths is 401 without credentials, and anything else with
/// them.
pub async fn assert_every_method_requires_credentials(server: &Server, paths: &[&str]) {
    for path in paths {
        for method in METHODS {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let unauthenticated = server.status(method.clone(), path, None).await;
            assert_eq!(unauthenticated, 401, "{method} {path} without a credential");
            let alice = server.status(method.clone(), path, Some(ALICE)).await;
            assert_ne!(alice, 401, "{method} {path} with one");
        }
        for wrong in INVALID {
            assert_eq!(server.status(Method::GET, path, Some(wrong)).await, 401, "{path} {wrong}");
        }
    }
}

async fn connect(
    url: String,
    authorization: &str,
) -> Result<RunningService<RoleClient, ()>, Option<String>> {
    let headers = HashMap::from([(AUTHORIZATION, authorization.parse().unwrap())]);
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    let connected = in_time("a session", ().serve(transport)).await;
    connected.map_err(|error| error.auth_challenge().map(str::to_owned))
}

/// Splits a shell command into words. Supports single quotes, but no escapes.
fn shell_words(line: &str) -> Vec<String> {
    let parts = line.trim().split('\'').enumerate();
    let mut words = Vec::new();
    for (index, part) in parts {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// The transport alone, without authentication.
pub fn transport(shutdown: &CancellationToken) -> Router {
    sse::router(Tools, shutdown.clone())
}

pub const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
