//! The option of the layer.

use std::time::Duration;

use axum::Router;
use axum::routing::any;
use http::Request;
use http::header::UPGRADE;
use mcp_auth_layer::auth::Lifetime;
use mcp_auth_layer::stores::MemoryRevocationStore;
use mcp_auth_layer::{McpAuthLayer, Principal};
use tower::ServiceExt;

use super::revocations;
use crate::support::{recorder, send, with_authorization};

/// What the inner service gets of a request.
#[tokio::test]
async fn credential_can_end_only_with_the_option() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let request = || {
        let mut request = with_authorization("Bearer dG9rZW4");
        request.headers_mut().insert(UPGRADE, "websocket".parse().unwrap());
        request
    };
    for is_revocable in [false, true] {
        let mut layer = McpAuthLayer::bearer("dG9rZW4");
        if is_revocable {
            layer = layer.revocations(revocations.clone());
        }
        let (app, seen) = recorder();
        assert_eq!(send(app.layer(layer), request()).await.status, 200);
        let head = seen.only();
        assert_eq!(head.extensions.get::<Lifetime>().is_some(), is_revocable);
        assert_eq!(head.headers.contains_key(UPGRADE), !is_revocable);
    }
}

#[tokio::test]
async fn handler_learns_of_a_revocation() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let handle = revocations.clone();
    let handler = any(async move |lifetime: axum::Extension<Lifetime>| {
        assert!(lifetime.is_active());
        handle.revoke_principal(&Principal::new("token")).await.unwrap();
        lifetime.ended().await;
        assert!(!lifetime.is_active());
    });
    let tokens = mcp_auth_layer::Bearer::new([("token", "dG9rZW4")]).unwrap();
    let layer = McpAuthLayer::new(tokens).revocations(revocations);
    let app = layer.protect(Router::new().route("/", handler));
    let response = app.oneshot(with_authorization("Bearer dG9rZW4"));
    tokio::time::timeout(Duration::from_secs(30), response).await.expect("it learns").unwrap();
}

#[tokio::test]
async fn exempt_requests_need_no_store() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    let (app, _) = recorder();
    let layer = McpAuthLayer::bearer("dG9rZW4")
        .public_path(mcp_auth_layer::layer::ExactPath::from_static("/health"))
        .revocations(revocations.clone());
    let health = Request::get("/health").body(axum::body::Body::empty()).unwrap();
    assert_eq!(send(app.layer(layer), health).await.status, 200);
    assert_eq!(format!("{revocations:?}"), "Revocations { known: 0, credentials_in_use: 0, .. }");
}

#[tokio::test]
async fn credentials_in_use_do_not_accumulate() {
    let revocations = revocations(MemoryRevocationStore::new()).await;
    // The recorder would keep every request.
    let app = Router::new().route("/", any(async || ()));
    let layer = McpAuthLayer::new(mcp_auth_layer::testing::always("alice"));
    let app = app.layer(layer.revocations(revocations.clone()));
    for number in 0..5_000 {
        // A client may send as many different tokens as it likes, where the authenticator does not read them.
        let request = with_authorization(&format!("Bearer {number}"));
        assert_eq!(send(app.clone(), request).await.status, 200);
    }
    let shown = format!("{revocations:?}");
    let in_use =
        shown.split(&[' ', ','][..]).filter_map(|word| word.parse::<usize>().ok()).max().unwrap();
    assert!(in_use <= 16 * 64, "{shown}");
}
