//! Files whose content is in force, and comes into force anew when it changes.
//!
//! A thread waits for what the operating system reports, and has the file looked at every second as
//! well, as network file systems report nothing. Another thread looks, as a file server may never
//! answer. They need no runtime, and block none.

mod file_version;
mod notifier;
mod permissions;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tracing::error;

use self::notifier::Notifier;
pub(crate) use self::permissions::Access;
pub(crate) use self::source::{FileError, Outcome, Problem};
use self::source::{QUIET_AT_MOST, Source};

/// Reports that come within this time are one.
const PACE: Duration = Duration::from_millis(50);

/// How a file is watched.
#[derive(Clone, Copy)]
struct Means {
    /// Whether the operating system is asked to report changes.
    notify: bool,
    /// How long it takes at most until the file is looked at again.
    poll: Duration,
    /// How long a file without credentials must stay the same before it is put in force.
    quiet_if_blank: Duration,
    /// How long what was in force stays so once the file is gone.
    grace: Duration,
    /// How soon a content is read again that was refused and has not changed.
    back_off: Duration,
    /// A look that takes longer is logged.
    slow: Duration,
    /// How long a reload is waited for.
    patience: Duration,
}

const MEANS: Means = Means {
    notify: true,
    poll: Duration::from_secs(1),
    quiet_if_blank: QUIET_AT_MOST,
    grace: Duration::from_secs(60),
    back_off: Duration::from_secs(1),
    slow: Duration::from_secs(5),
    patience: Duration::from_secs(10),
};

/// A file whose content is in force, and is again when it has changed.
///
/// While it cannot be read or is refused, what was in force stays so; if it is gone, for a minute. This
/// is logged once, and the file is tried again until it is well. Replace it by rename: where it is
/// written in place, half of it may look like a whole.
///
/// Watching ends when this is dropped, which does not wait for it: a content that was just being
/// read may still be applied.
pub(crate) struct Watched<E> {
    source: Arc<Source<E>>,
    patience: Duration,
    /// Upgrades as long as a reload runs that nobody waits for any more.
    late: Mutex<Weak<()>>,
    /// What wakes the thread. The thread ends when this is gone.
    _wake: Arc<SyncSender<()>>,
}

impl<E: fmt::Display + Send + 'static> Watched<E> {
    /// Reads the file, puts it in force and watches it from then on.
    ///
    /// `apply` puts a content in force and returns how many credentials it has, or changes nothing and
    /// says why, without quoting a secret.
    /// It is called by one thread at a time, this one first, and never again for the content that
    /// is in force. It must not call [`reload`](Self::reload), which would wait for it. A
    /// content without a credential is applied once it has stayed so for the quiet time, and none at
    /// all once the file has been gone for a minute.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is refused this first time, or if there is no thread to be had.
    pub(crate) fn start(
        path: impl AsRef<Path>,
        access: Access,
        apply: impl Fn(Option<&[u8]>) -> Result<usize, E> + Send + Sync + 'static,
    ) -> Result<Self, FileError<E>> {
        Self::start_by(MEANS, path.as_ref(), access, apply)
    }

    fn start_by(
        means: Means,
        path: &Path,
        access: Access,
        apply: impl Fn(Option<&[u8]>) -> Result<usize, E> + Send + Sync + 'static,
    ) -> Result<Self, FileError<E>> {
        let source = Arc::new(Source::start(path, access, means, Box::new(apply))?);
        // Any number of reports are one reason to look.
        let (wake, woken) = sync_channel(1);
        let wake = Arc::new(wake);
        let notifier = means.notify.then(|| Notifier::new(Arc::downgrade(&wake)));
        let (look, asked) = sync_channel(0);
        let (tell, looked) = sync_channel(0);
        let watched = source.clone();
        let looking = spawn(move || look_when_asked(&watched, notifier, &asked, &tell));
        let path = source.path().to_owned();
        let watching = spawn(move || watch(&path, means, &woken, &look, &looked));
        looking.and(watching).map_err(|error| source.error(error.into()))?;
        Ok(Self { source, patience: means.patience, late: Mutex::default(), _wake: wake })
    }

    /// Looks at the file now, and returns whether there was something new to put in force. It
    /// blocks while the file is read and applied, for ten seconds at most: a file server may be away.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is refused. What was in force stays so.
    pub(crate) fn reload(&self) -> Result<Outcome, FileError<E>> {
        let too_slow = || self.source.error(Problem::TooSlow);
        let running = {
            let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
            // Not another thread each time.
            if late.strong_count() > 0 {
                return Err(too_slow());
            }
            Arc::new(())
        };
        let is_running = Arc::downgrade(&running);
        let source = self.source.clone();
        let (tell, told) = sync_channel(1);
        let reload = move || {
            let _ = tell.send(source.reload());
            drop(running);
        };
        spawn(reload).map_err(|error| self.source.error(error.into()))?;
        told.recv_timeout(self.patience).unwrap_or_else(|_| {
            *self.late.lock().unwrap_or_else(PoisonError::into_inner) = is_running;
            Err(too_slow())
        })
    }
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.source.path()).finish()
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("mcp-auth-watch".into()).spawn(run).map(drop)
}

/// Looks at the file each time it is asked to, and tells when it has.
fn look_when_asked<E: fmt::Display>(
    source: &Source<E>,
    mut notifier: Option<Notifier>,
    asked: &Receiver<()>,
    tell: &SyncSender<()>,
) {
    for () in asked {
        // In this order, so that what the look does not see is reported.
        if let Some(notifier) = &mut notifier {
            notifier.follow(source.path());
        }
        source.look();
        if tell.send(()).is_err() {
            return;
        }
    }
}

/// Has the file looked at when something is reported, and now and then. This thread touches no file
/// itself, so that it can tell when a look takes long.
fn watch(
    path: &Path,
    means: Means,
    woken: &Receiver<()>,
    look: &SyncSender<()>,
    looked: &Receiver<()>,
) {
    loop {
        if look.send(()).is_err() {
            return;
        }
        let seconds = means.slow.as_secs();
        let late = || error!(?path, seconds, "reading the file takes long: no change is seen yet");
        if wait(looked, means.slow, late).is_err() {
            return;
        }
        match woken.recv_timeout(means.poll) {
            // Whatever happens in the directory is reported, and it may be a busy one.
            Ok(()) => thread::sleep(PACE),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Waits until a look has ended, and says once if it is `late`.
fn wait(looked: &Receiver<()>, slow: Duration, late: impl FnOnce()) -> Result<(), RecvError> {
    match looked.recv_timeout(slow) {
        Ok(()) => Ok(()),
        Err(RecvTimeoutError::Disconnected) => Err(RecvError),
        Err(RecvTimeoutError::Timeout) => {
            late();
            looked.recv()
        }
    }
}
