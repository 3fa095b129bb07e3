//! A fake authorization server on this machine, for tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A response, as bytes of HTTP.
#[derive(Clone)]
pub(in crate::schemes::oauth) enum Answer {
    Bytes(Vec<u8>),
    /// The bytes, one every 100 ms after the head.
    Drip(Vec<u8>),
    /// Nothing, with the connection kept open.
    Silence,
    /// Nothing, with the connection closed.
    HangUp,
}

impl Answer {
    pub(in crate::schemes::oauth) fn status(
        status: u16,
        fields: &str,
        body: impl AsRef<[u8]>,
    ) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n{fields}\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub(in crate::schemes::oauth) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status(200, "", body)
    }
}

type Respond = dyn Fn(&str) -> Answer + Send + Sync;

/// It runs in the runtime of the test.
pub(in crate::schemes::oauth) struct FakeServer {
    pub(in crate::schemes::oauth) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeServer {
    /// Starts a server whose responses depend on the path.
    pub(in crate::schemes::oauth) async fn start(
        respond: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let respond: Arc<Respond> = Arc::new(respond);
        tokio::spawn({
            let requests = requests.clone();
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(serve(socket, requests.clone(), respond.clone()));
                }
            }
        });
        Self { url, requests }
    }

    /// Returns the requests since the last call, as text.
    pub(in crate::schemes::oauth) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    /// Returns the paths that were requested since the last call.
    pub(in crate::schemes::oauth) fn paths(&self) -> Vec<String> {
        self.requests().iter().map(|request| path(request).to_owned()).collect()
    }
}

fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

async fn serve(mut socket: TcpStream, requests: Arc<Mutex<Vec<String>>>, respond: Arc<Respond>) {
    let mut request = Vec::new();
    // All requests of these tests arrive in a few packets; a form ends with its marker.
    while !request.windows(4).any(|end| end == b"\r\n\r\n")
        || request.starts_with(b"POST") && !request.ends_with(b"end")
    {
        let mut buffer = [0; 4096];
        match socket.read(&mut buffer).await {
            Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
    let request = String::from_utf8(request).unwrap();
    let answer = respond(path(&request));
    requests.lock().unwrap().push(request);
    let _ = match answer {
        Answer::Bytes(bytes) => socket.write_all(&bytes).await,
        Answer::Drip(body) => drip(&mut socket, &body).await,
        Answer::Silence => socket.read_u8().await.map(drop),
        Answer::HangUp => Ok(()),
    };
}

async fn drip(socket: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await?;
    for byte in body {
        socket.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
