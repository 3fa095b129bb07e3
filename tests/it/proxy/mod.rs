//! The `proxy` example in front of an upstream without authentication.

mod forwarding;
mod rewriting;
mod sessions;
mod trust;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use mcp_auth_layer::Principal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::example_servers::transport;
use crate::support::example_server::Server;
use crate::support::serve;

/// An upstream that responds with the method, target and headers of each request, and counts the
/// requests.
pub async fn recorder() -> (String, Arc<AtomicUsize>) {
    let count = Arc::<AtomicUsize>::default();
    let counted = count.clone();
    let app = Router::new().fallback(move |request: Request| async move {
        counted.fetch_add(1, SeqCst);
        let headers = request.headers().iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let target = request.uri().to_string();
        let received =
            json!({ "method": request.method().as_str(), "target": target, "headers": headers });
        Json(received).into_response()
    });
    (serve(app).await, count)
}

async fn proxy(upstream: &str, args: &[&str]) -> Server {
    Server::start("proxy", &[&["--upstream", upstream][..], args].concat()).await
}

/// What the recorder received for a request with this head.
async fn recorded(proxy: &Server, head: &str) -> (Value, HashMap<String, Vec<String>>) {
    let response = proxy.raw(&format!("{head}\r\n\r\n")).await;
    let start = response.find('{').unwrap_or_else(|| panic!("{response}"));
    let end = response.rfind('}').unwrap() + 1;
    let received: Value = serde_json::from_str(&response[start..end]).unwrap();
    let mut headers: HashMap<String, Vec<String>> = HashMap::new();
    for pair in received["headers"].as_array().unwrap() {
        let [name, value] = [0, 1].map(|index| pair[index].as_str().unwrap().to_owned());
        headers.entry(name).or_default().push(value);
    }
    (received, headers)
}

/// An MCP server over HTTP+SSE that trusts the principal header of its proxy.
async fn believing_upstream() -> String {
    async fn believe(mut request: Request, next: Next) -> Response {
        let name = request.headers().get("x-mcp-principal");
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or("nobody").to_owned();
        request.extensions_mut().insert(Principal::new(name));
        next.run(request).await
    }
    serve(transport(&CancellationToken::new()).layer(from_fn(believe))).await
}
