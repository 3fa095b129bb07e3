//! Requests that race for places, with verifications that end and with each other.

use std::collections::HashSet;
use std::sync::Mutex;

use super::*;
use crate::sync::{explore, join_all, pause};

/// What the verifications of a test note.
#[derive(Default)]
struct Site {
    started: Vec<u64>,
    running: usize,
    max_running: usize,
    cached: HashSet<u64>,
}

/// The credential of a number, which is correct if the number is even.
struct Fake {
    site: Arc<Mutex<Site>>,
    number: u64,
}

impl Fake {
    fn verdict(number: u64) -> Verdict {
        if number % 2 == 0 { Verdict::Correct } else { Verdict::Wrong }
    }
}

impl Verification for Fake {
    fn verify(&self) -> Verdict {
        {
            let mut site = self.site.lock().unwrap();
            site.started.push(self.number);
            site.running += 1;
            site.max_running = site.max_running.max(site.running);
        }
        pause();
        self.site.lock().unwrap().running -= 1;
        Self::verdict(self.number)
    }

    fn cache(&self) {
        pause();
        self.site.lock().unwrap().cached.insert(self.number);
    }

    fn is_cached(&self) -> bool {
        self.site.lock().unwrap().cached.contains(&self.number)
    }
}

#[derive(Clone)]
struct Setup {
    site: Arc<Mutex<Site>>,
    hasher: Arc<Hasher<Fake>>,
}

impl Setup {
    fn new(max_concurrency: usize) -> Self {
        Self { site: Arc::default(), hasher: Arc::new(Hasher::new(max_concurrency)) }
    }

    /// Sends a request with the credential of this number, which has to get the right verdict.
    async fn request(self, number: u64) {
        let credential = Digest::from_words([number, 0, 0, 0]);
        let claim = Claim { requester: Requester::default(), user: credential };
        let fake = Fake { site: self.site.clone(), number };
        let verdict = self.hasher.verify(credential, claim, fake).await.unwrap();
        assert_eq!(verdict, Fake::verdict(number));
    }

    /// Waits until nothing runs, checks that nothing is left, and returns which verifications started.
    fn idle(&self) -> Vec<u64> {
        let is_idle = || {
            let state = self.hasher.0.lock();
            let is_empty = state.queue.is_empty() && state.in_flight.is_empty();
            assert!(state.running > 0 || is_empty);
            state.running == 0
        };
        while !is_idle() {
            pause();
        }
        let mut started = self.site.lock().unwrap().started.clone();
        started.sort_unstable();
        started
    }
}

#[test]
fn each_request_gets_a_verdict_and_places_are_bounded() {
    for places in [1, 2] {
        explore(move || {
            let setup = Setup::new(places);
            join_all((0..4).map(|number| setup.clone().request(number)));
            assert_eq!(setup.idle(), [0, 1, 2, 3]);
            let max_running = setup.site.lock().unwrap().max_running;
            assert!((1..=places).contains(&max_running), "{max_running}");
        });
    }
}

#[test]
fn racing_requests_with_one_correct_credential_share_a_verification() {
    explore(|| {
        let setup = Setup::new(2);
        join_all([2, 2, 2, 4].map(|number| setup.clone().request(number)));
        assert_eq!(setup.idle(), [2, 4]);
    });
}

#[test]
fn cancelled_requests_keep_no_place_and_lose_no_other_request() {
    explore(|| {
        let setup = Setup::new(1);
        let cancelled =
            [0, 2, 4].map(|number| shuttle::future::spawn(setup.clone().request(number)));
        let others = {
            let setup = setup.clone();
            shuttle::thread::spawn(move || {
                join_all([2, 5].map(|number| setup.clone().request(number)))
            })
        };
        cancelled.iter().for_each(|request| request.abort());
        for request in cancelled {
            let _ = shuttle::future::block_on(request); // it may have ended before
        }
        others.join().unwrap();
        setup.idle();
        join_all([setup.clone().request(7)]);
        let started = setup.idle();
        assert!(started.ends_with(&[7]) && started.contains(&5), "{started:?}");
        assert_eq!(setup.site.lock().unwrap().max_running, 1);
    });
}
