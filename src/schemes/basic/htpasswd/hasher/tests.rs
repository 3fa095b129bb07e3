//! Verifications that end on request of the test and are counted.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex};

use futures::future::join_all;
use futures::poll;
use tokio::task::yield_now;

use super::*;
use crate::auth::RejectionKind;

/// Where verifications wait until the test lets them end, and what the test observes.
#[derive(Default)]
struct Site {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    permits: usize,
    started: Vec<u64>,
    running: usize,
    max_running: usize,
    cached: HashSet<u64>,
}

impl Site {
    fn let_end(&self, more: usize) {
        self.seen.lock().unwrap().permits += more;
        self.changed.notify_all();
    }

    fn started(&self) -> Vec<u64> {
        self.seen.lock().unwrap().started.clone()
    }

    /// Waits until this many have been started.
    fn wait_for(&self, started: usize) {
        let seen = self.seen.lock().unwrap();
        drop(self.changed.wait_while(seen, |seen| seen.started.len() < started).unwrap());
    }
}

/// The credential of a number, which is correct if the number is even.
struct Fake {
    site: Arc<Site>,
    number: u64,
}

impl Verification for Fake {
    fn verify(&self) -> Verdict {
        let mut seen = self.site.seen.lock().unwrap();
        seen.started.push(self.number);
        seen.running += 1;
        seen.max_running = seen.max_running.max(seen.running);
        self.site.changed.notify_all();
        let mut seen = self.site.changed.wait_while(seen, |seen| seen.permits == 0).unwrap();
        seen.permits -= 1;
        seen.running -= 1;
        drop(seen);
        match self.number {
            PANICS => panic!("as a bug would"),
            even if even % 2 == 0 => Verdict::Correct,
            _ => Verdict::Wrong,
        }
    }

    fn cache(&self) {
        self.site.seen.lock().unwrap().cached.insert(self.number);
    }

    fn is_cached(&self) -> bool {
        self.site.seen.lock().unwrap().cached.contains(&self.number)
    }
}

const PANICS: u64 = 666;
fn anonymous() -> Claim {
    Claim { requester: Requester::default(), user: Digest::from_words([0; 4]) }
}

/// An unknown client at this address, which claims to be user 0.
fn at(address: u64) -> Claim {
    Claim { requester: Requester { address: Some(address), known: false }, ..anonymous() }
}

/// A known client of this user at this address.
fn known(address: u64, user: u64) -> Claim {
    let requester = Requester { address: Some(address), known: true };
    Claim { requester, user: Digest::from_words([user, 0, 0, 0]) }
}

struct Setup {
    site: Arc<Site>,
    hasher: Arc<Hasher<Fake>>,
}

/// Lets verifications end that a test has left, so that no runtime waits for them.
impl Drop for Setup {
    fn drop(&mut self) {
        self.site.let_end(10_000);
    }
}

impl Setup {
    fn new(max_concurrency: usize) -> Self {
        Self { site: Arc::default(), hasher: Arc::new(Hasher::new(max_concurrency)) }
    }

    /// Sends a request with the credential of this number.
    fn request(
        &self,
        number: u64,
        claim: Claim,
    ) -> impl Future<Output = Result<Verdict, Rejection>> + use<> {
        let (hasher, site) = (self.hasher.clone(), self.site.clone());
        async move {
            let credential = Digest::from_words([number, 0, 0, 0]);
            hasher.verify(credential, claim, Fake { site, number }).await
        }
    }
}

#[tokio::test]
async fn hundred_requests_with_one_credential_share_a_verification() {
    for (number, answer) in [(2, Verdict::Correct), (3, Verdict::Wrong)] {
        let setup = Setup::new(1);
        let mut requests: Vec<_> =
            (0..100).map(|_| Box::pin(setup.request(number, anonymous()))).collect();
        for request in &mut requests {
            assert!(poll!(request).is_pending());
        }
        setup.site.let_end(200);
        for answered in join_all(requests).await {
            assert_eq!(answered.unwrap(), answer);
        }
        assert_eq!(setup.site.started(), [number]);
    }
    let setup = Setup::new(1);
    setup.site.let_end(200);
    for answered in join_all((0..100).map(|number| setup.request(number, anonymous()))).await {
        answered.unwrap();
    }
    assert_eq!(setup.site.started().len(), 100, "each other credential has its own");
}

