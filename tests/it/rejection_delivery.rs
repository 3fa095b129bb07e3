//! Rejections over real sockets: the client receives the response, although it may still be sending
//! its body, and the connection can be reused.

use std::net::SocketAddr;
use std::time::Duration;

use mcp_auth_layer::layer::ExactPath;
use mcp_auth_layer::{Bearer, McpAuthLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::recorder;

fn layer() -> McpAuthLayer<Bearer> {
    McpAuthLayer::bearer("tok").public_path(ExactPath::from_static("/health"))
}

async fn serve(layer: McpAuthLayer<Bearer>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, recorder().0.layer(layer)).into_future());
    address
}

/// Reads a response: its head, and its body by `Content-Length`.
async fn read_response(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    loop {
        let mut byte = [0];
        if stream.read(&mut byte).await.expect("the connection stays open") == 0 {
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
async fn rejection_while_the_body_is_sent_keeps_the_connection() {
    let address = serve(layer()).await;
    let chunk = vec![b'x'; 64 * 1024];
    for (framing, chunks) in [("Content-Length: 40", 0), ("Content-Length: 5242880", 80)] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(format!("{HEAD}{framing}\r\n\r\n").as_bytes()).await.unwrap();
        // The SDKs send head and body in two writes.
        tokio::time::sleep(Duration::from_millis(50)).await;
        for _ in 0..chunks {
            stream.write_all(&chunk).await.expect("the whole body can be sent");
        }
        if chunks == 0 {
            stream.write_all(&chunk[..40]).await.unwrap();
        }
        let rejected = read_response(&mut stream).await;
        assert!(rejected.starts_with("HTTP/1.1 401"), "{rejected}");
        assert!(rejected.contains("the credential is wrong or has expired"), "{rejected}");
        // The next request on this connection is served.
        let next = "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer tok\r\n\r\n";
        stream.write_all(next.as_bytes()).await.unwrap();
        assert!(read_response(&mut stream).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn every_rejection_reads_the_body_first() {
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
        let rejected = read_response(&mut stream).await;
        assert!(rejected.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {rejected}");
        assert!(!rejected.to_lowercase().contains("connection: close"), "{rejected}");
    }
}

#[tokio::test]
async fn rejection_does_not_wait_for_an_endless_body() {
    let address = serve(layer()).await;
    // A body that stalls, and one that exceeds the limit.
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
        // A client that keeps sending may see the connection close instead.
        if let Ok(text) = read {
            assert_eq!(&text, b"HTTP/1.1 401");
        } else {
            assert_eq!(more, 200);
        }
    }
}

#[tokio::test]
async fn expect_100_continue_is_rejected_at_once() {
    let address = serve(layer()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{HEAD}Expect: 100-continue\r\nContent-Length: 40\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let rejected = read_response(&mut stream).await;
    assert!(rejected.starts_with("HTTP/1.1 401"), "{rejected}");
}
