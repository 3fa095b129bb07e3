//! Puts the door in front of an MCP server written in anything, and tells it who came in.
//!
//!     cargo run --example proxy -- --upstream http://127.0.0.1:9000 --user 'alice:correct horse'

mod common;

use std::process::ExitCode;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum_reverse_proxy::ReverseProxy;
use clap::Parser;
use common::cli::{self, Failure, Started};
use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp_auth_layer::{McpAuthLayer, Principal};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tower::Layer;

const PRINCIPAL: HeaderName = HeaderName::from_static("x-mcp-principal");

/// What a name is sent without: what a header cannot hold, what would be trimmed or taken for a
/// list, and the `%` that stands for it.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

/// Guards an MCP server that knows nothing of credentials
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The server to guard, such as http://127.0.0.1:9000
    #[arg(long, value_name = "URL", value_parser = upstream)]
    upstream: String,
    #[command(flatten)]
    server: cli::Server,
}

fn upstream(argument: &str) -> Result<String, &'static str> {
    let url = cli::http_url(argument)?;
    match url.path_and_query().map(|path| path.as_str()) {
        None | Some("/") => Ok(url.to_string()),
        // Servers send paths of theirs, in events and redirects, which must hold here as well.
        _ => Err("expected scheme, host and port only: paths are passed on as they are"),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Args { upstream, server } = cli::parse()?;
    let Started { listener, authenticator, metrics, shutdown } =
        server.start("/", "curl -i").await?;

    let app =
        Router::new().fallback_service(ReverseProxy::new("", upstream)).layer(from_fn(introduce));

    // No path is public: all of them are the upstream's, but for the one of `--metrics`.
    let guarded = metrics.publish(McpAuthLayer::new(authenticator)).layer(metrics.route(app));

    common::serve(listener, guarded, shutdown).await
}

/// Takes off what the client has no say in, and puts on who it is. Nothing goes upstream without a
/// principal, so a CORS preflight, which the layer lets pass, ends here with a 401: no other
/// origin is allowed anyway.
async fn introduce(who: Principal, mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with('/') {
        let why = "only requests for a path are forwarded";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    let name = utf8_percent_encode(who.name(), ENCODED).to_string();
    let Ok(name) = HeaderValue::try_from(name) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = request.headers_mut();
    let nominated = nominated(headers);
    let ending: Vec<_> = (headers.keys())
        .filter(|name| nominated.contains(name) || ends_here(name))
        .cloned()
        .collect();
    for name in ending {
        headers.remove(name);
    }
    headers.insert(PRINCIPAL, name);
    next.run(request).await
}

/// The fields that `Connection` names end here. They are taken off before ours is put on: the
/// forwarding library would do so afterwards, and a client could name ours.
fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    (headers.get_all(CONNECTION).iter())
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect()
}

/// Whether a field is this proxy's to say, and not the client's. The library sets `Host`,
/// `X-Forwarded-For` and `Forwarded` anew, and drops the other hop-by-hop fields.
fn ends_here(name: &HeaderName) -> bool {
    // Servers that hand headers on as variables cannot tell `-` from `_`.
    let folded = name.as_str().replace(|c: char| !c.is_alphanumeric(), "-");
    match &*folded {
        "x-mcp-principal" | "connection" | "proxy-authorization" => true,
        "host" | "forwarded" | "x-real-ip" => true,
        // Some servers take these for the path.
        "x-original-url" | "x-rewrite-url" => true,
        // Judged by the layer, by the names this proxy has; the upstream knows its own only.
        "origin" => true,
        other => other.starts_with("x-forwarded-"),
    }
}
