//! Files whose content is in force, and comes into force anew when it changes.
//!
//! A thread waits for what the operating system reports, and looks at the file itself every second,
//! as network file systems report nothing. It needs no runtime, and blocks none.

mod notifier;
mod permissions;
mod source;
mod stamp;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use self::notifier::Notifier;
pub(crate) use self::permissions::Access;
use self::source::Source;
pub(crate) use self::source::{FileError, Outcome, Problem};

/// Reports that come within this time are one.
const PACE: Duration = Duration::from_millis(50);

/// How a file is watched.
#[derive(Clone, Copy)]
struct Means {
    /// Whether the operating system is asked to report changes.
    notify: bool,
    /// How long it takes at most until the file is looked at again.
    poll: Duration,
    /// How long what was in force stays so once the file is gone.
    grace: Duration,
}

const MEANS: Means =
    Means { notify: true, poll: Duration::from_secs(1), grace: Duration::from_secs(60) };

/// A file whose content is in force, and is again when it has changed.
///
/// While it cannot be read or is refused, what was in force stays so; if it is gone, for a minute. This
/// is logged once, and the file is tried again until it is well. Replace it by rename: where it is written in place, half
/// of it may look like a whole.
///
/// Watching ends when this is dropped, which does not wait for it: a content that was just being
/// read may still be applied.
pub(crate) struct Watched<E> {
    source: Arc<Source<E>>,
    /// What wakes the thread. The thread ends when this is gone.
    _wake: Arc<SyncSender<()>>,
}

impl<E: fmt::Display + 'static> Watched<E> {
    /// Reads the file, puts it in force and watches it from then on.
    ///
    /// `apply` puts a content in force and returns how many credentials it has, or changes nothing and
    /// says why, without quoting a secret.
    /// It is called by one thread at a time, this one first, and never again for the content that
    /// is in force. It must not call [`reload`](Self::reload), which would wait for it. A
    /// content without a credential is applied once it has stayed so for the quiet time, and an empty
    /// one once the file has been gone for a minute.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is refused this first time, or if there is no thread to be had.
    pub(crate) fn start(
        path: impl AsRef<Path>,
        access: Access,
        apply: impl Fn(&[u8]) -> Result<usize, E> + Send + Sync + 'static,
    ) -> Result<Self, FileError<E>> {
        Self::start_by(MEANS, path.as_ref(), access, apply)
    }

    fn start_by(
        means: Means,
        path: &Path,
        access: Access,
        apply: impl Fn(&[u8]) -> Result<usize, E> + Send + Sync + 'static,
    ) -> Result<Self, FileError<E>> {
        let source = Arc::new(Source::start(path, access, means.grace, Box::new(apply))?);
        // Any number of reports are one reason to look.
        let (wake, woken) = sync_channel(1);
        let wake = Arc::new(wake);
        let notifier = means.notify.then(|| Notifier::new(Arc::downgrade(&wake)));
        let watched = source.clone();
        thread::Builder::new()
            .name("mcp-auth-watch".into())
            .spawn(move || watch(&watched, notifier, &woken, means.poll))
            .map_err(|error| source.error(error.into()))?;
        Ok(Self { source, _wake: wake })
    }

    /// Looks at the file now, and returns whether there was something new to put in force. It
    /// blocks while the file is read and applied.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is refused. What was in force stays so.
    pub(crate) fn reload(&self) -> Result<Outcome, FileError<E>> {
        self.source.reload()
    }
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.source.path()).finish()
    }
}

fn watch<E: fmt::Display>(
    source: &Source<E>,
    mut notifier: Option<Notifier>,
    woken: &Receiver<()>,
    poll: Duration,
) {
    loop {
        // In this order, so that what the look does not see is reported.
        if let Some(notifier) = &mut notifier {
            notifier.follow(source.path());
        }
        source.look();
        match woken.recv_timeout(poll) {
            // Whatever happens in the directory is reported, and it may be a busy one.
            Ok(()) => thread::sleep(PACE),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
