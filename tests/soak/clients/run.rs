//! What all clients of a run share.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use soak_rules::{Answer, Expected, Record, Scheme};
use tokio_util::sync::CancellationToken;

use super::credential::{Client, IssuerKey};
use super::http::{Events, Reply, exchange};
use super::request::{get_events, post};
use super::server::Private;

pub struct Run {
    start: Instant,
    pub minutes: u64,
    record: Mutex<Record>,
    pub server: SocketAddr,
    pub private: Private,
    /// The clients that stay.
    pub population: Vec<Client>,
    pub issuer: IssuerKey,
    /// How many streams of the population are open.
    pub open_streams: AtomicU64,
    /// Held while Redis is away or recovers, and while something is revoked that needs it.
    pub calm: tokio::sync::Mutex<()>,
    /// Whose credentials have been revoked or removed.
    revoked: Mutex<Vec<Client>>,
    /// Ends the run.
    pub stop: CancellationToken,
}

impl Run {
    pub fn new(
        record: Record,
        minutes: u64,
        (server, private): (SocketAddr, Private),
        (population, issuer): (Vec<Client>, IssuerKey),
    ) -> Self {
        Self {
            start: Instant::now(),
            minutes,
            record: Mutex::new(record),
            server,
            private,
            population,
            issuer,
            open_streams: AtomicU64::new(0),
            calm: tokio::sync::Mutex::new(()),
            revoked: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Returns the time since the start.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn revoked(&self) -> MutexGuard<'_, Vec<Client>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a good request of a client.
    pub async fn send_valid(&self, what: &'static str, client: &Client) {
        let sent = self.now();
        let reply = exchange(client.address, self.server, &post(client)).await;
        self.answered(what, client, sent, &reply);
    }

    /// Sends a request that has to be answered like this.
    pub async fn send(
        &self,
        (what, scheme, expected): (&'static str, Scheme, Expected),
        from: Ipv4Addr,
        request: &[u8],
    ) -> Reply {
        let sent = self.now();
        let reply = exchange(from, self.server, request).await;
        let (answered, status) = (self.now(), reply.status);
        let is_of_another = false;
        let answer = Answer { what, scheme, expected, sent, answered, status, is_of_another };
        self.record().answer(&answer);
        reply
    }

    /// Opens a stream of a client. Returns `None` if that is refused.
    pub async fn open(&self, what: &'static str, client: &Client) -> Option<Events> {
        let sent = self.now();
        let request = get_events(client);
        match Events::open(client.address, self.server, &request, &client.name).await {
            Ok(events) => {
                let reply = Reply { status: Some(200), body: client.name.clone() };
                self.answered(what, client, sent, &reply);
                Some(events)
            }
            Err(reply) => {
                self.answered(what, client, sent, &reply);
                None
            }
        }
    }

    /// Records the answer to a good request.
    fn answered(&self, what: &'static str, client: &Client, sent: Duration, reply: &Reply) {
        self.record().answer(&Answer {
            what,
            scheme: client.scheme(),
            expected: Expected::Served,
            sent,
            answered: self.now(),
            status: reply.status,
            is_of_another: reply.status == Some(200) && reply.body != client.name,
        });
    }
}
