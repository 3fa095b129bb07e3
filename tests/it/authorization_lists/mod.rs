//! Lists in responses: a principal sees what it may use. The cases 107 to 137 of the
//! specification, see `AUTHORIZATION_CASES.md`.

mod cache_scope;
mod content_codings;
mod event_streams;
mod json_responses;
mod legacy_refusals;
mod legacy_streams;
mod long_events;
mod policy_reload;
mod resumed_streams;
mod slow_authorizers;
mod unreadable_events;
mod withheld_responses;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::get as get_route;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{FutureExt, StreamExt};
use http::StatusCode;
use http_body_util::BodyExt;
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::policy::{
    Authorizer, Policy, anyone, everything, principal, prompts, resources, scope, tools,
};
use mcp_auth_layer::{Bearer, McpAuthLayer};
use tower::ServiceExt;

use crate::support::{TestResponse, get, log, send};

const EVENT_STREAM: (&str, &str) = ("content-type", "text/event-stream");
const JSON: (&str, &str) = ("content-type", "application/json");
const TOOLS_LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

/// The policy of the specification.
fn policy() -> Policy {
    without_denials().deny(anyone(), tools(["*_internal"]))
}

/// The same policy, by which `alice` is not restricted.
fn without_denials() -> Policy {
    Policy::new()
        .allow(principal("ci"), tools(["search", "read_*"]))
        .allow(principal("ci"), prompts(["review"]))
        .allow(principal("ci"), resources(["docs://*"]))
        .allow(principal("alice"), everything())
        .allow(scope("w"), tools(["write_*"]))
}

/// A layer whose clients have their name as token.
fn layer(authorizer: impl Authorizer) -> McpAuthLayer<Bearer> {
    let tokens = Bearer::new(["alice", "bob", "ci"].map(|name| (name, name))).unwrap();
    let key = SessionKey::try_from(&[7; 32][..]).unwrap();
    McpAuthLayer::new(tokens).session_key(key).authorize(authorizer)
}

/// A server that answers every request in this way, behind this layer.
fn answering<R: IntoResponse + Send + 'static>(
    layer: McpAuthLayer<Bearer>,
    answer: impl Fn() -> R + Clone + Send + Sync + 'static,
) -> Router {
    log::set_up();
    let answer = move || {
        let answer = answer();
        async move { answer }
    };
    Router::new().fallback(answer).layer(layer)
}

/// A POST with a message.
fn post(name: &str, target: &str, message: impl Into<String>) -> Request {
    let request = http::Request::post(target)
        .header("authorization", format!("Bearer {name}"))
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json");
    request.body(Body::from(message.into())).unwrap()
}

/// A GET of an event stream.
fn get_stream(name: &str, target: &str) -> Request {
    get(target, &[("authorization", &format!("Bearer {name}")), ("accept", "text/event-stream")])
}

fn call(tool: &str, id: impl std::fmt::Display) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"x":"hunter2"}}}}}}"#
    )
}

/// What `ci` is answered to a list request, if the server answers with this JSON.
async fn json_for_ci(message: &'static str, answer: &str) -> TestResponse {
    let answer = answer.to_owned();
    let app = answering(layer(policy()), move || ([JSON], answer.clone()));
    send(app, post("ci", "/mcp", message)).await
}

/// The response to a request whose answer is an event stream in these chunks.
async fn streamed(
    layer: McpAuthLayer<Bearer>,
    request: Request,
    chunks: impl IntoIterator<Item = &[u8]>,
) -> (String, End) {
    let chunks: Vec<_> = chunks.into_iter().map(Bytes::copy_from_slice).collect();
    let answer = move || {
        let chunks = chunks.clone().into_iter().map(Ok::<_, Infallible>);
        ([EVENT_STREAM], Body::from_stream(futures::stream::iter(chunks)))
    };
    let response = answering(layer, answer).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    Client(response.into_body()).read().await
}

