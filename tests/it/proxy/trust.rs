//! What clients cannot influence through the proxy: where redirects lead, what the upstream trusts,
//! and which hosts are accepted.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::stream;
use http::StatusCode;
use reqwest::Method;
use tokio::net::TcpListener;

use crate::support::example_server::{ALICE, Events, Server, USERS, execute, run};

/// An upstream whose responses contain its own address.
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
async fn redirects_do_not_bypass_the_proxy() {
    let proxy = proxy(&upstream().await, &[]).await;
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().unwrap();
    for status in [201, 301, 302, 303, 307, 308] {
        for (query, location, content_location) in [
            ("", "/mcp/?a=b", "http://elsewhere.example/x"),
            ("?x", "http://elsewhere.example/x", "/mcp/?a=b"),
        ] {
            let request = client.post(format!("{}/{status}{query}", proxy.url));
            let response = execute(request.header("authorization", ALICE)).await;
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["location"], location);
            assert_eq!(response.headers()["content-location"], content_location);
        }
    }
}

#[tokio::test]
async fn endpoint_events_do_not_bypass_the_proxy() {
    let upstream = upstream().await;
    let proxy = proxy(&upstream, &[]).await;
    let request = proxy.request(Method::GET, "/sse").header("authorization", ALICE);
    let mut events = Events::of(execute(request).await);
    assert_eq!(events.next().await.unwrap(), ("ping".to_owned(), "1".to_owned()));
    let (event, url) = events.next().await.unwrap();
    assert_eq!(event, "endpoint");
    assert!(url.starts_with("/messages?session_id="), "{url}");
    assert_eq!(events.next().await.unwrap(), ("message".to_owned(), upstream));
}

#[tokio::test]
async fn headers_that_upstreams_trust_are_stripped() {
    let proxy = proxy(&upstream().await, &["--host-name", "evil.example"]).await;
    let sent = |start: &str, field: &str| {
        let close = "Connection: close\r\n\r\n";
        format!("{start} HTTP/1.1\r\nAuthorization: {ALICE}\r\n{field}\r\n{close}")
    };
    for start in ["GET /headers", "GET http://evil.example/headers"] {
        let response = proxy.raw(&sent(start, "Host: evil.example\r\nX-Kept: kept")).await;
        assert!(response.contains("\"kept\"") && !response.contains("evil"), "{response}");
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
        let response =
            proxy.raw(&sent("GET /headers", &format!("Host: localhost\r\n{name}: evil"))).await;
        assert!(response.starts_with("HTTP/1.1 200") && !response.contains("evil"), "{response}");
    }
}

#[tokio::test]
async fn proxy_on_loopback_accepts_configured_hosts_only() {
    let upstream = upstream().await;
    let unnamed = proxy(&upstream, &["--public-path", "/headers"]).await;
    let named = proxy(&upstream, &["--host-name", "tools.example.com"]).await;
    let status = async |proxy: &Server, host: &str| {
        let request = proxy.request(Method::GET, "/headers").header("authorization", ALICE);
        execute(request.header("host", host)).await.status().as_u16()
    };
    for own in ["localhost:1", "127.0.0.1", "[::1]:80"] {
        assert_eq!((status(&unnamed, own).await, status(&named, own).await), (200, 200), "{own}");
    }
    for foreign in ["tools.example.com", "TOOLS.example.com:8000"] {
        let got = (status(&unnamed, foreign).await, status(&named, foreign).await);
        assert_eq!(got, (403, 200), "{foreign}");
    }
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"]
    {
        let got = (status(&unnamed, foreign).await, status(&named, foreign).await);
        assert_eq!(got, (403, 403), "{foreign}");
    }
}

#[tokio::test]
async fn proxy_public_paths_have_no_principal() {
    let args = ["--public-path", "/headers", "--public-path", "/201"];
    let proxy = proxy(&upstream().await, &args).await;
    let request = proxy.request(Method::GET, "/headers").header("x-mcp-principal", "root");
    let open = execute(request).await;
    assert_eq!(open.status(), 200);
    assert!(!open.text().await.unwrap().contains("root"));
    for (path, status) in [("/201", 201), ("/headers/", 401), ("/sse", 401)] {
        assert_eq!(proxy.status(Method::GET, path, None).await, status, "{path}");
    }
    let output = run("proxy", ["--upstream", "http://h", "--public-path", "a?b"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
