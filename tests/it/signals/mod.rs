//! Signals of identity providers. The numbers are those of the cases in the specification of what replicas share.

mod another_kind;
mod checks;
mod configuration;
mod formats;
mod logout;
mod redelivery;
mod remote_keys;
mod requests;
mod stores;
mod streams;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use http::Method;
use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::signals::Transmitter;
use mcp_auth_layer::stores::{MemoryRevocationStore, RevocationStore, StoreKey};
use mcp_auth_layer::{Jwt, McpAuthLayer};
use serde_json::{Value, json};

use crate::support::access_token::{self, ISSUER, K1, RESOURCE, issuer_keys, now};
use crate::support::{Seen, TestResponse, recorder, request, send, with_authorization};

pub const AUDIENCE: &str = "https://mcp.example.com/events";
pub const EVENTS: ExactPath = ExactPath::from_static("/events");
pub const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type";
pub const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type";

pub fn transmitter() -> Transmitter {
    Transmitter::with_keys(ISSUER, AUDIENCE, issuer_keys()).unwrap()
}

pub async fn revocations(store: impl RevocationStore) -> Revocations {
    Revocations::start(store, StoreKey::from([7; 32])).await.unwrap()
}

/// A layer that accepts access tokens of the issuer, and revokes them.
pub async fn layer() -> McpAuthLayer<Jwt> {
    layer_over(MemoryRevocationStore::new()).await
}

pub async fn layer_over(store: impl RevocationStore) -> McpAuthLayer<Jwt> {
    let jwt = Jwt::with_keys(ISSUER, RESOURCE, issuer_keys()).unwrap();
    McpAuthLayer::new(jwt).revocations(revocations(store).await)
}

/// A recorder behind the layer, which receives events of this transmitter.
pub async fn app_with(transmitter: Transmitter) -> (Router, Seen) {
    let (app, seen) = recorder();
    (app.layer(layer().await.security_events(EVENTS, transmitter)), seen)
}

pub async fn app() -> Router {
    app_with(transmitter()).await.0
}

pub fn set_header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "secevent+jwt"})
}

/// The claims of a good SET: the sessions of alice were revoked now.
pub fn set_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now(), "jti": "e-1",
        "sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "alice"},
        "events": {format!("{CAEP}/session-revoked"): {"event_timestamp": now()}},
    })
}

pub fn good_set() -> String {
    access_token::signed(&set_header(), &set_claims())
}

/// A good SET, but for the claims that `edit` changes.
pub fn set_with(edit: impl FnOnce(&mut Value)) -> String {
    let mut claims = set_claims();
    edit(&mut claims);
    access_token::signed(&set_header(), &claims)
}

/// A good SET, but for what `edit` changes in its header.
pub fn set_with_header(edit: impl FnOnce(&mut Value)) -> String {
    let mut header = set_header();
    edit(&mut header);
    K1.token("RS256", &header.to_string(), &set_claims().to_string())
}

pub fn push_request(set: impl Into<Body>) -> Request {
    let fields = [("content-type", "application/secevent+jwt"), ("accept", "application/json")];
    let mut request = request(Method::POST, "/events", &fields);
    *request.body_mut() = set.into();
    request
}

pub async fn push(app: &Router, set: impl Into<Body>) -> TestResponse {
    send(app.clone(), push_request(set)).await
}

/// Pushes a SET that is accepted.
pub async fn accepts(app: &Router, set: impl Into<Body>) {
    let response = push(app, set).await;
    assert_eq!((response.status.as_u16(), &*response.body), (202, ""));
    assert_eq!(response.headers["cache-control"], "no-store");
}

/// Pushes a SET that is refused with this error.
pub async fn refuses(app: &Router, set: impl Into<Body>, err: &str, what: &str) {
    let response = push(app, set).await;
    assert_eq!(response.status, 400, "{what}: {}", response.body);
    assert_refused(&response, err, what);
}

#[track_caller]
pub fn assert_refused(response: &TestResponse, err: &str, what: &str) {
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["err"], err, "{what}: {body}");
    assert!(body["description"].as_str().is_some_and(|text| text.len() > 10), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 2);
    assert_eq!(response.headers["content-type"], "application/json");
    assert_eq!(response.headers["content-language"], "en");
    assert_eq!(response.headers["cache-control"], "no-store");
    assert!(!response.headers.contains_key("www-authenticate"));
}

/// An access token of a user that was issued this many seconds from now.
pub fn token_of(subject: &str, seconds: i64) -> String {
    access_token::with_claims(|claims| {
        claims["sub"] = json!(subject);
        claims["iat"] = json!(now().checked_add_signed(seconds).unwrap());
    })
}

pub async fn status(app: &Router, token: &str) -> u16 {
    send(app.clone(), with_authorization(&format!("Bearer {token}"))).await.status.as_u16()
}

/// Whether the tokens of a user are revoked that were issued before.
pub async fn is_revoked(app: &Router, subject: &str) -> bool {
    match status(app, &token_of(subject, -5)).await {
        401 => true,
        200 => false,
        other => panic!("{other}"),
    }
}
