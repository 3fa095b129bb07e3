//! What changes while requests are judged by it: replaced as a whole, and read without a lock.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

pub(crate) struct Snapshot<T> {
    current: ArcSwap<T>,
    /// Writers take turns, so that none undoes what another one did.
    writing: Mutex<()>,
}

impl<T: Clone> Snapshot<T> {
    pub(crate) fn new(first: T) -> Self {
        Self { current: ArcSwap::from_pointee(first), writing: Mutex::new(()) }
    }

    /// What holds now. Hold on to it for one judgement, and no longer.
    pub(crate) fn load(&self) -> Guard<Arc<T>> {
        self.current.load()
    }

    /// Changes a copy, which holds from then on.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let Ok(result) = self.update(|next| Ok::<_, Infallible>(change(next)));
        result
    }

    /// Changes a copy, which holds from then on if all went well.
    pub(crate) fn update<R, E>(&self, change: impl FnOnce(&mut T) -> Result<R, E>) -> Result<R, E> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = T::clone(&self.current.load());
        let result = change(&mut next)?;
        self.current.store(Arc::new(next));
        Ok(result)
    }
}
