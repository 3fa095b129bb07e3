//! Revocations through layers that share a store.

mod credentials;
mod failures;
mod in_flight;
mod options;
mod tokens;

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::any;
use futures::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use mcp_auth_layer::revocation::Revocations;
use mcp_auth_layer::stores::{MemoryRevocationStore, RevocationStore, StoreKey};
use mcp_auth_layer::{Authenticator, McpAuthLayer};
use tower::ServiceExt;

const KEY: [u8; 32] = [7; 32];

async fn revocations(store: impl RevocationStore) -> Revocations {
    Revocations::start(store, StoreKey::from(KEY)).await.unwrap()
}

/// One replica: an endless event stream behind a layer.
#[derive(Clone)]
struct Replica {
    app: Router,
    revocations: Revocations,
}

impl Replica {
    fn new(authenticator: impl Authenticator, revocations: Revocations) -> Self {
        let events = async || {
            let first = stream::iter([Ok::<_, Infallible>("data: 1\n\n")]);
            (
                [(CONTENT_TYPE, "text/event-stream")],
                Body::from_stream(first.chain(stream::pending())),
            )
        };
        let layer = McpAuthLayer::new(authenticator).revocations(revocations.clone());
        Self { app: layer.protect(Router::new().route("/", any(events))), revocations }
    }

    async fn status(&self, request: Request) -> u16 {
        self.app.clone().oneshot(request).await.unwrap().status().as_u16()
    }

    /// Opens a stream, and reads its first event.
    async fn open(&self, request: Request) -> Body {
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        body
    }
}

/// Two replicas with this authenticator, which share a store.
async fn two<A: Authenticator>(authenticator: impl Fn() -> A) -> [Replica; 2] {
    let store = MemoryRevocationStore::new();
    let one = Replica::new(authenticator(), revocations(store.clone()).await);
    [one, Replica::new(authenticator(), revocations(store).await)]
}

/// Waits until a stream has ended.
async fn ended(mut body: Body) {
    let whole = async {
        while let Some(frame) = body.frame().await {
            frame.expect("an event stream ends without an error");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), whole).await.expect("the stream ends");
}

async fn is_open(body: &mut Body) -> bool {
    tokio::time::timeout(Duration::from_millis(20), body.frame()).await.is_err()
}

/// Repeats a question until the answer is yes.
async fn eventually<F: Future<Output = bool>>(question: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !question().await {
        assert!(tokio::time::Instant::now() < deadline, "the answer is still no");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
