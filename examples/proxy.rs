//! A reverse proxy that protects an MCP server in any language. The server receives the name of the
//! authenticated principal in `X-Mcp-Principal`.
//!
//!     cargo run --example proxy -- --upstream http://127.0.0.1:9000 --user 'alice:correct horse'

mod common;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_reverse_proxy::ReverseProxy;
use clap::Parser;
use common::cli::{self, Failure};
use common::server::ServerArgs;
use common::upstream_urls::UpstreamOrigin;
use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{McpAuthLayer, Principal, any_of};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

const PRINCIPAL: HeaderName = HeaderName::from_static("x-mcp-principal");

/// The characters of a name that are percent-encoded: those that a header cannot contain, and those
/// that recipients would trim, split a list at, or decode.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

/// A reverse proxy that protects an MCP server in any language
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The server to protect, such as http://127.0.0.1:9000
    #[arg(long, value_name = "URL", value_parser = upstream)]
    upstream: Uri,
    /// A path that needs no credentials, such as /health; can be repeated
    #[arg(long = "public-path", value_name = "PATH")]
    public_paths: Vec<ExactPath>,
    #[command(flatten)]
    server: ServerArgs,
}

fn upstream(argument: &str) -> Result<Uri, &'static str> {
    let url = cli::http_url(argument)?;
    match url.path_and_query().map(|path| path.as_str()) {
        None | Some("/") => Ok(url),
        // The paths in redirects and events of the upstream must be valid here as well.
        _ => Err("expected scheme, host and port only: paths are forwarded unchanged"),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    cli::exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let Args { upstream, public_paths, server } = cli::parse()?;
    let server = server.start("/", "curl -i").await?;

    let forwarding = Forwarding {
        origin: UpstreamOrigin::from_url(&upstream),
        public_paths: public_paths.clone(),
    };
    let app = Router::new()
        .fallback_service(ReverseProxy::new("", upstream.to_string()))
        .layer(from_fn_with_state(Arc::new(forwarding), forward));
    let app = server.add_metrics_and_host_check(app);

    let mut auth = McpAuthLayer::new(any_of(server.schemes.clone()));
    for path in public_paths.into_iter().chain(server.metrics.path()) {
        auth = auth.public_path(path);
    }
    if let Some(resource) = &server.resource {
        // flags `--oauth-…`
        auth = auth.resource(resource.clone()).require_scopes(server.scopes.clone());
    }
    if let Some(policy) = &server.policy {
        // flags `--policy` and `--policy-dry-run`
        auth = auth.authorize(policy.clone());
        if server.policy_dry_run {
            auth = auth.dry_run();
        }
    }
    for host in &server.hosts {
        auth = auth.host(host.clone());
    }
    auth = server.signals.receive(auth); // flags `--security-events-…` and `--logout-client`
    auth = server.replicas.share(auth); // flags `--session-key` and `--redis`
    server.serve(auth.protect(app)).await
}

struct Forwarding {
    origin: UpstreamOrigin,
    public_paths: Vec<ExactPath>,
}

/// Sets the path and headers of a request, and rewrites the response.
///
/// Only public paths are forwarded without a principal. CORS preflights, which are exempt in the
/// layer, get a 401: no foreign origin is allowed.
async fn forward(
    State(forwarding): State<Arc<Forwarding>>,
    caller: Option<Principal>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if !path.starts_with('/') {
        let reason = "only requests for a path are forwarded";
        return (StatusCode::BAD_REQUEST, reason).into_response();
    }
    if caller.is_none() && !forwarding.public_paths.iter().any(|public| public.as_str() == path) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    // Without the authority, which the reverse proxy would send as `X-Forwarded-Host`.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(path) = path.parse() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = path;
    strip_headers(request.headers_mut());
    if let Some(caller) = caller {
        let name = utf8_percent_encode(caller.name(), ENCODED).to_string();
        let Ok(name) = HeaderValue::try_from(name) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        request.headers_mut().insert(PRINCIPAL, name);
    }
    let is_get = request.method() == Method::GET;
    let mut response = next.run(request).await;
    forwarding.origin.rewrite_headers(&mut response);
    if is_get { forwarding.origin.rewrite_endpoint_event(response) } else { response }
}

/// Strips the headers that the upstream must not receive from a client, and those that `Connection`
/// names. The reverse proxy would strip the latter too late: with them the header of the principal,
/// if a client names it.
fn strip_headers(headers: &mut HeaderMap) {
    let hop_by_hop: Vec<HeaderName> = (headers.get_all(CONNECTION).iter())
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let names: Vec<_> = (headers.keys())
        .filter(|name| hop_by_hop.contains(name) || is_stripped(name))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

/// Returns whether a header is stripped. The reverse proxy sets `Host`, `X-Forwarded-For` and
/// `Forwarded` itself, and strips the other hop-by-hop headers.
fn is_stripped(name: &HeaderName) -> bool {
    // Servers that convert headers to variables do not distinguish `-` and `_`.
    let name = name.as_str().replace(|c: char| !c.is_alphanumeric(), "-");
    STRIPPED.contains(&&*name) || STRIPPED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The headers that are stripped, with `-` for every separator.
const STRIPPED: &[&str] = &[
    "x-mcp-principal",
    "connection",
    "proxy-authorization",
    // The layer has checked them: they have the name of the proxy, which the upstream does not know.
    "host",
    "origin",
    "forwarded",
    "x-host",
    // Some servers use these as the path or the method.
    "x-rewrite-url",
    "x-override-url",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // As the client's address.
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
    // As the authenticated user.
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

/// The prefixes of headers that are stripped as well.
const STRIPPED_PREFIXES: &[&str] = &[
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
