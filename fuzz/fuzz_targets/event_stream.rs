//! The layer binds the IDs in an event stream as the oracle does, which reads the stream as a whole,
//! wherever the stream is cut into chunks. The tags are computed here once more.

#![no_main]

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use futures_util::stream;
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::McpAuthLayer;
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::runtime::block_on;
use mcp_auth_layer_fuzz::session::{EVENT, KEY, SESSION, bound, is_blank, names_session};
use tower::{Layer, ServiceExt, service_fn};

#[path = "../../src/session/rewriter/oracle.rs"]
mod oracle;

/// The fragments of streams: each byte from 0x80 on stands for one of these or for a cut between two
/// chunks, and each other byte for itself.
const FRAGMENTS: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\n\n",
    b"\r\n\r\n",
    b"id",
    b"id: ",
    b"id: 1",
    b"data",
    b"data: ",
    b"data: /m?session_id=1",
    b"event",
    b"event: ",
    b"event: endpoint",
    b"event: message",
    b"endpoint",
    b": ping\n",
    b"retry: 1\n",
    b"https://example.com/m?",
    b"&session%5Fid=2",
    b";sessionId=",
    b"&session_id[0]=3",
    b"#",
    b"?",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xEF\xBB",
    b"\xFF",
    &[b'x'; 500],
    &[b'x'; 8160],
];

fuzz_target!(|data: &[u8]| {
    let mut text = Vec::new();
    let cuts = fragments::push_chunks(&mut text, data, 512, FRAGMENTS);
    let chunk = |cut: &[usize]| Ok::<_, Infallible>(text[cut[0]..cut[1]].to_vec());
    let chunks: Vec<_> = cuts.windows(2).map(chunk).collect();

    let inner = service_fn(move |_: Request<Body>| {
        let body = Body::from_stream(stream::iter(chunks.clone()));
        let response = Response::builder().header("content-type", "text/event-stream").body(body);
        async { Ok::<_, Infallible>(response.unwrap()) }
    });
    let app = McpAuthLayer::bearer("token")
        .session_key(SessionKey::try_from(&KEY[..]).unwrap())
        .layer(inner);
    let request = Request::get("/sse").header("authorization", "Bearer token");
    let out = block_on(async {
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        to_bytes(response.into_body(), usize::MAX).await.unwrap()
    });
    let expected = oracle::rewritten(&text, |id| bound(EVENT, id), endpoint);
    assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
});

/// Returns the URL with the session ID in its query bound, if there is exactly one in all of it.
fn endpoint(url: &[u8]) -> Vec<u8> {
    let fragment = url.iter().position(|&byte| byte == b'#').unwrap_or(url.len());
    let query = url[..fragment].iter().position(|&byte| byte == b'?');
    let query = query.map_or(fragment, |mark| mark + 1);
    let mut out = url[..query].to_vec();
    for pair in url[query..fragment].split_inclusive(|&byte| byte == b'&' || byte == b';') {
        let end = pair.strip_suffix(b"&").or(pair.strip_suffix(b";")).unwrap_or(pair).len();
        let equals = pair[..end].iter().position(|&byte| byte == b'=');
        let (name, value) = match equals {
            Some(equals) => (&pair[..equals], pair[equals + 1..end].trim_ascii_end()),
            None => (&pair[..end], &pair[end..end]),
        };
        if names_session(name) && !is_blank(value) {
            out.extend(&pair[..name.len() + 1]);
            out.extend(bound(SESSION, value));
            out.extend(&pair[name.len() + 1 + value.len()..]);
        } else {
            out.extend(pair);
        }
    }
    out.extend(&url[fragment..]);
    let parts = url.split(|byte| b"?#&;".contains(byte)).skip(1);
    let names = parts.map(|part| part.split(|&byte| byte == b'=').next().unwrap_or_default());
    if names.filter(|name| names_session(name)).count() == 1 { out } else { url.to_vec() }
}
