//! The request of the benchmarks.

use axum::extract::Request;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};

/// The head of a message as MCP clients send it.
pub fn request(authorization: Option<&str>) -> http::request::Parts {
    let mut request = Request::post("/mcp")
        .header(HOST, "127.0.0.1:8000")
        .header(CONTENT_TYPE, "application/json")
        .header(CONTENT_LENGTH, "0")
        .header(ACCEPT, "application/json, text/event-stream")
        .header(USER_AGENT, "some-client/1.27.0")
        .header("x-request-id", "6f1c4f0e-5a0b-4d3e-9a53-0d6a0b6a2a53")
        .header("mcp-protocol-version", "2025-11-25");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(()).expect("these are valid").into_parts().0
}
