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
use common::own_urls::Origin;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use mcp_auth_layer::layer::PublicPath;
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
    upstream: Uri,
    /// A path that needs no credential, such as /health; can be repeated
    #[arg(long = "public-path", value_name = "PATH")]
    public_paths: Vec<PublicPath>,
    #[command(flatten)]
    server: cli::Server,
}

fn upstream(argument: &str) -> Result<Uri, &'static str> {
    let url = cli::http_url(argument)?;
    match url.path_and_query().map(|path| path.as_str()) {
        None | Some("/") => Ok(url),
        // Servers send paths of theirs, in events and redirects, which must hold here as well.
        _ => Err("expected scheme, host and port only: paths are passed on as they are"),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Args { upstream, public_paths, server } = cli::parse()?;
    let Started { listening, authenticator, hosts, metrics, shutdown } =
        server.start("/", "curl -i").await?;

    let layer = hosts.name(McpAuthLayer::new(authenticator));
    let layer = public_paths.iter().cloned().fold(layer, McpAuthLayer::public_path);
    let origin = Origin::of(&upstream);
    let app = Router::new().fallback_service(ReverseProxy::new("", upstream.to_string())).layer(
        from_fn(move |who, request, next| {
            forward(who, origin.clone(), public_paths.clone(), request, next)
        }),
    );
    let guarded = metrics.publish(layer).layer(hosts.guard(metrics.route(app)));

    common::serve(listening, guarded, shutdown).await
}

/// Takes off what the client has no say in, and puts on who it is. Only public paths go upstream
/// without a principal; a CORS preflight, which the layer lets pass, ends here with a 401: no other
/// origin is allowed anyway.
async fn forward(
    who: Option<Principal>,
    origin: Origin,
    public_paths: Vec<PublicPath>,
    mut request: Request,
    next: Next,
) -> Response {
    if !request.uri().path().starts_with('/') {
        let why = "only requests for a path are forwarded";
        return (StatusCode::BAD_REQUEST, why).into_response();
    }
    if who.is_none() && !public_paths.iter().any(|path| path.as_str() == request.uri().path()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // Without the authority, of which the forwarding library would make `X-Forwarded-Host`.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(path) = path.parse() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = path;
    let headers = request.headers_mut();
    let nominated = nominated(headers);
    let ending: Vec<_> = (headers.keys())
        .filter(|name| nominated.contains(name) || ends_here(name))
        .cloned()
        .collect();
    for name in ending {
        headers.remove(name);
    }
    if let Some(who) = who {
        let name = utf8_percent_encode(who.name(), ENCODED).to_string();
        let Ok(name) = HeaderValue::try_from(name) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        headers.insert(PRINCIPAL, name);
    }
    let is_get = request.method() == Method::GET;
    origin.rewrite(next.run(request).await, is_get)
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
    DROPPED.contains(&&*folded) || DROPPED_PREFIXES.iter().any(|start| folded.starts_with(start))
}

/// The fields that are dropped, with any other character in place of each `-`.
const DROPPED: &[&str] = &[
    "x-mcp-principal",
    "connection",
    "proxy-authorization",
    // Judged by the layer, by the names this proxy has; the upstream knows its own only.
    "host",
    "origin",
    "forwarded",
    "x-host",
    // Some servers take these for the path or the method.
    "x-rewrite-url",
    "x-override-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // Or for the client's address.
    "x-real-ip",
    "x-client-ip",
    "client-ip",
    "true-client-ip",
    "x-cluster-client-ip",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-appengine-user-ip",
    "x-envoy-external-address",
    "fastly-client-ip",
    "fly-client-ip",
    "remote-addr",
    // Or for who it is.
    "remote-user",
    "remote-name",
    "remote-email",
    "remote-groups",
    "x-user",
    "x-username",
    "x-email",
    "x-authenticated-user",
    "x-webauth-user",
    "x-proxy-user",
];

/// Those that begin so are dropped as well.
const DROPPED_PREFIXES: &[&str] = &[
    "x-forwarded-",
    "x-original-",
    "cf-connecting-",
    "cf-access-",
    "x-remote-",
    "x-auth-request-",
    "x-authenticated-",
    "x-authentik-",
    "x-goog-authenticated-user-",
    "x-amzn-oidc-",
    "x-ms-client-principal",
    "x-ssl-client-",
    "x-client-cert",
    "ssl-client-",
    "tailscale-user-",
];
