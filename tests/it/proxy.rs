//! The `proxy` example: what must not get past it, in either direction.
//!
//! Kinds of fault: (F5) an address of the upstream reaches the client, who then goes past the proxy;
//! (A21) the client chooses what the upstream takes from its proxy: host, address, user, method;
//! (C-F3) the proxy takes the upstream's protection against DNS rebinding away, as it sets `Host`.

#[path = "../../examples/common/hosts.rs"]
#[allow(dead_code)]
mod hosts;
#[path = "../../examples/common/own_urls.rs"]
#[allow(dead_code)]
mod own_urls;

use std::convert::Infallible;

use crate::support::example_server::{ALICE, Events, Server, USERS, answer};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::stream;
use http::StatusCode;
use own_urls::{Endpoints, Origin};
use reqwest::Method;
use tokio::net::TcpListener;

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().unwrap())
}

#[test]
fn urls_of_the_own_origin_become_paths() {
    let cases = [
        ("http://tools.internal:9000", "http://tools.internal:9000/mcp/?a=b#c", "/mcp/?a=b#c"),
        ("http://tools.internal:9000", "HTTP://Tools.INTERNAL:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "//tools.internal:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "http://user:pw@tools.internal:9000/mcp", "/mcp"),
        ("http://tools.internal:9000", "http://tools.internal:9000", "/"),
        ("http://tools.internal:9000", "http://tools.internal:9000?a", "/?a"),
        // It must not become another host.
        ("http://tools.internal:9000", "http://tools.internal:9000//evil/x", "/.//evil/x"),
        ("http://tools.internal", "http://tools.internal:80/x", "/x"),
        ("http://tools.internal:80", "http://tools.internal/x", "/x"),
        ("http://127.0.0.1:9000", "http://localhost:9000/x", "/x"),
        ("http://localhost:9000", "http://[::1]:9000/x", "/x"),
    ];
    for (upstream, url, path) in cases {
        assert_eq!(origin(upstream).path_of(url).as_deref(), Some(path), "{url} of {upstream}");
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
        assert_eq!(origin("http://tools.internal:9000").path_of(url), None, "{url}");
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
fn endpoints_are_rewritten_however_the_stream_is_cut() {
    for size in 1..=EVENTS.len() {
        let mut endpoints = Endpoints::of(origin("http://up:9"));
        let mut out = Vec::new();
        for chunk in EVENTS.as_bytes().chunks(size) {
            out.extend(endpoints.rewrite(chunk));
        }
        out.extend(endpoints.finish());
        assert_eq!(String::from_utf8(out).unwrap(), REWRITTEN, "cut at {size}");
    }
}

#[test]
fn a_long_event_is_passed_on_and_not_held() {
    let mut endpoints = Endpoints::of(origin("http://up:9"));
    let (mut sent, mut passed) = (0, 0);
    for _ in 0..1000 {
        sent += 1000;
        passed += endpoints.rewrite(&[b'x'; 1000]).len();
        assert!(sent - passed <= 8 * 1024, "{passed} of {sent}");
    }
    endpoints.rewrite(b"\nevent: endpoint\ndata: http://up:9/x\n\n");
    let next = endpoints.rewrite(b"event: endpoint\ndata: http://up:9/m\n\n");
    assert_eq!(&next[..], b"event: endpoint\ndata: /m\n\n");
}

/// An upstream that names itself.
async fn upstream() -> String {
    async fn redirect(State(own): State<String>, request: Request) -> Response {
        let status: u16 = request.uri().path()[1..].parse().unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let own = format!("{own}/mcp/?a=b");
        let (field, foreign) = ("content-location", "http://elsewhere.example/x");
        let foreign = [("location", own.as_str()), (field, foreign)];
        let own = [(field, own.as_str()), ("location", foreign[1].1)];
        match request.uri().query() {
            Some(_) => (status, own).into_response(),
            None => (status, foreign).into_response(),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let events = format!(
        "event: ping\ndata: 1\n\nevent: endpoint\ndata: {own}/messages?session_id=abc\n\n\
         event: message\ndata: {own}\n\n"
    );
    let stream = move || {
        let bytes: Vec<_> = events.clone().into_bytes().chunks(7).map(<[u8]>::to_vec).collect();
        let chunks = bytes.into_iter().map(|chunk| Ok::<_, Infallible>(Bytes::from(chunk)));
        ([("content-type", "text/event-stream")], Body::from_stream(stream::iter(chunks)))
    };
    let headers = any(|request: Request| async move { format!("{:?}", request.headers()) });
    let app = Router::new()
        .route("/sse", get(async move || stream()))
        .route("/headers", headers)
        .fallback(redirect)
        .with_state(own.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    own
}

async fn proxy(upstream: &str, args: &[&str]) -> Server {
    Server::start("proxy", &[&["--upstream", upstream], &USERS[..], args].concat()).await
}

#[tokio::test]
async fn a_redirect_does_not_lead_past_the_proxy() {
    let proxy = proxy(&upstream().await, &[]).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for status in [201, 301, 302, 303, 307, 308] {
        for (query, location, content_location) in [
            ("", "/mcp/?a=b", "http://elsewhere.example/x"),
            ("?x", "http://elsewhere.example/x", "/mcp/?a=b"),
        ] {
            let request = client.post(format!("{}/{status}{query}", proxy.url));
            let answer = answer(request.header("authorization", ALICE)).await;
            assert_eq!(answer.status(), status);
            assert_eq!(answer.headers()["location"], location);
            assert_eq!(answer.headers()["content-location"], content_location);
        }
    }
}

#[tokio::test]
async fn an_endpoint_event_does_not_lead_past_the_proxy() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, &[]).await;
    let request = proxy.request(Method::GET, "/sse").header("authorization", ALICE);
    let mut events = Events::of(answer(request).await);
    assert_eq!(events.next().await.unwrap(), ("ping".to_owned(), "1".to_owned()));
    let (event, url) = events.next().await.unwrap();
    assert_eq!(event, "endpoint");
    assert!(url.starts_with("/messages?session_id="), "{url}");
    assert_eq!(events.next().await.unwrap(), ("message".to_owned(), upstream));
}

#[tokio::test]
async fn the_client_does_not_choose_what_the_upstream_believes() {
    let proxy = proxy(&upstream().await, &["--host-name", "evil.example"]).await;
    let sent = |start: &str, field: &str| {
        let close = "Connection: close\r\n\r\n";
        format!("{start} HTTP/1.1\r\nAuthorization: {ALICE}\r\n{field}\r\n{close}")
    };
    for start in ["GET /headers", "GET http://evil.example/headers"] {
        let answer = proxy.raw(&sent(start, "Host: evil.example\r\nX-Kept: kept")).await;
        assert!(answer.contains("\"kept\"") && !answer.contains("evil"), "{answer}");
    }
    for name in [
        "Remote-User",
        "REMOTE_USER",
        "X-Remote-User",
        "x.remote.groups",
        "True-Client-IP",
        "CF-Connecting-IP",
        "CF-Connecting-IPv6",
        "X-Client-IP",
        "X_HTTP_Method_Override",
        "X-Method-Override",
        "X-Auth-Request-Email",
        "X-Forwarded-User",
        "X-Original-Host",
    ] {
        let answer =
            proxy.raw(&sent("GET /headers", &format!("Host: localhost\r\n{name}: evil"))).await;
        assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("evil"), "{answer}");
    }
}

#[tokio::test]
async fn on_loopback_only_named_hosts_are_accepted() {
    let upstream = upstream().await;
    let bare = proxy(&upstream, &["--public-path", "/headers"]).await;
    let named = proxy(&upstream, &["--host-name", "tools.example.com"]).await;
    let status = async |proxy: &Server, host: &str| {
        let request = proxy.request(Method::GET, "/headers").header("authorization", ALICE);
        answer(request.header("host", host)).await.status().as_u16()
    };
    for own in ["localhost:1", "127.0.0.1", "[::1]:80"] {
        assert_eq!((status(&bare, own).await, status(&named, own).await), (200, 200), "{own}");
    }
    for foreign in ["tools.example.com", "TOOLS.example.com:8000"] {
        let got = (status(&bare, foreign).await, status(&named, foreign).await);
        assert_eq!(got, (403, 200), "{foreign}");
    }
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"]
    {
        let got = (status(&bare, foreign).await, status(&named, foreign).await);
        assert_eq!(got, (403, 403), "{foreign}");
    }
}

/// The kind: an option is checked by a looser rule than the layer's, which then panics.
#[test]
fn a_host_name_is_what_the_layer_takes() {
    for name in ["tools.example.com", "TOOLS:8000", "a_b", "10.0.0.1:1", "[::1]", "[fe80::1]:80"] {
        assert_eq!(hosts::host_name(name).as_deref(), Ok(name));
        let _ = mcp_auth_layer::McpAuthLayer::bearer("token").host(name); // does not panic
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
        assert!(hosts::host_name(name).is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn a_wrong_host_name_ends_the_servers_with_one_line() {
    for (name, host) in [("sse_server", ":1"), ("streamable_server", "[abc]"), ("proxy", "[::zz]")]
    {
        let upstream = ["--upstream", "http://127.0.0.1:9"];
        let upstream = if name == "proxy" { &upstream[..] } else { &[] };
        let args = [&["--port", "0", "--host-name", host], &USERS[..], upstream].concat();
        let said = crate::support::example_server::run(name, args).await;
        assert_eq!(said.status.code(), Some(2), "{name} {host}: {said:?}");
        let text = String::from_utf8(said.stderr).unwrap();
        assert!(text.starts_with("error: --host-name") && text.lines().count() == 1, "{text}");
        assert!(said.stdout.is_empty());
    }
}

#[tokio::test]
async fn public_paths_need_no_credential_and_name_nobody() {
    let args = ["--public-path", "/headers", "--public-path", "/201"];
    let proxy = proxy(&upstream().await, &args).await;
    let request = proxy.request(Method::GET, "/headers").header("x-mcp-principal", "root");
    let open = answer(request).await;
    assert_eq!(open.status(), 200);
    assert!(!open.text().await.unwrap().contains("root"));
    for (path, status) in [("/201", 201), ("/headers/", 401), ("/sse", 401)] {
        assert_eq!(proxy.status(Method::GET, path, None).await, status, "{path}");
    }
    let said = crate::support::example_server::run(
        "proxy",
        ["--upstream", "http://h", "--public-path", "a?b"],
    )
    .await;
    assert_eq!(said.status.code(), Some(2), "{said:?}");
}
