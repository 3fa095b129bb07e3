//! Requests that only a socket can carry: duplicate `Host`, absolute form, HEAD, HTTP/2.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use mcp_auth_layer::McpAuthLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{WELL_KNOWN, challenge, document, resource};
use crate::support::{recorder, serve};

const A: &str = "https://a.example/mcp";
const B: &str = "https://b.example/mcp";

async fn start() -> SocketAddr {
    let layer = McpAuthLayer::bearer("tok").resource(resource(A)).resource(resource(B));
    let url = serve(recorder().0.layer(layer)).await;
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// The response to one request, up to the end of the connection.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

#[tokio::test]
async fn duplicate_hosts_choose_among_configured_resources() {
    let address = start().await;
    let hosts = "Host: evil.example\r\nHost: b.example\r\nConnection: close\r\n\r\n";
    let response = exchange(address, &format!("GET /mcp HTTP/1.1\r\n{hosts}")).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    let metadata = format!("https://a.example{WELL_KNOWN}/mcp");
    assert!(response.contains(&challenge(&metadata)), "{response}");
    let response = exchange(address, &format!("GET {WELL_KNOWN} HTTP/1.1\r\n{hosts}")).await;
    assert!(response.ends_with(&document(A)), "{response}");
}

#[tokio::test]
async fn absolute_form_chooses_by_its_authority() {
    let address = start().await;
    let fields = "Host: a.example\r\nConnection: close\r\n\r\n";
    for (target, expected) in [("http://b.example", B), ("http://evil.example", A), ("", A)] {
        let request = format!("GET {target}{WELL_KNOWN}/mcp HTTP/1.1\r\n{fields}");
        let response = exchange(address, &request).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.ends_with(&document(expected)), "{response}");
    }
}

#[tokio::test]
async fn head_on_a_socket_announces_the_length_alone() {
    let address = start().await;
    let fields = "Host: a.example\r\nConnection: close\r\n\r\n";
    let response = exchange(address, &format!("HEAD {WELL_KNOWN} HTTP/1.1\r\n{fields}")).await;
    assert!(response.starts_with("HTTP/1.1 200") && response.ends_with("\r\n\r\n"), "{response}");
    assert!(response.contains(&format!("content-length: {}\r\n", document(A).len())), "{response}");
}

#[tokio::test]
async fn body_of_a_preflight_keeps_the_connection() {
    let address = start().await;
    let first = format!(
        "OPTIONS {WELL_KNOWN} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nGET /"
    );
    let second =
        format!("GET {WELL_KNOWN} HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n");
    let responses = exchange(address, &format!("{first}{second}")).await;
    assert!(responses.starts_with("HTTP/1.1 204"), "{responses}");
    assert!(responses.contains("HTTP/1.1 200") && responses.ends_with(&document(B)), "{responses}");
}

#[tokio::test]
async fn authority_of_http_2_chooses_the_resource() {
    let stream = TokioIo::new(TcpStream::connect(start().await).await.unwrap());
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    for (host, expected) in [("b.example", B), ("a.example", A), ("evil.example", A)] {
        let url = format!("http://{host}{WELL_KNOWN}/mcp");
        let request = Request::get(url).body(Empty::<Bytes>::new()).unwrap();
        let response = client.send_request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, document(expected), "{host}");
    }
}
