//! Taking over somebody's session, over real sockets: Bob, who is let in himself, learned Alice's
//! ids. And what ends with a credential, seen from outside.

#![cfg(unix)] // the servers' tools are asked to run `sh`

#[path = "common/server.rs"]
mod server;

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use futures::future::join_all;
use futures::{StreamExt, stream};
use http::StatusCode;
use http::header::AUTHORIZATION;
use mcp_auth_layer::{
    Basic, Bearer, Challenge, McpAuthLayer, Principal, Rejection, any_of,
    authenticate_fn as from_head,
};
use reqwest::{Method, RequestBuilder, Response};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::session::{
    EventStore, EventStoreError, EventStream, ServerSseMessage,
};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt};
use serde_json::{Value, json};
use server::{Events, INITIALIZED, Server, SseSession, answer, http, in_time, initialize, until};
use tokio::net::TcpListener;

const USERS: [&str; 6] =
    ["--user", "alice:pass:word", "--token", "alice:YWxpY2VzLXRva2Vu", "--user", "bob:hunter2"];
const ALICE: &str = "Basic YWxpY2U6cGFzczp3b3Jk";
const ALICES_TOKEN: &str = "Bearer YWxpY2VzLXRva2Vu";
const BOB: &str = "Basic Ym9iOmh1bnRlcjI=";

const VERSION: &str = "2025-11-25";

/// A client's end of a Streamable HTTP session.
struct Session {
    url: String,
    id: String,
}

impl Session {
    async fn open(url: &str, authorization: &str) -> Self {
        let mut session = Self { url: url.to_owned(), id: String::new() };
        let request = session.ask(Method::POST, authorization).json(&initialize(VERSION));
        let response = answer(request).await;
        assert_eq!(response.status(), 200);
        session.id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        response.text().await.unwrap();
        let request = session.ask(Method::POST, authorization).body(INITIALIZED);
        assert_eq!(answer(request).await.status(), 202);
        session
    }

    fn ask(&self, method: Method, authorization: &str) -> RequestBuilder {
        let request = http()
            .request(method, &self.url)
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", VERSION);
        match &*self.id {
            "" => request,
            id => request.header("mcp-session-id", id),
        }
    }

