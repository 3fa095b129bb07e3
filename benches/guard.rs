//! Does one thing a fixed number of times, for a count of instructions: `benches/guard` runs it under callgrind.
//!
//! ```sh
//! cargo bench --bench guard -- CASE COUNT
//! ```

#[path = "harness/request.rs"]
mod request;

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use mcp_auth_layer::McpAuthLayer;
use request::request;
use tower::{Layer, Service, service_fn};

const TOKEN: &str = "rD3m0NfE5Yc0mKq1bWv7XwZb9tQ0sJw2uLx4hVn6pRa";
const ID: &str = "6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53";

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let case = arguments.next().unwrap_or_else(|| "accepted".to_owned());
    let count: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(10);
    let has_session = match case.as_str() {
        "accepted" | "rejected" => false,
        "session" => true,
        _ => panic!("the cases are accepted, rejected and session"),
    };
    let layer = McpAuthLayer::bearer(TOKEN);
    let mut service = layer.layer(service_fn(move |_: Request| {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if has_session {
            response.headers_mut().insert("mcp-session-id", HeaderValue::from_static(ID));
        }
        ready(Ok::<_, Infallible>(response))
    }));
    let token = if case == "rejected" { "wrong" } else { TOKEN };
    let mut head = request(Some(&format!("Bearer {token}")));
    if has_session {
        let response = answer(&mut service, Request::from_parts(head.clone(), Body::empty()));
        head.headers.insert("mcp-session-id", response.headers()["mcp-session-id"].clone());
    }
    for _ in 0..count {
        let request = Request::from_parts(head.clone(), Body::empty());
        black_box(answer(&mut service, request));
    }
}

fn answer<S>(service: &mut S, request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("nothing here has to wait"),
    }
}
