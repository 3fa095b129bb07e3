//! Measures what it costs to bind sessions to principals: a request with a session ID whose response
//! has it, too, with binding and without.
//!
//! ```sh
//! cargo bench --bench session_binding
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
    let mut binding = layer.clone().layer(service_fn(echo));
    let response = harness::now(binding.call(request(None))).expect("it cannot fail");
    let bound = response.headers()["mcp-session-id"].clone();
    let unbound = HeaderValue::from_static(ID);
    let disabled = layer.clone().danger_disable_session_binding();

    let contenders = vec![
        service("binding disabled", StatusCode::OK, disabled.layer(service_fn(echo)), || {
            request(Some(&unbound))
        }),
        service("sessions bound", StatusCode::OK, layer.layer(service_fn(echo)), || {
            request(Some(&bound))
        }),
    ];
    measure("verified and bound again", rounds, contenders);
    let contenders = vec![
        service("binding disabled", StatusCode::OK, disabled.layer(service_fn(empty)), || {
            request(None)
        }),
        service("sessions bound", StatusCode::OK, layer.layer(service_fn(empty)), || request(None)),
    ];
    measure("without a session", rounds, contenders);

    for (case, event) in [
        (
            "100 events with IDs",
            "id: 1234/7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7,\"progress\":50}}\n\n",
        ),
        (
            "100 events without IDs",
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
                contender("binding disabled", || body(&disabled), read),
                contender("sessions bound", || body(&layer), read),
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

/// Responds with the session ID, as MCP servers do.
fn echo(_: Request) -> impl Future<Output = Result<Response, Infallible>> {
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert("mcp-session-id", HeaderValue::from_static(ID));
    ready(Ok(response))
}

fn empty(_: Request) -> impl Future<Output = Result<Response, Infallible>> {
    ready(Ok(Response::new(Body::empty())))
}
