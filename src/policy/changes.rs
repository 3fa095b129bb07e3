//! Changes of what an authorizer decides.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Announces that an authorizer decides in another way from now on, such as a policy that was reloaded.
///
/// The layer then tells clients with an open event stream that lists have changed, so that they ask for them again. An
/// [`Authorizer`](super::Authorizer) returns it from [`changes`](super::Authorizer::changes). Clones are the same one.
///
/// ```
/// use mcp_auth_layer::policy::Changes;
///
/// let changes = Changes::new();
/// let for_the_layer = changes.clone();
/// changes.announce(); // after each change
/// # drop(for_the_layer);
/// ```
#[derive(Clone, Default)]
pub struct Changes(Arc<Mutex<Vec<Listener>>>);

/// Is called at each change, until it returns `false`.
type Listener = Box<dyn Fn() -> bool + Send>;

impl Changes {
    /// Creates one that was never announced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Announces that decisions have changed. It waits for nothing.
    pub fn announce(&self) {
        let mut listeners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener());
    }

    /// Calls a function at each change, until it returns `false`. It must not announce one itself.
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