#[tokio::test]
async fn correct_credential_is_cached_before_it_leaves_the_flight() {
    let setup = Setup::new(1);
    setup.site.let_end(2);
    assert_eq!(setup.request(2, at(7)).await.unwrap(), Verdict::Correct);
    assert_eq!(setup.request(2, at(8)).await.unwrap(), Verdict::Correct);
    assert_eq!(setup.site.started(), [2]);
    assert_eq!(setup.request(3, at(7)).await.unwrap(), Verdict::Wrong);
    assert!(!setup.site.seen.lock().unwrap().cached.contains(&3));
}

#[tokio::test]
async fn cancelling_the_first_request_keeps_the_verification() {
    let setup = Setup::new(1);
    let mut first = Box::pin(setup.request(2, anonymous()));
    let mut second = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(first);
    setup.site.let_end(1);
    assert_eq!(second.await.unwrap(), Verdict::Correct);
    assert_eq!(setup.site.started(), [2]);
}

#[tokio::test]
async fn concurrency_is_bounded() {
    let setup = Setup::new(3);
    let mut requests: Vec<_> = (0..9).map(|n| Box::pin(setup.request(n, anonymous()))).collect();
    for request in &mut requests {
        assert!(poll!(request).is_pending());
    }
    setup.site.wait_for(3);
    setup.site.let_end(9);
    join_all(requests).await;
    assert_eq!(setup.site.started().len(), 9);
    assert_eq!(setup.site.seen.lock().unwrap().max_running, 3);
}

#[tokio::test]
async fn cancelled_request_does_not_free_its_place() {
    let setup = Setup::new(1);
    let mut running = Box::pin(setup.request(0, anonymous()));
    assert!(poll!(&mut running).is_pending());
    setup.site.wait_for(1);
    drop(running);
    let mut next = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut next).is_pending());
    assert_eq!(setup.hasher.0.lock().running, 1);
    assert_eq!(setup.hasher.0.lock().queue.len(), 1, "it waits for the running one");
    setup.site.let_end(2);
    assert_eq!(next.await.unwrap(), Verdict::Correct);
    assert_eq!(setup.site.seen.lock().unwrap().max_running, 1);
    // A verification that was started is cached all the same.
    assert!(setup.site.seen.lock().unwrap().cached.contains(&0));
}

#[tokio::test]
async fn cancelled_requests_leave_the_queue() {
    let setup = Setup::new(1);
    for number in 0..1000 {
        let mut request = Box::pin(setup.request(number, at(number)));
        assert!(poll!(&mut request).is_pending(), "{number}");
    }
    let mut last = Box::pin(setup.request(1000, at(1000)));
    assert!(poll!(&mut last).is_pending(), "there is room in the queue");
    setup.site.let_end(2);
    assert_eq!(last.await.unwrap(), Verdict::Correct);
    assert_eq!(setup.site.started(), [0, 1000]);
    let state = setup.hasher.0.lock();
    assert!(state.queue.is_empty() && state.in_flight.is_empty());
}

#[tokio::test]
async fn cancelled_verification_is_run_if_requested_again() {
    let setup = Setup::new(1);
    let mut running = Box::pin(setup.request(0, anonymous()));
    let mut left = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut running).is_pending() && poll!(&mut left).is_pending());
    drop(left);
    let mut again = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut again).is_pending());
    setup.site.let_end(2);
    assert_eq!(again.await.unwrap(), Verdict::Correct);
}

/// Requests these verifications one after the other, none of which ends, and returns for each whether
/// it may wait.
async fn may_wait(setup: &Setup, claims: impl IntoIterator<Item = (u64, Claim)>) -> Vec<bool> {
    let mut waiting = Vec::new();
    let mut may_wait = Vec::new();
    for (number, claim) in claims {
        let mut request = Box::pin(setup.request(number, claim));
        may_wait.push(match poll!(&mut request) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(answer) => {
                assert_eq!(answer.unwrap_err().kind(), RejectionKind::Unavailable);
                false
            }
        });
        waiting.push(request);
    }
    may_wait
}

#[tokio::test]
async fn queue_holds_two_jobs_per_address() {
    let claims = [
        (0, at(1), true), // runs
        (2, at(1), true),
        (4, at(1), true),
        (6, at(1), false),
        (8, known(1, 1), true), // unknown clients at its address do not keep it out
        (4, at(1), true),       // in flight already
        (10, at(2), true),
        (12, anonymous(), true), // clients without an address share none
        (14, anonymous(), true),
        (16, anonymous(), true),
    ];
    let requests = claims.map(|(number, claim, _)| (number, claim));
    assert_eq!(may_wait(&Setup::new(1), requests).await, claims.map(|(.., room)| room));
}

