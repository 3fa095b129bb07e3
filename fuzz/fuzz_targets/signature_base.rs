//! Signer and verifier read a request in the same way: whatever can be signed is accepted once, and
//! not a second time.

#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::auth::{AuthenticatorExt, BoxAuthenticator};
use mcp_auth_layer::schemes::Signer;
use mcp_auth_layer::stores::MemoryReplayStore;
use mcp_auth_layer::{HttpSignature, McpAuthLayer};
use mcp_auth_layer_fuzz::runtime::block_on;
use tower::{Layer, ServiceExt, service_fn};

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new("ci", [7; 32]).unwrap());

static AUTHENTICATOR: LazyLock<BoxAuthenticator> = LazyLock::new(|| {
    // Room for what a long run signs.
    let store = MemoryReplayStore::with_capacity(1 << 28, 1 << 28);
    HttpSignature::new([("ci", [7; 32])]).unwrap().replay_store(store).boxed()
});

fuzz_target!(|data: (&[u8], &str, Vec<(&str, &[u8])>, &[u8])| {
    // Created before the signature, as it rejects signatures from before its start.
    let authenticator = AUTHENTICATOR.clone();
    let (method, target, headers, body) = data;
    let Ok(method) = Method::from_bytes(method) else { return };
    let Ok(uri) = format!("http://localhost/{target}").parse::<http::Uri>() else { return };
    let mut request = Request::new(body.to_vec());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    for (name, value) in headers.into_iter().take(20) {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value))
        else {
            continue;
        };
        // A header that announces a body would require a digest, even if no body follows, and pages of other origins
        // are refused.
        let excluded = ["host", "origin", "sec-fetch-site", "content-length", "transfer-encoding"];
        if !excluded.contains(&name.as_str()) {
            request.headers_mut().append(name, value);
        }
    }
    let authorizations = request.headers().get_all("authorization").iter().count();
    if SIGNER.sign(&mut request).is_err() || authorizations > 1 {
        return;
    }
    let exempt = request.uri().path().starts_with("/.well-known/");

    let inner =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let app = McpAuthLayer::new(authenticator).danger_disable_session_binding().layer(inner);
    let status = |request: Request<Vec<u8>>| {
        block_on(app.clone().oneshot(request.map(Body::from))).unwrap().status()
    };
    if !exempt {
        assert_eq!(status(request.clone()), 200, "{request:?}");
        assert_eq!(status(request), 401);
    }
});
