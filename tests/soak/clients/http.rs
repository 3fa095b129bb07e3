//! HTTP as bytes over sockets, so that a client can have any address of loopback, vanish, or send half of a request. Each
//! request has a connection of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long an answer may take, on a slow machine as well.
const PATIENCE: Duration = Duration::from_secs(30);
/// A stream that has no event for so long is broken: there is one in 15 seconds.
const SILENCE: Duration = Duration::from_secs(90);
/// How much of an answer is read.
const LONGEST: usize = 16 * 1024;

/// The answer to a request.
#[derive(Debug, Default)]
pub struct Reply {
    /// `None` if the connection ended, or nothing came in time.
    pub status: Option<u16>,
    pub body: String,
}

/// Connects from an address of loopback.
pub async fn connect(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request, and reads the answer until the connection ends.
pub async fn exchange(from: Ipv4Addr, to: SocketAddr, request: &[u8]) -> Reply {
    let answer = timeout(PATIENCE, async {
        let mut stream = connect(from, to).await?;
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        stream.take(LONGEST as u64).read_to_end(&mut answer).await?;
        io::Result::Ok(answer)
    });
    let Ok(Ok(answer)) = answer.await else { return Reply::default() };
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Reply { status: status(head), body: body.to_owned() }
}

/// Returns the status in the head of an answer.
fn status(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// An event stream whose first event has come.
pub struct Events(TcpStream);

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Ended,
    Silent,
}

impl Events {
    /// Opens a stream.
    ///
    /// # Errors
    ///
    /// The answer, if it is not a stream whose first event has this text.
    pub async fn open(
        from: Ipv4Addr,
        to: SocketAddr,
        request: &[u8],
        text: &str,
    ) -> Result<Self, Reply> {
        let mut answer = Vec::new();
        let opened = timeout(PATIENCE, async {
            let mut stream = connect(from, to).await?;
            stream.write_all(request).await?;
            while !has_event(&answer) && answer.len() < LONGEST {
                if stream.read_buf(&mut answer).await? == 0 {
                    break;
                }
            }
            io::Result::Ok(stream)
        });
        let opened = opened.await;
        let answer = String::from_utf8_lossy(&answer);
        let reply = Reply { status: status(&answer), body: answer.clone().into_owned() };
        match opened {
            Ok(Ok(stream)) if reply.status == Some(200) && has_data(&answer, text) => {
                Ok(Self(stream))
            }
            _ => Err(reply),
        }
    }

    /// Reads until the stream ends, or has no event for too long.
    pub async fn ended(&mut self) -> Ended {
        let mut buffer = [0; 256];
        loop {
            match timeout(SILENCE, self.0.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => return Ended::Ended,
                Ok(Ok(_)) => {}
                Err(_) => return Ended::Silent,
            }
        }
    }

    /// Closes the socket without notice: with a reset, or as a process does that ends.
    pub fn vanish(self, with_reset: bool) {
        if with_reset {
            let _ = self.0.set_zero_linger();
        }
    }
}

fn has_event(answer: &[u8]) -> bool {
    answer.windows(7).any(|bytes| bytes == b"\ndata: ") && answer.ends_with(b"\n\r\n")
        || !answer.starts_with(b"HTTP/1.1 200")
            && answer.windows(4).any(|bytes| bytes == b"\r\n\r\n")
}

fn has_data(answer: &str, text: &str) -> bool {
    answer.lines().any(|line| line.strip_prefix("data: ") == Some(text))
}
