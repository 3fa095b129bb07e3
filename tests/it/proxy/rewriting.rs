//! Addresses of the upstream in responses: clients must not learn them and bypass the proxy.

use mcp_auth_layer::auth::Host;
use upstream_urls::{EndpointRewriter, UpstreamOrigin};

#[path = "../../../examples/common/local_hosts.rs"]
#[allow(dead_code)]
mod local_hosts;

#[path = "../../../examples/common/upstream_urls.rs"]
#[allow(dead_code)]
mod upstream_urls;

fn origin(url: &str) -> UpstreamOrigin {
    UpstreamOrigin::from_url(&url.parse().unwrap())
}

#[test]
fn urls_of_the_upstream_become_paths() {
    let cases = [
        ("http://tools.internal:9000", "http://tools.internal:9000/mcp/?a=b#c", "/mcp/?a=b#c"),
        ("http://tools.internal:9000", "HTTP://Tools.INTERNAL:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "//tools.internal:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "http://user:pw@tools.internal:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "http://tools.internal:9000", "/"),
        ("http://tools.internal:9000", "http://tools.internal:9000?a", "/?a"),
        // The path must not be parsed as another host.
        ("http://tools.internal:9000", "http://tools.internal:9000//evil/x", "/.//evil/x"),
        ("http://tools.internal", "http://tools.internal:80/x", "/x"),
        ("http://tools.internal:80", "http://tools.internal/x", "/x"),
        ("http://127.0.0.1:9000", "http://localhost:9000/x", "/x"),
        ("http://localhost:9000", "http://[::1]:9000/x", "/x"),
    ];
    for (upstream, url, path) in cases {
        assert_eq!(origin(upstream).strip_from(url).as_deref(), Some(path), "{url} of {upstream}");
    }
    for url in [
        "http://tools.internal:9001/x",
        "http://tools.internal/x",
        "https://tools.internal:9000/x",
        "http://tools.internal.evil:9000/x",
        "http://localhost:9000/x",
        "/x",
        "x",
        "",
        "///x",
    ] {
        assert_eq!(origin("http://tools.internal:9000").strip_from(url), None, "{url}");
    }
}

const EVENTS: &str = ": hello\n\nevent: ping\ndata: http://up:9/p\n\n\
    event: endpoint\r\ndata: http://up:9/messages?session_id=abc\r\n\r\n\
    data: http://UP:9/late\nevent:endpoint\nid: 1\n\n\
    event: endpoint\ndata: http://other:9/m\n\n\
    event: message\ndata: {\"a\":\"http://up:9/m\"}\n\ndata: http://up:9/half";

const REWRITTEN: &str = ": hello\n\nevent: ping\ndata: http://up:9/p\n\n\
    event: endpoint\r\ndata: /messages?session_id=abc\r\n\r\n\
    data: /late\nevent:endpoint\nid: 1\n\n\
    event: endpoint\ndata: http://other:9/m\n\n\
    event: message\ndata: {\"a\":\"http://up:9/m\"}\n\ndata: http://up:9/half";

#[test]
fn endpoint_events_are_rewritten_for_any_chunking() {
    for size in 1..=EVENTS.len() {
        let mut rewriter = EndpointRewriter::new(origin("http://up:9"));
        let mut out = Vec::new();
        for chunk in EVENTS.as_bytes().chunks(size) {
            out.extend(rewriter.rewrite(chunk));
        }
        out.extend(rewriter.finish());
        assert_eq!(String::from_utf8(out).unwrap(), REWRITTEN, "cut at {size}");
    }
}

#[test]
fn long_events_are_forwarded_without_buffering() {
    let mut rewriter = EndpointRewriter::new(origin("http://up:9"));
    let (mut sent, mut passed) = (0, 0);
    for _ in 0..1000 {
        sent += 1000;
        passed += rewriter.rewrite(&[b'x'; 1000]).len();
        assert!(sent - passed <= 8 * 1024, "{passed} of {sent}");
    }
    rewriter.rewrite(b"\nevent: endpoint\ndata: http://up:9/x\n\n");
    let next = rewriter.rewrite(b"event: endpoint\ndata: http://up:9/m\n\n");
    assert_eq!(&next[..], b"event: endpoint\ndata: /m\n\n");
}

/// `--host-name` is parsed as a `Host`.
#[test]
fn host_name_option_accepts_what_the_layer_accepts() {
    for name in ["tools.example.com", "TOOLS:8000", "a_b", "10.0.0.1:1", "[::1]", "[fe80::1]:80"] {
        let host: Host = name.parse().unwrap();
        assert_eq!(host.to_string(), name.to_ascii_lowercase());
    }
    for name in [
        "",
        ":1",
        "a:",
        "a:x",
        "a:99999",
        "[abc]",
        "[::zz]",
        "[127.0.0.1]",
        "[::1",
        "::1",
        "a b",
        "a/b",
        "http://a",
        "user@a",
        "a,b",
        "*.a",
        "a:1:2",
    ] {
        assert!(name.parse::<Host>().is_err(), "{name:?}");
    }
}
