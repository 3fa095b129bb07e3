//! How many bytes of request bodies the layer holds, in all and for each principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::{Principal, Rejection};

/// As much as rmcp accepts.
pub(crate) const DEFAULT_LIMIT: usize = 4 * 1024 * 1024;
pub(crate) const DEFAULT_TOTAL_LIMIT: usize = 64 * 1024 * 1024;
/// Of the total, one principal may have one in so many parts.
const SHARE: usize = 8;

/// How many bytes of bodies are held, in all and by each principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    total: usize,
    /// Those who hold something.
    by: HashMap<Principal, usize>,
}

/// What one request holds of the budget, given back when it is dropped.
pub(crate) struct Share {
    budget: Budget,
    principal: Principal,
    bytes: usize,
    total_limit: usize,
    principal_limit: usize,
}

/// How many bytes a body may have, and all bodies together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) body: usize,
    pub(crate) total: usize,
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn share(&self, principal: &Principal, limits: Limits) -> Share {
        Share {
            budget: self.clone(),
            principal: principal.clone(),
            bytes: 0,
            total_limit: limits.total,
            principal_limit: (limits.total / SHARE).max(limits.body),
        }
    }
}

impl Share {
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Rejection> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let full = |cause| Err(Rejection::unavailable().caused_by(cause));
        let mut held = self.budget.lock();
        if held.total.saturating_add(more) > self.total_limit {
            return full("too many request bodies are being held");
        }
        let own = held.by.get(&self.principal).map_or(0, |own| own.saturating_add(more));
        if own.max(more) > self.principal_limit {
            return full("too many request bodies of one principal are being held");
        }
        held.total += more;
        *held.by.entry(self.principal.clone()).or_default() += more;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.budget.lock();
        held.total -= self.bytes;
        if let Some(own) = held.by.get_mut(&self.principal) {
            *own -= self.bytes;
            if *own == 0 {
                held.by.remove(&self.principal);
            }
        }
    }
}
