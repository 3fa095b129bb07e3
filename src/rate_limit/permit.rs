//! The permission for one attempt, which is settled by its outcome.

use std::sync::Arc;

use super::counters::{Counters, Taken};
use super::immediately::immediately;
use super::keys::Keys;
use crate::auth::{Authenticated, Rejection};
use crate::stores::AttemptStep;

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The credential is right.
    Authenticated,
    /// The credential is wrong or malformed.
    Failed,
    /// The outcome cannot be determined: the backend is down, or there was no credential after all.
    Unknown,
}

impl Outcome {
    pub(crate) fn from_result(result: Result<&Authenticated, &Rejection>) -> Self {
        result.map_or_else(Self::from_rejection, Self::from_authenticated)
    }

    /// Returns the outcome of a request that is authenticated. It counts as a failure if it also has
    /// a wrong credential of another user.
    pub(crate) fn from_authenticated(authenticated: &Authenticated) -> Self {
        if authenticated.has_failed_claim { Self::Failed } else { Self::Authenticated }
    }

    /// Returns the outcome of a request that is rejected. A wrong credential counts, whatever other
    /// reason the response gives.
    pub(crate) fn from_rejection(rejection: &Rejection) -> Self {
        if rejection.has_failed() { Self::Failed } else { Self::Unknown }
    }
}

/// The permission for one attempt. If it is dropped unsettled, the outcome is unknown.
pub(crate) struct Permit {
    counters: Arc<Counters>,
    keys: Keys,
    is_known: bool,
    /// `None` if the attempt is counted once it fails.
    taken: Option<Arc<Taken>>,
}

impl Permit {
    pub(super) fn new(
        counters: &Arc<Counters>,
        keys: Keys,
        is_known: bool,
        taken: Option<Arc<Taken>>,
    ) -> Self {
        Self { counters: counters.clone(), keys, is_known, taken }
    }

    /// Returns the client, for the queue of expensive verifications.
    pub(crate) fn requester(&self) -> Requester {
        Requester { address: Some(self.keys.attempt.client()), known: self.is_known }
    }

    /// Counts the attempt if it failed, and remembers the client if it did not.
    ///
    /// For permits of [`RateLimiter::decide`](super::RateLimiter::decide), which need not wait.
    pub(crate) fn settle(self, outcome: Outcome) {
        debug_assert!(!self.counters.is_shared(), "await `settle_later`");
        immediately(self.settle_later(outcome));
    }

    /// Counts the attempt if it failed, and remembers the client if it did not. Waits for a shared
    /// store.
    ///
    /// # Errors
    ///
    /// 503 if the store fails. The outcome must then not be revealed, whatever it is: it would be
    /// the result of an attempt that is not counted.
    pub(crate) async fn settle_later(mut self, outcome: Outcome) -> Result<(), Rejection> {
        let keys = &mut self.keys.attempt;
        match (outcome, &self.taken) {
            (Outcome::Authenticated, taken) => {
                keys.hide_subjects(false);
                self.counters.apply(AttemptStep::Remember, keys).await?;
                taken.iter().for_each(|taken| taken.keep(false));
            }
            (Outcome::Failed, Some(taken)) => taken.keep(true),
            (Outcome::Failed, None) => {
                self.counters.apply(AttemptStep::Charge, keys).await?;
            }
            (Outcome::Unknown, _) => {}
        }
        match self.taken.and_then(Arc::into_inner) {
            Some(taken) => taken.release().await,
            None => Ok(()), // a concurrent attempt shares it
        }
    }
}

/// The client that an expensive verification is for, for a fair queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requester {
    /// A keyed hash of the client's address, if it has one.
    pub(crate) address: Option<u64>,
    /// Whether it is a known client of the claimed user.
    pub(crate) known: bool,
}
