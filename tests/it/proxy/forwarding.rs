//! Requests and responses through the proxy.

use std::sync::atomic::Ordering::SeqCst;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::Redirect;
use axum::routing::{any, get};
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use http::StatusCode;
use http::header::AUTHORIZATION;
use reqwest::Method;
use serde_json::{Value, json};

use super::{proxy, recorded, recorder};
use crate::example_servers::{METHODS, assert_every_method_requires_credentials};
use crate::support::example_server::{ALICE, CI, INVALID, USERS, execute, in_time};
use crate::support::{UnusedPort, serve};

#[tokio::test]
async fn proxy_protects_every_method_of_every_path() {
    let (upstream, count) = recorder().await;
    let proxy = proxy(&upstream, &USERS).await;
    for path in ["/", "/health", "/sse", "/mcp", "/messages/?session_id=x", "/.well-known/x"] {
        for method in METHODS {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let status = proxy.status(method.clone(), path, None).await;
            assert_eq!(status, 401, "{method} {path}");
        }
        for wrong in INVALID {
            assert_eq!(proxy.status(Method::POST, path, Some(wrong)).await, 401);
        }
        // Preflights are exempt in the layer, but not in the proxy.
        let preflight = proxy.request(Method::OPTIONS, path);
        let preflight = preflight.header("access-control-request-method", "POST");
        let preflight = preflight.header("origin", "https://evil.example");
        assert_eq!(execute(preflight).await.status(), 401);
    }
    assert_eq!(count.load(SeqCst), 0, "nothing reached the upstream");
    assert_every_method_requires_credentials(&proxy, &["/health", "/a/b?c"]).await;
    assert_ne!(count.load(SeqCst), 0);
}

#[tokio::test]
async fn proxy_sets_the_principal_header_and_strips_forged_ones() {
    let (upstream, _) = recorder().await;
    let proxy = proxy(&upstream, &USERS).await;
    let (received, headers) = recorded(
        &proxy,
        &format!(
            "POST /a//b/%2e%2E;x?q=%20&r HTTP/1.1\r\n\
             Host: localhost:8000\r\n\
             Authorization: {CI}\r\n\
             X-Mcp-Principal: root\r\n\
             x-mcp-principal: root2\r\n\
             X_Mcp_Principal: root3\r\n\
             X-MCP_PRINCIPAL: root4\r\n\
             X.Mcp.Principal: root5\r\n\
             Connection: close, X-Mcp-Principal, X-Private\r\n\
             Connection: authorization, x-mcp-session-hint\r\n\
             X-Private: gone\r\n\
             X-Mcp-Session-Hint: gone\r\n\
             Keep-Alive: timeout=5\r\n\
             Proxy-Connection: keep-alive\r\n\
             Proxy-Authorization: Basic cm9vdDpyb290\r\n\
             TE: gzip\r\n\
             Trailer: X-T\r\n\
             Upgrade: websocket\r\n\
             X-Forwarded-For: 6.6.6.6\r\n\
             X-Forwarded-Host: evil.example\r\n\
             X_Forwarded_Proto: https\r\n\
             X-Forwarded-Prefix: /evil\r\n\
             Forwarded: for=6.6.6.6\r\n\
             X-Real-IP: 6.6.6.6\r\n\
             X-Original-URL: /evil\r\n\
             X-Rewrite-URL: /evil\r\n\
             Origin: http://localhost:8000\r\n\
             Mcp-Protocol-Version: 2025-06-18\r\n\
             Accept: text/event-stream\r\n\
             Cookie: a=b\r\n\
             Content-Length: 0"
        ),
    )
    .await;
    assert_eq!(
        (&received["method"], &received["target"]),
        (&json!("POST"), &json!("/a//b/%2e%2E;x?q=%20&r"))
    );
    let mut names: Vec<_> = headers.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "content-length",
            "cookie",
            "forwarded",
            "host",
            "mcp-protocol-version",
            "x-forwarded-for",
            "x-mcp-principal",
        ]
    );
    assert_eq!(headers["x-mcp-principal"], ["ci"]);
    assert_eq!(headers["host"], [upstream.strip_prefix("http://").unwrap()]);
    assert_eq!(headers["x-forwarded-for"], ["127.0.0.1"]);
    assert_eq!(headers["forwarded"], ["for=127.0.0.1"]);
}

