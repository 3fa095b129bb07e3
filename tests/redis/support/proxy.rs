//! A TCP proxy that can fail.

use std::net::Ipv4Addr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A proxy between clients and a port of the loopback interface. It ends when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    state: watch::Sender<State>,
    /// How many connections clients opened so far.
    connections: AtomicU64,
    /// How many of them are open.
    open: AtomicU64,
    /// How many bytes went either way.
    bytes: AtomicU64,
    /// Both directions, if they are captured.
    captured: Option<Mutex<Vec<u8>>>,
}

/// Connections are numbered from one on.
#[derive(Clone, Copy, Default)]
struct State {
    /// Nothing is forwarded.
    is_stalled: bool,
    /// Connections up to this one are closed.
    cut: u64,
    /// Connections up to this one stay open, and nothing is forwarded any more.
    lost: u64,
}

impl Proxy {
    /// Starts a proxy to this port.
    pub async fn start(port: u16) -> Self {
        Self::with_capture(port, None).await
    }

    /// Starts a proxy to this port that captures what it forwards.
    pub async fn capturing(port: u16) -> Self {
        Self::with_capture(port, Some(Mutex::default())).await
    }

    async fn with_capture(server: u16, captured: Option<Mutex<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (state, _) = watch::channel(State::default());
        let (connections, open, bytes) = Default::default();
        let shared = Arc::new(Shared { state, connections, open, bytes, captured });
        let accepting = tokio::spawn(accept(listener, server, shared.clone()));
        Self { port, shared, accepting }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of the Redis server behind the proxy.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Forwards nothing until [`heal`](Self::heal). All connections stay open, new ones are accepted, and what
    /// was sent meanwhile is forwarded later.
    pub fn stall(&self) {
        self.shared.state.send_modify(|state| state.is_stalled = true);
    }

    /// Forwards nothing until [`heal`](Self::heal), and nothing on the connections of before after it, as if a
    /// firewall forgot them.
    pub fn black_hole(&self) {
        let lost = self.connections();
        self.shared.state.send_modify(|state| (state.is_stalled, state.lost) = (true, lost));
    }

    /// Forwards again.
    pub fn heal(&self) {
        self.shared.state.send_modify(|state| state.is_stalled = false);
    }

    /// Closes all connections. New ones are accepted.
    pub fn cut(&self) {
        let cut = self.connections();
        self.shared.state.send_modify(|state| state.cut = cut);
    }

    /// Returns how many connections clients opened so far.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Relaxed)
    }

    /// Returns how many connections are open.
    pub fn open_connections(&self) -> u64 {
        self.shared.open.load(Relaxed)
    }

    /// Returns how many bytes went either way.
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Relaxed)
    }

    /// Returns what was forwarded, in both directions.
    ///
    /// # Panics
    ///
    /// If the proxy does not capture it.
    pub fn captured(&self) -> Vec<u8> {
        let captured = self.shared.captured.as_ref().expect("the proxy captures");
        captured.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: u16, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, Relaxed) + 1;
        tokio::spawn(forward(client, server, number, shared.clone()));
    }
}

async fn forward(client: TcpStream, server: u16, number: u64, shared: Arc<Shared>) {
    shared.open.fetch_add(1, Relaxed);
    let mut state = shared.state.subscribe();
    tokio::select! {
        _ = exchange(client, server, number, &shared) => {}
        _ = state.wait_for(|state| number <= state.cut) => {}
    }
    shared.open.fetch_sub(1, Relaxed);
}

async fn exchange(
    client: TcpStream,
    server: u16,
    number: u64,
    shared: &Shared,
) -> std::io::Result<()> {
    shared.until_open(number).await;
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // A Redis connection has no use for half of it.
    tokio::select! {
        result = copy(from_client, to_server, number, shared) => result,
        result = copy(from_server, to_client, number, shared) => result,
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: u64,
    shared: &Shared,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let result = from.read(&mut buffer).await;
        shared.until_open(number).await; // the end of a connection is not forwarded either
        let length = result?;
        if length == 0 {
            return Ok(());
        }
        shared.bytes.fetch_add(length as u64, Relaxed);
        if let Some(captured) = &shared.captured {
            captured
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&buffer[..length]);
        }
        to.write_all(&buffer[..length]).await?;
    }
}

impl Shared {
    /// Waits until a connection is forwarded.
    async fn until_open(&self, number: u64) {
        let mut state = self.state.subscribe();
        // The sender is a field of this struct, so it is not closed.
        let _ = state.wait_for(|state| !state.is_stalled && number > state.lost).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use redis::{RedisResult, cmd};
    use tokio::time::timeout;

    use super::super::{RedisServer, connect, eventually};
    use super::*;

    #[tokio::test]
    async fn a_stalled_proxy_forwards_later_and_a_black_hole_never() {
        let server = RedisServer::start(&[]).await;
        let proxy = Proxy::capturing(server.port()).await;
        let mut connection = connect(&proxy.url()).await;
        let is_answered = async |connection: &mut _| {
            let ping = cmd("PING");
            let answer =
                timeout(Duration::from_millis(300), ping.query_async::<String>(connection)).await;
            answer.is_ok_and(|answer| answer.is_ok())
        };
        assert!(is_answered(&mut connection).await);
        proxy.stall();
        assert!(!is_answered(&mut connection).await);
        proxy.heal();
        assert!(is_answered(&mut connection).await);
        proxy.black_hole();
        proxy.heal();
        assert!(!is_answered(&mut connection).await);
        assert!(is_answered(&mut connect(&proxy.url()).await).await);
        assert_eq!(proxy.connections(), 2);
        assert!(proxy.captured().windows(4).any(|bytes| bytes == b"PONG"));
    }

    #[tokio::test]
    async fn a_cut_closes_connections_and_new_ones_work() {
        let server = RedisServer::start(&[]).await;
        let proxy = Proxy::start(server.port()).await;
        let mut connection = connect(&proxy.url()).await;
        proxy.cut();
        eventually("the connection is closed", async || proxy.open_connections() == 0).await;
        let answer: RedisResult<String> = cmd("PING").query_async(&mut connection).await;
        assert!(answer.is_err());
        let answer: RedisResult<String> =
            cmd("PING").query_async(&mut connect(&proxy.url()).await).await;
        assert_eq!(answer.unwrap(), "PONG");
        assert!(proxy.bytes() > 0);
    }
}
