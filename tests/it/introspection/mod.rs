//! Opaque tokens (RFC 7662), against an introspection endpoint on this machine. The numbers are those of the
//! cases in the specification of the OAuth support.

mod composition;
mod failures;
mod requests;
mod responses;
mod revocation;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::connect_info::MockConnectInfo;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{CONTENT_TYPE, LOCATION};
use mcp_auth_layer::schemes::{ClientSecret, Introspection};
use mcp_auth_layer::{Authenticator, McpAuthLayer};
use serde_json::{Value, json};

use crate::support::access_token::{ISSUER, RESOURCE, now};
use crate::support::{Seen, TestResponse, recorder, send, serve, with_authorization};

pub const SECRET: &str = "a client's secret: 100%";
pub const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

/// An introspection endpoint.
#[derive(Clone, Default)]
pub struct Endpoint(Arc<Mutex<EndpointState>>);

#[derive(Default)]
pub struct EndpointState {
    pub tokens: HashMap<String, Value>,
    pub fault: Option<Fault>,
    /// The header fields and the body of each request.
    pub requests: Vec<(HeaderMap, String)>,
}

/// What the endpoint does instead of an answer.
#[derive(Clone)]
pub enum Fault {
    Status(u16),
    Body(String),
    Redirect(String),
    Silence,
}

impl Endpoint {
    pub fn state(&self) -> MutexGuard<'_, EndpointState> {
        self.0.lock().unwrap()
    }

    /// Makes a token active, with these claims.
    pub fn activate(&self, token: &str, claims: Value) {
        self.state().tokens.insert(token.into(), claims);
    }

    pub fn revoke(&self, token: &str) {
        self.state().tokens.remove(token);
    }

    pub fn calls(&self) -> usize {
        self.state().requests.len()
    }

    pub fn fail(&self, fault: impl Into<Option<Fault>>) {
        self.state().fault = fault.into();
    }

    /// Serves the endpoint, and returns an authenticator that asks it.
    pub async fn introspection(&self) -> Introspection {
        let app = Router::new().fallback(introspect).with_state(self.clone());
        let url = format!("{}/introspect", serve(app).await);
        Introspection::new(ISSUER, RESOURCE, url, ClientSecret::new("mcp:server", SECRET)).unwrap()
    }
}

async fn introspect(State(endpoint): State<Endpoint>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/introspect"));
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let form = String::from_utf8(body.to_vec()).unwrap();
    let token = form.strip_prefix("token=").unwrap().split_once('&').unwrap().0.to_owned();
    let (fault, answer) = {
        let mut state = endpoint.state();
        state.requests.push((head.headers, form));
        (state.fault.clone(), state.tokens.get(&token).cloned())
    };
    match fault {
        None => answer.unwrap_or_else(|| json!({"active": false})).to_string().into_response(),
        Some(Fault::Status(status)) => http::StatusCode::from_u16(status).unwrap().into_response(),
        Some(Fault::Body(body)) => ([(CONTENT_TYPE, "text/html")], body).into_response(),
        Some(Fault::Redirect(to)) => (http::StatusCode::FOUND, [(LOCATION, to)]).into_response(),
        Some(Fault::Silence) => std::future::pending().await,
    }
}

/// The claims of an active token.
pub fn claims() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": RESOURCE, "sub": "alice", "client_id": "cli",
        "scope": "tools:read", "exp": now() + 300,
    })
}

/// The recorder behind a layer with this authenticator, for clients of one address.
pub fn protected(authenticator: impl Authenticator) -> (Router, Seen) {
    let (app, seen) = recorder();
    let address = MockConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
    (app.layer(McpAuthLayer::new(authenticator)).layer(address), seen)
}

pub async fn present(app: &Router, token: &str) -> TestResponse {
    send(app.clone(), with_authorization(&format!("Bearer {token}"))).await
}
