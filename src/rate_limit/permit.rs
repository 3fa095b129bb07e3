//! The permission for one attempt, which is settled by its outcome.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::attempt::Cost;
use super::limiter::{Asker, Keys, RateLimiter, pending_key};
use crate::{Reason, Rejection};

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The credential is right.
    Authenticated,
    /// The credential is wrong or malformed.
    Failed,
    /// Nobody can say: the backend is down, or there was no credential after all.
    Unknown,
}

impl Outcome {
    pub(crate) fn of<T>(verdict: &Result<T, Rejection>) -> Self {
        match verdict.as_ref().map_err(Rejection::reason) {
            Ok(_) => Self::Authenticated,
            Err(Reason::Malformed | Reason::Invalid) => Self::Failed,
            Err(_) => Self::Unknown,
        }
    }
}

/// The permission for one attempt. Where it is dropped unsettled, the outcome is unknown.
pub(crate) struct Permit {
    limiter: Arc<RateLimiter>,
    keys: Keys,
    /// `None` where the attempt is counted once it fails.
    taken: Option<Arc<Taken>>,
}

/// The slots of an attempt, and of concurrent ones with the same credential. They are given back
/// when this is dropped, unless they are kept.
pub(super) struct Taken {
    limiter: Arc<RateLimiter>,
    keys: Keys,
    known: bool,
    keep: AtomicBool,
}

impl Taken {
    pub(super) fn new(limiter: &Arc<RateLimiter>, keys: &Keys, known: bool) -> Self {
        let keep = AtomicBool::new(keys.cost == Cost::Expensive);
        Self { limiter: limiter.clone(), keys: keys.clone(), known, keep }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !*self.keep.get_mut() {
            self.limiter.give_back(&self.keys, self.known);
        }
        self.limiter.forget_pending(pending_key(&self.keys));
    }
}

impl Permit {
    pub(super) fn new(limiter: &Arc<RateLimiter>, keys: Keys, taken: Option<Arc<Taken>>) -> Self {
        Self { limiter: limiter.clone(), keys, taken }
    }

    /// Who asks, for the queue of expensive verifications.
    pub(crate) fn asker(&self) -> Asker {
        Asker { address: Some(self.keys.address), known: self.limiter.is_known(&self.keys) }
    }

    /// Counts the attempt if it failed, and remembers the client if it did not.
    pub(crate) fn settle(self, outcome: Outcome) {
        match (outcome, &self.taken) {
            (Outcome::Authenticated, taken) => {
                self.limiter.remember(&self.keys);
                taken.iter().for_each(|taken| taken.keep.store(false, Relaxed));
            }
            (Outcome::Failed, Some(taken)) => taken.keep.store(true, Relaxed),
            (Outcome::Failed, None) => self.limiter.charge(&self.keys),
            (Outcome::Unknown, _) => {}
        }
    }
}
