//! The layer filters the lists in an event stream, and the updates of resources, as an oracle does that reads the
//! stream as a whole, wherever the stream is cut into chunks.

#![no_main]

use std::convert::Infallible;

use axum::body::Body;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use libfuzzer_sys::fuzz_target;
use mcp_auth_layer::policy::{Authorizer, Call, Decision, Target};
use mcp_auth_layer::{McpAuthLayer, Principal};
use mcp_auth_layer_fuzz::fragments;
use mcp_auth_layer_fuzz::runtime::block_on;
use oracle::Shown;
use policy::lists::Lists;
use policy::lists::classifier::{Classifier, MAX_UNDECIDED, Verdict};
use tower::{Layer, ServiceExt, service_fn};

#[allow(dead_code)]
#[path = "../../src/event_stream.rs"]
mod event_stream;
#[allow(dead_code)]
#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/policy/oracle/mod.rs"]
mod oracle;
#[path = "../../benches/harness/policy_parts.rs"]
mod policy;
#[allow(dead_code)]
#[path = "../../src/text.rs"]
mod text;

/// The fragments of streams: each byte from 0x80 on stands for one of these or for a cut between two chunks, and each
/// other byte for itself.
const FRAGMENTS: &[&[u8]] = &[
    b"\n",
    b"\r",
    b"\n\n",
    b"\r\n\r\n",
    b"data",
    b"data:",
    b"data: ",
    b"\ndata: ",
    b"data: {\"result\":{\"tools\":[{\"name\":\"a\"},{\"name\":\"b\"}]}}\n\n",
    b"data: {\"id\":1,\"result\":{\"content\":[]}}\n\n",
    b"data: {\"method\":\"x\"",
    b"data: {\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"a:1\"}}\n\n",
    b"data: {\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"b:1\"}}\n\n",
    b"data: {\"result\":{",
    b"\"tools\":[",
    b"\"resources\":[",
    b"\"content\":[",
    b"\"nextCursor\":\"\",",
    b",\"cacheScope\":\"public\"",
    b",\"ttlMs\":1",
    b"{\"name\":\"a\"}",
    b"{\"name\":\"b\"}",
    b",{\"name\":\"a\"}",
    b",{\"name\":\"b\"}",
    b",{\"uri\":\"a:1\"}",
    b"]}}",
    b"[{\"result\":{",
    b"}]",
    b"id",
    b"id: 1\n",
    b"event",
    b"event: endpoint\n",
    b": c\n",
    b"retry: 1\n",
    b"\"result\":{",
    b"\"t\\u006fols\":[",
    b"\"Tools\":[",
    b"\xEF\xBB\xBF",
    b"\xEF\xBB",
    b"\xFF",
    &[b' '; 500],
    &[b'x'; 500],
    &[b'x'; 33_000],
];

/// Shows what begins with an `a`.
struct BeginsWithA;

impl Authorizer for BeginsWithA {
    async fn authorize(&self, _: &Principal, _: &Call<'_>) -> Decision {
        Decision::allowed()
    }

    fn visible_now(&self, _: &Principal, targets: &[Target<'_>]) -> Option<Vec<bool>> {
        Some(targets.iter().map(|target| is_visible(target.name())).collect())
    }
}

fn is_visible(name: &str) -> bool {
    name.starts_with('a')
}

fuzz_target!(|data: &[u8]| {
    let mut text = Vec::new();
    let cuts = fragments::push_chunks(&mut text, data, 256, FRAGMENTS);
    let chunk = |cut: &[usize]| Ok::<_, Infallible>(text[cut[0]..cut[1]].to_vec());
    let chunks: Vec<_> = cuts.windows(2).map(chunk).collect();

    let inner = service_fn(move |_: Request<Body>| {
        let body = Body::from_stream(stream::iter(chunks.clone()));
        let response = Response::builder().header("content-type", "text/event-stream").body(body);
        async { Ok::<_, Infallible>(response.unwrap()) }
    });
    let layer = McpAuthLayer::bearer("token").authorize(BeginsWithA);
    // What is left of the stream is compared without the tags of IDs.
    let app = layer.danger_disable_session_binding().layer(inner);
    let request = Request::get("/sse").header("authorization", "Bearer token");
    let (out, is_all) = block_on(async {
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let mut data = response.into_body().into_data_stream();
        let mut out = Vec::new();
        while let Some(chunk) = data.next().await {
            let Ok(chunk) = chunk else { return (out, false) };
            out.extend(chunk);
        }
        (out, true)
    });
    let (expected, is_all_expected) = oracle::filtered_stream(&text, is_decided, show);
    let shown = |out: &[u8]| out.escape_ascii().to_string();
    assert_eq!(is_all, is_all_expected, "{} of {}", shown(&out), shown(&text));
    if is_all {
        assert_eq!(shown(&out), shown(&expected), "of {}", shown(&text));
    } else {
        // What the rewriter of IDs held is lost with the stream.
        assert!(expected.starts_with(&out), "{} of {}", shown(&out), shown(&text));
    }
});

fn verdict(data: &[u8]) -> Verdict {
    Classifier::new().push(&data[..data.len().min(MAX_UNDECIDED)])
}

fn is_decided(data: &[u8]) -> bool {
    verdict(data) != Verdict::Undecided
}

fn show(data: &[u8], is_whole: bool) -> Shown {
    match verdict(data) {
        Verdict::Undecided if is_whole || data.len() > MAX_UNDECIDED => {}
        Verdict::Undecided => return Shown::Unchanged,
        Verdict::Passing if !is_whole => return Shown::Unchanged,
        Verdict::Passing | Verdict::Whole => {}
    }
    let (Ok(text), Ok(lists)) = (str::from_utf8(data), Lists::read(data)) else {
        return Shown::Nothing;
    };
    if lists.is_update() {
        let is_shown = matches!(lists.targets(), [uri] if is_visible(uri.name()));
        return if is_shown { Shown::Unchanged } else { Shown::Skipped };
    }
    match oracle::filtered(text, &|_, name| is_visible(name)) {
        Some(filtered) if filtered == text => Shown::Unchanged,
        Some(filtered) => Shown::Changed(filtered.into_bytes()),
        None => Shown::Nothing,
    }
}
