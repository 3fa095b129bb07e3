//! A server for the pages of `tests/browser`, which prints what it receives and what reaches a handler.
//!
//! ```sh
//! browser_server allow ORIGIN          # as the guide on deployment says
//! browser_server refuse                # CORS allows every page, the layer none
//! browser_server refuse --unprotected  # and the layer sees neither `Origin` nor `Sec-Fetch-Site`
//! browser_server refuse --no-origin    # and the layer does not see `Origin`
//! ```
//!
//! The user is `alice:pass:word`, the token `dG9rZW4tb2YtdGhlLWNp`, the public path `/health`, and
//! the name of the server `tools.example`. Each line of the output, apart from the first, is a JSON
//! object about a request.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, Response};
use axum::routing::any;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, HOST, InvalidHeaderValue, ORIGIN, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Method};
use mcp_auth_layer::auth::{Authenticator, Host};
use mcp_auth_layer::layer::{ExactPath, Origin};
use mcp_auth_layer::{Basic, Bearer, CredentialError, McpAuthLayer, Principal, any_of};
use rmcp::model::ProgressNotificationParam;
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, tool, tool_router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

#[path = "../../examples/common/sse.rs"]
mod sse;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Clone)]
struct Tools;

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Returns your name on this server")]
    async fn whoami(&self, caller: Principal) -> String {
        caller.name().to_owned()
    }

    #[tool(description = "Reports progress three times")]
    async fn count(&self, context: RequestContext<RoleServer>) -> String {
        let Some(token) = context.meta.get_progress_token() else {
            return "no progress token".to_owned();
        };
        for progress in 1..=3 {
            let param = ProgressNotificationParam::new(token.clone(), f64::from(progress));
            if context.peer.notify_progress(param).await.is_err() {
                return "the client has gone".to_owned();
            }
        }
        "three".to_owned()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let protected = layer()?;
    let app = match arguments[..] {
        ["allow", page] => {
            protected.allow_origin(page.parse::<Origin>()?).protect(app()).layer(cors(page)?)
        }
        ["refuse"] => with_cors(protected.protect(app())),
        ["refuse", "--unprotected"] => {
            with_cors(protected.protect(app()).layer(from_fn(hide_page)))
        }
        ["refuse", "--no-origin"] => {
            with_cors(protected.protect(app()).layer(from_fn(hide_origin)))
        }
        _ => {
            return Err(
                "usage: browser_server allow ORIGIN | refuse [--unprotected | --no-origin]".into(),
            );
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app.layer(from_fn(print_request))).await?;
    Ok(())
}

fn layer() -> Result<McpAuthLayer<impl Authenticator>, CredentialError> {
    let users = Basic::new([("alice", "pass:word")])?;
    let tokens = Bearer::new([("ci", "dG9rZW4tb2YtdGhlLWNp")])?;
    Ok(McpAuthLayer::new(any_of((users, tokens)))
        .public_path(ExactPath::from_static("/health"))
        .host(Host::from_static("tools.example")))
}

/// Both transports, a public path, and a page at every other path.
fn app() -> Router {
    let config = StreamableHttpServerConfig::default().disable_allowed_hosts();
    let sessions = Arc::new(LocalSessionManager::default());
    Router::new()
        .route_service("/mcp", StreamableHttpService::new(|| Ok(Tools), sessions, config))
        .merge(sse::router(Tools, CancellationToken::new()))
        .route("/health", any(|| async { "ok" }))
        .fallback(|| async { Html("<title>own page</title>") })
        .layer(from_fn(print_handled))
}

/// The `CorsLayer` of the guide on deployment.
fn cors(page: &str) -> Result<CorsLayer, InvalidHeaderValue> {
    let [session_id, protocol_version, last_event_id, method, name] =
        ["mcp-session-id", "mcp-protocol-version", "last-event-id", "mcp-method", "mcp-name"]
            .map(HeaderName::from_static);
    let sent = [
        AUTHORIZATION,
        CONTENT_TYPE,
        session_id.clone(),
        protocol_version,
        last_event_id,
        method,
        name,
    ];
    Ok(CorsLayer::new()
        .allow_origin(HeaderValue::from_str(page)?)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(sent)
        .expose_headers([session_id, WWW_AUTHENTICATE]))
}

/// Lets browsers send and read everything, so that the layer alone refuses pages.
fn with_cors(protected: Router) -> Router {
    protected.layer(CorsLayer::very_permissive())
}

/// Removes what tells the layer that a browser sends the request, and for which page.
async fn hide_page(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(SEC_FETCH_SITE);
    hide_origin(request, next).await
}

/// Removes `Origin`, as proxies and browser extensions do.
async fn hide_origin(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(ORIGIN);
    next.run(request).await
}

/// Prints a request as it arrives, and the status of its response.
async fn print_request(request: Request, next: Next) -> Response {
    let mut line = described(&request);
    let response = next.run(request).await;
    line["status"] = response.status().as_u16().into();
    println!("{line}");
    response
}

fn described(request: &Request) -> Value {
    let field = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    json!({
        "at": "server",
        "method": request.method().as_str(),
        "target": request.uri().to_string(),
        "authorization": field(AUTHORIZATION),
        "host": field(HOST),
        "origin": field(ORIGIN),
        "site": field(SEC_FETCH_SITE),
    })
}

/// Prints a request that reaches a handler.
async fn print_handled(caller: Option<Principal>, request: Request, next: Next) -> Response {
    let (method, target) = (request.method().as_str(), request.uri().to_string());
    let caller = caller.as_ref().map(Principal::name);
    println!(
        "{}",
        json!({ "at": "handler", "method": method, "target": target, "caller": caller })
    );
    next.run(request).await
}
