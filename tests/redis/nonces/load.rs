//! Requests at several processes while Redis fails.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::process::{Answer, Process, SKEW, Signature};
use crate::support::PATIENCE;

/// How long requests are sent before the failure.
const BEFORE: Duration = Duration::from_millis(1200);
/// How many signatures are shown again at once.
const BATCH: usize = 8;

/// What a failure cost.
#[derive(Debug)]
pub struct Outcome {
    /// How many signatures were served until Redis was back.
    pub served: usize,
    /// Those that were served twice.
    pub twice: Vec<Signature>,
    /// How long requests of clients with a right clock were refused after Redis was back.
    pub refused_for: Duration,
}

/// Sends requests by clients whose clocks are ahead or behind by up to the skew, and shows every signature that was
/// served to the other processes, without pause, until it has expired. Meanwhile `fail` lets Redis fail, and come
/// back for the processes that `come_back` tells.
pub async fn serve_through(
    processes: &[Process],
    come_back: impl Fn(usize) -> bool,
    fail: impl AsyncFnOnce(),
) -> Outcome {
    join_all(processes.iter().map(Process::until_served)).await;
    let load = Load::default();
    let claims = join_all((0..processes.len()).map(|at| load.send_requests(processes, at)));
    let replays = join_all((0..processes.len()).map(|at| load.show_again(processes, at)));
    let failure = async {
        sleep(BEFORE).await;
        fail().await;
        let served = load.served().len();
        let back = Instant::now();
        let refused =
            (0..processes.len()).filter(|at| come_back(*at)).map(|at| until_served(processes, at));
        join_all(refused).await;
        let refused_for = back.elapsed();
        load.sends_requests.store(false, Relaxed);
        let remaining =
            load.served()[..served].iter().map(|(_, signature)| signature.remaining()).max();
        sleep(remaining.unwrap_or_default()).await;
        load.is_over.store(true, Relaxed);
        (served, refused_for)
    };
    let (.., (served, refused_for)) = tokio::join!(claims, replays, failure);
    let twice = std::mem::take(&mut *lock(&load.twice));
    Outcome { served, twice, refused_for }
}

impl Outcome {
    /// Prints a line of the table of failures, and checks that nothing was served twice.
    pub fn check(&self, failure: &str) {
        let Self { served, twice, refused_for } = self;
        println!(
            "| {failure} | {} of {served} | {:.1} s |",
            twice.len(),
            refused_for.as_secs_f32()
        );
        assert!(
            twice.is_empty(),
            "{failure}: {} of {served} were served twice: {twice:?}",
            twice.len()
        );
        assert!(*served >= 20, "{failure}: {served} are too few to tell");
        // Two seconds are enough; the rest is for a slow machine.
        assert!(
            *refused_for < SKEW + Duration::from_secs(10),
            "{failure}: refused for {refused_for:?}"
        );
    }
}

#[derive(Default)]
struct Load {
    /// The process and the signature of each request that was served.
    served: Mutex<Vec<(usize, Signature)>>,
    twice: Mutex<Vec<Signature>>,
    sends_requests: AtomicBool,
    is_over: AtomicBool,
}

impl Load {
    async fn send_requests(&self, processes: &[Process], at: usize) {
        self.sends_requests.store(true, Relaxed);
        while self.sends_requests.load(Relaxed) {
            let signature = Signature::of_any_clock();
            if processes[at].take(&signature).await == Answer::Served {
                self.served().push((at, signature));
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Shows what other processes served to this one.
    async fn show_again(&self, processes: &[Process], at: usize) {
        let mut next = 0;
        while !self.is_over.load(Relaxed) {
            let batch: Vec<_> = self.served().iter().skip(next).take(BATCH).cloned().collect();
            next = if batch.len() < BATCH { 0 } else { next + BATCH };
            let of_others = batch.into_iter().filter(|(by, _)| *by != at);
            join_all(of_others.map(async |(_, signature)| {
                if processes[at].take(&signature).await == Answer::Served {
                    lock(&self.twice).push(signature);
                }
            }))
            .await;
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn served(&self) -> MutexGuard<'_, Vec<(usize, Signature)>> {
        lock(&self.served)
    }
}

async fn until_served(processes: &[Process], at: usize) {
    let deadline = Instant::now() + PATIENCE;
    while processes[at].take(&Signature::new(0)).await != Answer::Served {
        assert!(Instant::now() < deadline, "process {at} serves nothing any more");
        sleep(Duration::from_millis(20)).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
