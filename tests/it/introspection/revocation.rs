//! Revoked tokens: requests are rejected, and streams end.

use std::time::Duration;

use futures::StreamExt as _;
use http::header::CONTENT_TYPE;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::rate_limit::RateLimit;
use tower::ServiceExt as _;

use super::{Endpoint, Fault, TOKEN, claims, present, protected};
use crate::support::example_server::{in_time, until};
use crate::support::with_authorization;

const CACHED: Duration = Duration::from_secs(1);

/// Case 100.
#[tokio::test]
async fn a_revoked_token_is_rejected_once_the_cache_expires() {
    let endpoint = Endpoint::default();
    for token in [TOKEN, "another-token"] {
        endpoint.activate(token, claims());
    }
    let (app, _) = protected(endpoint.introspection().await.cached_for(CACHED));
    assert_eq!(present(&app, TOKEN).await.status, 200);
    endpoint.revoke(TOKEN);
    until("the token is rejected", async || present(&app, TOKEN).await.status == 401).await;
    assert_eq!(present(&app, "another-token").await.status, 200);
}

/// A router with a stream that never ends by itself.
fn endless(introspection: mcp_auth_layer::schemes::Introspection) -> axum::Router {
    let stream = || async {
        let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        ([(CONTENT_TYPE, "text/event-stream")], axum::body::Body::from_stream(never))
    };
    let unlimited = RateLimit::default().no_address_limit();
    let layer = McpAuthLayer::new(introspection).rate_limit(unlimited);
    layer.protect(axum::Router::new().fallback(stream))
}

#[tokio::test]
async fn streams_of_a_revoked_token_end_without_a_further_request() {
    let endpoint = Endpoint::default();
    for token in [TOKEN, "another-token"] {
        endpoint.activate(token, claims());
    }
    let app = endless(endpoint.introspection().await.cached_for(CACHED));
    let open = async |token: &str| {
        let request = with_authorization(&format!("Bearer {token}"));
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().into_data_stream()
    };
    let (mut stream, mut other) = (open(TOKEN).await, open("another-token").await);
    // An outage ends no stream.
    endpoint.fail(Fault::Status(500));
    let before = endpoint.calls();
    until("both were asked about", async || endpoint.calls() >= before + 2).await;
    endpoint.fail(None);
    endpoint.revoke(TOKEN);
    let next = in_time("the stream ends", stream.next()).await;
    assert!(next.is_none());
    let next = std::future::poll_fn(|cx| std::task::Poll::Ready(other.poll_next_unpin(cx)));
    assert!(next.await.is_pending(), "the other one is open");
}
