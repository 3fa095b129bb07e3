//! An MCP server with signed requests, whose nonces are at Redis.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::stores::RedisStore;
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::process::{KEY, Process, SKEW};

const SECRET: [u8; 32] = *b"the key of a client that signs 1";

/// The endpoint of one process.
pub struct Endpoint {
    layer: McpAuthLayer<HttpSignature<RedisStore>>,
}

impl Endpoint {
    /// Starts the process.
    pub async fn start(url: &str) -> Self {
        Self::with_skew(url, SKEW).await
    }

    /// Starts the process with another skew.
    pub async fn with_skew(url: &str, skew: Duration) -> Self {
        let store = Process::options(url, KEY, skew).await.unwrap();
        let signatures =
            HttpSignature::new([("ci", SECRET)]).unwrap().skew(skew).replay_store(store);
        Self { layer: McpAuthLayer::new(signatures) }
    }

    /// Signs a request.
    pub fn signed(&self) -> Request<Vec<u8>> {
        let mut request = Request::get("http://localhost/mcp")
            .header("host", "localhost")
            .body(Vec::new())
            .unwrap();
        Signer::new("ci", SECRET).unwrap().sign(&mut request).unwrap();
        request
    }

    pub async fn send(&self, request: Request<Vec<u8>>) -> Response<()> {
        let served = service_fn(async |_| Ok::<_, Infallible>(Response::new(Body::empty())));
        let service = self.layer.layer(served);
        service.oneshot(request.map(Body::from)).await.unwrap().map(drop)
    }
}
