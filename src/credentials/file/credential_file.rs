//! Files of credentials, which are reloaded when they change.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::error::CredentialFileError;
use super::lines::{require_credentials, text};
use super::watch::{Access, Outcome, Watcher};
use crate::telemetry;

/// A file of credentials. It is watched until the last clone of this is dropped.
#[derive(Clone)]
pub(crate) struct CredentialFile(Arc<Watcher>);

impl CredentialFile {
    /// Loads the file with `apply`, and again each time it changes.
    ///
    /// `apply` takes the text of the file, activates its credentials and returns how many there are.
    /// If it returns an error, it must have changed nothing. No credentials are an error the first
    /// time, and revoke all of them later. There is no text once the file has been missing for the
    /// grace period.
    pub(crate) fn watch(
        path: &Path,
        access: Access,
        apply: impl Fn(Option<&str>) -> Result<usize, CredentialFileError> + Send + Sync + 'static,
    ) -> Result<Self, CredentialFileError> {
        let (is_loaded, was_rejected) = (AtomicBool::new(false), AtomicBool::new(false));
        let watcher = Watcher::start(path, access, move |content| {
            let is_first = !is_loaded.load(Relaxed);
            let applied = content.map(text).transpose().and_then(&apply).and_then(|credentials| {
                if is_first { require_credentials(credentials) } else { Ok(credentials) }
            });
            // A rejected file is tried again and again, and counted once.
            let is_newly_rejected = applied.is_err() && !was_rejected.load(Relaxed);
            was_rejected.store(applied.is_err(), Relaxed);
            match (is_loaded.swap(true, Relaxed), applied.is_ok()) {
                (true, true) => telemetry::reloaded("applied"),
                (true, false) if is_newly_rejected => telemetry::reloaded("failed"),
                _ => {}
            }
            applied
        });
        // The error has the path as it was given; the watcher makes it absolute.
        watcher.map(|watcher| Self(Arc::new(watcher))).map_err(|error| error.in_file(path))
    }

    /// Reads the file now. Returns whether it had changed.
    pub(crate) fn reload(&self) -> Result<bool, CredentialFileError> {
        self.0.reload().map(|outcome| outcome == Outcome::Applied)
    }
}

impl fmt::Debug for CredentialFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
