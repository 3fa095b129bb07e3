//! The streams that stay open: ten of each principal.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::credential::Client;
use super::http::{Ended, Events};
use super::run::Run;

const EACH: usize = 10;
/// How many principals open their streams at a time.
const OPENING: usize = 32;
/// The pause before a stream that was refused or ended is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// Returns how many streams there are.
pub fn count(population: &[Client]) -> u64 {
    (population.len() * EACH) as u64
}

/// Opens all streams. They are held by the returned tasks until the run stops.
pub async fn open_all(run: &Arc<Run>) -> JoinSet<()> {
    let mut holders = JoinSet::new();
    let places = Semaphore::new(OPENING);
    let opened = run.population.iter().map(async |client| {
        let _place = places.acquire().await;
        let mut opened = Vec::new();
        for _ in 0..EACH {
            // One after the other: a password is hashed for the first of them.
            opened.push(open(run, client).await);
        }
        opened.into_iter().flatten().map(|events| (client.clone(), events)).collect::<Vec<_>>()
    });
    for (client, events) in join_all(opened).await.into_iter().flatten() {
        holders.spawn(hold(run.clone(), client, events));
    }
    holders
}

/// Opens a stream, until it is served. Each refusal is recorded.
async fn open(run: &Run, client: &Client) -> Option<Events> {
    while !run.stop.is_cancelled() {
        if let Some(events) = run.open("an event stream", client).await {
            run.open_streams.fetch_add(1, Relaxed);
            return Some(events);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

/// Reads a stream until the run stops. Before, it must not end.
async fn hold(run: Arc<Run>, client: Client, mut events: Events) {
    loop {
        let ended = tokio::select! {
            ended = events.ended() => ended,
            () = run.stop.cancelled() => return,
        };
        run.open_streams.fetch_sub(1, Relaxed);
        let how = match ended {
            Ended::Ended => "ended",
            Ended::Silent => "had no events",
        };
        run.record().stream_ended(client.scheme(), how, run.now());
        tokio::time::sleep(PAUSE).await;
        match open(&run, &client).await {
            Some(next) => events = next,
            None => return,
        }
    }
}
