//! Verifications that end when the test says so, and count.

use std::collections::HashSet;
use std::sync::Condvar;

use futures::future::join_all;
use futures::poll;
use tokio::task::yield_now;

use super::*;
use crate::auth::RejectionKind;

/// Where verifications wait until the test lets them end, and what it sees of them.
#[derive(Default)]
struct Site {
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    may_end: usize,
    started: Vec<u64>,
    running: usize,
    most: usize,
    remembered: HashSet<u64>,
}

impl Site {
    fn let_end(&self, more: usize) {
        self.seen.lock().unwrap().may_end += more;
        self.changed.notify_all();
    }

    fn started(&self) -> Vec<u64> {
        self.seen.lock().unwrap().started.clone()
    }

    /// Waits until so many have been started.
    fn wait_for(&self, started: usize) {
        let seen = self.seen.lock().unwrap();
        drop(self.changed.wait_while(seen, |seen| seen.started.len() < started).unwrap());
    }
}

/// The credential of this number, which is right if it is even.
struct Fake {
    site: Arc<Site>,
    number: u64,
}

impl Verification for Fake {
    fn verify(&self) -> Answer {
        let mut seen = self.site.seen.lock().unwrap();
        seen.started.push(self.number);
        seen.running += 1;
        seen.most = seen.most.max(seen.running);
        self.site.changed.notify_all();
        let mut seen = self.site.changed.wait_while(seen, |seen| seen.may_end == 0).unwrap();
        seen.may_end -= 1;
        seen.running -= 1;
        drop(seen);
        match self.number {
            PANICS => panic!("as a bug would"),
            even if even % 2 == 0 => Answer::Right,
            _ => Answer::Wrong,
        }
    }

    fn remember(&self) {
        self.site.seen.lock().unwrap().remembered.insert(self.number);
    }

    fn is_remembered(&self) -> bool {
        self.site.seen.lock().unwrap().remembered.contains(&self.number)
    }
}

const PANICS: u64 = 666;
fn nobody() -> Claim {
    Claim { asker: Requester::default(), user: Digest::from_words([0; 4]) }
}

/// Somebody at this address who is not known there, and claims to be user 0.
fn of(address: u64) -> Claim {
    Claim { asker: Requester { address: Some(address), known: false }, ..nobody() }
}

/// A known client at this address, of this user.
fn known(address: u64, user: u64) -> Claim {
    let asker = Requester { address: Some(address), known: true };
    Claim { asker, user: Digest::from_words([user, 0, 0, 0]) }
}

struct Setup {
    site: Arc<Site>,
    verifier: Arc<Hasher<Fake>>,
}

/// No runtime waits for what a test has left.
impl Drop for Setup {
    fn drop(&mut self) {
        self.site.let_end(10_000);
    }
}

impl Setup {
    fn new(at_most: usize) -> Self {
        Self { site: Arc::default(), verifier: Arc::new(Hasher::new(at_most)) }
    }

    /// A request with the credential of this number.
    fn request(
        &self,
        number: u64,
        claim: Claim,
    ) -> impl Future<Output = Result<Answer, Rejection>> + use<> {
        let (verifier, site) = (self.verifier.clone(), self.site.clone());
        async move {
            let credential = Digest::from_words([number, 0, 0, 0]);
            verifier.verify(credential, claim, Fake { site, number }).await
        }
    }
}