#[tokio::test]
async fn principal_header_is_percent_encoded() {
    let (upstream, _) = recorder().await;
    let names = [("Łukasz", "%C5%81ukasz"), ("a b", "a%20b"), ("a%20b,c", "a%2520b%2Cc")];
    let users = names.map(|(name, _)| format!("--user={name}:password"));
    let proxy = proxy(&upstream, &users.each_ref().map(String::as_str)).await;
    for (name, encoded) in names {
        let request = proxy.request(Method::GET, "/").basic_auth(name, Some("password"));
        let received: Value = execute(request).await.json().await.unwrap();
        let received = received["headers"].as_array().unwrap().clone();
        let received: Vec<_> =
            received.iter().filter(|pair| pair[0] == "x-mcp-principal").collect();
        assert_eq!(received, [&json!(["x-mcp-principal", encoded])]);
    }
}

#[tokio::test]
async fn proxy_forwards_only_paths() {
    let (upstream, _) = recorder().await;
    let named = ["--host-name", "evil.example"];
    let proxy = proxy(&upstream, &[&USERS[..], &named].concat()).await;
    let rest = format!(
        "HTTP/1.1\r\nHost: localhost\r\nAuthorization: {ALICE}\r\nConnection: close\r\n\r\n"
    );
    for start in ["OPTIONS *", "CONNECT evil.example:80"] {
        let response = proxy.raw(&format!("{start} {rest}")).await;
        assert!(response.starts_with("HTTP/1.1 400 "), "{start}: {response}");
    }
    let response = proxy.raw(&format!("GET http://evil.example/x {rest}")).await;
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains(r#""/x""#), "{response}");
}

#[tokio::test]
async fn proxy_streams_in_both_directions() {
    // The upstream echoes the body as it arrives.
    let echo = any(|request: Request| async { request.into_body() });
    let upstream = serve(Router::new().route("/echo", echo)).await;
    let proxy = proxy(&upstream, &USERS).await;
    let (mut sender, receiver) = mpsc::channel::<Bytes>(1);
    let body = reqwest::Body::wrap_stream(receiver.map(Ok::<_, std::io::Error>));
    let request = proxy.request(Method::POST, "/echo").header(AUTHORIZATION, ALICE).body(body);
    sender.send("one".into()).await.unwrap();
    let mut response = execute(request).await;
    assert_eq!(response.status(), 200);
    for next in ["two", "three"] {
        let chunk = in_time("a chunk", response.chunk()).await.unwrap().unwrap();
        assert!(!chunk.is_empty());
        sender.send(next.into()).await.unwrap();
    }
    drop(sender);
    let rest = in_time("the end of the body", response.text()).await.unwrap();
    assert_eq!(rest, "three");
}

#[tokio::test]
async fn proxy_forwards_responses_unchanged() {
    let app = Router::new()
        .route("/teapot", get(|| async { (StatusCode::IM_A_TEAPOT, [("x-own", "1")], "short") }))
        .route("/away", get(|| async { Redirect::to("/elsewhere") }))
        .route(
            "/refused",
            get(|| async { (StatusCode::UNAUTHORIZED, [("www-authenticate", "Own")]) }),
        )
        .route("/hops", get(|| async { ([("keep-alive", "timeout=5"), ("x-own", "2")], "hops") }));
    let proxy = proxy(&serve(app).await, &USERS).await;
    let get = async |path: &str| {
        let request = proxy.request(Method::GET, path).header(AUTHORIZATION, ALICE);
        execute(request).await
    };
    let teapot = get("/teapot").await;
    assert_eq!(
        (teapot.status().as_u16(), &teapot.headers()["x-own"]),
        (418, &"1".parse().unwrap())
    );
    assert_eq!(teapot.text().await.unwrap(), "short");
    assert_eq!(get("/refused").await.headers()["www-authenticate"], "Own");
    let hops = get("/hops").await;
    assert!(!hops.headers().contains_key("keep-alive") && hops.headers()["x-own"] == "2");
    let away = format!(
        "GET /away HTTP/1.1\r\nHost: localhost\r\nAuthorization: {ALICE}\r\nConnection: close\r\n\r\n"
    );
    let away = proxy.raw(&away).await;
    assert!(away.starts_with("HTTP/1.1 303") && away.contains("location: /elsewhere"), "{away}");
}

#[tokio::test]
async fn unreachable_upstream_is_502() {
    let unused = UnusedPort::reserve();
    let proxy = proxy(&unused.url(), &USERS).await;
    assert_eq!(proxy.status(Method::GET, "/", Some(ALICE)).await, 502);
    assert_eq!(proxy.status(Method::GET, "/", None).await, 401);
}
