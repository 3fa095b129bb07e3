//! Refusals over real sockets: they reach the client, and say no more than they should.
//!
//! The kinds of fault: a refusal that is answered before the body was read, and lost with the
//! connection; text of strangers that is logged without an end; advice that stands where no client
//! shows it; a credential that came and was not recognized, reported as none.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::log::Log;
use common::{get, recorder, request, send};
use http::Method;
use mcp_auth_layer::{Bearer, McpAuthLayer, Rejection, RejectionKind, any_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tracing_subscriber::filter::LevelFilter;

fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer("tok").public_path("/health")
}

async fn serve(layer: McpAuthLayer<Bearer>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, recorder().0.layer(layer)).into_future());
    address
}

/// The head of an answer, and its body by `Content-Length`.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await.expect("the connection stays") == 0 {
            break;
        }
        text.push(byte[0]);
        if text.ends_with(b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text).to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            text.extend(body);
            break;
        }
    }
    String::from_utf8(text).unwrap()
}

const HEAD: &str = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n";

#[tokio::test]
async fn a_refused_request_whose_body_is_on_its_way_keeps_its_connection() {
    let address = serve(layer()).await;
    let chunk = vec![b'x'; 64 * 1024];
    for (framing, chunks) in [("Content-Length: 40", 0), ("Content-Length: 5242880", 80)] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{HEAD}{framing}\r\n\r\n").as_bytes()).await.unwrap();
        // Head and body come in two writes, as those of the SDKs.
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..chunks {
            stream.write_all(&chunk).await.expect("the whole body can be sent");
        }
        if chunks == 0 {
            stream.write_all(&chunk[..40]).await.unwrap();
        }
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
        assert!(refused.contains("the credential is wrong or has expired"), "{refused}");
        // The next request on this connection is served.
        let next = "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tok\r\n\r\n";
        stream.write_all(next.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn every_kind_of_refusal_reads_the_body_first() {
    let address = serve(layer()).await;
    for (head, status) in [
        ("POST /mcp HTTP/1.1\r\nHost: localhost\r\n", "401"),
        ("POST /register HTTP/1.1\r\nHost: localhost\r\n", "400"),
        ("POST /mcp HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n", "403"),
        ("POST /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n", "403"),
        (
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tok\r\n\
             Mcp-Session-Id: nobodys\r\n",
            "404",
        ),
        (
            "POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tok\r\n\
             Authorization: Bearer tok\r\n",
            "400",
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let framing = "Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(format!("{head}{framing}").as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let chunk = [b"10000\r\n".as_slice(), &vec![b'x'; 1 << 16], b"\r\n"].concat();
        for _ in 0..16 {
            stream.write_all(&chunk).await.expect("the whole body can be sent");
        }
        stream.write_all(b"0\r\n\r\n").await.unwrap();
        let refused = answer(&mut stream).await;
        assert!(refused.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {refused}");
        assert!(!refused.to_lowercase().contains("connection: close"), "{refused}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_waited_for() {
    let address = serve(layer()).await;
    // Stalled, and longer than the limit.
    for more in [0, 200] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(format!("{HEAD}Content-Length: 99999999\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let chunk = vec![b'x'; 64 * 1024];
        let (mut read, mut write) = stream.split();
        let sending = async {
            for _ in 0..more {
                if write.write_all(&chunk).await.is_err() {
                    break;
                }
            }
        };
        let reading = async {
            let mut text = [0; 12];
            read.read_exact(&mut text).await.map(|_| text)
        };
        let (_, read) = tokio::join!(sending, reading);
        // A client that goes on sending may see the connection end instead.
        if let Ok(text) = read {
            assert_eq!(&text, b"HTTP/1.1 401");
        } else {
            assert_eq!(more, 200);
        }
    }
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_refused_at_once() {
    let address = serve(layer()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{HEAD}Expect: 100-continue\r\nContent-Length: 40\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let refused = answer(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

#[tokio::test]
async fn what_strangers_say_is_cut_before_it_is_logged_or_answered() {
    let (log, _guard) = Log::start(LevelFilter::TRACE);
    let app = recorder().0.layer(layer());
    let long = "x".repeat(60_000);
    let token = ("authorization", "Bearer tok");
    for (method, path, fields) in [
        (Method::GET, &*format!("/{long}"), vec![]),
        (Method::GET, &*format!("/{}", "%85".repeat(20_000)), vec![]),
        (Method::from_bytes(long.as_bytes()).unwrap(), "/", vec![]),
        (Method::from_bytes(long.as_bytes()).unwrap(), "/health", vec![]),
        (Method::GET, &*format!("/{long}"), vec![token]),
        (Method::GET, "/", vec![("host", "localhost"), ("origin", &*long)]),
        (Method::GET, "/", vec![("host", &*long), ("origin", "http://localhost")]),
        (Method::GET, "/", vec![("authorization", &*long)]),
        (Method::GET, "/", vec![token, ("mcp-session-id", &*long)]),
    ] {
        let answer = send(app.clone(), request(method, path, &fields)).await;
        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].len() < 1_000, "{} bytes logged", lines[0].len());
        assert!(answer.body.len() < 1_000, "{} bytes answered", answer.body.len());
    }
}

#[tokio::test]
async fn a_credential_that_is_not_recognized_is_told_apart_from_none() {
    let (log, _guard) = Log::start(LevelFilter::INFO);
    let both = any_of(
        Bearer::new([("ci", "tok")]).unwrap(),
        mcp_auth_layer::Basic::new([("a", "b")]).unwrap(),
    );
    let app = recorder().0.layer(McpAuthLayer::new(both));
    for credential in ["tok", "Token tok", "\"Bearer tok\"", "Bearer: tok", "Digest x"] {
        let answer = send(app.clone(), get("/", &[("authorization", credential)])).await;
        let rejection = answer.extensions.get::<Rejection>().unwrap();
        assert_eq!((answer.status.as_u16(), rejection.kind()), (401, RejectionKind::Unrecognized));
        assert!(answer.message().contains("Bearer, Basic"), "{}", answer.message());
        assert!(!answer.body.contains("tok"), "nothing of it is quoted");
        let lines = log.lines();
        assert!(lines[0].contains("unrecognized") && !lines[0].contains("tok"), "{lines:?}");
    }
    let answer = send(app, get("/", &[])).await;
    assert_eq!(answer.extensions.get::<Rejection>().unwrap().kind(), RejectionKind::Missing);
    assert!(log.lines()[0].contains("missing"));
}

#[tokio::test]
async fn a_registration_is_answered_in_the_form_that_clients_show() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    let register =
        |fields: &[(&str, &str)]| send(app.clone(), request(Method::POST, "/register", fields));
    let answer = register(&[]).await;
    assert_eq!(answer.status, 400);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["error"], "invalid_request");
    assert!(body["error_description"].as_str().unwrap().contains("configured in the client"));
    assert!(answer.challenges().is_empty());
    // With a wrong credential that is the better text, and with a right one the service answers.
    assert_eq!(register(&[("authorization", "Bearer wrong")]).await.status, 401);
    assert_eq!(seen.count(), 0);
    assert_eq!(register(&[("authorization", "Bearer tok")]).await.status, 200);
    // So it does where it has discovery documents.
    let inner = recorder().0.layer(layer().forward_discovery());
    assert_eq!(send(inner, request(Method::POST, "/register", &[])).await.status, 401);
}

#[tokio::test]
async fn discovery_behind_the_path_is_404() {
    let (app, seen) = recorder();
    let app = app.layer(layer());
    for path in [
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/oauth-protected-resource",
        "/a/b/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/mcp",
    ] {
        assert_eq!(send(app.clone(), get(path, &[])).await.status, 404, "{path}");
    }
    for path in [
        "/mcp/.well-known/other",
        "/mcp/.well-known/openid-configuration/x",
        "/a/../.well-known/openid-configuration",
    ] {
        assert_eq!(send(app.clone(), get(path, &[])).await.status, 401, "{path}");
    }
    assert_eq!(seen.count(), 0);
}
