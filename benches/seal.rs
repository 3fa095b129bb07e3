//! What it costs that a session belongs to who opened it: a request that brings a session id, and
//! is answered with it, with sealing and without.
//!
//! ```sh
//! cargo bench --bench seal
//! ```

mod harness;

use std::convert::Infallible;
use std::future::ready;

use axum::body::Body;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Response;
use futures::stream;
use harness::{contender, measure, measuring, service};
use http::header::AUTHORIZATION;
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use mcp_auth_layer::{Bearer, McpAuthLayer};
use tower::{Layer, Service, service_fn};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7Xw";
const ID: &str = "6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53";

fn main() {
    let rounds = if measuring() { 4000 } else { 1 };
    let layer = McpAuthLayer::bearer(TOKEN);
    let mut sealing = layer.clone().layer(service_fn(echo));
    let sealed = harness::now(sealing.call(request(None))).expect("it cannot fail");
    let sealed = sealed.headers()["mcp-session-id"].clone();
    let bare = HeaderValue::from_static(ID);
    let shared = layer.clone().danger_disable_session_binding();

    let contenders = vec![
        service("sessions shared", StatusCode::OK, shared.layer(service_fn(echo)), || {
            request(Some(&bare))
        }),
        service("sessions sealed", StatusCode::OK, layer.layer(service_fn(echo)), || {
            request(Some(&sealed))
        }),
    ];
    measure("opened and sealed again", rounds, contenders);
    let contenders = vec![
        service("sessions shared", StatusCode::OK, shared.layer(service_fn(empty)), || {
            request(None)
        }),
        service("sessions sealed", StatusCode::OK, layer.layer(service_fn(empty)), || {
            request(None)
        }),
    ];
    measure("without a session", rounds, contenders);

    for (case, event) in [
        (
            "100 events with ids",
            "id: 1234/7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7,\"progress\":50}}\n\n",
        ),
        (
            "100 events without ids",
            "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7,\"progress\":50}}\n\n",
        ),
    ] {
        let events = move |_: Request| {
            let frames =
                (0..100).map(move |_| Ok::<_, Infallible>(Bytes::from_static(event.as_bytes())));
            let mut response = Response::new(Body::from_stream(stream::iter(frames)));
            response
                .headers_mut()
                .insert("content-type", HeaderValue::from_static("text/event-stream"));
            ready(Ok::<_, Infallible>(response))
        };
        let body = |layer: &McpAuthLayer<Bearer>| {
            let mut service = layer.layer(service_fn(events));
            harness::now(service.call(request(None))).expect("it cannot fail").into_body()
        };
        let read = |mut body: Body| while harness::now(body.frame()).is_some() {};
        measure(
            case,
            rounds / 10 + 1,
            vec![
                contender("sessions shared", || body(&shared), read),
                contender("sessions sealed", || body(&layer), read),
            ],
        );
    }
}

fn request(session: Option<&HeaderValue>) -> Request {
    let mut request = http::Request::post("/mcp")
        .header(AUTHORIZATION, format!("Bearer {TOKEN}"))
        .header("host", "127.0.0.1:8000")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("user-agent", "some-client/1.27.0")
        .header("mcp-protocol-version", "2025-11-25")
        .body(Body::empty())
        .expect("these are valid");
    if let Some(session) = session {
        request.headers_mut().insert("mcp-session-id", session.clone());
    }
    request
}

/// Answers with the session id, as MCP servers do.
fn echo(_: Request) -> impl Future<Output = Result<Response, Infallible>> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert("mcp-session-id", HeaderValue::from_static(ID));
    ready(Ok(response))
}

fn empty(_: Request) -> impl Future<Output = Result<Response, Infallible>> {
    ready(Ok(Response::new(Body::empty())))
}
