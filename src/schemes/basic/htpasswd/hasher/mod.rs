//! Runs slow verifications on blocking threads: a few at a time, once for each credential however many
//! requests present it, and with a short queue.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use crate::auth::Rejection;
use crate::crypto::{AlreadyHashed, Digest};
use crate::rate_limit::Requester;
use crate::sync::{Handle, Mutex, MutexGuard};

/// The capacity of the queue: of that of known clients, and of that of others.
const QUEUE: usize = 128;
/// How many of the waiting jobs may come from one address.
const MAX_PER_ADDRESS: usize = 2;
/// How many of them may claim to be one user, at addresses where that user is a known client. So a
/// client with one password and many addresses keeps no other user waiting.
const MAX_PER_USER: usize = 2;

/// The result of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Correct,
    Wrong,
    /// The verification failed, for this reason, which is logged.
    Failed(&'static str),
}

/// The client that presents a credential, and the user it claims to be.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) requester: Requester,
    /// A digest of the claimed name.
    pub(super) user: Digest,
}

/// A verification to run.
pub(super) trait Verification: Send + 'static {
    /// Runs it, which is slow.
    fn verify(&self) -> Verdict;

    /// Caches the credential. Called if the verdict is [`Verdict::Correct`].
    fn cache(&self);

    /// Returns whether the credential has been cached since the request looked.
    fn is_cached(&self) -> bool;
}

pub(super) struct Hasher<V>(Arc<Shared<V>>);

struct Shared<V> {
    max_concurrency: usize,
    state: Mutex<State<V>>,
}

struct State<V> {
    running: usize,
    /// The jobs of known clients come first.
    queue: VecDeque<Job<V>>,
    /// The jobs that run or wait, for other requests with the same credential.
    in_flight: HashMap<Digest, VerdictSender, BuildHasherDefault<AlreadyHashed>>,
}

type VerdictSender = watch::Sender<Option<Verdict>>;

/// A verification that runs or waits.
struct Job<V> {
    credential: Digest,
    verification: V,
    claim: Claim,
    verdict: VerdictSender,
    runtime: Handle,
}

impl<V: Verification> Hasher<V> {
    /// Creates a hasher that runs at most this many verifications at a time, and at least one.
    pub(super) fn new(max_concurrency: usize) -> Self {
        let state = State { running: 0, queue: VecDeque::new(), in_flight: HashMap::default() };
        let max_concurrency = max_concurrency.max(1);
        Self(Arc::new(Shared { max_concurrency, state: Mutex::new(state) }))
    }

    /// Verifies, or waits for the verification of the same credential that is in flight.
    ///
    /// The request that comes first may be cancelled: the verification continues for the others. Once
    /// it runs, it continues even for no request, and occupies its place until it is done.
    ///
    /// # Errors
    ///
    /// If too many verifications are waiting.
    pub(super) async fn verify(
        &self,
        credential: Digest,
        claim: Claim,
        verification: V,
    ) -> Result<Verdict, Rejection> {
        let Some(mut verdict) = self.submit(credential, claim, verification)? else {
            return Ok(Verdict::Correct);
        };
        let verdict = verdict.wait_for(Option::is_some).await;
        let lost = Verdict::Failed("the verification was lost");
        Ok(verdict.ok().and_then(|verdict| *verdict).unwrap_or(lost))
    }

    /// Returns the receiver of the verdict, unless the credential has been cached meanwhile.
    fn submit(
        &self,
        credential: Digest,
        claim: Claim,
        verification: V,
    ) -> Result<Option<watch::Receiver<Option<Verdict>>>, Rejection> {
        let unavailable = |why| Rejection::unavailable().caused_by(why);
        let mut state = self.0.lock();
        if let Some(verdict) = state.in_flight.get(&credential) {
            return Ok(Some(verdict.subscribe()));
        }
        if verification.is_cached() {
            return Ok(None);
        }
        let runtime =
            Handle::try_current().map_err(|_| unavailable("there is no tokio runtime"))?;
        state.drop_cancelled_jobs();
        let can_start = state.running < self.0.max_concurrency;
        if !can_start && !state.has_room_for(claim) {
            return Err(unavailable("too many passwords wait to be verified"));
        }
        let (verdict, receiver) = watch::channel(None);
        state.in_flight.insert(credential, verdict.clone());
        let job = Job { credential, verification, claim, verdict, runtime };
        if can_start {
            state.running += 1;
            drop(state);
            Running { job, shared: self.0.clone() }.start();
        } else {
            state.enqueue(job);
        }
        Ok(Some(receiver))
    }
}

impl<V> Shared<V> {
    fn lock(&self) -> MutexGuard<'_, State<V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> State<V> {
    /// Returns whether another job may wait. Known clients and others have a queue each. That of known
    /// clients is fair by claimed user, that of the others by address.
    fn has_room_for(&self, Claim { requester, user }: Claim) -> bool {
        let same_queue =
            || self.queue.iter().filter(|job| job.claim.requester.known == requester.known);
        let same_source = same_queue().filter(|job| {
            if requester.known {
                job.claim.user == user
            } else {
                requester.address.is_some() && job.claim.requester.address == requester.address
            }
        });
        let max = if requester.known { MAX_PER_USER } else { MAX_PER_ADDRESS };
        same_queue().count() < QUEUE && same_source.count() < max
    }

    fn enqueue(&mut self, job: Job<V>) {
        let known = self.queue.partition_point(|waiting| waiting.claim.requester.known);
        let at = if job.claim.requester.known { known } else { self.queue.len() };
        self.queue.insert(at, job);
    }

    /// Drops the waiting jobs whose requests were all cancelled.
    fn drop_cancelled_jobs(&mut self) {
        let Self { queue, in_flight, .. } = self;
        queue.retain(|job| {
            let is_awaited = job.verdict.receiver_count() > 0;
            if !is_awaited {
                in_flight.remove(&job.credential);
            }
            is_awaited
        });
    }

    /// Removes a job from those in flight.
    fn complete(&mut self, job: &Job<V>) {
        // It may have completed before, and another one with the same credential may have begun.
        let is_of_job = |verdict: &VerdictSender| verdict.same_channel(&job.verdict);
        if self.in_flight.get(&job.credential).is_some_and(is_of_job) {
            self.in_flight.remove(&job.credential);
        }
    }
}

/// A job that runs. It counts as running until it is dropped: it moves into the blocking closure and
/// ends with it.
struct Running<V: Verification> {
    job: Job<V>,
    shared: Arc<Shared<V>>,
}

impl<V: Verification> Running<V> {
    fn start(self) {
        let runtime = self.job.runtime.clone();
        runtime.spawn_blocking(move || self.run());
    }

    fn run(self) {
        let Job { verification, verdict, .. } = &self.job;
        let result = catch_unwind(AssertUnwindSafe(|| verification.verify()))
            .unwrap_or(Verdict::Failed("the verification panicked"));
        let mut state = self.shared.lock();
        state.complete(&self.job);
        if result == Verdict::Correct {
            // Before another request can see that the job is no longer in flight.
            verification.cache();
        }
        drop(state);
        verdict.send_replace(Some(result));
    }
}

impl<V: Verification> Drop for Running<V> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // If it never ran, since the runtime was shut down.
        state.complete(&self.job);
        state.running -= 1;
        state.drop_cancelled_jobs();
        let next = state.queue.pop_front();
        if let Some(job) = next {
            state.running += 1;
            drop(state);
            Self { job, shared: self.shared.clone() }.start();
        }
    }
}

#[cfg(all(test, shuttle))]
mod interleavings;
#[cfg(test)]
mod tests;
