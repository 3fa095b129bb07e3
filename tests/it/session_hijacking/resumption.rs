//! Resuming an event stream with `Last-Event-ID`.

use std::sync::{Arc, Mutex};

use axum::Router;
use mcp_auth_layer::{Basic, Bearer, McpAuthLayer, any_of};
use reqwest::{Method, RequestBuilder};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::session::{
    EventStore, EventStoreError, EventStream, ServerSseMessage,
};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;

use super::{ALICES_TOKEN, BOB, assert_unknown_session};
use crate::support::example_server::{ALICE, Events, execute};
use crate::support::mcp_server::{Session, VERSION, Working};
use crate::support::serve;

/// Stores all events by the IDs that it assigned.
#[derive(Clone, Default)]
struct Stored(Arc<Mutex<Vec<(String, ServerSseMessage)>>>);

#[async_trait::async_trait]
impl EventStore for Stored {
    async fn store_event(
        &self,
        stream_id: &str,
        event: &ServerSseMessage,
    ) -> Result<String, EventStoreError> {
        let mut events = self.0.lock().unwrap();
        let (id, mut event) = (format!("event-{}", events.len()), event.clone());
        event.event_id = Some(id.clone());
        events.push((stream_id.to_owned(), event));
        Ok(id)
    }

    async fn replay_events_after(&self, id: &str) -> Result<EventStream, EventStoreError> {
        let events = self.0.lock().unwrap();
        let found = events.iter().position(|(_, event)| event.event_id.as_deref() == Some(id));
        let found = found.ok_or("no such event")?;
        let of_stream = events[found + 1..].iter().filter(|(of, _)| *of == events[found].0);
        let later: Vec<_> = of_stream.map(|(_, event)| event.clone()).collect();
        Ok(Box::pin(futures::stream::iter(later)))
    }
}

async fn resumable(with_sessions: bool) -> String {
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(with_sessions);
    let store = Arc::new(Stored::default());
    let app = if with_sessions {
        let sessions = LocalSessionManager::default().with_event_store(store);
        let mcp = StreamableHttpService::new(|| Ok(Working), Arc::new(sessions), config);
        Router::new().route_service("/mcp", mcp)
    } else {
        let sessions = NeverSessionManager::default().with_event_store(store);
        let mcp = StreamableHttpService::new(|| Ok(Working), Arc::new(sessions), config);
        Router::new().route_service("/mcp", mcp)
    };
    let users = Basic::new([("alice", "pass:word"), ("bob", "hunter2")]).unwrap();
    let tokens = Bearer::new([("alice", "YWxpY2VzLXRva2Vu")]).unwrap();
    serve(app.layer(McpAuthLayer::new(any_of(users, tokens)))).await
}

/// A call that reports its progress, in a session or without one as in protocol 2026-07-28.
fn working(request: RequestBuilder, with_sessions: bool) -> RequestBuilder {
    let mut meta = json!({ "progressToken": "p" });
    if !with_sessions {
        let prefix = "io.modelcontextprotocol";
        meta[format!("{prefix}/protocolVersion")] = json!("2026-07-28");
        meta[format!("{prefix}/clientInfo")] = json!({ "name": "test", "version": "0" });
        meta[format!("{prefix}/clientCapabilities")] = json!({});
    }
    let params = json!({ "name": "work", "arguments": {}, "_meta": meta });
    request.json(&json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params }))
}

#[tokio::test]
async fn streams_can_be_resumed_by_their_principal_only() {
    for with_sessions in [true, false] {
        let url = format!("{}/mcp", resumable(with_sessions).await);
        let alice_session = if with_sessions {
            Session::open(&url, ALICE).await
        } else {
            Session { url: url.clone(), id: String::new() }
        };
        let version = if with_sessions { VERSION } else { "2026-07-28" };
        let request_with = |method: Method, session: &Session, authorization| {
            let request = session.request(method, authorization);
            let (client, request) = request.build_split();
            let mut request = request.unwrap();
            let headers = request.headers_mut();
            headers.insert("mcp-protocol-version", version.parse().unwrap());
            headers.insert("mcp-method", "tools/call".parse().unwrap());
            headers.insert("mcp-name", "work".parse().unwrap());
            RequestBuilder::from_parts(client, request)
        };
        let called =
            execute(working(request_with(Method::POST, &alice_session, ALICE), with_sessions))
                .await;
        assert_eq!(called.status(), 200);
        let events = called.text().await.unwrap();
        let event = events.split("\n\n").find(|event| event.contains("notifications/progress"));
        let id = event.unwrap().lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        let unbound = id.rsplit_once('.').unwrap().0;

        let resume = |session: &Session, authorization, id: &str| {
            execute(request_with(Method::GET, session, authorization).header("last-event-id", id))
        };
        for authorization in [ALICE, ALICES_TOKEN] {
            let resumed = resume(&alice_session, authorization, id).await;
            assert_eq!(resumed.status(), 200);
            let mut resumed = Events::of(resumed);
            let (_, data) = resumed.next().await.expect("the event after the progress");
            assert!(data.contains("for-alice-only"), "{data}");
        }
        let bob_session = if with_sessions {
            Session::open(&url, BOB).await
        } else {
            Session { url: url.clone(), id: String::new() }
        };
        for id in [id, unbound] {
            assert_unknown_session(resume(&bob_session, BOB, id).await).await;
            assert_unknown_session(resume(&alice_session, BOB, id).await).await;
        }
        assert_unknown_session(resume(&alice_session, ALICE, unbound).await).await;
    }
}
