//! One file: when it is read, and what is done with its content.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::file_version::{FileVersion, Observation};
use super::outcome::{GRACE, Outcome};
use super::permissions::Access;
use super::read::{self, Content};
use super::report::Report;
use super::settling::{QUIET, QUIET_MAX, Settling};
use crate::credentials::file::error::{CredentialFileError, CredentialFileErrorKind};
use crate::crypto::sha256;

/// How soon a rejected content is tried again while the file does not change.
const BACK_OFF: Duration = Duration::from_secs(1);

/// Activates a content and returns how many credentials or rules it has. There is no content once the file
/// has been missing for the grace period.
pub(super) type Apply =
    Box<dyn Fn(Option<&[u8]>) -> Result<usize, CredentialFileError> + Send + Sync>;

pub(super) struct Source {
    path: PathBuf,
    access: Access,
    apply: Apply,
    /// Not locked while the file is read, which takes as long as a file server likes.
    state: Mutex<State>,
    /// How many reads were processed. If another read was processed during a read, that one may have
    /// seen a newer file, and this one is repeated.
    turn: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Of the last read, if its content is active.
    observation: Option<Observation>,
    /// The content of the last read, if that succeeded.
    last_read: Option<Fingerprint>,
    active: Active,
    /// The version of a rejected content, and when it is tried again.
    rejected: Option<(FileVersion, Instant)>,
    /// When the credentials are revoked, as the file is missing.
    revoke_at: Option<Instant>,
    report: Report<Fingerprint>,
}

type Fingerprint = [u8; 32];

#[derive(Default, PartialEq)]
enum Active {
    /// Nothing yet, or anything, as the code that applies a content panicked.
    #[default]
    Unknown,
    Content(Fingerprint),
    /// No credentials: the file was missing for the grace period.
    Revoked,
}