#[tokio::test]
async fn a_hundred_requests_with_one_credential_cost_one_verification() {
    for (number, answer) in [(2, Answer::Right), (3, Answer::Wrong)] {
        let setup = Setup::new(1);
        let mut requests: Vec<_> =
            (0..100).map(|_| Box::pin(setup.request(number, nobody()))).collect();
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
    for answered in join_all((0..100).map(|number| setup.request(number, nobody()))).await {
        answered.unwrap();
    }
    assert_eq!(setup.site.started().len(), 100, "but each credential costs its own");
}

#[tokio::test]
async fn what_is_right_is_remembered_before_it_can_be_asked_for_anew() {
    let setup = Setup::new(1);
    setup.site.let_end(2);
    assert_eq!(setup.request(2, of(7)).await.unwrap(), Answer::Right);
    assert_eq!(setup.request(2, of(8)).await.unwrap(), Answer::Right);
    assert_eq!(setup.site.started(), [2]);
    assert_eq!(setup.request(3, of(7)).await.unwrap(), Answer::Wrong);
    assert!(!setup.site.seen.lock().unwrap().remembered.contains(&3));
}

#[tokio::test]
async fn who_asked_first_may_hang_up() {
    let setup = Setup::new(1);
    let mut first = Box::pin(setup.request(2, nobody()));
    let mut second = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(first);
    setup.site.let_end(1);
    assert_eq!(second.await.unwrap(), Answer::Right);
    assert_eq!(setup.site.started(), [2]);
}

#[tokio::test]
async fn so_many_run_at_a_time() {
    let setup = Setup::new(3);
    let mut requests: Vec<_> = (0..9).map(|n| Box::pin(setup.request(n, nobody()))).collect();
    for request in &mut requests {
        assert!(poll!(request).is_pending());
    }
    setup.site.wait_for(3);
    setup.site.let_end(9);
    join_all(requests).await;
    assert_eq!(setup.site.started().len(), 9);
    assert_eq!(setup.site.seen.lock().unwrap().most, 3);
}

#[tokio::test]
async fn who_hangs_up_frees_no_place() {
    let setup = Setup::new(1);
    let mut running = Box::pin(setup.request(0, nobody()));
    assert!(poll!(&mut running).is_pending());
    setup.site.wait_for(1);
    drop(running);
    let mut next = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut next).is_pending());
    assert_eq!(setup.verifier.0.lock().running, 1);
    assert_eq!(setup.verifier.0.lock().queue.len(), 1, "it waits for the one nobody wants");
    setup.site.let_end(2);
    assert_eq!(next.await.unwrap(), Answer::Right);
    assert_eq!(setup.site.seen.lock().unwrap().most, 1);
    // What has begun is remembered even so.
    assert!(setup.site.seen.lock().unwrap().remembered.contains(&0));
}

#[tokio::test]
async fn a_thousand_clients_that_connect_and_drop_leave_one_verification() {
    let setup = Setup::new(1);
    for number in 0..1000 {
        let mut request = Box::pin(setup.request(number, of(number)));
        assert!(poll!(&mut request).is_pending(), "{number}");
    }
    let mut last = Box::pin(setup.request(1000, of(1000)));
    assert!(poll!(&mut last).is_pending(), "there is room in the queue");
    setup.site.let_end(2);
    assert_eq!(last.await.unwrap(), Answer::Right);
    assert_eq!(setup.site.started(), [0, 1000]);
    let state = setup.verifier.0.lock();
    assert!(state.queue.is_empty() && state.flights.is_empty());
}

#[tokio::test]
async fn one_that_is_waited_for_anew_is_made() {
    let setup = Setup::new(1);
    let mut running = Box::pin(setup.request(0, nobody()));
    let mut left = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut running).is_pending() && poll!(&mut left).is_pending());
    drop(left);
    let mut again = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut again).is_pending());
    setup.site.let_end(2);
    assert_eq!(again.await.unwrap(), Answer::Right);
}

/// Asks for these verifications one after the other, none of which ends, and returns for each
/// whether it may wait.
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
async fn two_of_an_address_may_wait() {
    let claims = [
        (0, of(1), true), // runs
        (2, of(1), true),
        (4, of(1), true),
        (6, of(1), false),
        (8, known(1, 1), true), // its neighbours do not keep it out
        (4, of(1), true),       // as above: needs no place
        (10, of(2), true),
        (12, nobody(), true), // no address is no address in common
        (14, nobody(), true),
        (16, nobody(), true),
    ];
    let asked = claims.map(|(number, claim, _)| (number, claim));
    assert_eq!(may_wait(&Setup::new(1), asked).await, claims.map(|(.., room)| room));
}