/// The answer to a request with a list of these tools, whose elements have members that the layer does not know.
fn tools_answer(tools: &[&str]) -> String {
    let tools: Vec<_> = tools.iter().map(|tool| element("name", tool)).collect();
    format!(
        "{{\"jsonrpc\":\"2.0\", \"x\":1e999, \"result\" : {{\"nextCursor\":\"c\", \"tools\": [ {} ] ,\
         \"_meta\":{{\"tools\":[{{\"name\":\"delete\"}}]}}, \"zz\":\"\\ud800\"}}, \"id\":1}}",
        tools.join(" ,  ")
    )
}

fn element(member: &str, name: &str) -> String {
    format!(r#"{{"y": [1, {{}}],"{member}" : "{name}", "inputSchema":{{"type":"object"}} }}"#)
}

/// Whether a body that a client reads as it comes has ended.
#[derive(Debug, PartialEq)]
enum End {
    Open,
    Complete,
    Failed,
}

/// A client that reads a response as it comes.
struct Client(Body);

impl Client {
    /// Returns what has come meanwhile.
    async fn read(&mut self) -> (String, End) {
        // The runtime lets a task receive so many messages and then no more until it yields.
        tokio::task::yield_now().await;
        let mut text = Vec::new();
        let end = loop {
            match self.0.frame().now_or_never() {
                None => break End::Open,
                Some(None) => break End::Complete,
                Some(Some(Err(_))) => break End::Failed,
                Some(Some(Ok(frame))) => text.extend(frame.into_data().expect("no trailers")),
            }
        };
        (String::from_utf8(text).expect("UTF-8"), end)
    }

    /// Returns what has come meanwhile of a stream that is open.
    async fn text(&mut self) -> String {
        let (text, end) = self.read().await;
        assert_eq!(end, End::Open, "after {text}");
        text
    }
}

/// A server of HTTP+SSE whose streams a test writes to.
#[derive(Clone)]
struct LegacyServer {
    endpoint: &'static str,
    streams: Arc<Mutex<Vec<UnboundedSender<String>>>>,
    posted: Arc<Mutex<Vec<String>>>,
}

impl LegacyServer {
    fn new(endpoint: &'static str) -> Self {
        log::set_up();
        Self { endpoint, streams: Arc::default(), posted: Arc::default() }
    }

    fn behind(&self, layer: McpAuthLayer<Bearer>) -> Router {
        let (opened, posted) = (self.clone(), self.clone());
        let open = move || async move {
            let (sender, events) = unbounded::<String>();
            sender
                .unbounded_send(format!("event: endpoint\ndata: {}\n\n", opened.endpoint))
                .unwrap();
            opened.streams.lock().unwrap().push(sender);
            ([EVENT_STREAM], Body::from_stream(events.map(Ok::<_, Infallible>)))
        };
        let accept = move |message: String| async move {
            posted.posted.lock().unwrap().push(message);
            (StatusCode::ACCEPTED, "Accepted").into_response()
        };
        Router::new().route("/events/sse", get_route(open)).fallback(accept).layer(layer)
    }

    /// Sends this on the stream that was opened last.
    fn send(&self, text: impl Into<String>) {
        let streams = self.streams.lock().unwrap();
        streams.last().expect("a stream").unbounded_send(text.into()).expect("it is open");
    }

    /// The messages that came since the last call.
    fn posted(&self) -> Vec<String> {
        std::mem::take(&mut self.posted.lock().unwrap())
    }
}

/// Opens a stream, and returns it with the target of its messages.
async fn open(app: &Router, name: &str) -> (Client, String) {
    let response: Response = app.clone().oneshot(get_stream(name, "/events/sse")).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut client = Client(response.into_body());
    let event = client.text().await;
    let url = event.strip_prefix("event: endpoint\ndata: ").expect("an endpoint").trim_end();
    let target = match url.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/').expect("a path")..],
        None => url,
    };
    (client, target.to_owned())
}

/// The event that brings a refusal over HTTP+SSE.
fn refusal(tool: &str, id: impl std::fmt::Display) -> String {
    format!("event: message\r\ndata: {}\r\n\r\n", refusal_json(tool, id))
}

fn refusal_json(tool: &str, id: impl std::fmt::Display) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32602,"message":"ci may not call the tool `{tool}`"}}}}"#
    )
}
