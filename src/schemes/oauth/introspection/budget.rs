//! How many calls may be in flight, and for whom.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// For whom a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A token that was active recently, or a known client.
    Known,
    /// Another token, from this address if there is one.
    Unknown { address: Option<u64> },
    /// The open streams of a token, without a request.
    Streams,
}

/// How many calls for known tokens are made at a time, for unknown ones, and for open streams: 64 together.
/// They do not share, so none of them can use up the budget of another one.
const KNOWN: usize = 32;
const UNKNOWN: usize = 24;
const STREAMS: usize = 8;
/// How many calls for known tokens may be made or wait, and how many for unknown ones. A server that has
/// just been started knows no token, and all its clients come at once.
const MAX_KNOWN: usize = 512;
const MAX_UNKNOWN: usize = 256;
/// How many of the latter may come from one address.
const MAX_PER_ADDRESS: usize = 8;
/// How long a call may wait until it is made.
const MAX_WAIT: Duration = Duration::from_secs(3);

pub(super) struct Budget {
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

impl Budget {
    pub(super) fn new() -> Self {
        let [known, unknown, streams] =
            [KNOWN, UNKNOWN, STREAMS].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { known, unknown, streams }
    }

    /// Returns whether another call of this source may wait, beside these.
    pub(super) fn has_room(
        source: Source,
        in_flight: impl Iterator<Item = Source> + Clone,
    ) -> bool {
        let count = |same: fn(Source) -> bool| in_flight.clone().filter(|&one| same(one)).count();
        match source {
            Source::Known => count(|one| one == Source::Known) < MAX_KNOWN,
            Source::Unknown { address } => {
                let of_address = in_flight.clone().filter(|one| *one == source).count();
                count(|one| matches!(one, Source::Unknown { .. })) < MAX_UNKNOWN
                    && (address.is_none() || of_address < MAX_PER_ADDRESS)
            }
            // There are never more of them than tokens with open streams.
            Source::Streams => true,
        }
    }

    /// Waits for the permission to make a call, in the order of arrival. `None` if that takes too long.
    pub(super) async fn permit(&self, source: Source) -> Option<OwnedSemaphorePermit> {
        let permits = match source {
            Source::Known => &self.known,
            Source::Unknown { .. } => &self.unknown,
            // The watcher of the streams waits for it as long as it takes, and nobody waits for the watcher.
            Source::Streams => return self.streams.clone().acquire_owned().await.ok(),
        };
        timeout(MAX_WAIT, permits.clone().acquire_owned()).await.ok()?.ok()
    }
}