/// The kind: a queue without a share for each user, which one account can fill.
#[tokio::test]
async fn two_of_a_known_user_may_wait_at_any_number_of_addresses() {
    let setup = Setup::new(1);
    let mallory = (0..64).map(|address| (2 * address, known(address, 7)));
    let waiting = may_wait(&setup, mallory).await;
    assert_eq!(waiting.iter().filter(|waits| **waits).count(), 3, "one runs, two wait");

    let setup = Setup::new(1);
    let mut held: Vec<_> = (0..64).map(|address| known(address, 7)).collect();
    held.extend([known(1, 8), known(2, 8), known(3, 9), of(1), of(2)]);
    let numbered = held.into_iter().enumerate().map(|(at, claim)| (2 * at as u64, claim));
    let waiting = may_wait(&setup, numbered).await;
    assert_eq!(waiting[64..], [true; 5], "other users have room, and so have other clients");
}

#[tokio::test]
async fn the_queue_is_bounded_and_known_clients_have_their_own() {
    let setup = Setup::new(1);
    let mut waiting = Vec::new();
    for number in 0..=QUEUE as u64 {
        waiting.push(Box::pin(setup.request(number, of(number))));
        assert!(poll!(waiting.last_mut().unwrap()).is_pending());
    }
    let refused = setup.request(1000, of(1000)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.cause().is_some()), (RejectionKind::Unavailable, true));
    for number in 2000..2000 + QUEUE as u64 {
        waiting.push(Box::pin(setup.request(number, known(1, number))));
        assert!(poll!(waiting.last_mut().unwrap()).is_pending());
    }
    assert!(setup.request(3000, known(1, 3000)).await.is_err());
    setup.site.let_end(1000);
    join_all(waiting).await;
    let started = setup.site.started();
    assert_eq!(started[..4], [0, 2000, 2001, 2002], "they go first, in their order");
    assert_eq!(started[1 + QUEUE..][..3], [1, 2, 3]);
    assert!(setup.request(4000, of(4000)).await.is_ok(), "there is room again");
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_one_runs() {
    let setup = Setup::new(1);
    let mut panicking = Box::pin(setup.request(PANICS, nobody()));
    let mut next = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut panicking).is_pending() && poll!(&mut next).is_pending());
    setup.site.let_end(2);
    assert!(matches!(panicking.await.unwrap(), Answer::Unable(_)));
    assert_eq!(next.await.unwrap(), Answer::Right);
}

#[tokio::test]
async fn async_threads_go_on_meanwhile() {
    let setup = Setup::new(1);
    let mut request = Box::pin(setup.request(2, nobody()));
    assert!(poll!(&mut request).is_pending());
    setup.site.wait_for(1);
    // The only thread of this runtime does other things while the verification runs.
    for _ in 0..1000 {
        yield_now().await;
        tokio::spawn(async {}).await.unwrap();
    }
    assert!(poll!(&mut request).is_pending());
    setup.site.let_end(1);
    assert_eq!(request.await.unwrap(), Answer::Right);
}

#[test]
fn a_runtime_that_has_ended_holds_no_place() {
    let setup = Setup::new(1);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ends = runtime();
    ends.block_on(async {
        for number in [2, 4] {
            let mut request = Box::pin(setup.request(number, nobody()));
            assert!(poll!(&mut request).is_pending());
            std::mem::forget(request); // still waited for
        }
    });
    setup.site.wait_for(1);
    ends.shutdown_background();
    runtime().block_on(async {
        let mut last = Box::pin(setup.request(6, nobody()));
        assert!(poll!(&mut last).is_pending());
        // When the first one is done, nobody can run the second.
        setup.site.let_end(2);
        assert_eq!(last.await.unwrap(), Answer::Right);
        assert!(setup.verifier.0.lock().flights.is_empty());
    });
    assert_eq!(setup.site.started(), [2, 6]);
}

#[test]
fn without_a_runtime_there_is_no_answer() {
    let setup = Setup::new(1);
    let mut request = Box::pin(setup.request(2, nobody()));
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(rejection)) = request.as_mut().poll(context) else {
        panic!("it is refused at once");
    };
    assert_eq!(rejection.kind(), RejectionKind::Unavailable);
    assert_eq!(setup.verifier.0.lock().running, 0);
}
