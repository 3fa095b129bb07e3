//! Authorization through the layer: which messages reach the inner service, and what is sent for the others. Each
//! rule has a request that passes, and one that differs only in that point and is refused. The numbers in the tests
//! are those of the cases in the specification of authorization; see `AUTHORIZATION_CASES.md`.

mod allocations;
mod argument_conditions;
mod audit;
mod batches;
mod decisions;
mod dry_run;
mod encodings;
mod http_methods;
mod media_types;
mod message_members;
mod mirrored_headers;
mod not_mcp;
mod parsers;
mod prompts_and_resources;
mod refusals;
mod secret_scan;
mod sent;
mod signed_requests;
mod step_up;
mod unavailable_authorizers;
mod unread_bodies;

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method};
use mcp_auth_layer::auth::{AuthenticatorExt as _, BoxAuthenticator};
use mcp_auth_layer::policy::{
    Authorizer, Policy, anyone, everything, principal, prompts, resources, scope, tools,
};
use mcp_auth_layer::{Basic, Bearer, McpAuthLayer, Principal, any_of};
use serde_json::{Value, json};

pub use self::sent::{Sent, call, call_without_params, prompt, resource, sent, tool, tool_with};
use crate::support::{TestResponse, log, send};

pub const ISSUER: &str = "https://id.example.com";

// The users, by the `Authorization` that they send.
pub const CI: &str = "Bearer token-of-ci";
/// The same user by another token, which has the scope `w`.
pub const CI_WITH_W: &str = "Bearer token-of-ci-with-w";
/// The same user by a password.
pub const CI_BY_PASSWORD: &str = "Basic Y2k6cGFzc3dvcmQtb2YtY2k=";
/// Another user, of the same name at an issuer.
pub const CI_OF_ISSUER: &str = "Bearer token-of-ci-of-issuer";
pub const ALICE: &str = "Bearer token-of-alice";
/// A user that no rule names, and one with the scope `w`.
pub const BOB: &str = "Bearer token-of-bob";
pub const BOB_WITH_W: &str = "Bearer token-of-bob-with-w";

pub const JSON: &str = "application/json";
pub const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// The ID that requests of these tests have.
pub const ID: i32 = 7;

pub const PARSE_ERROR: i64 = -32700;
pub const INVALID_REQUEST: i64 = -32600;
pub const METHOD_NOT_FOUND: i64 = -32601;
pub const INVALID_PARAMS: i64 = -32602;
pub const INTERNAL_ERROR: i64 = -32603;
pub const HEADER_MISMATCH: i64 = -32020;

/// The policy of the specification, but for its deny rule.
pub fn policy_without_deny() -> Policy {
    Policy::new()
        .allow(principal("ci"), tools(["search", "read_*"]))
        .allow(principal("ci"), prompts(["review"]))
        .allow(principal("ci"), resources(["docs://*"]))
        .allow(principal("alice"), everything())
        .allow(scope("w"), tools(["write_*"]))
}

/// The policy of the specification.
pub fn policy() -> Policy {
    policy_without_deny().deny(anyone(), tools(["*_internal"]))
}

/// A layer that knows all users.
pub fn layer() -> McpAuthLayer<BoxAuthenticator> {
    let ci = || Principal::new("ci");
    let tokens = [
        (ci(), CI),
        (ci().with_scopes(["w"]), CI_WITH_W),
        (ci().issued_by(ISSUER), CI_OF_ISSUER),
        (Principal::new("alice"), ALICE),
        (Principal::new("bob"), BOB),
        (Principal::new("bob").with_scopes(["w"]), BOB_WITH_W),
    ];
    let tokens = tokens.map(|(owner, sent)| (owner, sent.trim_start_matches("Bearer ")));
    let passwords = Basic::new([("ci", "password-of-ci")]).unwrap();
    McpAuthLayer::new(any_of((passwords, Bearer::new(tokens).unwrap())).boxed())
}

/// What the inner service answers to `tools/list`.
pub const TOOL_LIST: &str =
    r#"{"jsonrpc":"2.0","id":7,"result":{"tools":[{"name":"search"},{"name":"delete"}]}}"#;

/// The requests that reached the inner service, with their bodies.
#[derive(Clone, Default)]
pub struct Inner(Arc<Mutex<Vec<(Parts, Bytes)>>>);

