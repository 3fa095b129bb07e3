//! A client whose credential is about to end, and when it does.

use std::time::{Duration, Instant};

use futures::future::join_all;
use soak_rules::{Broken, Rule};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::credential::Client;
use super::http::exchange;
use super::request::post;
use super::run::Run;

/// How many streams it has open.
const STREAMS: usize = 3;
/// The pause between two requests, until one is refused.
const PAUSE: Duration = Duration::from_millis(20);
/// When to give up: later than a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client with open streams, each of which a task reads.
pub struct Watched {
    client: Client,
    streams: Vec<JoinHandle<Instant>>,
}

impl Watched {
    /// Opens the streams, and sends a request. Returns `None` if a stream is refused, which is recorded.
    pub async fn start(run: &Run, client: Client) -> Option<Self> {
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let mut events = run.open("a stream of a credential to be revoked", &client).await?;
            streams.push(tokio::spawn(async move {
                events.ended().await;
                Instant::now()
            }));
        }
        run.send_valid("a request with a credential to be revoked", &client).await;
        Some(Self { client, streams })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until all streams have ended and a request is refused. Returns how long after the revocation that was, or
    /// `None` if it does not happen.
    pub async fn ended(self, run: &Run, revoked: Instant) -> Option<Duration> {
        let streams = join_all(self.streams);
        let refused = refused(run, &self.client);
        let (streams, refused) =
            timeout(PATIENCE, async { tokio::join!(streams, refused) }).await.ok()?;
        let mut last = refused?;
        for ended in streams {
            last = last.max(ended.ok()?);
        }
        run.revoked().push(self.client);
        Some(last.saturating_duration_since(revoked))
    }
}

/// Sends requests until one is refused, and returns when that was.
async fn refused(run: &Run, client: &Client) -> Option<Instant> {
    loop {
        let reply = exchange(client.address, run.server, &post(client)).await;
        match reply.status {
            Some(401) => return Some(Instant::now()),
            Some(200) => sleep(PAUSE).await,
            status => {
                let text = format!("{status:?} to a request with a revoked credential");
                run.record().break_rule(Broken::new(Rule::InvalidIsRefused, text));
                return None;
            }
        }
    }
}
