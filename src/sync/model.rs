//! The same for [shuttle](https://docs.rs/shuttle): threads and tasks that it schedules, one at a time. It may run another
//! one before each operation on what they share.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

pub(crate) use shuttle::future::AbortHandle;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
pub(crate) use shuttle::sync::atomic::AtomicU64;
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
use shuttle::{Config, Runner};

/// How many schedules each test explores by each of two strategies.
const SCHEDULES: usize = 1_000;
/// At how many points of a schedule the second strategy changes priorities. Most faults need one or two.
const CHANGES: usize = 3;
/// The stack of each thread, in bytes. shuttle's default is too small for code that is not optimized.
const STACK: usize = 512 * 1024;

/// Runs a test in many schedules: random ones, and such that let one thread wait for long (PCT, Burckhardt et al. 2010).
/// A failure prints the schedule, for `shuttle::replay`. What never ends is a failure as well.
pub(crate) fn explore(test: impl Fn() + Clone + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = STACK;
    let random = RandomScheduler::new(SCHEDULES);
    Runner::new(random, config.clone()).run(test.clone());
    Runner::new(PctScheduler::new(CHANGES, SCHEDULES), config).run(test);
}

/// Runs these futures, each as a task, and returns what they return.
pub(crate) fn join_all<T: Send + 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = futures.into_iter().map(shuttle::future::spawn).collect();
    tasks.into_iter().map(|task| shuttle::future::block_on(task).expect("it ends")).collect()
}

/// Lets other threads run.
pub(crate) fn pause() {
    shuttle::thread::yield_now();
}

/// A snapshot whose operations are atomic, as those of arc-swap are.
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

/// What [`ArcSwap::load`] returns.
pub(crate) struct Guard<T>(T);

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(Mutex::new(Arc::new(value)))
    }

    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        Guard(self.load_full())
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        self.lock().clone()
    }

    pub(crate) fn store(&self, next: Arc<T>) {
        // The previous value is dropped after the lock.
        let _previous = std::mem::replace(&mut *self.lock(), next);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<T>> {
        self.0.lock().expect("nothing panics with this lock")
    }
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A cell that is written once. shuttle has none.
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    writing: Mutex<()>,
    /// Is read before the value is, so that shuttle may run another thread.
    reads: AtomicU64,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            writing: Mutex::new(()),
            reads: AtomicU64::new(0),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.reads.load(Ordering::SeqCst);
        self.value.get()
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _writing = self.writing.lock();
        self.value.get_or_init(init)
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// A runtime, which always runs.
#[derive(Clone)]
pub(crate) struct Handle;

/// What there never is here.
pub(crate) struct NoRuntime;

impl Handle {
    pub(crate) fn try_current() -> Result<Self, NoRuntime> {
        Ok(Self)
    }

    pub(crate) fn spawn(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> shuttle::future::JoinHandle<()> {
        shuttle::future::spawn(task)
    }

    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        shuttle::thread::spawn(work);
    }
}

/// A limit of zero has passed.
#[derive(Debug)]
pub(crate) struct Elapsed;

/// Waits, while time stands still: no limit passes but zero. So a wake-up that is lost is a deadlock, and no delay.
pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending if limit.is_zero() => Poll::Ready(Err(Elapsed)),
        Poll::Pending => Poll::Pending,
    })
    .await
}
