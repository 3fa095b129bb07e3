//! What was learned of tokens recently.
//!
//! Active tokens and others are in tables of their own: a flood of random tokens makes the server forget
//! no token that it knows.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::table::Table;
use super::verdict::{Granted, Refusal, Verdict};
use crate::auth::Revocation;
use crate::credentials::Grant;
use crate::crypto::Digest;

/// The capacity of each of the two tables.
const CAPACITY: usize = 10_000;
/// How long an active token is remembered after it was verified last. Within that time it is a known
/// token, whose next call needs no share of the budget for unknown ones.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// How long a refused token is refused without a call.
const REFUSED: Duration = Duration::from_secs(5);

pub(super) struct Cache {
    active: Table<Entry>,
    refused: Table<Refusal>,
    /// How long an active token is active without a call.
    fresh: Duration,
}

struct Entry {
    granted: Granted,
    fresh_until: Instant,
    /// Held by the watcher of the streams that were opened with the token, if there is one. It is a task,
    /// and may end with its runtime.
    watcher: Weak<Revocation>,
}

/// What the watcher of a token has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// To look again at this time, as the token was verified meanwhile.
    Until(Instant),
    /// To verify the token, as it has open streams.
    Verify,
    /// Nothing more: the token has no open streams, or is revoked.
    End,
}

/// What follows from the result of a call.
pub(super) struct Stored {
    pub(super) verdict: Verdict,
    /// To be revoked once the cache is unlocked.
    pub(super) revoked: Option<Revocation>,
    /// For the new watcher of the token, if it needs one.
    pub(super) watch: Option<Arc<Revocation>>,
}

impl Cache {
    pub(super) fn new(fresh: Duration) -> Self {
        let active = Table::new(CAPACITY, REMEMBERED);
        Self { active, refused: Table::new(CAPACITY, REFUSED), fresh }
    }

    /// Returns what is known of a token without a call.
    pub(super) fn find(&self, token: Digest) -> Option<Verdict> {
        let now = Instant::now();
        match self.active.get(token, now) {
            Some(entry) => entry.is_fresh(now).then(|| Ok(entry.granted.clone())),
            None => self.refused.get(token, now).cloned().map(Err),
        }
    }

    /// Returns whether a token was active when it was verified last.
    pub(super) fn is_known(&self, token: Digest) -> bool {
        self.active.get(token, Instant::now()).is_some()
    }

    /// Stores the result of a call.
    pub(super) fn store(&mut self, token: Digest, result: Result<Grant, Refusal>) -> Stored {
        match result {
            Ok(grant) => self.store_active(token, grant),
            Err(refusal) => {
                let mut revoked = None;
                if matches!(refusal, Refusal::Invalid(_)) {
                    revoked = self.active.remove(token).map(|entry| entry.granted.revocation);
                    self.refused.insert(token, refusal.clone(), Instant::now());
                }
                Stored { verdict: Err(refusal), revoked, watch: None }
            }
        }
    }

    fn store_active(&mut self, token: Digest, grant: Grant) -> Stored {
        let now = Instant::now();
        self.refused.remove(token);
        let (mut revocation, mut revoked) = (Revocation::new(), None);
        let (mut watcher, mut watch) = (Weak::new(), None);
        if let Some(earlier) = self.active.remove(token) {
            // The streams of a token go on, but not with more than what it grants now.
            if earlier.granted.grant.principal.has_same_grants(&grant.principal) {
                (revocation, watcher) = (earlier.granted.revocation, earlier.watcher);
            } else {
                revoked = Some(earlier.granted.revocation);
            }
        }
        if watcher.strong_count() == 0 {
            let new = Arc::new(revocation.clone());
            (watcher, watch) = (Arc::downgrade(&new), Some(new));
        }
        let granted = Granted { grant, revocation };
        let fresh_until = now + granted.left().map_or(self.fresh, |left| left.min(self.fresh));
        self.active.insert(token, Entry { granted: granted.clone(), fresh_until, watcher }, now);
        Stored { verdict: Ok(granted), revoked, watch }
    }

    /// Decides what the watcher of a token has to do, whose streams this revocation ends.
    ///
    /// If it has nothing more to do, the next call needs a new watcher.
    pub(super) fn watch(&mut self, token: Digest, revocation: &Arc<Revocation>) -> Watch {
        let now = Instant::now();
        let entry = self.active.get_mut(token, now);
        // Another token may have taken its place, as the table is bounded.
        let mut entry = entry.filter(|entry| entry.granted.revocation.is_same(revocation));
        // The watcher, and the entry. Every other one is a request or an open stream.
        let holders = 1 + usize::from(entry.is_some());
        if revocation.is_revoked() || revocation.holders() <= holders {
            if let Some(entry) = &mut entry {
                entry.watcher = Weak::new();
            }
            return Watch::End;
        }
        match entry {
            Some(entry) if entry.is_fresh(now) => Watch::Until(entry.fresh_until),
            _ => Watch::Verify,
        }
    }
}

impl Entry {
    fn is_fresh(&self, now: Instant) -> bool {
        now < self.fresh_until && self.granted.left().is_none_or(|left| !left.is_zero())
    }
}

impl Granted {
    /// Returns the time that is left until the token expires, if it does.
    fn left(&self) -> Option<Duration> {
        let at = self.grant.expires()?;
        Some(at.duration_since(SystemTime::now()).unwrap_or_default())
    }
}
