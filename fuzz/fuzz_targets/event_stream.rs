//! The layer binds the IDs in an event stream as the oracle does, which reads the stream as a whole,
//! wherever the stream is cut into chunks. The tags are computed here once more.

#![no_main]

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::layer::SessionKey;
use mcp_auth_layer::McpAuthLayer;
use percent_encoding::percent_decode;
use sha2::Sha256;
use tower::{Layer, ServiceExt, service_fn};

#[path = "../../src/session/rewriter/oracle.rs"]
mod oracle;

const KEY: [u8; 32] = [7; 32];
const SESSION: &str = "session";
const EVENT: &str = "event";

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
    let (mut text, mut cuts) = (Vec::new(), vec![0]);
    for byte in &data[..data.len().min(512)] {
        match byte.checked_sub(0x80).map(|which| usize::from(which) % (FRAGMENTS.len() + 1)) {
            Some(0) => cuts.push(text.len()),
            Some(which) => text.extend(FRAGMENTS[which - 1]),
            None => text.push(*byte),
        }
    }
    cuts.push(text.len());
    let chunk = |cut: &[usize]| Ok::<_, Infallible>(text[cut[0]..cut[1]].to_vec());
    let chunks: Vec<_> = cuts.windows(2).map(chunk).collect();

    let inner = service_fn(move |_: Request<Body>| {
        let body = Body::from_stream(stream::iter(chunks.clone()));
        let response = Response::builder().header("content-type", "text/event-stream").body(body);
        async { Ok::<_, Infallible>(response.unwrap()) }
    });
    let app = McpAuthLayer::bearer("token").session_key(SessionKey::try_from(&KEY[..]).unwrap()).layer(inner);
    let request = Request::get("/sse").header("authorization", "Bearer token");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let out = runtime.block_on(async {
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        to_bytes(response.into_body(), usize::MAX).await.unwrap()
    });
    let expected = oracle::rewritten(&text, |id| bound(EVENT, id), endpoint);
    assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
});

/// Returns the ID with its tag for the principal `bearer`, which has no issuer. A blank ID is none.
fn bound(kind: &str, id: &[u8]) -> Vec<u8> {
    if id.trim_ascii().is_empty() {
        return id.to_vec();
    }
    let hmac = |key: &[u8], message: &[u8]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message);
        mac.finalize().into_bytes()
    };
    let key = hmac(&KEY, format!("mcp-auth-layer/v2 {kind}").as_bytes());
    let tag = hmac(&key, &[b"\0\x06bearer", id].concat());
    let mut bound = [id, b"."].concat();
    bound.extend(BASE64_URL_SAFE_NO_PAD.encode(&tag[..16]).bytes());
    bound
}

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
        let is_blank = percent_decode(value).all(|byte| byte.is_ascii_whitespace() || byte == b'+');
        if names_session(name) && !is_blank {
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

/// Returns whether this is a name of the session parameter: up to its end, a bracket or a NUL, of which
/// there may be several.
fn names_session(name: &[u8]) -> bool {
    let decoded: Vec<u8> = percent_decode(name).collect();
    let ends = (0..decoded.len()).filter(|&at| b"[]\0".contains(&decoded[at]));
    ends.chain([decoded.len()]).any(|end| {
        let letters = decoded[..end].iter().filter(|byte| byte.is_ascii_alphanumeric());
        letters.map(u8::to_ascii_lowercase).eq(*b"sessionid")
    })
}
