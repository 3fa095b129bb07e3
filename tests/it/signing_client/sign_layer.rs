//! `SignLayer`: a tower layer that signs requests to one origin.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use mcp_auth_layer::schemes::{Authority, SignLayerError};
use mcp_auth_layer::schemes::{SignError, SignLayer};
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use tower::{Layer, Service, ServiceExt};

use super::signer;
use crate::support::forged_request::SECRET;
use crate::support::recorder;

/// The headers of each request that the inner service received.
type Wire = Arc<Mutex<Vec<HeaderMap>>>;

fn client() -> (impl Service<Request, Response = Response, Error = axum::BoxError> + Clone, Wire) {
    let wire = Wire::default();
    let sent = wire.clone();
    let inner = tower::service_fn(move |request: Request| {
        sent.lock().unwrap().push(request.headers().clone());
        async { Ok::<_, Infallible>(Response::new(request.into_body())) }
    });
    (SignLayer::new(signer(), "http://tools.example:80").unwrap().layer(inner), wire)
}

#[tokio::test]
async fn sign_layer_signs_each_request_to_its_origin_only() {
    let (client, wire) = client();
    let send = |target: &str| {
        let request = http::Request::post(target).header("content-type", "text/plain");
        client.clone().oneshot(request.body(Body::from("x")).unwrap())
    };
    for target in ["http://tools.example/a", "http://TOOLS.example:80/a", "http://tools.example/a"]
    {
        let response = send(target).await.unwrap();
        assert_eq!(axum::body::to_bytes(response.into_body(), 9).await.unwrap(), "x");
    }
    for target in
        ["https://tools.example/a", "http://tools.example:81/a", "http://evil.example/a", "/a"]
    {
        send(target).await.unwrap();
    }
    let wire = wire.lock().unwrap();
    let nonces: Vec<_> = wire[..3].iter().map(|headers| &headers["signature-input"]).collect();
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2] && nonces[0] != nonces[2]);
    for headers in &wire[3..] {
        for name in ["signature", "signature-input", "content-digest"] {
            assert!(!headers.contains_key(name), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn sign_layer_reports_unsignable_requests() {
    let (client, wire) = client();
    let request = http::Request::post("http://tools.example/").body(Body::from("x")).unwrap();
    let error = client.oneshot(request).await.err().unwrap();
    assert_eq!(error.downcast_ref::<SignError>(), Some(&SignError::NoContentType));
    assert!(wire.lock().unwrap().is_empty());
}

#[test]
fn sign_layer_requires_an_origin_without_credentials() {
    for wrong in ["/mcp", "tools.example", "http://user:hunter2@tools.example", "http://hunter2 @x"]
    {
        let error = SignLayer::new(signer(), wrong).unwrap_err();
        assert_eq!(error, SignLayerError::Origin);
        let error = error.to_string();
        assert!(error.contains("scheme://host") && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn sign_layer_and_verifier_work_together() {
    let (app, seen) = recorder();
    let hmac = HttpSignature::new([("ci", SECRET)]).unwrap();
    let server =
        app.layer(McpAuthLayer::new(hmac.authority(Authority::from_static("tools.example"))));
    let client = SignLayer::new(signer(), "http://tools.example").unwrap().layer(server);
    for _ in 0..2 {
        let request =
            http::Request::post("http://tools.example/mcp?x").header("content-type", "text/plain");
        let request = request.body(Body::from("{}")).unwrap();
        assert_eq!(client.clone().oneshot(request).await.unwrap().status(), 200);
        assert_eq!(seen.principal(), "ci");
    }
}
