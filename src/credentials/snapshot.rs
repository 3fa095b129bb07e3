//! State that is replaced atomically while requests read it without a lock.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use crate::sync::{ArcSwap, Guard, Mutex};

/// A value that is copied, changed and replaced as a whole. Readers take no lock.
pub(crate) struct Snapshot<T> {
    current: ArcSwap<T>,
    /// Serializes writers, so that none overwrites the change of another one.
    writing: Mutex<()>,
}

impl<T: Clone> Snapshot<T> {
    pub(crate) fn new(first: T) -> Self {
        Self { current: ArcSwap::from_pointee(first), writing: Mutex::new(()) }
    }

    /// Returns the current value. Hold it for one decision and no longer.
    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Changes a copy, which then becomes the current value.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let Ok(result) = self.update(|next| Ok::<_, Infallible>(change(next)));
        result
    }

    /// Changes a copy, which becomes the current value if `change` succeeds.
    pub(crate) fn update<R, E>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = T::clone(&self.current.load());
        let result = change(&mut next)?;
        self.current.store(Arc::new(next));
        Ok(result)
    }
}
