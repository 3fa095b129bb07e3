//! Hashing is slow on purpose. It is done beside the async threads, a few at a time, once for each
//! credential however many requests bring it, with a short queue in front.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::auth::Rejection;
use crate::crypto::{AlreadyHashed, Digest};
use crate::rate_limit::Requester;

/// How many verifications may wait.
const QUEUE: usize = 128;
/// How many of them may be those of one address.
const QUEUE_OF_ADDRESS: usize = 2;
/// How many of them may be those of one claimed user, at addresses where the user is known: nobody
/// who has one password and many addresses keeps other users waiting.
const QUEUE_OF_USER: usize = 2;

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    Wrong,
    /// It could not be made; why, is for the log.
    Unable(&'static str),
}

/// Who asks, and whom they claim to be.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) asker: Requester,
    /// A digest of the claimed user's name.
    pub(super) user: Digest,
}

/// A verification to be made.
pub(super) trait Verification: Send + 'static {
    /// Makes it, which takes its time.
    fn verify(&self) -> Answer;

    /// Remembers the credential. Called if the answer is [`Answer::Right`].
    fn remember(&self);

    /// Whether it has been made and remembered since the request looked.
    fn is_remembered(&self) -> bool;
}

pub(super) struct Hasher<V>(Arc<Shared<V>>);

struct Shared<V> {
    at_most: usize,
    state: Mutex<State<V>>,
}

struct State<V> {
    running: usize,
    /// Those of known clients first.
    queue: VecDeque<Job<V>>,
    /// Those that run or wait, for others that bring the same credential.
    flights: HashMap<Digest, Flight, BuildHasherDefault<AlreadyHashed>>,
}

type Flight = watch::Sender<Option<Answer>>;

/// A verification that runs or waits, to the thread that makes it.
struct Job<V> {
    credential: Digest,
    verification: V,
    claim: Claim,
    answer: Flight,
    runtime: Handle,
}

impl<V: Verification> Hasher<V> {
    /// Makes so many verifications at a time, and at least one.
    pub(super) fn new(at_most: usize) -> Self {
        let state = State { running: 0, queue: VecDeque::new(), flights: HashMap::default() };
        Self(Arc::new(Shared { at_most: at_most.max(1), state: Mutex::new(state) }))
    }

    /// Verifies, or waits for the verification of the same credential that is on its way.
    ///
    /// Who asks first may stop waiting: the verification goes on for the others. Once it runs, it
    /// goes on for nobody as well, and takes the place of others until it ends.
    ///
    /// # Errors
    ///
    /// If too many wait already.
    pub(super) async fn verify(
        &self,
        credential: Digest,
        claim: Claim,
        verification: V,
    ) -> Result<Answer, Rejection> {
        let Some(mut answer) = self.ask(credential, claim, verification)? else {
            return Ok(Answer::Right);
        };
        let answer = answer.wait_for(Option::is_some).await;
        let lost = Answer::Unable("the verification was lost");
        Ok(answer.ok().and_then(|answer| *answer).unwrap_or(lost))
    }

    /// Where the answer will be, unless the right one is known by now.
    fn ask(
        &self,
        credential: Digest,
        claim: Claim,
        verification: V,
    ) -> Result<Option<watch::Receiver<Option<Answer>>>, Rejection> {
        let unable = |why| Rejection::unavailable().caused_by(why);
        let mut state = self.0.lock();
        if let Some(flight) = state.flights.get(&credential) {
            return Ok(Some(flight.subscribe()));
        }
        if verification.is_remembered() {
            return Ok(None);
        }
        let runtime = Handle::try_current().map_err(|_| unable("there is no tokio runtime"))?;
        state.forget_the_abandoned();
        let at_once = state.running < self.0.at_most;
        if !at_once && !state.has_room_for(claim) {
            return Err(unable("too many passwords wait to be verified"));
        }
        let (answer, receiver) = watch::channel(None);
        state.flights.insert(credential, answer.clone());
        let job = Job { credential, verification, claim, answer, runtime };
        if at_once {
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
    /// Known clients and others have a queue each. That of known clients is fair by claimed user,
    /// that of the others by address.
    fn has_room_for(&self, Claim { asker, user }: Claim) -> bool {
        let same_queue = || self.queue.iter().filter(|job| job.claim.asker.known == asker.known);
        let of_same = same_queue().filter(|job| match asker.known {
            true => job.claim.user == user,
            false => asker.address.is_some() && job.claim.asker.address == asker.address,
        });
        let most = if asker.known { QUEUE_OF_USER } else { QUEUE_OF_ADDRESS };
        same_queue().count() < QUEUE && of_same.count() < most
    }

    fn enqueue(&mut self, job: Job<V>) {
        let known = self.queue.partition_point(|waiting| waiting.claim.asker.known);
        let at = if job.claim.asker.known { known } else { self.queue.len() };
        self.queue.insert(at, job);
    }

    /// Nobody waits for these any more, and nothing has been done for them yet.
    fn forget_the_abandoned(&mut self) {
        let Self { queue, flights, .. } = self;
        queue.retain(|job| {
            let awaited = job.answer.receiver_count() > 0;
            if !awaited {
                flights.remove(&job.credential);
            }
            awaited
        });
    }

    /// Ends the flight of a job.
    fn land(&mut self, job: &Job<V>) {
        // It may have ended before, and another one have begun.
        let is_of_job = |flight: &Flight| flight.same_channel(&job.answer);
        if self.flights.get(&job.credential).is_some_and(is_of_job) {
            self.flights.remove(&job.credential);
        }
    }
}

/// A verification that runs, and one of as many as may run at a time until it is dropped: it moves
/// into the blocking closure, and ends with it.
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
        let Job { verification, answer, .. } = &self.job;
        let verify = AssertUnwindSafe(|| verification.verify());
        let came_to = catch_unwind(verify).unwrap_or(Answer::Unable("the verification panicked"));
        let mut state = self.shared.lock();
        state.land(&self.job);
        if came_to == Answer::Right {
            // Before others can see that the flight has ended.
            verification.remember();
        }
        drop(state);
        answer.send_replace(Some(came_to));
    }
}

impl<V: Verification> Drop for Running<V> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        // If it never ran, since the runtime ended.
        state.land(&self.job);
        state.running -= 1;
        state.forget_the_abandoned();
        let next = state.queue.pop_front();
        if let Some(job) = next {
            state.running += 1;
            drop(state);
            Self { job, shared: self.shared.clone() }.start();
        }
    }
}

#[cfg(test)]
mod tests;
