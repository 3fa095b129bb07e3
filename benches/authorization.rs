//! What authorization adds to the layer: nothing for a principal that may do everything, and for others the reading of
//! a message, or of a list.
//!
//! ```sh
//! cargo bench --bench authorization
//! ```
//!
//! Each service stands around one that does nothing. Building the requests is not timed; dropping them and the
//! responses is.

mod harness;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use harness::{answer, contender, measure, measuring, now, service};
use http::StatusCode;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use mcp_auth_layer::policy::{Policy, everything, principal, tools};
use mcp_auth_layer::{Bearer, McpAuthLayer};
use serde_json::{Value, json};
use tower::{Layer, Service, service_fn};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";

fn main() {
    let rounds = if measuring() { 2000 } else { 1 };
    calls(rounds);
    lists(rounds);
    streams(rounds.min(400));
}

fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer(TOKEN)
}

fn restricted() -> McpAuthLayer<Bearer> {
    let policy = Policy::new().allow(principal("bearer"), tools(["search", "tool_1*"]));
    layer().authorize(policy)
}

fn unrestricted() -> McpAuthLayer<Bearer> {
    layer().authorize(Policy::new().allow(principal("bearer"), everything()))
}

fn post(body: &Bytes) -> Request {
    http::Request::post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.clone()))
        .expect("a request")
}

fn nothing()
-> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send {
    service_fn(|_: Request| ready(Ok(Response::default())))
}

fn calls(rounds: usize) {
    let call = |arguments: Value| {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
            "name": "search", "arguments": arguments,
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {"name": "some-client", "version": "1.27.0"},
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "sampling": {}}}}})
    };
    let object = json!({"a": 1, "b": [true, null], "name": "some text", "d": {"e": 1.5}});
    for (name, message) in [
        (
            "a call",
            call(json!({"query": "authorization of servers", "limit": 10, "order": "date"})),
        ),
        ("a call with a long string", call(json!({"text": "x".repeat(65_200)}))),
        ("a call with many objects", call(json!({"list": vec![object; 1035]}))),
    ] {
        let body = Bytes::from(message.to_string());
        measure(
            &format!("{name}, {} bytes", body.len()),
            rounds,
            vec![
                service("no policy", StatusCode::OK, layer().layer(nothing()), || post(&body)),
                service("unrestricted", StatusCode::OK, unrestricted().layer(nothing()), || {
                    post(&body)
                }),
                service("restricted", StatusCode::OK, restricted().layer(nothing()), || {
                    post(&body)
                }),
            ],
        );
    }
    let refused =
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "delete"}});
    let body = Bytes::from(refused.to_string());
    measure(
        "a call that is refused",
        rounds,
        vec![
            service("no policy", StatusCode::OK, layer().layer(nothing()), || post(&body)),
            service("restricted", StatusCode::OK, restricted().layer(nothing()), || post(&body)),
        ],
    );
}

fn lists(rounds: usize) {
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}).to_string();
    let request = Bytes::from(request);
    for count in [20, 200] {
        let tool = |number: usize| {
            json!({"name": format!("tool_{number}"), "description": "Does something useful. ".repeat(5),
                "inputSchema": {"type": "object", "properties": {"text": {"type": "string"},
                    "limit": {"type": "integer", "minimum": 1}}, "required": ["text"]}})
        };
        let tools: Vec<_> = (0..count).map(tool).collect();
        let list = json!({"jsonrpc": "2.0", "id": 7, "result": {"tools": tools}}).to_string();
        let list = Bytes::from(list);
        let lists = |list: &Bytes| {
            let list = list.clone();
            service_fn(move |_: Request| {
                let response = http::Response::builder().header(CONTENT_TYPE, "application/json");
                ready(Ok::<_, Infallible>(
                    response.body(Body::from(list.clone())).expect("a response"),
                ))
            })
        };
        measure(
            &format!("a list of {count} tools, {} bytes", list.len()),
            rounds,
            vec![
                service("no policy", StatusCode::OK, layer().layer(lists(&list)), || {
                    post(&request)
                }),
                service("restricted", StatusCode::OK, restricted().layer(lists(&list)), || {
                    post(&request)
                }),
            ],
        );
    }
}

/// A stream of a thousand events that are no lists, each of them a chunk.
fn streams(rounds: usize) {
    let event = |number: usize| {
        Bytes::from(format!(
            "event: message\r\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":\
             {{\"progressToken\":7,\"progress\":{number},\"message\":\"working on it, some of it is done\"}}}}\r\n\r\n"
        ))
    };
    let events: Vec<_> = (0..1000).map(event).collect();
    let inner = service_fn(move |_: Request| {
        let chunks = events.clone().into_iter().map(Ok::<_, Infallible>);
        let response = http::Response::builder().header(CONTENT_TYPE, "text/event-stream");
        let body = Body::from_stream(futures::stream::iter(chunks));
        ready(Ok::<_, Infallible>(response.body(body).expect("a response")))
    });
    let request = || {
        http::Request::get("/mcp")
            .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
            .body(Body::empty())
            .expect("a request")
    };
    let read = |response: Response| {
        now(async {
            let mut body = response.into_body();
            let mut length = 0;
            while let Some(frame) = body.frame().await {
                length += frame.expect("no error").into_data().map_or(0, |data| data.len());
            }
            length
        })
    };
    let length = Cell::new(0);
    let mut no_policy = layer().layer(inner.clone());
    let mut policy = restricted().layer(inner);
    measure(
        "1,000 events of a GET",
        rounds,
        vec![
            contender("no policy", request, |request| {
                length.set(read(answer(&mut no_policy, request)));
            }),
            contender("restricted", request, |request| {
                assert_eq!(read(answer(&mut policy, request)), length.get());
            }),
        ],
    );
}
