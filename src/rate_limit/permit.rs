//! The permission for one attempt, which is settled by its outcome.

use std::sync::Arc;

use super::counters::{Counters, Taken};
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
    store: StoreRole,
}

/// What a shared store has to do with an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreRole {
    /// There is none, or this process decided without it.
    Unused,
    /// It was asked, and is told the outcome.
    Asked,
    /// It was told earlier that the credential of this client is right.
    Knows,
}

impl Permit {
    pub(super) fn new(
        counters: &Arc<Counters>,
        keys: Keys,
        is_known: bool,
        taken: Option<Arc<Taken>>,
        store: StoreRole,
    ) -> Self {
        Self { counters: counters.clone(), keys, is_known, taken, store }
    }

    /// Returns the client, for the queue of expensive verifications.
    pub(crate) fn requester(&self) -> Requester {
        Requester { address: Some(self.keys.attempt.client()), known: self.is_known }
    }

    /// Counts the attempt if it failed, and remembers the client if it did not.
    ///
    /// For permits of [`RateLimiter::decide`](super::RateLimiter::decide), which need not wait.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        debug_assert!(self.counters.shared.is_none(), "await `settle_later`");
        self.settle_here(outcome);
    }

    /// Counts the attempt if it failed, and remembers the client if it did not, here and in the shared store.
    pub(crate) async fn settle_later(mut self, outcome: Outcome) {
        self.settle_here(outcome);
        let (Some(shared), role) = (&self.counters.shared, self.store) else {
            return;
        };
        let attempt = &self.keys.attempt;
        if outcome == Outcome::Authenticated
            && role == StoreRole::Asked
            && shared.apply(AttemptStep::Remember, attempt).await.is_some()
        {
            shared.add_verified(&self.keys, self.counters.local.now());
        }
        if outcome == Outcome::Failed && self.taken.is_none() && role != StoreRole::Unused {
            shared.apply(AttemptStep::Charge, attempt).await;
        }
        // Concurrent attempts may share what was taken. The last one gives it back.
        if let Some(give_back) = self.taken.and_then(Arc::into_inner).and_then(Taken::release) {
            shared.apply(give_back, attempt).await;
        }
    }

    /// Settles the attempt in the memory of this process.
    fn settle_here(&mut self, outcome: Outcome) {
        let (local, attempt) = (&self.counters.local, &mut self.keys.attempt);
        match (outcome, &self.taken) {
            (Outcome::Authenticated, taken) => {
                attempt.hide_subjects(false);
                local.apply_now(AttemptStep::Remember, attempt);
                taken.iter().for_each(|taken| taken.keep(false));
            }
            (Outcome::Failed, Some(taken)) => taken.keep(true),
            (Outcome::Failed, None) => {
                local.apply_now(AttemptStep::Charge, attempt);
            }
            (Outcome::Unknown, _) => {}
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