impl Source {
    /// Reads the file and applies it.
    pub(super) fn start(
        path: &Path,
        access: Access,
        apply: Apply,
    ) -> Result<Self, CredentialFileError> {
        // Absolute, as the working directory of the process may change.
        let path = std::path::absolute(path)
            .map_err(|error| CredentialFileError::from(error).in_file(path))?;
        let (state, turn) = (Mutex::default(), AtomicU64::default());
        let source = Self { path, access, apply, state, turn };
        let (_, read) = source.read();
        let applied = source.process(&mut source.lock(), read);
        applied.map_err(|error| source.named(error))?;
        source.lock().report.directories(&source.path);
        Ok(source)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds the path of the file to an error.
    pub(super) fn named(&self, error: CredentialFileError) -> CredentialFileError {
        error.in_file(&self.path)
    }

    /// Reads the file now. A file without credentials is read once more after a pause, as it may be
    /// about to be written.
    pub(super) fn reload(&self) -> Result<Outcome, CredentialFileError> {
        loop {
            let (mut turn, mut read) = self.read();
            if is_blank(&read) {
                thread::sleep(QUIET_MAX);
                (turn, read) = self.read();
            }
            if let Some(outcome) = self.process_in_turn(turn, read) {
                return outcome.map_err(|error| self.named(error));
            }
        }
    }

    /// Reads the file if it may have changed, and applies it once it is complete.
    pub(super) fn look(&self) {
        self.look_for(QUIET_MAX);
    }

    /// Does so, where a file without credentials must stay the same for `blank_quiet`.
    pub(super) fn look_for(&self, blank_quiet: Duration) {
        let started = Instant::now();
        let observation = self.lock().observation.clone();
        if observation.as_ref().is_some_and(|read| read.is_current(&self.path)) {
            return;
        }
        if self.backs_off() {
            return;
        }
        let version = observation.map(|read| read.version);
        let mut settling = Settling::new(version, started, blank_quiet);
        loop {
            let (turn, read) = self.read();
            let version = read.as_ref().ok().map(|content| content.observation.version.clone());
            let has_settled = settling.has_settled(version, is_blank(&read), Instant::now());
            if has_settled && self.process_in_turn(turn, read).is_some()
                || settling.is_overdue(Instant::now())
            {
                return;
            }
            thread::sleep(QUIET);
        }
    }

    /// Returns whether the content was rejected recently and the file is the same.
    fn backs_off(&self) -> bool {
        let rejected = self.lock().rejected.clone();
        rejected.is_some_and(|(version, retry_at)| {
            Instant::now() < retry_at
                && fs::metadata(&self.path).is_ok_and(|file| FileVersion::from(&file) == version)
        })
    }

    /// Reads the file, and returns how many reads had been processed before.
    fn read(&self) -> (u64, Result<Content, CredentialFileError>) {
        (self.turn.load(SeqCst), read::read(&self.path, self.access))
    }

    /// Processes a read and logs the outcome. Returns `None` if the read may be older than the one
    /// that was processed last.
    fn process_in_turn(
        &self,
        turn: u64,
        read: Result<Content, CredentialFileError>,
    ) -> Option<Result<Outcome, CredentialFileError>> {
        let mut state = self.lock();
        // Of two concurrent reads, it is unknown which one saw the newer file.
        self.turn.compare_exchange(turn, turn + 1, SeqCst, SeqCst).ok()?;
        let outcome = self.process(&mut state, read);
        let (last_read, is_missing) = (state.last_read, state.revoke_at.is_some());
        state.report.outcome(&self.path, self.access, &outcome, last_read, is_missing);
        Some(outcome)
    }

    fn process(
        &self,
        state: &mut State,
        read: Result<Content, CredentialFileError>,
    ) -> Result<Outcome, CredentialFileError> {
        // Unset until all has succeeded: a failure is tried again, whatever the version.
        let earlier = state.observation.take();
        (state.last_read, state.rejected) = (None, None);
        let Content { bytes, observation } = match read {
            Err(error) if error.is_missing() => return self.process_missing(state, error),
            read => {
                state.revoke_at = None;
                read?
            }
        };
        let fingerprint = sha256(&bytes);
        state.last_read = Some(fingerprint);

        let outcome = if state.active == Active::Content(fingerprint) {
            Outcome::Unchanged
        } else {
            if let Err(error) = self.apply(state, Some(&bytes)) {
                state.rejected = Some((observation.version, Instant::now() + BACK_OFF));
                return Err(error);
            }
            state.active = Active::Content(fingerprint);
            Outcome::Applied
        };
        state.observation = Some(observation.continuing(earlier));
        Ok(outcome)
    }

    /// Keeps the credentials of a missing file for the grace period, and revokes them then.
    fn process_missing(
        &self,
        state: &mut State,
        error: CredentialFileError,
    ) -> Result<Outcome, CredentialFileError> {
        let revoke_at = *state.revoke_at.get_or_insert_with(|| Instant::now() + GRACE);
        if self.access == Access::Policy {
            return Err(error);
        }
        if state.active == Active::Revoked || Instant::now() < revoke_at {
            return Err(error);
        }
        self.apply(state, None)?;
        state.active = Active::Revoked;
        Ok(Outcome::Applied)
    }

    fn apply(&self, state: &mut State, content: Option<&[u8]>) -> Result<(), CredentialFileError> {
        let Ok(applied) = catch_unwind(AssertUnwindSafe(|| (self.apply)(content))) else {
            // It may have applied a part.
            state.active = Active::Unknown;
            let message = "the code that loads the file panicked: please report this bug";
            return Err(CredentialFileError::new(CredentialFileErrorKind::Internal, message));
        };
        state.report.count = applied?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_blank(read: &Result<Content, CredentialFileError>) -> bool {
    read.as_ref().is_ok_and(Content::is_blank)
}

#[cfg(test)]
impl Source {
    /// Ends the grace period of a missing file.
    pub(super) fn end_grace(&self) {
        *self.lock().revoke_at.as_mut().expect("the file is missing") = Instant::now();
    }

    /// Sets how soon a rejected content is tried again.
    pub(super) fn retry_after(&self, delay: Duration) {
        self.lock().rejected.as_mut().expect("the content was rejected").1 = Instant::now() + delay;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// The kind of fault: of two concurrent reads, the one with the older file is processed last, and
    /// a credential that was revoked in between is active again.
    #[test]
    fn second_of_two_concurrent_reads_is_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        let write = |content| {
            fs::write(&path, content).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
        };
        for newer_is_first in [true, false] {
            write("a");
            let applied = Arc::new(Mutex::new(String::new()));
            let log = applied.clone();
            let apply = move |content: Option<&[u8]>| {
                log.lock().unwrap().push_str(str::from_utf8(content.unwrap()).unwrap());
                Ok(1)
            };
            let source = Source::start(&path, Access::Public, Box::new(apply)).unwrap();
            write("b");
            let older = source.read();
            write("c");
            let newer = source.read();
            let (first, second) = if newer_is_first { (newer, older) } else { (older, newer) };
            assert!(source.process_in_turn(first.0, first.1).is_some());
            assert!(source.process_in_turn(second.0, second.1).is_none());
            source.reload().unwrap();
            let expected = if newer_is_first { "ac" } else { "abc" };
            assert_eq!(*applied.lock().unwrap(), expected);
        }
    }
}
