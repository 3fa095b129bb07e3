//! Asks about tokens: from the cache, or by one call for each token however many requests present it.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::budget::{Budget, Source};
use super::cache::{Cache, Watch};
use super::verdict::{Refusal, Verdict};
use crate::auth::Revocation;
use crate::credentials::Grant;
use crate::crypto::{AlreadyHashed, Digest, KeyedDigest};
use crate::rate_limit::Requester;

/// How many requests may wait for one call.
const MAX_WAITING: usize = 1_000;

/// Who knows whether a token is active.
pub(super) trait Endpoint: Send + Sync + 'static {
    fn ask(&self, token: &str) -> impl Future<Output = Result<Grant, Refusal>> + Send;
}

pub(super) struct Introspector<E>(Arc<Shared<E>>);

struct Shared<E> {
    endpoint: E,
    digests: KeyedDigest,
    budget: Budget,
    /// How often the tokens of open streams are verified, at least.
    interval: Duration,
    state: Mutex<State>,
}

struct State {
    cache: Cache,
    /// The calls that are made or wait, for other requests with the same token.
    in_flight: HashMap<Digest, Flight, BuildHasherDefault<AlreadyHashed>>,
}

struct Flight {
    verdict: VerdictSender,
    source: Source,
}

type VerdictSender = watch::Sender<Option<Verdict>>;
type VerdictReceiver = watch::Receiver<Option<Verdict>>;

/// A token, as it is sent to the endpoint. It is wiped when it is dropped.
type Token = Zeroizing<String>;

impl<E: Endpoint> Introspector<E> {
    /// Creates one that believes for so long that a token is active.
    pub(super) fn new(endpoint: E, fresh: Duration) -> Self {
        let state = State { cache: Cache::new(fresh), in_flight: HashMap::default() };
        Self(Arc::new(Shared {
            endpoint,
            digests: KeyedDigest::new(),
            budget: Budget::new(),
            interval: fresh.max(Duration::from_secs(1)),
            state: Mutex::new(state),
        }))
    }

    /// Returns what is known of a token without a call.
    pub(super) fn cached(&self, token: &str) -> Option<Verdict> {
        let token = self.0.digest(token);
        self.0.lock().cache.find(token)
    }

    /// Returns whether a token was active when it was verified last, and that is not long ago.
    pub(super) fn is_known(&self, token: &str) -> bool {
        let token = self.0.digest(token);
        self.0.lock().cache.is_known(token)
    }

    /// Returns the verdict about a token, from the cache or by a call.
    ///
    /// The request that comes first may be cancelled: the call continues for the others.
    pub(super) async fn verify(&self, token: &str, requester: Requester) -> Verdict {
        let source = if requester.known {
            Source::Known
        } else {
            Source::Unknown { address: requester.address }
        };
        self.0.clone().verify(token, source).await
    }
}

impl<E: Endpoint> Shared<E> {
    fn digest(&self, token: &str) -> Digest {
        self.digests.digest(token.as_bytes())
    }

    async fn verify(self: Arc<Self>, token: &str, source: Source) -> Verdict {
        let mut verdict = match self.submit(token, source) {
            Ok(verdict) => verdict,
            Err(decided) => return decided,
        };
        let verdict = verdict.wait_for(Option::is_some).await;
        verdict.ok().and_then(|verdict| verdict.clone()).unwrap_or_else(|| {
            Err(Refusal::unavailable("the call of the introspection endpoint was lost"))
        })
    }

