//! A TCP proxy that can fail.

mod forward;
mod tests;

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::forward::{Shared, accept};

/// A proxy between clients and a port of the loopback interface. It ends when it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy to this port.
    pub async fn start(port: u16) -> Self {
        Self::with(Shared::new(port)).await
    }

    /// Starts a proxy to this port that captures what it forwards.
    pub async fn capturing(port: u16) -> Self {
        Self::with(Shared { captured: Some(Mutex::default()), ..Shared::new(port) }).await
    }

    /// Starts a proxy to this port that replaces a text, in both directions, by another one of the same length.
    pub async fn rewriting(port: u16, from: &str, to: &str) -> Self {
        assert_eq!(from.len(), to.len(), "the protocol states lengths");
        Self::with(Shared { rewritten: Some((from.into(), to.into())), ..Shared::new(port) }).await
    }

    async fn with(shared: Shared) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(shared);
        let accepting = tokio::spawn(accept(listener, shared.clone()));
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

    /// Forwards new connections to another port. Those that are open stay where they are.
    pub fn point_to(&self, server: u16) {
        self.shared.state.send_modify(|state| state.server = server);
    }

    /// Closes the connection on which the next answer arrives instead of forwarding the answer.
    pub fn lose_next_answer(&self) {
        self.shared.loses_answer.store(true, Relaxed);
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
