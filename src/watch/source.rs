//! A file that is read whole, checked, and put in force once.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use super::stamp::{Reading, Stamp};

/// No set of credentials is as large as this.
const LIMIT: u64 = 16 << 20;

/// A change is applied once the file has looked the same for so long, as some write in pieces …
const QUIET: Duration = Duration::from_millis(50);
/// … and after so long at the latest.
const QUIET_AT_MOST: Duration = Duration::from_millis(500);

/// How often a file is read that changes meanwhile, and how long is waited in between.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Who may have access to a file that is put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody: the file has no secrets.
    Any,
    /// The owner alone, to read and to write. The permissions are those of the very file that is
    /// read. Without Unix permissions nothing is checked.
    Private,
}

/// What a look at a file led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A new content was put in force.
    Applied,
    /// The content is in force already.
    Unchanged,
}

/// Why a file was not put in force, where `E` is why its content was refused. It says so in one
/// line.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub(crate) struct FileError<E> {
    pub(crate) path: PathBuf,
    pub(crate) problem: Problem<E>,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem<E> {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is no regular file")]
    NoFile,
    #[error("it is larger than 16 MiB")]
    TooLarge,
    #[error("others than its owner have access (mode {mode:03o}): `chmod 600` it")]
    NotPrivate { mode: u32 },
    #[error("it changes while it is read: replace it by rename")]
    Unsteady,
    #[error("{0}")]
    Refused(E),
    #[error("its reader panicked: please report this")]
    Panicked,
}

type Apply<E> = Box<dyn Fn(&[u8]) -> Result<(), E> + Send + Sync>;

pub(super) struct Source<E> {
    path: PathBuf,
    access: Access,
    apply: Apply<E>,
    /// Held from the look at the file until its content is in force, so that an older content never
    /// replaces a newer one.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last reading, if it went well.
    reading: Option<Reading>,
    /// The content that was read last, if it could be read.
    content: Option<Fingerprint>,
    in_force: Option<Fingerprint>,
    /// The content that failed last, and why, as it was logged.
    failure: Option<(Option<Fingerprint>, String)>,
}

type Fingerprint = [u8; 32];

impl<E: fmt::Display> Source<E> {
    /// Reads the file and puts it in force.
    pub(super) fn start(
        path: &Path,
        access: Access,
        apply: Apply<E>,
    ) -> Result<Self, FileError<E>> {
        // Whoever changes the working directory means no other file.
        let absolute = std::path::absolute(path)
            .map_err(|error| FileError { path: path.into(), problem: error.into() })?;
        let source = Self { path: absolute, access, apply, state: Mutex::default() };
        let applied = source.put_in_force(&mut source.lock(), source.read());
        applied.map_err(|problem| source.error(problem))?;
        Ok(source)
    }

    /// Reads the file now.
    pub(super) fn reload(&self) -> Result<Outcome, FileError<E>> {
        let mut state = self.lock();
        let outcome = self.put_in_force(&mut state, self.read());
        self.report(&mut state, &outcome);
        outcome.map_err(|problem| self.error(problem))
    }

    /// Reads the file if it may have changed, and waits until whoever writes to it has finished.
    pub(super) fn look(&self) {
        let since = Instant::now();
        let mut before = self.lock().reading.as_ref().map(|reading| reading.stamp.clone());
        loop {
            let mut state = self.lock();
            if state.reading.as_ref().is_some_and(|reading| reading.is_current(&self.path)) {
                return;
            }
            let read = self.read();
            let stamp = read.as_ref().ok().map(|(_, reading)| reading.stamp.clone());
            if stamp == before || since.elapsed() >= QUIET_AT_MOST {
                let outcome = self.put_in_force(&mut state, read);
                self.report(&mut state, &outcome);
                return;
            }
            before = stamp;
            drop(state);
            thread::sleep(QUIET);
        }
    }

    fn put_in_force(
        &self,
        state: &mut State,
        read: Result<(Vec<u8>, Reading), Problem<E>>,
    ) -> Result<Outcome, Problem<E>> {
        // Until all has gone well: what failed is tried again, whatever the file looks like.
        let earlier = state.reading.take();
        state.content = None;
        let (content, reading) = read?;
        let fingerprint = Sha256::digest(&content).into();
        state.content = Some(fingerprint);

        let outcome = if state.in_force == Some(fingerprint) {
            Outcome::Unchanged
        } else {
            let Ok(applied) = catch_unwind(AssertUnwindSafe(|| (self.apply)(&content))) else {
                // Nobody knows how far it came.
                state.in_force = None;
                return Err(Problem::Panicked);
            };
            applied.map_err(Problem::Refused)?;
            state.in_force = Some(fingerprint);
            Outcome::Applied
        };
        state.reading = Some(reading.after(earlier));
        Ok(outcome)
    }

