//! The announcement that an authorizer decides in another way than before.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Announces that an [`Authorizer`](super::Authorizer) decides in another way from now on, as after the reload of a
/// policy. Clones announce the same changes.
///
/// The layer then sends clients `notifications/tools/list_changed`, and those of prompts and resources, so that they ask
/// for the lists again (MCP 2025-11-25, Tools, "List Changed Notification"). They are sent to each open GET stream, and
/// to each stream of `subscriptions/listen` of a restricted principal, for the lists of which the server announced
/// `listChanged`. Decisions do not depend on it: each message is decided when it arrives.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use mcp_auth_layer::Principal;
/// use mcp_auth_layer::policy::{Authorizer, Call, Changes, Decision, Refusal};
///
/// struct Maintenance {
///     is_on: AtomicBool,
///     changes: Changes,
/// }
///
/// impl Maintenance {
///     fn set(&self, is_on: bool) {
///         self.is_on.store(is_on, Ordering::Relaxed);
///         self.changes.announce();
///     }
/// }
///
/// impl Authorizer for Maintenance {
///     async fn authorize(&self, _: &Principal, call: &Call<'_>) -> Decision {
///         let is_allowed = call.needs_no_rule() || !self.is_on.load(Ordering::Relaxed);
///         if is_allowed { Decision::allowed() } else { Refusal::not_permitted().into() }
///     }
///
///     fn changes(&self) -> Vec<Changes> {
///         vec![self.changes.clone()]
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Changes(Arc<Mutex<Vec<Listener>>>);

/// A function that is called at each change, until it returns `false`.
type Listener = Box<dyn Fn() -> bool + Send>;

impl Changes {
    /// Creates an announcement that no layer listens to yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces that decisions have changed. Call it after the change is active, from any thread: it waits for no client.
    ///
    /// A client that has not read the notifications of the last change yet receives them once.
    pub fn announce(&self) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener());
    }

    /// Calls a function at each change, until it returns `false`. The function must not announce a change itself, which
    /// would wait for the lock that is held meanwhile.
    pub(crate) fn on_change(&self, listener: impl Fn() -> bool + Send + 'static) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.push(Box::new(listener));
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn listeners_are_called_until_they_return_false() {
        let changes = Changes::new();
        changes.announce();
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        changes.on_change(move || counted.fetch_add(1, Ordering::Relaxed) < 1);
        for expected in [1, 2, 2] {
            changes.clone().announce();
            assert_eq!(calls.load(Ordering::Relaxed), expected);
        }
    }
}