    fn call(&self, authorization: &str, command: &str) -> RequestBuilder {
        let arguments = json!({ "command": "sh", "args": ["-c", command] });
        let params = json!({ "name": "execute_command", "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        self.ask(Method::POST, authorization).json(&call)
    }
}

/// The answer to whoever brings an id that is not theirs.
async fn is_unknown(response: Response) {
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["message"], "no such session: initialize a new one");
}

/// Nothing more comes than rmcp's event without data, which says how to come back.
async fn ends(events: &mut Events) {
    while let Some(event) = events.next().await {
        assert_eq!(event, ("message".to_owned(), String::new()));
    }
}

#[tokio::test]
async fn nobody_takes_over_a_session_of_streamable_http() {
    let server = Server::start("streamable_server", &USERS).await;
    let alices = Session::open(&format!("{}/mcp", server.url), ALICE).await;
    let bare = alices.id.rsplit_once('.').unwrap().0.to_owned();

    // Alice waits for the result of a call, and listens.
    let called = tokio::spawn(answer(alices.call(ALICE, "sleep 2; echo for-alice-only")));
    let mut listening = Events::of(answer(alices.ask(Method::GET, ALICE)).await);

    // With her id, with what stands in it, and with both, Bob gets nothing.
    for id in [&alices.id, &bare] {
        let bobs = Session { id: id.clone(), url: alices.url.clone() };
        is_unknown(answer(bobs.call(BOB, "echo taken over")).await).await;
        is_unknown(answer(bobs.ask(Method::GET, BOB)).await).await;
        let resumed = bobs.ask(Method::GET, BOB).header("last-event-id", "0/0");
        is_unknown(answer(resumed).await).await;
        let resumed = bobs.ask(Method::GET, BOB);
        is_unknown(answer(resumed.header("mcp-session-id", &*bare)).await).await;
        is_unknown(answer(bobs.ask(Method::DELETE, BOB)).await).await;
    }
    // Nor with a session of his own and her event.
    let bobs = Session::open(&alices.url, BOB).await;
    let resumed = bobs.ask(Method::GET, BOB).header("last-event-id", "0/0");
    is_unknown(answer(resumed).await).await;

    let result = called.await.unwrap().text().await.unwrap();
    assert!(result.contains("for-alice-only"), "{result}");
    // The session works as before, and under whatever credential of hers.
    for authorization in [ALICE, ALICES_TOKEN] {
        let result = answer(alices.call(authorization, "echo still-here")).await;
        assert!(result.text().await.unwrap().contains("still-here"));
    }
    assert_eq!(answer(alices.ask(Method::DELETE, ALICES_TOKEN)).await.status(), 202);
    ends(&mut listening).await; // when she deletes the session
    assert_eq!(answer(bobs.call(BOB, "echo fine")).await.status(), 200);
}

#[tokio::test]
async fn nobody_takes_over_a_session_of_http_and_sse() {
    let server = Server::start("sse_server", &USERS).await;
    let mut alices = SseSession::open(&server.url, ALICE).await;
    let (path, query) = alices.endpoint.split_once('?').unwrap();
    let sealed = query.strip_prefix("session_id=").unwrap();
    let bare = sealed.rsplit_once('.').unwrap().0;
    let call = r#"{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"whoami"}}"#;
    let post = async |authorization: &str, query: &str| {
        let request = http().post(format!("{path}?{query}")).header("authorization", authorization);
        answer(request.body(call)).await
    };
    is_unknown(post(BOB, query).await).await;
    for query in [
        format!("session_id={bare}"),
        format!("session_id={sealed}&session_id={bare}"),
        format!("session_id={sealed}&sessionId={bare}"),
        format!("session%5Fid={bare}&session_id={sealed}"),
        format!("session_id={bare};session_id={sealed}"),
    ] {
        is_unknown(post(BOB, &query).await).await;
        is_unknown(post(ALICE, &query).await).await;
    }
    let bobs = SseSession::open(&server.url, BOB).await;
    assert_eq!(bobs.post(call).await, 202);

    assert_eq!(post(ALICES_TOKEN, query).await.status(), 202, "the same person");
    let (_, data) = alices.events.next().await.unwrap();
    assert!(data.contains(r#""text":"alice""#), "{data}");
    assert_eq!(alices.tool("whoami", json!({})).await, ("alice".to_owned(), false));
}

/// All pairs of who opened a session and who asks for it.
#[tokio::test]
async fn a_session_is_one_persons_and_names_of_other_issuers_are_other_people() {
    let by_name = |head: &http::request::Parts| {
        let who = head.headers.get(AUTHORIZATION).and_then(|who| who.to_str().ok());
        let who = who.and_then(|who| who.strip_prefix("Name ")).map(str::to_owned);
        async move {
            let who = who.ok_or_else(|| Rejection::missing(Challenge::new("Name")))?;
            Ok(match who.split_once('@') {
                Some((name, issuer)) => Principal::new(name).issued_by(issuer),
                None => Principal::new(who),
            })
        }
    };
    let sessions = Arc::new(LocalSessionManager::default());
    let mcp = StreamableHttpService::new(|| Ok(Working), sessions, Default::default());
    let app = Router::new().route_service("/mcp", mcp);
    let url = format!("{}/mcp", serve(app.layer(McpAuthLayer::new(from_head(by_name)))).await);
    let people = ["Name alice", "Name bob", "Name alice@one", "Name alice@two"];
    for owner in people {
        let session = Session::open(&url, owner).await;
        for asks in people {
            for method in [Method::GET, Method::DELETE] {
                if asks != owner {
                    is_unknown(answer(session.ask(method, asks)).await).await;
                }
            }
        }
        assert_eq!(answer(session.ask(Method::GET, "anonymous")).await.status(), 401);
        assert_eq!(answer(session.ask(Method::GET, owner)).await.status(), 200);
        assert_eq!(answer(session.ask(Method::DELETE, owner)).await.status(), 202);
    }
}

// ---- Resuming ----

/// All events there were, by the ids that it gave them.
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

/// Reports progress, and then the result.
#[derive(Clone)]
struct Working;

impl ServerHandler for Working {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<rmcp::RoleServer>,
    ) -> Result<CallToolResponse, rmcp::ErrorData> {
        let token = context.meta.get_progress_token().expect("the test asks for progress");
        let progress = rmcp::model::ProgressNotificationParam::new(token, 50.0);
        context.peer.notify_progress(progress).await.expect("somebody listens");
        Ok(CallToolResult::success(vec![ContentBlock::text("for-alice-only")]).into())
    }
}

async fn resumable(with_sessions: bool) -> String {
    let config = StreamableHttpServerConfig::default().with_legacy_session_mode(with_sessions);
    let store = Arc::new(Stored::default());
    let app = match with_sessions {
        true => {
            let sessions = LocalSessionManager::default().with_event_store(store);
            let mcp = StreamableHttpService::new(|| Ok(Working), Arc::new(sessions), config);
            Router::new().route_service("/mcp", mcp)
        }
        false => {
            let sessions = NeverSessionManager::default().with_event_store(store);
            let mcp = StreamableHttpService::new(|| Ok(Working), Arc::new(sessions), config);
            Router::new().route_service("/mcp", mcp)
        }
    };
    let users = Basic::new([("alice", "pass:word"), ("bob", "hunter2")]).unwrap();
    let tokens = Bearer::new([("alice", "YWxpY2VzLXRva2Vu")]).unwrap();
    serve(app.layer(McpAuthLayer::new(any_of(users, tokens)))).await
}

async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// A call whose progress is reported, in a session or as protocol 2026-07-28 has it.
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
async fn the_owner_resumes_and_nobody_else() {
    for with_sessions in [true, false] {
        let url = format!("{}/mcp", resumable(with_sessions).await);
        let alices = match with_sessions {
            true => Session::open(&url, ALICE).await,
            false => Session { url: url.clone(), id: String::new() },
        };
        let version = if with_sessions { VERSION } else { "2026-07-28" };
        let ask = |method: Method, session: &Session, authorization| {
            let request = session.ask(method, authorization);
            let (client, request) = request.build_split();
            let mut request = request.unwrap();
            let headers = request.headers_mut();
            headers.insert("mcp-protocol-version", version.parse().unwrap());
            headers.insert("mcp-method", "tools/call".parse().unwrap());
            headers.insert("mcp-name", "work".parse().unwrap());
            RequestBuilder::from_parts(client, request)
        };
        let called = answer(working(ask(Method::POST, &alices, ALICE), with_sessions)).await;
        assert_eq!(called.status(), 200);
        let events = called.text().await.unwrap();
        let event = events.split("\n\n").find(|event| event.contains("notifications/progress"));
        let id = event.unwrap().lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        let bare = id.rsplit_once('.').unwrap().0;

        let resume = |session: &Session, authorization, id: &str| {
            answer(ask(Method::GET, session, authorization).header("last-event-id", id))
        };
        for authorization in [ALICE, ALICES_TOKEN] {
            let resumed = resume(&alices, authorization, id).await;
            assert_eq!(resumed.status(), 200);
            let mut resumed = Events::of(resumed);
            let (_, data) = resumed.next().await.expect("what came after the progress");
            assert!(data.contains("for-alice-only"), "{data}");
        }
        let bobs = match with_sessions {
            true => Session::open(&url, BOB).await,
            false => Session { url: url.clone(), id: String::new() },
        };
        for id in [id, bare] {
            is_unknown(resume(&bobs, BOB, id).await).await;
            is_unknown(resume(&alices, BOB, id).await).await;
        }
        is_unknown(resume(&alices, ALICE, bare).await).await;
    }
}

// ---- Lifetime ----

const TTL: [&str; 4] = ["--token", "ci:dG9rZW4tb2YtdGhlLWNp", "--token-ttl", "3"];
const CI: &str = "Bearer dG9rZW4tb2YtdGhlLWNp";

#[tokio::test]
async fn an_expired_token_ends_what_it_opened_on_both_servers() {
    let users = [&USERS[..2], &TTL].concat();
    let server = Server::start("sse_server", &users).await;
    let mut cis = SseSession::open(&server.url, CI).await;
    let mut alices = SseSession::open(&server.url, ALICE).await;
    assert_eq!(cis.tool("whoami", json!({})).await.0, "ci");
    assert_eq!(cis.events.next().await, None, "the stream ends cleanly");
    assert_eq!(cis.post(INITIALIZED).await, 401);
    assert_eq!(server.status(Method::GET, "/sse", Some(CI)).await, 401);
    assert_eq!(alices.tool("whoami", json!({})).await.0, "alice");

    let server = Server::start("streamable_server", &users).await;
    let url = format!("{}/mcp", server.url);
    let cis = Session::open(&url, CI).await;
    let alices = Session::open(&url, ALICE).await;
    let mut listening = Events::of(answer(cis.ask(Method::GET, CI)).await);
    let called = tokio::spawn(answer(cis.call(CI, "sleep 30; echo too-late")));
    ends(&mut listening).await;
    let called = in_time("the call ends", called).await.unwrap().text().await.unwrap();
    assert!(!called.contains("too-late"), "{called}");
    assert_eq!(answer(cis.ask(Method::GET, CI)).await.status(), 401);
    assert_eq!(answer(alices.call(ALICE, "echo fine")).await.status(), 200);
}

/// What a stream holds as long as the server does not drop it.
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

/// Streams of two tokens, all on one server.
#[tokio::test]
async fn a_thousand_streams_end_with_their_token_and_a_thousand_others_go_on() {
    const STREAMS: usize = 1000;
    // Both ends of every stream are files of this process.
    rlimit::increase_nofile_limit(8 * STREAMS as u64).unwrap();
    let open = Arc::new(AtomicUsize::new(0));
    let counted = open.clone();
    let stream = async move || {
        let held = Held::one_of(&counted);
        let first = stream::once(ready(Ok::<_, Infallible>("data: open\n\n")));
        let events = first.chain(stream::pending()).inspect(move |_| _ = &held);
        ([("content-type", "text/event-stream")], Body::from_stream(events))
    };
    let tokens = Bearer::new([("one", "one"), ("two", "two")]).unwrap();
    let handle = tokens.handle();
    let app = Router::new().route("/", get(stream));
    let url = serve(app.layer(McpAuthLayer::new(tokens))).await;

    let client = http();
    let listen = async |token: &'static str| {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let request = client.get(&url).bearer_auth(token);
            let mut events = Events::of(answer(request).await);
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
    assert!(in_time("all of them end", ended).await.iter().all(Option::is_none));
    until("what they held is given back", async || held() == STREAMS).await;

    let more = join_all(twos.iter_mut().map(Events::next));
    let more = tokio::time::timeout(Duration::from_millis(500), more).await;
    assert!(more.is_err(), "the others go on");
    assert_eq!(held(), STREAMS);
    assert_eq!(
        answer(client.get(&url).bearer_auth("one")).await.status(),
        StatusCode::UNAUTHORIZED
    );
    drop(twos);
    until("what the others held as well", async || held() == 0).await;
}

/// A client does not besiege the server whose stream has ended with its token.
#[tokio::test]
async fn the_rmcp_client_asks_twice_more_at_most() {
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = refused.clone();
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
    let tokens = Bearer::new([("one", "one")]).unwrap();
    let handle = tokens.handle();
    let app = Router::new().route_service("/mcp", mcp).layer(McpAuthLayer::new(tokens));
    let url = format!("{}/mcp", serve(app.layer(from_fn(count))).await);

    let headers = HashMap::from([(AUTHORIZATION, "Bearer one".parse().unwrap())]);
    let config = StreamableHttpClientTransportConfig::with_uri(url).custom_headers(headers);
    let transport = StreamableHttpClientTransport::with_client(http(), config);
    let client = in_time("a session", ().serve(transport)).await.unwrap();
    in_time("the tools", client.list_all_tools()).await.unwrap();
    handle.revoke("one");
    until("it has asked once more", async || refused.load(SeqCst) > 0).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(refused.load(SeqCst) <= 2, "{refused:?}");
    let call = in_time("a call", client.call_tool(CallToolRequestParams::new("work"))).await;
    let error = format!("{:?}", call.unwrap_err());
    assert!(error.contains("AuthRequired") && error.contains("invalid_token"), "{error}");
}
