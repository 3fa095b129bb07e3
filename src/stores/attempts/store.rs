//! The interface of a store of failed attempts.

use std::time::Duration;

use super::keys::AttemptKeys;
use crate::auth::BoxError;

/// Counts failed attempts and remembers known clients, for a [`RateLimit`](crate::rate_limit::RateLimit).
///
/// [`MemoryAttemptStore`](crate::stores::MemoryAttemptStore) is enough for one process. Replicas that do not share a store each allow
/// as many attempts as the limit says. [`BoxAttemptStore`](crate::stores::BoxAttemptStore) erases the type of a store that is
/// chosen at runtime.
///
/// # The counters of an attempt
///
/// *A known client* is one that all of the [subjects](AttemptKeys::subjects) remember, of which
/// there is at least one. Its attempts count against a counter of its own for each pair of client
/// and subject, under the [quota of known clients](AttemptKeys::known_quota). The attempts of any
/// other client count against all [counters](AttemptKeys::counters), which it may share with others.
///
/// A counter is full when its [`Quota`](crate::stores::Quota) allows no further attempt. A store may reject more than the
/// quotas demand, for example by letting clients share a counter, but never less.
pub trait AttemptStore: Send + Sync + 'static {
    /// Applies one step of an attempt, atomically. Each step is one round trip.
    ///
    /// A store that may not answer must fail within a short time, as requests wait for it.
    ///
    /// # Errors
    ///
    /// If the step cannot be applied. The process then decides by the attempts that it has seen itself.
    fn apply(
        &self,
        step: AttemptStep,
        keys: &AttemptKeys,
    ) -> impl Future<Output = Result<AttemptStatus, BoxError>> + Send;
}

/// One step of an attempt, as an [`AttemptStore`] applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptStep {
    /// Reports what [`Take`](Self::Take) would report, and takes nothing.
    Check,
    /// Takes one attempt from every counter or, if one of them is full, from none.
    Take,
    /// Takes one attempt from every counter that is not full: the attempt has failed already.
    Charge,
    /// Gives back what [`Take`](Self::Take) took.
    GiveBack {
        /// Whether `Take` reported a known client. It may have become known since.
        was_known: bool,
    },
    /// Makes this a known client of all subjects, for 24 hours. The counters of a client that is
    /// known already stay as they are.
    ///
    /// A store should bound the number of clients that one subject remembers, so that one valid
    /// password and many addresses do not fill it.
    Remember,
}

/// What an [`AttemptStore`] reports after [`AttemptStep::Check`] and [`AttemptStep::Take`]. Other
/// steps have the default status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttemptStatus {
    /// Whether this is a known client.
    pub known: bool,
    /// How long the client must wait before no counter is full; `None` if it need not wait.
    pub wait: Option<Duration>,
}
