//! Hashing is slow on purpose. It is done beside the async threads, a few at a time, once for each
//! credential however many requests bring it, with a short queue in front.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::Rejection;
use crate::secret::{Digest, FirstWord};

/// How many verifications may wait.
const QUEUE: usize = 128;
/// How many of them may be those of one address.
const QUEUE_OF_ADDRESS: usize = 2;
/// How many addresses are noted that ask for the same verification.
const ADDRESSES: usize = 64;

/// What a verification came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Right,
    Wrong,
    /// It could not be made; why, is for the log.
    Unable(&'static str),
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// A keyed hash of the client's address, if that is known.
    pub(crate) address: Option<u128>,
    /// Whether it has verified this user before. Those go first and have a queue of their own:
    /// strangers cannot keep them out.
    pub(crate) familiar: bool,
}

/// A verification to be made.
pub(super) trait Verification: Send + 'static {
    /// Makes it, which takes its time.
    fn verify(&self) -> Answer;

    /// Is told the addresses that asked for it, if the answer is [`Answer::Right`].
    fn remember(&self, addresses: &[u128]);

    /// Whether it has been made and remembered since the request looked.
    fn is_remembered(&self) -> bool;
}

pub(super) struct Verifier<V>(Arc<Shared<V>>);

struct Shared<V> {
    at_most: usize,
    state: Mutex<State<V>>,
}

struct State<V> {
    running: usize,
    /// The familiar ones first.
    queue: VecDeque<Job<V>>,
    /// Those that run or wait.
    flights: HashMap<Digest, Flight, BuildHasherDefault<FirstWord>>,
}

/// A verification that runs or waits, to others that bring the same credential.
struct Flight {
    answer: watch::Sender<Option<Answer>>,
    /// Who was let ask for it: once is enough.
    addresses: Vec<Option<u128>>,
}

/// A verification that runs or waits, to the thread that makes it.
struct Job<V> {
    credential: Digest,
    verification: V,
    asker: Asker,
    answer: watch::Sender<Option<Answer>>,
    runtime: Handle,
}

impl<V: Verification> Verifier<V> {
    /// Makes so many verifications at a time, and at least one.
    pub(super) fn new(at_most: usize) -> Self {
        let state = State { running: 0, queue: VecDeque::new(), flights: HashMap::default() };
        Self(Arc::new(Shared { at_most: at_most.max(1), state: Mutex::new(state) }))
    }

    /// Verifies, or waits for the verification of the same credential that is on its way. `admit`
    /// is asked before, unless it has let this address ask for this one already; it can find out
    /// whether a verification is needed at all.
    ///
    /// Who asks first may stop waiting: the verification goes on for the others. Once it runs, it
    /// goes on for nobody as well, and takes the place of others until it ends.
    ///
    /// # Errors
    ///
    /// What `admit` says; that too many wait already.
    pub(super) async fn verify(
        &self,
        credential: Digest,
        asker: Asker,
        admit: impl FnOnce(&dyn Fn() -> bool) -> Result<(), Rejection>,
        verification: V,
    ) -> Result<Answer, Rejection> {
        let Some(mut answer) = self.ask(credential, asker, admit, verification)? else {
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
        asker: Asker,
        admit: impl FnOnce(&dyn Fn() -> bool) -> Result<(), Rejection>,
        verification: V,
    ) -> Result<Option<watch::Receiver<Option<Answer>>>, Rejection> {
        let unable = |why| Rejection::unavailable().caused_by(why);
        let mut state = self.0.lock();
        let flight = state.flights.get(&credential);
        let has_joined = flight.is_some_and(|flight| flight.addresses.contains(&asker.address));
        if !has_joined {
            admit(&|| flight.is_some() || verification.is_remembered())?;
        }
        if let Some(flight) = state.flights.get_mut(&credential) {
            if !has_joined && flight.addresses.len() < ADDRESSES {
                flight.addresses.push(asker.address);
            }
            return Ok(Some(flight.answer.subscribe()));
        }
        if verification.is_remembered() {
            return Ok(None);
        }
        let runtime = Handle::try_current().map_err(|_| unable("there is no tokio runtime"))?;
        state.forget_the_abandoned();
        let at_once = state.running < self.0.at_most;
        if !at_once && !state.has_room_for(asker) {
            return Err(unable("too many passwords wait to be verified"));
        }
        let (sender, receiver) = watch::channel(None);
        let flight = Flight { answer: sender.clone(), addresses: vec![asker.address] };
        state.flights.insert(credential, flight);
        let job = Job { credential, verification, asker, answer: sender, runtime };
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
    fn has_room_for(&self, asker: Asker) -> bool {
        let waiting =
            |of: &dyn Fn(&Asker) -> bool| self.queue.iter().filter(|job| of(&job.asker)).count();
        waiting(&|other| other.familiar == asker.familiar) < QUEUE
            && (asker.familiar
                || asker.address.is_none()
                || waiting(&|other| other.address == asker.address) < QUEUE_OF_ADDRESS)
    }

    fn enqueue(&mut self, job: Job<V>) {
        let familiar = self.queue.partition_point(|waiting| waiting.asker.familiar);
        let at = if job.asker.familiar { familiar } else { self.queue.len() };
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

    /// Ends a flight: who asked for it.
    fn land(&mut self, job: &Job<V>) -> Option<Vec<Option<u128>>> {
        // It may have ended before, and another one have begun.
        let of_job = |flight: &Flight| flight.answer.same_channel(&job.answer);
        self.flights.get(&job.credential).is_some_and(of_job).then_some(())?;
        Some(self.flights.remove(&job.credential)?.addresses)
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
        let addresses = state.land(&self.job).unwrap_or_default();
        if came_to == Answer::Right {
            // Before others can see that the flight has ended.
            let known: Vec<u128> = addresses.into_iter().flatten().collect();
            verification.remember(&known);
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
