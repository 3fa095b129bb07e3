//! The `Origin` and `Host` checks against cross-site requests and DNS rebinding.

mod hosts;
mod origins;

use axum::Router;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::ExactPath;

use crate::support::{get, send};

const TOKEN: (&str, &str) = ("authorization", "Bearer tok");

fn layer() -> McpAuthLayer<mcp_auth_layer::Bearer> {
    McpAuthLayer::bearer("tok").public_path(ExactPath::from_static("/health"))
}

async fn status(app: &Router, target: &str, fields: &[(&str, &str)]) -> u16 {
    send(app.clone(), get(target, fields)).await.status.as_u16()
}
