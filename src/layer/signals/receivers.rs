//! The paths at which signals are received.

use std::sync::Arc;

use http::request::Parts;

use crate::checks::ExactPath;
use crate::signals::Receiver;

/// The paths at which signals are received, each with its receiver.
#[derive(Clone, Debug, Default)]
pub(in crate::layer) struct Receivers(Vec<(ExactPath, Arc<Receiver>)>);

impl Receivers {
    /// Adds a receiver. Returns false if the path has one already.
    pub(super) fn add(&mut self, path: ExactPath, receiver: Receiver) -> bool {
        let is_free = self.0.iter().all(|(taken, _)| *taken != path);
        if is_free {
            self.0.push((path, Arc::new(receiver)));
        }
        is_free
    }

    /// Returns the receiver that a request is for.
    pub(in crate::layer) fn of(&self, head: &Parts) -> Option<&Arc<Receiver>> {
        self.0.iter().find(|(path, _)| path.is_of(head)).map(|(_, receiver)| receiver)
    }

    pub(in crate::layer) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
