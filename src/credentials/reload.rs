//! Credentials of a file, which come into force anew when the file changes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::file::{CredentialFileError, some, text};
use super::watch::Watched;
use super::watch::{Access, FileError, Outcome, Problem};
use crate::telemetry;

/// A file of credentials that is watched as long as one of these is left.
#[derive(Clone)]
pub(crate) struct Reloading(Arc<Watched<CredentialFileError>>);

impl Reloading {
    /// Reads the file, puts its credentials in force by `apply`, and does so again when it changes.
    /// What `apply` refuses changes nothing. It returns how many credentials there are: none is an
    /// error the first time, and revokes them all later. It is called with no text once the file has
    /// been gone for the grace period.
    pub(crate) fn start(
        path: &Path,
        access: Access,
        apply: impl Fn(Option<&str>) -> Result<usize, CredentialFileError> + Send + Sync + 'static,
    ) -> Result<Self, CredentialFileError> {
        let (is_again, was_refused) = (AtomicBool::new(false), AtomicBool::new(false));
        let watched = Watched::start(path, access, move |content| {
            let is_first = !is_again.load(Relaxed);
            let applied = (content.map(text).transpose())
                .and_then(&apply)
                .and_then(|credentials| if is_first { some(credentials) } else { Ok(credentials) });
            // What is refused is tried again and again.
            let refused_anew = applied.is_err() && !was_refused.load(Relaxed);
            was_refused.store(applied.is_err(), Relaxed);
            match (is_again.swap(true, Relaxed), applied.is_ok()) {
                (true, true) => telemetry::reloaded("applied"),
                (true, false) if refused_anew => telemetry::reloaded("refused"),
                _ => {}
            }
            applied
        });
        // As it was given, not as the watch has to know it.
        watched.map(|watched| Self(Arc::new(watched))).map_err(|error| named(error, path))
    }

    /// Reads the file now; whether there was something new in it.
    pub(crate) fn reload(&self) -> Result<bool, CredentialFileError> {
        match self.0.reload() {
            Ok(outcome) => Ok(outcome == Outcome::Applied),
            Err(error) => {
                let path = error.path.clone();
                Err(named(error, &path))
            }
        }
    }
}

fn named(error: FileError<CredentialFileError>, path: &Path) -> CredentialFileError {
    let error = match error.problem {
        Problem::Refused(error) => error,
        Problem::Io(error) => error.into(),
        problem => CredentialFileError::file(problem.to_string()),
    };
    error.in_file(path)
}

impl fmt::Debug for Reloading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