    /// Returns the receiver of the verdict of a call, or the verdict if it needs none.
    fn submit(self: Arc<Self>, token: &str, source: Source) -> Result<VerdictReceiver, Verdict> {
        let digest = self.digest(token);
        let mut state = self.lock();
        let unavailable = |why| Err(Err(Refusal::unavailable(why)));
        if let Some(flight) = state.in_flight.get(&digest) {
            if flight.verdict.receiver_count() >= MAX_WAITING {
                return unavailable("too many requests wait for the same token");
            }
            return Ok(flight.verdict.subscribe());
        }
        if let Some(verdict) = state.cache.find(digest) {
            return Err(verdict);
        }
        let Ok(runtime) = Handle::try_current() else {
            return unavailable("there is no tokio runtime");
        };
        let source = match source {
            Source::Unknown { .. } if state.cache.is_known(digest) => Source::Known,
            source => source,
        };
        if !Budget::has_room(source, state.in_flight.values().map(|flight| flight.source)) {
            return unavailable("too many tokens wait for the introspection endpoint");
        }
        let (verdict, receiver) = watch::channel(None);
        state.in_flight.insert(digest, Flight { verdict: verdict.clone(), source });
        drop(state);
        let token = Token::new(token.to_owned());
        runtime.spawn(Call { shared: self, digest, source, token, verdict }.run());
        Ok(receiver)
    }

    /// Verifies a token for as long as it has open streams, as they would outlive its revocation otherwise.
    ///
    /// It holds the token meanwhile. While the endpoint fails, the streams go on: it does not log anybody
    /// out by being down.
    async fn watch(self: Arc<Self>, token: Token, revocation: Arc<Revocation>) {
        let digest = self.digest(&token);
        let mut next = Instant::now() + self.interval;
        loop {
            tokio::time::sleep_until(next).await;
            let watch = self.lock().cache.watch(digest, &revocation);
            match watch {
                Watch::End => return,
                Watch::Until(time) => next = time,
                Watch::Verify => {
                    let verified = self.clone().verify(&token, Source::Streams).await;
                    if let Err(Refusal::Invalid(_)) = verified {
                        revocation.revoke();
                    }
                    next = Instant::now() + self.interval;
                }
            }
        }
    }
}

impl<E> Shared<E> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call of the endpoint. It is in flight until it is dropped: it moves into its task and ends with it.
struct Call<E> {
    shared: Arc<Shared<E>>,
    digest: Digest,
    source: Source,
    token: Token,
    verdict: VerdictSender,
}

impl<E: Endpoint> Call<E> {
    async fn run(mut self) {
        let permit = self.shared.budget.permit(self.source).await;
        if self.is_abandoned() {
            return;
        }
        let result = match permit {
            Some(_) => self.shared.endpoint.ask(&self.token).await,
            None => Err(Refusal::unavailable("a token waited too long to be verified")),
        };
        drop(permit);
        if let Some(revocation) = self.complete(result) {
            let token = std::mem::take(&mut self.token);
            // In a task of its own, as this one has the size of a call.
            tokio::spawn(self.shared.clone().watch(token, revocation));
        }
    }

    /// Stores the result and sends it to the requests. Returns what a new watcher needs, if the streams of
    /// the token have none.
    fn complete(&self, result: Result<Grant, Refusal>) -> Option<Arc<Revocation>> {
        let mut state = self.shared.lock();
        state.remove(self);
        let stored = state.cache.store(self.digest, result);
        drop(state);
        if let Some(revoked) = stored.revoked {
            revoked.revoke();
        }
        self.verdict.send_replace(Some(stored.verdict));
        stored.watch
    }
}

impl<E> Call<E> {
    /// Returns whether all requests that wait for it were cancelled. Then none can join it any more.
    fn is_abandoned(&self) -> bool {
        let mut state = self.shared.lock();
        let is_abandoned = self.verdict.receiver_count() == 0;
        if is_abandoned {
            state.remove(self);
        }
        is_abandoned
    }
}

impl State {
    /// Removes a call from those in flight. Another one with the same token may have begun.
    fn remove<E>(&mut self, call: &Call<E>) {
        let flight = self.in_flight.get(&call.digest);
        if flight.is_some_and(|flight| flight.verdict.same_channel(&call.verdict)) {
            self.in_flight.remove(&call.digest);
        }
    }
}

impl<E> Drop for Call<E> {
    /// Ends a call that panicked, or whose runtime was shut down.
    fn drop(&mut self) {
        self.shared.lock().remove(self);
    }
}

#[cfg(test)]
mod tests;
