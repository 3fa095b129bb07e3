//! A fake remote store: one in memory behind a channel, with delays and failures.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::auth::BoxError;
use crate::stores::{AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, MemoryAttemptStore};
use crate::stores::{MemoryReplayStore, NonceClaim, NonceStatus, ReplayStore};

const DELAY: Duration = Duration::from_millis(7);

/// Which operations of a [`Remote`] fail.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    Never,
    Always,
}

type Operation<S> = Box<dyn FnOnce(&S) + Send>;

/// A store that belongs to a task of its own.
pub(crate) struct Remote<S> {
    operations: mpsc::UnboundedSender<Operation<S>>,
    failure: Failure,
    count: AtomicUsize,
}

impl<S: Send + Sync + 'static> Remote<S> {
    pub(crate) fn new(store: S, failure: Failure) -> Self {
        let (operations, mut receiver) = mpsc::unbounded_channel::<Operation<S>>();
        tokio::spawn(async move {
            while let Some(operation) = receiver.recv().await {
                operation(&store);
            }
        });
        Self { operations, failure, count: AtomicUsize::new(0) }
    }

    /// Runs an operation in the task of the store. Each one takes another time, so that their order
    /// changes.
    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&S) -> T + Send + 'static,
    ) -> Result<T, BoxError> {
        let number = self.count.fetch_add(1, Relaxed);
        sleep(DELAY * (number as u32 * 5 % 7 + 1)).await;
        if let Failure::Always = self.failure {
            return Err("connection reset".into());
        }
        let (sender, receiver) = oneshot::channel();
        let operation = move |store: &S| drop(sender.send(operation(store)));
        self.operations.send(Box::new(operation)).map_err(|_| "the store is gone")?;
        let result = receiver.await?;
        sleep(DELAY).await;
        Ok(result)
    }
}

impl AttemptStore for Remote<MemoryAttemptStore> {
    async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Result<AttemptStatus, BoxError> {
        let keys = keys.clone();
        self.run(move |store| store.apply_now(step, &keys)).await
    }
}

impl ReplayStore for Remote<MemoryReplayStore> {
    async fn claim(&self, claim: &NonceClaim<'_>) -> Result<NonceStatus, BoxError> {
        let (key_id, nonce) = (claim.key_id.to_owned(), claim.nonce.to_owned());
        let NonceClaim { created, expires, skew, keep, .. } = *claim;
        let claimed = self.run(move |store| {
            let claim = NonceClaim::new(&key_id, &nonce, created, expires, skew);
            now(store.claim(&NonceClaim { keep, ..claim }))
        });
        claimed.await?
    }

    async fn is_claimed(&self, key_id: &str, nonce: &str) -> Result<bool, BoxError> {
        let (key_id, nonce) = (key_id.to_owned(), nonce.to_owned());
        let claimed = self.run(move |store| now(store.is_claimed(&key_id, &nonce)));
        claimed.await?
    }

    fn is_shared(&self) -> bool {
        true
    }
}

/// Returns the output of a future that does not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};

    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("stores in memory do not wait"),
    }
}
