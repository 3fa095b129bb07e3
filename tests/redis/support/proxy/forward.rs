//! How the proxy forwards bytes.

use std::io::{Error, Result};
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Shared {
    pub state: watch::Sender<State>,
    /// How many connections clients opened so far.
    pub connections: AtomicU64,
    /// How many of them are open.
    pub open: AtomicU64,
    /// How many bytes went either way.
    pub bytes: AtomicU64,
    /// The connection of the next answer is closed instead.
    pub loses_answer: AtomicBool,
    /// Both directions, if they are captured.
    pub captured: Option<Mutex<Vec<u8>>>,
    /// A text in either direction, and what replaces it.
    pub rewritten: Option<(Vec<u8>, Vec<u8>)>,
}

/// Connections are numbered from one on.
#[derive(Clone, Copy)]
pub struct State {
    /// The port to which new connections are forwarded.
    pub server: u16,
    /// Nothing is forwarded.
    pub is_stalled: bool,
    /// Connections up to this one are closed.
    pub cut: u64,
    /// Connections up to this one stay open, and nothing is forwarded any more.
    pub lost: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Commands,
    Answers,
}

/// Accepts connections, and forwards them.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let number = shared.connections.fetch_add(1, Relaxed) + 1;
        tokio::spawn(forward(client, number, shared.clone()));
    }
}

async fn forward(client: TcpStream, number: u64, shared: Arc<Shared>) {
    shared.open.fetch_add(1, Relaxed);
    let mut state = shared.state.subscribe();
    tokio::select! {
        _ = exchange(client, number, &shared) => {}
        _ = state.wait_for(|state| number <= state.cut) => {}
    }
    shared.open.fetch_sub(1, Relaxed);
}

async fn exchange(client: TcpStream, number: u64, shared: &Shared) -> Result<()> {
    shared.until_open(number).await;
    let port = shared.state.borrow().server;
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // A Redis connection has no use for half of it.
    tokio::select! {
        result = shared.copy(from_client, to_server, number, Direction::Commands) => result,
        result = shared.copy(from_server, to_client, number, Direction::Answers) => result,
    }
}

impl Shared {
    pub fn new(server: u16) -> Self {
        let (state, _) = watch::channel(State { server, is_stalled: false, cut: 0, lost: 0 });
        Self {
            state,
            connections: AtomicU64::default(),
            open: AtomicU64::default(),
            bytes: AtomicU64::default(),
            loses_answer: AtomicBool::default(),
            captured: None,
            rewritten: None,
        }
    }

    async fn copy(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        number: u64,
        direction: Direction,
    ) -> Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let result = from.read(&mut buffer).await;
            self.until_open(number).await; // the end of a connection is not forwarded either
            let bytes = match result? {
                0 => return Ok(()),
                length => &mut buffer[..length],
            };
            if direction == Direction::Answers && self.loses_answer.swap(false, Relaxed) {
                return Err(Error::other("the answer is lost"));
            }
            self.rewrite(bytes);
            self.bytes.fetch_add(bytes.len() as u64, Relaxed);
            if let Some(captured) = &self.captured {
                captured.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            }
            to.write_all(bytes).await?;
        }
    }

    /// Replaces a text in what was read. What is sent on the same machine is read as a whole.
    fn rewrite(&self, bytes: &mut [u8]) {
        let Some((from, to)) = &self.rewritten else { return };
        while let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }

    /// Waits until a connection is forwarded.
    async fn until_open(&self, number: u64) {
        let mut state = self.state.subscribe();
        // The sender is a field of this struct, so it is not closed.
        let _ = state.wait_for(|state| !state.is_stalled && number > state.lost).await;
    }
}
