//! The budget of request bodies that the layer holds in memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::auth::{Principal, Rejection};

/// One principal may hold this fraction of the total.
const PRINCIPALS: usize = 8;

const OF_PRINCIPAL: &str = "too many request bodies of one principal are being held";

/// The bytes of bodies that are held, in total and by each principal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    total: usize,
    by_principal: HashMap<Principal, usize>,
}

/// The part of the budget that one request holds, until it is dropped.
pub(crate) struct Share {
    budget: Budget,
    principal: Principal,
    bytes: usize,
    total_limit: usize,
    principal_limit: usize,
}

/// The limits of bodies that are held, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Of one body.
    pub(crate) body: usize,
    /// Of all bodies together.
    pub(crate) total: usize,
}

/// 4 MiB, as rmcp has, and 64 MiB in total.
impl Default for Limits {
    fn default() -> Self {
        Self { body: 4 * 1024 * 1024, total: 64 * 1024 * 1024 }
    }
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
            principal_limit: (limits.total / PRINCIPALS).max(limits.body),
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
        let Held { total, by_principal } = &mut *held;
        match by_principal.entry(self.principal.clone()) {
            Entry::Occupied(own) if own.get().saturating_add(more) > self.principal_limit => {
                return full(OF_PRINCIPAL);
            }
            Entry::Vacant(_) if more > self.principal_limit => return full(OF_PRINCIPAL),
            own => *own.or_default() += more,
        }
        *total += more;
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
        if let Entry::Occupied(mut own) = held.by_principal.entry(self.principal.clone()) {
            *own.get_mut() -= self.bytes;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}