/// The kind of fault: a queue without a limit for each user, which one account can fill.
#[tokio::test]
async fn queue_holds_two_jobs_per_known_user_at_any_address() {
    let setup = Setup::new(1);
    let mallory = (0..64).map(|address| (2 * address, known(address, 7)));
    let waiting = may_wait(&setup, mallory).await;
    assert_eq!(waiting.iter().filter(|waits| **waits).count(), 3, "one runs, two wait");

    let setup = Setup::new(1);
    let mut held: Vec<_> = (0..64).map(|address| known(address, 7)).collect();
    held.extend([known(1, 8), known(2, 8), known(3, 9), at(1), at(2)]);
    let numbered = held.into_iter().enumerate().map(|(at, claim)| (2 * at as u64, claim));
    let waiting = may_wait(&setup, numbered).await;
    assert_eq!(waiting[64..], [true; 5], "other users have room, and so have other clients");
}

#[tokio::test]
async fn queue_is_bounded_and_known_clients_go_first() {
    let setup = Setup::new(1);
    let mut waiting = Vec::new();
    for number in 0..=QUEUE as u64 {
        waiting.push(Box::pin(setup.request(number, at(number))));
        assert!(poll!(waiting.last_mut().unwrap()).is_pending());
    }
    let rejected = setup.request(1000, at(1000)).await.unwrap_err();
    assert_eq!(
        (rejected.kind(), std::error::Error::source(&rejected).is_some()),
        (RejectionKind::Unavailable, true)
    );
    for number in 2000..2000 + QUEUE as u64 {
        waiting.push(Box::pin(setup.request(number, known(1, number))));
        assert!(poll!(waiting.last_mut().unwrap()).is_pending());
    }
    assert!(setup.request(3000, known(1, 3000)).await.is_err());
    setup.site.let_end(1000);
    join_all(waiting).await;
    let started = setup.site.started();
    assert_eq!(started[..4], [0, 2000, 2001, 2002], "known clients go first, in their order");
    assert_eq!(started[1 + QUEUE..][..3], [1, 2, 3]);
    assert!(setup.request(4000, at(4000)).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn panic_is_a_failure_and_the_next_job_runs() {
    let setup = Setup::new(1);
    let mut panicking = Box::pin(setup.request(PANICS, anonymous()));
    let mut next = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut panicking).is_pending() && poll!(&mut next).is_pending());
    setup.site.let_end(2);
    assert!(matches!(panicking.await.unwrap(), Verdict::Failed(_)));
    assert_eq!(next.await.unwrap(), Verdict::Correct);
}

#[tokio::test]
async fn verification_does_not_block_async_threads() {
    let setup = Setup::new(1);
    let mut request = Box::pin(setup.request(2, anonymous()));
    assert!(poll!(&mut request).is_pending());
    setup.site.wait_for(1);
    // The only thread of this runtime does other things while the verification runs.
    for _ in 0..1000 {
        yield_now().await;
        tokio::spawn(async {}).await.unwrap();
    }
    assert!(poll!(&mut request).is_pending());
    setup.site.let_end(1);
    assert_eq!(request.await.unwrap(), Verdict::Correct);
}

#[test]
fn shut_down_runtime_frees_its_places() {
    let setup = Setup::new(1);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ends = runtime();
    ends.block_on(async {
        for number in [2, 4] {
            let mut request = Box::pin(setup.request(number, anonymous()));
            assert!(poll!(&mut request).is_pending());
            std::mem::forget(request); // still waited for
        }
    });
    setup.site.wait_for(1);
    ends.shutdown_background();
    runtime().block_on(async {
        let mut last = Box::pin(setup.request(6, anonymous()));
        assert!(poll!(&mut last).is_pending());
        // When the first one is done, no runtime can run the second.
        setup.site.let_end(2);
        assert_eq!(last.await.unwrap(), Verdict::Correct);
        assert!(setup.hasher.0.lock().in_flight.is_empty());
    });
    assert_eq!(setup.site.started(), [2, 6]);
}

#[test]
fn verification_without_a_runtime_is_unavailable() {
    let setup = Setup::new(1);
    let mut request = Box::pin(setup.request(2, anonymous()));
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(rejection)) = request.as_mut().poll(context) else {
        panic!("it is rejected at once");
    };
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    assert_eq!(setup.hasher.0.lock().running, 0);
}
