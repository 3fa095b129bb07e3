//! A limit that replicas share: the store, and what this process knows without it.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tracing::{info, warn};

use super::admission::Admission;
use super::keys::Keys;
use super::recent::Recent;
use crate::stores::{
    AttemptKeys, AttemptStatus, AttemptStep, AttemptStore, BoxAttemptStore, MemoryAttemptStore,
};
use crate::telemetry::TARGET;

/// How long the store need not be asked about a client and a credential. The store remembers a known client for
/// as long, so it is told of the client again before it forgets.
const VERIFIED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// A store that is shared with other replicas.
pub(super) struct Shared {
    store: BoxAttemptStore,
    /// The pairs of client and credential that this process has verified.
    verified: Recent,
    admission: Admission,
    is_failing: AtomicBool,
}

/// The answer to a [question](Shared::ask).
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// The status that counts: the store's if it gave one.
    pub(super) status: AttemptStatus,
    /// Whether the store gave it.
    pub(super) is_shared: bool,
    /// What was taken from the memory of this process.
    pub(super) taken_here: Option<Share>,
    /// What was taken from the store.
    pub(super) taken_there: Option<Share>,
}

/// One attempt that was taken from the counters of a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    was_known: bool,
}

impl Share {
    /// Returns what a step took that has this status.
    pub(super) fn taken(step: AttemptStep, status: AttemptStatus) -> Option<Self> {
        let is_taken = step == AttemptStep::Take && status.wait.is_none();
        is_taken.then_some(Self { was_known: status.known })
    }

    /// Returns the step that gives it back.
    pub(super) fn give_back(self) -> AttemptStep {
        AttemptStep::GiveBack { was_known: self.was_known }
    }
}

impl Shared {
    pub(super) fn new(store: BoxAttemptStore) -> Self {
        Self {
            store,
            verified: Recent::for_at_most(VERIFIED_FOR),
            admission: Admission::new(),
            is_failing: AtomicBool::new(false),
        }
    }

    /// Applies a step here and in the store, and returns the answer that counts: the store's, or that of this
    /// process if the store fails or must not be asked.
    ///
    /// This process counts what it has seen itself. If the store demands a wait, the attempt is counted here even
    /// if it is only checked, so that repeated requests soon are answered without the store, right and wrong ones alike.
    pub(super) async fn ask(
        &self,
        local: &MemoryAttemptStore,
        step: AttemptStep,
        keys: &Keys,
    ) -> Answer {
        let here = local.apply_now(AttemptStep::Check, &keys.attempt);
        let there = if self.admission.admits(local, keys, here) {
            self.apply(step, &keys.attempt).await
        } else {
            None
        };
        let step_here = match there {
            Some(AttemptStatus { wait: Some(_), .. }) => AttemptStep::Charge,
            _ => step,
        };
        let here = local.apply_now(step_here, &keys.attempt);
        Answer {
            status: there.unwrap_or(here),
            is_shared: there.is_some(),
            taken_here: Share::taken(step_here, here),
            taken_there: there.and_then(|status| Share::taken(step, status)),
        }
    }

    /// Applies a step in the store. Returns `None` if the store fails, which is logged once.
    pub(super) async fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> Option<AttemptStatus> {
        match self.store.apply(step, keys).await {
            Ok(status) => {
                if self.is_failing.load(Relaxed) && self.is_failing.swap(false, Relaxed) {
                    info!(target: TARGET, "store of failed attempts is back: replicas count together again");
                }
                Some(status)
            }
            Err(error) => {
                if !self.is_failing.swap(true, Relaxed) {
                    warn!(
                        target: TARGET,
                        %error,
                        "store of failed attempts failed: each replica counts alone until it is back"
                    );
                }
                None
            }
        }
    }

    /// Returns whether this process has verified this credential of this client.
    pub(super) fn has_verified(&self, keys: &Keys, now: u64) -> bool {
        keys.verified().is_some_and(|key| self.verified.contains(key, now))
    }

    pub(super) fn add_verified(&self, keys: &Keys, now: u64) {
        if let Some(key) = keys.verified() {
            self.verified.insert(key, now);
        }
    }
}
