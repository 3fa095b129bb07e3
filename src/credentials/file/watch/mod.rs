//! Watches a file and applies its content again each time it changes.
//!
//! The file is polled: network file systems report no changes, so it would be polled in any case. Each
//! file has two threads of its own. One looks at the file; it may block for as long as a file server
//! does not respond, and must not keep other files from being looked at. The other one touches no file
//! and logs when a look takes long. They need no async runtime and block none.

mod file_version;
mod outcome;
mod permissions;
mod read;
mod report;
mod settling;
mod source;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::mpsc::{
    Receiver, RecvError, RecvTimeoutError, Sender, SyncSender, channel, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crate::telemetry::TARGET;
use tracing::error;

pub(crate) use self::outcome::Outcome;
pub(crate) use self::permissions::Access;
use self::source::Source;
use super::error::{CredentialFileError, CredentialFileErrorKind};

/// The pause between two looks. With half a second, a change is active within a second, the time in
/// which the file settles included; a look at an unchanged file is one `stat`.
const POLL_INTERVAL: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 500 });

/// A look that takes longer is logged.
const SLOW: Duration = Duration::from_secs(5);

/// How long a reload is waited for.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Watches a file until it is dropped.
///
/// While the file cannot be read or is rejected, its previous version stays active; if it is missing,
/// for a minute. This is logged once, and the file is tried again until it is valid. Replace files by
/// rename: where one is written in place, a part of it may be loaded.
///
/// Dropping this does not wait for the threads: a content that is being read may still be applied.
pub(crate) struct Watcher {
    source: Arc<Source>,
    /// Upgrades while a reload runs that is no longer waited for.
    overdue: Mutex<Weak<()>>,
    /// The threads end when this is dropped.
    _running: Sender<Infallible>,
}

impl Watcher {
    /// Reads the file, applies it and watches it from then on.
    ///
    /// `apply` activates a content and returns how many credentials or rules it has, or changes nothing and
    /// returns an error that quotes no secret. It is called by one thread at a time, this one first,
    /// and never again for the content that is active. It must not call [`reload`](Self::reload),
    /// which would wait for it. A content without credentials is applied once it has not changed for
    /// half a second, and no content once the file has been missing for a minute.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is rejected this first time, or if no thread can be started.
    pub(crate) fn start(
        path: &Path,
        access: Access,
        apply: impl Fn(Option<&[u8]>) -> Result<usize, CredentialFileError> + Send + Sync + 'static,
    ) -> Result<Self, CredentialFileError> {
        let source = Arc::new(Source::start(path, access, Box::new(apply))?);
        let (running, stopped) = channel();
        let (look, looks) = sync_channel(0);
        let (done, looked) = sync_channel(0);
        let watched = source.clone();
        let looking = spawn(move || look_on_request(&watched, &looks, &done));
        let path = source.path().to_owned();
        let polling = spawn(move || poll(&path, &stopped, &look, &looked));
        looking.and(polling).map_err(|error| source.named(error.into()))?;
        Ok(Self { source, overdue: Mutex::default(), _running: running })
    }

    /// Reads the file now and applies it if it has changed. It blocks for ten seconds at most, as a
    /// file server may be unavailable.
    ///
    /// # Errors
    ///
    /// If the file cannot be read in time or is rejected. The previous version stays active.
    pub(crate) fn reload(&self) -> Result<Outcome, CredentialFileError> {
        self.reload_within(RELOAD_TIMEOUT)
    }

    fn reload_within(&self, timeout: Duration) -> Result<Outcome, CredentialFileError> {
        let timed_out = || {
            let message = "reading the file timed out: is its file system available?";
            let error = CredentialFileError::new(CredentialFileErrorKind::TimedOut, message);
            self.source.named(error)
        };
        let running = {
            let overdue = self.overdue.lock().unwrap_or_else(PoisonError::into_inner);
            // At most one thread may hang.
            if overdue.strong_count() > 0 {
                return Err(timed_out());
            }
            Arc::new(())
        };
        let is_running = Arc::downgrade(&running);
        let source = self.source.clone();
        let (done, reloaded) = sync_channel(1);
        let reload = move || {
            let _ = done.send(source.reload());
            drop(running);
        };
        spawn(reload).map_err(|error| self.source.named(error.into()))?;
        reloaded.recv_timeout(timeout).unwrap_or_else(|_| {
            *self.overdue.lock().unwrap_or_else(PoisonError::into_inner) = is_running;
            Err(timed_out())
        })
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watcher").field(&self.source.path()).finish()
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("mcp-auth-watch".into()).spawn(run).map(drop)
}

/// Looks at the file on each request, and reports when it is done.
fn look_on_request(source: &Source, looks: &Receiver<()>, done: &SyncSender<()>) {
    for () in looks {
        source.look();
        if done.send(()).is_err() {
            return;
        }
    }
}

/// Requests a look now and then. This thread touches no file, so that it can log that a look takes
/// long.
fn poll(path: &Path, stopped: &Receiver<Infallible>, look: &SyncSender<()>, looked: &Receiver<()>) {
    let log_slow = || {
        let seconds = SLOW.as_secs();
        error!(target: TARGET, ?path, seconds, "reading the file takes long: changes are not seen yet");
    };
    while look.send(()).is_ok() && wait(looked, SLOW, log_slow).is_ok() {
        if stopped.recv_timeout(POLL_INTERVAL) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

/// Waits until a look is done, and calls `on_slow` once if that takes longer than `slow`.
fn wait(looked: &Receiver<()>, slow: Duration, on_slow: impl FnOnce()) -> Result<(), RecvError> {
    match looked.recv_timeout(slow) {
        Ok(()) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => Err(RecvError),
        Err(RecvTimeoutError::Timeout) => {
            on_slow();
            looked.recv()
        }
    }
}