impl Inner {
    /// The requests since the last call.
    pub fn take(&self) -> Vec<(Parts, Bytes)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// A router that records every request, opens a session for `initialize` and answers as a server does.
    pub fn router(&self) -> Router {
        let recorded = self.clone();
        Router::new().fallback(move |request: Request| async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let text = String::from_utf8_lossy(&body);
            let answer = if text.contains("tools/list") {
                TOOL_LIST
            } else {
                r#"{"jsonrpc":"2.0","id":7,"result":{}}"#
            };
            let mut response: Response = ([("content-type", JSON)], answer).into_response();
            if text.contains("initialize\"") {
                response.headers_mut().insert(SESSION, HeaderValue::from_static("s1"));
            }
            recorded.0.lock().unwrap().push((head, body));
            response
        })
    }
}

/// A server behind a layer.
pub struct App {
    pub router: Router,
    pub inner: Inner,
}

impl App {
    pub fn new(layer: McpAuthLayer<BoxAuthenticator>) -> Self {
        log::set_up();
        let inner = Inner::default();
        Self { router: inner.router().layer(layer), inner }
    }

    pub fn with_policy(authorizer: impl Authorizer) -> Self {
        Self::new(layer().authorize(authorizer))
    }

    pub async fn send(&self, request: impl Into<Sent>) -> TestResponse {
        send(self.router.clone(), request.into().request()).await
    }

    /// Asserts that the inner service receives the request, with the same bytes. Returns its head.
    pub async fn passes(&self, request: impl Into<Sent>) -> Parts {
        let request = request.into();
        let response = send(self.router.clone(), request.request()).await;
        assert_eq!(response.status, 200, "{request:?}: {}", response.body);
        self.received(&request)
    }

    /// Asserts that the inner service has received only this request, with the same bytes.
    pub fn received(&self, request: &Sent) -> Parts {
        let [(head, body)] = <[_; 1]>::try_from(self.inner.take()).expect("one request passes");
        assert!(body == request.body, "the inner service sees other bytes: {request:?}");
        assert_eq!(head.method, request.method);
        head
    }

    /// Asserts that the request is answered with a JSON-RPC error with its ID, in place of the inner service.
    pub async fn refuses(&self, request: impl Into<Sent>, code: i64, message: &str) {
        let request = request.into();
        let response = self.not_forwarded(&request, 200).await;
        assert_eq!(json_of(&response), error(ID, code, message), "{request:?}");
        assert!(response.challenges().is_empty(), "{response:?}");
    }

    /// Asserts that the request is rejected with this status and an error without an ID.
    pub async fn rejects(&self, request: impl Into<Sent>, status: u16, code: i64) -> TestResponse {
        let request = request.into();
        let response = self.not_forwarded(&request, status).await;
        let body = json_of(&response);
        let found = (body["error"]["code"].as_i64(), body.get("id"));
        assert_eq!(found, (Some(code), Some(&Value::Null)), "{request:?}: {body}");
        response
    }

    /// Asserts that the layer answers the request itself, with this status.
    pub async fn not_forwarded(&self, request: &Sent, status: u16) -> TestResponse {
        let response = send(self.router.clone(), request.request()).await;
        assert_eq!(self.inner.take().len(), 0, "the inner service is called: {request:?}");
        assert_eq!(response.status, status, "{request:?}: {}", response.body);
        assert_eq!(response.headers["content-type"], JSON);
        assert_eq!(response.headers["cache-control"], "no-store");
        response
    }

    /// Opens a session, and returns its ID as the client sees it.
    pub async fn open_session(&self, user: &str) -> String {
        let response = self.send(sent(call("initialize", json!({}))).by(user)).await;
        assert_eq!((response.status.as_u16(), self.inner.take().len()), (200, 1));
        response.headers[SESSION].to_str().unwrap().to_owned()
    }
}

/// A server with the policy of the specification.
pub fn app() -> App {
    App::with_policy(policy())
}

pub fn json_of(response: &TestResponse) -> Value {
    serde_json::from_str(&response.body).expect("a JSON body")
}

pub fn error(id: impl Into<Value>, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "error": {"code": code, "message": message}})
}

/// The message for a tool that `ci` may not call.
pub fn may_not_call(tool: &str) -> String {
    format!("ci may not call the tool `{tool}`")
}
