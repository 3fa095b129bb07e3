//! The permission for one attempt, which is settled by its outcome.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::counters::{Counters, Taken};
use super::keys::Keys;
use crate::auth::{Rejection, RejectionKind};

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
        match verdict.as_ref().map_err(Rejection::kind) {
            Ok(_) => Self::Authenticated,
            Err(RejectionKind::Malformed | RejectionKind::Invalid) => Self::Failed,
            Err(_) => Self::Unknown,
        }
    }
}

/// The permission for one attempt. Where it is dropped unsettled, the outcome is unknown.
pub(crate) struct Permit {
    counters: Arc<Counters>,
    keys: Keys,
    /// `None` where the attempt is counted once it fails.
    taken: Option<Arc<Taken>>,
}

impl Permit {
    pub(super) fn new(counters: &Arc<Counters>, keys: Keys, taken: Option<Arc<Taken>>) -> Self {
        Self { counters: counters.clone(), keys, taken }
    }

    /// Who asks, for the queue of expensive verifications.
    pub(crate) fn asker(&self) -> Asker {
        Asker { address: Some(self.keys.address), known: self.counters.is_known(&self.keys) }
    }

    /// Counts the attempt if it failed, and remembers the client if it did not.
    pub(crate) fn settle(self, outcome: Outcome) {
        match (outcome, &self.taken) {
            (Outcome::Authenticated, taken) => {
                self.counters.remember(&self.keys);
                taken.iter().for_each(|taken| taken.keep.store(false, Relaxed));
            }
            (Outcome::Failed, Some(taken)) => taken.keep.store(true, Relaxed),
            (Outcome::Failed, None) => self.counters.charge(&self.keys),
            (Outcome::Unknown, _) => {}
        }
    }
}

/// Who asks for an expensive verification, for a fair queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asker {
    /// A keyed hash of the client's address, if it has one.
    pub(crate) address: Option<u64>,
    /// Whether it is a known client of the claimed user.
    pub(crate) known: bool,
}
