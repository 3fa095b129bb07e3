//! Revocations that arrive at every replica.

mod failures;
mod histories;
mod replicas;
mod store;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures::{StreamExt, stream};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use mcp_auth_layer::revocation::{RevocationOptions, Revocations};
use mcp_auth_layer::stores::{RedisStore, StoreKey};
use mcp_auth_layer::{Bearer, McpAuthLayer};
use tower::ServiceExt;

use crate::support::{PATIENCE, RedisServer};

/// The tokens that every replica accepts.
const TOKENS: [&str; 3] = ["one", "two", "three"];

fn key() -> StoreKey {
    StoreKey::from([7; 32])
}

/// Connects to a server, patiently.
async fn connect(url: &str) -> RedisStore {
    let connect = RedisStore::connect(url, key()).timeout(Duration::from_secs(5));
    connect.await.expect("Redis accepts the connection")
}

/// One replica: an app with an endless event stream, behind a layer.
#[derive(Clone)]
struct Replica {
    app: Router,
    revocations: Revocations,
}

impl Replica {
    async fn start(server: &RedisServer) -> Self {
        Self::at(&server.url()).await
    }

    async fn at(url: &str) -> Self {
        Self::with(url, RevocationOptions::new()).await
    }

    async fn with(url: &str, options: RevocationOptions) -> Self {
        let store = connect(url).await;
        let revocations = options.start(store, key()).await.expect("the log is read");
        let tokens = Bearer::new(TOKENS.map(|token| (token, token))).expect("tokens");
        let layer = McpAuthLayer::new(tokens).revocations(revocations.clone());
        let events = async || {
            let first = stream::iter([Ok::<_, std::convert::Infallible>("data: 1\n\n")]);
            (
                [(CONTENT_TYPE, "text/event-stream")],
                Body::from_stream(first.chain(stream::pending())),
            )
        };
        Self { app: layer.protect(Router::new().route("/", get(events))), revocations }
    }

    async fn request(&self, token: &str) -> http::Response<Body> {
        let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
        self.app
            .clone()
            .oneshot(request.body(Body::empty()).expect("a request"))
            .await
            .expect("a response")
    }

    async fn status(&self, token: &str) -> u16 {
        self.request(token).await.status().as_u16()
    }

    /// Opens a stream, and reads its first event.
    async fn open(&self, token: &str) -> Body {
        let response = self.request(token).await;
        assert_eq!(response.status(), StatusCode::OK, "{token}");
        let mut body = response.into_body();
        body.frame().await.expect("an event").expect("no error");
        body
    }
}

/// Waits until a stream has ended.
async fn ended(mut body: Body) {
    let whole = async {
        while let Some(frame) = body.frame().await {
            frame.expect("an event stream ends without an error");
        }
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("the stream ends");
}

/// Returns whether a stream is open.
async fn is_open(body: &mut Body) -> bool {
    tokio::time::timeout(Duration::from_millis(1), body.frame()).await.is_err()
}
