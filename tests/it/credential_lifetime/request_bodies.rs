//! Request bodies: a handler that responded early stops receiving the body when the credential
//! expires or is revoked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::{BoxError, Router};
use futures::StreamExt;
use http::StatusCode;
use http::request::Parts;
use mcp_auth_layer::auth::{Revocation, authenticate_fn};
use mcp_auth_layer::{Authenticator, Bearer, McpAuthLayer, Rejection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::{alice, granting, revoked_by};
use crate::support::send;

/// The handler responds early and keeps reading the body.
#[tokio::test]
async fn no_body_bytes_are_delivered_after_revocation() {
    let received = Arc::new(Mutex::new((0, None)));
    let counted = received.clone();
    let app = axum::Router::new().fallback(move |request: Request| async move {
        // Responds at once; a separate task reads the body.
        tokio::spawn(async move {
            let mut body = request.into_body().into_data_stream();
            while let Some(piece) = body.next().await {
                match piece {
                    Ok(piece) => counted.lock().unwrap().0 += piece.len(),
                    Err(error) => counted.lock().unwrap().1 = Some(error.to_string()),
                }
            }
        });
        http::StatusCode::ACCEPTED
    });
    let tokens = Bearer::new([("ci", "tok")]).unwrap();
    let handle = tokens.handle();
    let app = app.layer(McpAuthLayer::new(tokens));
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<&str, BoxError>>();
    let request = http::Request::post("/").header("authorization", "Bearer tok");
    let response = send(app, request.body(Body::from_stream(receiver)).unwrap()).await;
    assert_eq!(response.status, 202);
    for _ in 0..10 {
        sender.unbounded_send(Ok("12345")).unwrap();
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(*received.lock().unwrap(), (50, None));
    assert!(handle.revoke("tok"));
    for _ in 0..10 {
        let _ = sender.unbounded_send(Ok("12345"));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (bytes, error) = received.lock().unwrap().clone();
    assert_eq!(bytes, 50, "nothing sent after the revocation");
    assert!(error.unwrap().contains("revoked"));
}

type Read = mpsc::UnboundedReceiver<Result<Bytes, String>>;

/// A server on a socket, and what its handler reads from the body.
async fn serve(layer: McpAuthLayer<impl Authenticator>) -> (TcpStream, Read) {
    let (sender, read) = mpsc::unbounded_channel();
    // The router lives as long as the server. `read` is closed at the end of the only body.
    let sender = Arc::new(Mutex::new(Some(sender)));
    let app = Router::new().fallback(move |request: Request| async move {
        let sender = sender.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            let mut body = request.into_body().into_data_stream();
            while let Some(piece) = body.next().await {
                let _ = sender.send(piece.map_err(|error| error.to_string()));
            }
        });
        StatusCode::ACCEPTED
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    tokio::spawn(axum::serve(listener, app.layer(layer)).into_future());
    (client, read)
}

/// Sends a head and the first chunk of a body.
async fn begin(client: &mut TcpStream, framing: &str) {
    let head = format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{framing}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let first = if framing.contains("chunked") { "5\r\nfirst\r\n" } else { "first" };
    client.write_all(first.as_bytes()).await.unwrap();
}

const CHUNKED: &str = "transfer-encoding: chunked";

#[tokio::test]
async fn request_body_ends_with_an_error_on_revocation() {
    for framing in [CHUNKED, "content-length: 1000"] {
        let revocation = Revocation::new();
        let (mut client, mut read) = serve(revoked_by(&revocation)).await;
        begin(&mut client, framing).await;
        let mut status = [0; 12];
        client.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 202");
        assert_eq!(read.recv().await.unwrap().unwrap(), "first");
        revocation.revoke();
        // The next chunk must not be read. It is also correct if it can no longer be sent.
        let _ = client.write_all(b"6\r\nsecond\r\n").await;
        let error = read.recv().await.unwrap().unwrap_err();
        assert!(error.contains("revoked"), "{framing}: {error}");
        assert!(read.recv().await.is_none());
    }
}

#[tokio::test]
async fn request_body_ends_with_an_error_on_expiry() {
    let soon = authenticate_fn(|_: &Parts| async {
        let time = SystemTime::now() + Duration::from_millis(500);
        Ok::<_, Rejection>(alice().expires_at(time))
    });
    let (mut client, mut read) = serve(McpAuthLayer::new(soon)).await;
    begin(&mut client, CHUNKED).await;
    let mut pieces = Vec::new();
    let to_the_end = async {
        while let Some(piece) = read.recv().await {
            pieces.push(piece);
        }
    };
    // The client keeps its side of the connection open.
    let ended = tokio::time::timeout(Duration::from_secs(60), to_the_end).await;
    ended.expect("the body ends without the client");
    let error = pieces.pop().unwrap().unwrap_err();
    assert!(error.contains("expired"), "{error}");
    assert!(pieces.iter().all(Result::is_ok), "{pieces:?}");
    drop(client);
}

#[tokio::test]
async fn request_body_is_complete_while_the_credential_is_valid() {
    let never = Revocation::new();
    for is_bounded in [true, false] {
        let never = never.clone();
        let layer =
            granting(move || if is_bounded { alice().revoked_by(never.clone()) } else { alice() });
        let (mut client, mut read) = serve(layer).await;
        begin(&mut client, CHUNKED).await;
        client.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
        let mut whole = Vec::new();
        while let Some(piece) = read.recv().await {
            whole.extend(piece.unwrap());
        }
        assert_eq!(whole, b"firstsecond");
    }
}
