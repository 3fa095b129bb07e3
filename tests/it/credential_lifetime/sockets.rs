//! Credentials that expire or are revoked, over real sockets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use futures::future::join_all;
use futures::{StreamExt, stream};
use http::StatusCode;
use http::header::AUTHORIZATION;
use mcp_auth_layer::{Bearer, McpAuthLayer};
use reqwest::Method;
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde_json::json;

use crate::support::example_server::{
    ALICE, CI, Events, INITIALIZED, Server, SseSession, USERS, execute, http, in_time, until,
};
use crate::support::mcp_server::{Session, Working, assert_ends};
use crate::support::serve;

const TTL: [&str; 4] = ["--token", "ci:dG9rZW4tb2YtdGhlLWNp", "--token-ttl", "3"];

/// Counts the streams that the server has not dropped.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn one_of(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(count.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[tokio::test]
async fn expired_token_ends_its_streams_on_both_example_servers() {
    let users = [&USERS[..2], &TTL].concat();
    let server = Server::start("sse_server", &users).await;
    let mut ci_session = SseSession::open(&server.url, CI).await;
    let mut alice_session = SseSession::open(&server.url, ALICE).await;
    assert_eq!(ci_session.tool("whoami", json!({})).await.0, "ci");
    assert_eq!(ci_session.events.next().await, None, "the stream ends cleanly");
    assert_eq!(ci_session.post(INITIALIZED).await, 401);
    assert_eq!(server.status(Method::GET, "/sse", Some(CI)).await, 401);
    assert_eq!(alice_session.tool("whoami", json!({})).await.0, "alice");

    let server = Server::start("streamable_server", &users).await;
    let url = format!("{}/mcp", server.url);
    let ci_session = Session::open(&url, CI).await;
    let alice_session = Session::open(&url, ALICE).await;
    let mut listening = Events::of(execute(ci_session.request(Method::GET, CI)).await);
    let called = tokio::spawn(execute(ci_session.call(CI, "sleep 30; echo too-late")));
    assert_ends(&mut listening).await;
    let called = in_time("the call is completed", called).await.unwrap().text().await.unwrap();
    assert!(!called.contains("too-late"), "{called}");
    assert_eq!(execute(ci_session.request(Method::GET, CI)).await.status(), 401);
    assert_eq!(execute(alice_session.call(ALICE, "echo fine")).await.status(), 200);
}

/// Streams of two tokens on one server.
#[tokio::test]
async fn revocation_ends_1000_streams_and_keeps_1000_others() {
    const STREAMS: usize = 1000;
    // Both ends of every stream are open files of this process.
    rlimit::increase_nofile_limit(8 * STREAMS as u64).unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let counted = open.clone();
    let stream = async move || {
        let held = Held::one_of(&counted);
        let first = stream::once(ready(Ok::<_, Infallible>("data: open\n\n")));
        let events = first.chain(stream::pending()).inspect(move |_| _ = &held);
        ([("content-type", "text/event-stream")], Body::from_stream(events))
    };
    let mut tokens = Bearer::new([("one", "one"), ("two", "two")]).unwrap();
    let handle = tokens.handle();
    let app = Router::new().route("/", get(stream));
    let url = serve(app.layer(McpAuthLayer::new(tokens))).await;

    let client = http();
    let listen = async |token: &'static str| {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let request = client.get(&url).bearer_auth(token);
            let mut events = Events::of(execute(request).await);
            assert_eq!(events.next().await.unwrap().1, "open");
            streams.push(events);
        }
        streams
    };
    let (mut ones, mut twos) = tokio::join!(listen("one"), listen("two"));
    let held = || open.load(SeqCst);
    assert_eq!(held(), 2 * STREAMS);

    assert!(handle.revoke("one"));
    let ended = join_all(ones.iter_mut().map(Events::next));
    assert!(in_time("all streams end", ended).await.iter().all(Option::is_none));
    until("the server drops the streams", async || held() == STREAMS).await;

    let more = join_all(twos.iter_mut().map(Events::next));
    let more = tokio::time::timeout(Duration::from_millis(500), more).await;
    assert!(more.is_err(), "the other streams are open");
    assert_eq!(held(), STREAMS);
    assert_eq!(
        execute(client.get(&url).bearer_auth("one")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    drop(twos);
    until("the server drops the other streams", async || held() == 0).await;
}

/// A client must not flood the server after its stream ended with its token.
#[tokio::test]
async fn rmcp_client_retries_at_most_twice_after_revocation() {
    let rejected = Arc::new(AtomicUsize::new(0));
    let counted = rejected.clone();
    let count = move |request: axum::extract::Request, next: Next| {
        let counted = counted.clone();
        async move {
            let response = next.run(request).await;
            counted.fetch_add(usize::from(response.status() == 401), SeqCst);
            response
        }
    };
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Working), sessions, Default::default());
    let mut tokens = Bearer::new([("one", "one")]).unwrap();
    let handle = tokens.handle();
    let app = Router::new().route_service("/mcp", mcp).layer(McpAuthLayer::new(tokens));
    let url = format!("{}/mcp", serve(app.layer(from_fn(count))).await);

    let headers = HashMap::from([(AUTHORIZATION, "Bearer one".parse().unwrap())]);
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    let client = in_time("a session", ().serve(transport)).await.unwrap();
    in_time("the tools", client.list_all_tools()).await.unwrap();
    handle.revoke("one");
    until("the client has retried", async || rejected.load(SeqCst) > 0).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(rejected.load(SeqCst) <= 2, "{rejected:?}");
    let call = in_time("a call", client.call_tool(CallToolRequestParams::new("work"))).await;
    let error = format!("{:?}", call.unwrap_err());
    assert!(error.contains("AuthRequired") && error.contains("invalid_token"), "{error}");
}