    /// All of the file, as it was at one time.
    fn read(&self) -> Result<(Vec<u8>, Reading), Problem<E>> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            // Before it is opened: to open a pipe is to wait for who writes to it.
            if !fs::metadata(&self.path)?.is_file() {
                return Err(Problem::NoFile);
            }
            let file = File::open(&self.path)?;
            self.check(&file.metadata()?)?;
            if let Some(whole) = read_whole(&file, &file)? {
                return Ok(whole);
            }
        }
        Err(Problem::Unsteady)
    }

    fn check(&self, file: &Metadata) -> Result<(), Problem<E>> {
        if !file.is_file() {
            return Err(Problem::NoFile);
        }
        let mode = mode(file);
        if self.access == Access::Private && mode & 0o077 != 0 {
            return Err(Problem::NotPrivate { mode });
        }
        match file.len() > LIMIT {
            true => Err(Problem::TooLarge),
            false => Ok(()),
        }
    }

    /// Logs what is new: each failure once, however often the file is tried.
    fn report(&self, state: &mut State, outcome: &Result<Outcome, Problem<E>>) {
        let path = &self.path;
        match outcome {
            Ok(Outcome::Applied) => {
                state.failure = None;
                info!(?path, "changed, and in force");
            }
            Ok(Outcome::Unchanged) => {
                if state.failure.take().is_some() {
                    info!(?path, "well again, and in force as before");
                }
            }
            Err(problem) => {
                let failure = Some((state.content, problem.to_string()));
                if state.failure != failure {
                    warn!(?path, %problem, "not put in force: what was before stays so");
                    state.failure = failure;
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Source<E> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn error(&self, problem: Problem<E>) -> FileError<E> {
        FileError { path: self.path.clone(), problem }
    }
}

/// The permissions, where there are any.
fn mode(file: &Metadata) -> u32 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::mode(file) & 0o777;
    #[cfg(not(unix))]
    {
        let _ = file;
        0
    }
}

/// What is in a file, or `None` if somebody wrote to it meanwhile.
fn read_whole<E>(
    file: &File,
    bytes: impl io::Read,
) -> Result<Option<(Vec<u8>, Reading)>, Problem<E>> {
    let reading = Reading::begin(Stamp::of(&file.metadata()?));
    let mut content = Vec::new();
    // A file may have more in it than it says.
    bytes.take(LIMIT + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LIMIT {
        return Err(Problem::TooLarge);
    }
    let steady = reading.stamp.has_data_of(&Stamp::of(&file.metadata()?));
    Ok(steady.then_some((content, reading)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Reads a file, after something has happened once.
    struct After<'a, F>(Option<F>, &'a File);

    impl<F: FnOnce()> io::Read for After<'_, F> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if let Some(happen) = self.0.take() {
                happen();
            }
            self.1.read(buffer)
        }
    }

    fn is_whole(meanwhile: impl FnOnce(&Path)) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("users");
        fs::write(&path, "a").unwrap();
        let file = File::open(&path).unwrap();
        let bytes = After(Some(|| meanwhile(&path)), &file);
        read_whole::<String>(&file, bytes).unwrap().is_some()
    }

    #[test]
    fn what_is_written_to_while_it_is_read_is_not_whole() {
        assert!(is_whole(|_| {}));
        assert!(!is_whole(|path| {
            File::options().append(true).open(path).unwrap().write_all(b"b").unwrap();
        }));
        // Of the same length.
        assert!(!is_whole(|path| {
            let mut file = File::options().write(true).open(path).unwrap();
            file.write_all(b"b").unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }));
    }

    #[test]
    fn what_is_replaced_while_it_is_read_is_whole() {
        assert!(is_whole(|path| {
            let next = path.with_extension("new");
            fs::write(&next, "bb").unwrap();
            fs::rename(&next, path).unwrap();
        }));
    }

    /// As files in `/proc` do, which say that they are empty.
    #[test]
    fn what_is_longer_than_it_says_is_too_large() {
        let file = tempfile::tempfile().unwrap();
        let read = |len| read_whole::<String>(&file, io::repeat(0).take(len));
        assert!(matches!(read(LIMIT), Ok(Some(_))));
        assert!(matches!(read(LIMIT + 1), Err(Problem::TooLarge)));
    }
}
