//! A file that is read whole, checked, and put in force once.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::file_version::{Reading, Stamp};
use super::notifier::places;
use super::permissions::{Access, PermissionError};
use super::{Means, permissions};
use crate::credentials::file;
use crate::crypto::sha256;

/// No set of credentials is as large as this.
const LIMIT: u64 = 16 << 20;

/// A change is applied once the file has looked the same for so long, as some write in pieces …
const QUIET: Duration = Duration::from_millis(50);
/// … and after so long at the latest.
pub(super) const QUIET_AT_MOST: Duration = Duration::from_millis(500);

/// How often a file is read that changes meanwhile, and how long is waited in between.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

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
    #[error("{0}")]
    Permission(#[from] PermissionError),
    #[error("it changes while it is read: replace it by rename")]
    Unsteady,
    #[error("{0}")]
    Refused(E),
    #[error("its reader panicked: please report this")]
    Panicked,
    #[error("it cannot be read in time: does its file system answer?")]
    TooSlow,
}

/// Puts a content in force, and returns how many credentials it has. There is no content once the
/// file has been gone for the grace period.
type Apply<E> = Box<dyn Fn(Option<&[u8]>) -> Result<usize, E> + Send + Sync>;

/// A whole content, and what the file looked like.
type Read<E> = Result<(Vec<u8>, Reading), Problem<E>>;

pub(super) struct Source<E> {
    path: PathBuf,
    access: Access,
    apply: Apply<E>,
    means: Means,
    /// Not held while the file is read, which may take as long as a file server likes.
    state: Mutex<State>,
    /// How many readings were dealt with. A reading during which that of somebody else was dealt with
    /// may be older than that one, and is done once more.
    turn: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The last reading, if it went well.
    reading: Option<Reading>,
    /// The content that was read last, if it could be read.
    content: Option<Fingerprint>,
    in_force: InForce,
    /// How many credentials that has.
    credentials: usize,
    /// The content that failed last, and why, as it was logged.
    failure: Option<(Option<Fingerprint>, String)>,
    /// What the file looked like when its content could not be put in force, and when that was.
    refused: Option<(Stamp, Instant)>,
    /// Since when the file is gone.
    gone: Option<Instant>,
}

type Fingerprint = [u8; 32];

#[derive(Default, PartialEq)]
enum InForce {
    /// Nothing yet, or nobody knows what, as putting it in force panicked.
    #[default]
    Unknown,
    Content(Fingerprint),
    /// No content: the file was gone for the grace period.
    Nothing,
}

impl<E: fmt::Display> Source<E> {
    /// Reads the file and puts it in force.
    pub(super) fn start(
        path: &Path,
        access: Access,
        means: Means,
        apply: Apply<E>,
    ) -> Result<Self, FileError<E>> {
        // Whoever changes the working directory means no other file.
        let absolute = std::path::absolute(path)
            .map_err(|error| FileError { path: path.into(), problem: error.into() })?;
        let (state, turn) = (Mutex::default(), AtomicU64::default());
        let source = Self { path: absolute, access, apply, means, state, turn };
        let (_, read) = source.read();
        let applied = source.put_in_force(&mut source.lock(), read);
        applied.map_err(|problem| source.error(problem))?;
        source.warn_of_directory();
        Ok(source)
    }

    /// Reads the file now. A file without a credential is read once more after the quiet time, as
    /// somebody may be about to write it.
    pub(super) fn reload(&self) -> Result<Outcome, FileError<E>> {
        loop {
            let (mut turn, mut read) = self.read();
            if is_blank(&read) {
                thread::sleep(self.means.quiet_if_blank);
                (turn, read) = self.read();
            }
            if let Some(outcome) = self.deal_with(turn, read) {
                return outcome.map_err(|problem| self.error(problem));
            }
        }
    }

    /// Reads the file if it may have changed, and waits until whoever writes to it has finished.
    pub(super) fn look(&self) {
        let since = Instant::now();
        let reading = self.lock().reading.clone();
        if reading.as_ref().is_some_and(|reading| reading.is_current(&self.path)) {
            return;
        }
        if self.backs_off() {
            return;
        }
        let mut before = reading.map(|reading| reading.stamp);
        let mut same_since = since;
        loop {
            let (turn, read) = self.read();
            let stamp = read.as_ref().ok().map(|(_, reading)| reading.stamp.clone());
            let is_same = stamp == before;
            if !is_same {
                same_since = Instant::now();
            }
            let is_late = since.elapsed() >= QUIET_AT_MOST;
            // One without a credential ends what was opened with them: it must stay so for long.
            let is_quiet = match is_blank(&read) {
                true => is_same && same_since.elapsed() >= self.means.quiet_if_blank,
                false => is_same || is_late,
            };
            if is_quiet && self.deal_with(turn, read).is_some() {
                break;
            }
            if since.elapsed() >= 2 * QUIET_AT_MOST {
                break; // it is looked at again
            }
            before = stamp;
            thread::sleep(QUIET);
        }
    }

    /// Whether the content could not be put in force of late, and the file is the same.
    fn backs_off(&self) -> bool {
        let refused = self.lock().refused.clone();
        refused.is_some_and(|(stamp, at)| {
            let is_same = || fs::metadata(&self.path).is_ok_and(|file| Stamp::of(&file) == stamp);
            at.elapsed() < self.means.back_off && is_same()
        })
    }

    /// Puts in force what was read, and reports it; `None` if it may be older than what is in force.
    fn deal_with(&self, turn: u64, read: Read<E>) -> Option<Result<Outcome, Problem<E>>> {
        let mut state = self.lock();
        // Of two readings at the same time, nobody knows which one saw the newer file.
        self.turn.compare_exchange(turn, turn + 1, SeqCst, SeqCst).ok()?;
        let outcome = self.put_in_force(&mut state, read);
        self.report(&mut state, &outcome);
        Some(outcome)
    }

    fn put_in_force(&self, state: &mut State, read: Read<E>) -> Result<Outcome, Problem<E>> {
        // Until all has gone well: what failed is tried again, whatever the file looks like.
        let earlier = state.reading.take();
        (state.content, state.refused) = (None, None);
        let (content, reading) = match read {
            Err(Problem::Io(error)) if is_gone(&error) => return self.gone(state, error),
            read => {
                state.gone = None;
                read?
            }
        };
        let fingerprint = sha256(&content);
        state.content = Some(fingerprint);

        let outcome = if state.in_force == InForce::Content(fingerprint) {
            Outcome::Unchanged
        } else {
            let applied = self.apply(state, Some(&content));
            if applied.is_err() {
                state.refused = Some((reading.stamp.clone(), Instant::now()));
            }
            applied?;
            state.in_force = InForce::Content(fingerprint);
            Outcome::Applied
        };
        state.reading = Some(reading.after(earlier));
        Ok(outcome)
    }

    fn apply(&self, state: &mut State, content: Option<&[u8]>) -> Result<(), Problem<E>> {
        let Ok(applied) = catch_unwind(AssertUnwindSafe(|| (self.apply)(content))) else {
            // Nobody knows how far it came.
            state.in_force = InForce::Unknown;
            return Err(Problem::Panicked);
        };
        state.credentials = applied.map_err(Problem::Refused)?;
        Ok(())
    }

    /// The file is gone: for a while it may be on its way back, and then it has no credentials.
    fn gone(&self, state: &mut State, error: io::Error) -> Result<Outcome, Problem<E>> {
        let since = *state.gone.get_or_insert_with(Instant::now);
        if state.in_force == InForce::Nothing || since.elapsed() < self.means.grace {
            return Err(error.into());
        }
        self.apply(state, None)?;
        state.in_force = InForce::Nothing;
        Ok(Outcome::Applied)
    }

    /// Who may write to the directory can put another file in the place of this one.
    fn warn_of_directory(&self) {
        for directory in places(&self.path).into_iter().map(|place| place.directory) {
            let metadata = fs::metadata(&directory);
            if metadata.is_ok_and(|metadata| permissions::is_open_directory(&metadata)) {
                let path = &self.path;
                warn!(
                    ?path,
                    ?directory,
                    "users other than its owner may write to the directory, and replace the file: \
                     `chmod go-w` it"
                );
            }
        }
    }

    /// All of the file, as it was at one time, and whose turn it was before.
    fn read(&self) -> (u64, Read<E>) {
        (self.turn.load(SeqCst), self.read_steady())
    }

    fn read_steady(&self) -> Read<E> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            let file = open(&self.path)?;
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
        permissions::check(file, self.access)?;
        match file.len() > LIMIT {
            true => Err(Problem::TooLarge),
            false => Ok(()),
        }
    }

    /// Logs what is new: each failure once, however often the file is tried.
    fn report(&self, state: &mut State, outcome: &Result<Outcome, Problem<E>>) {
        let path = &self.path;
        match outcome {
            Ok(Outcome::Applied) if state.credentials == 0 => {
                state.failure = None;
                error!(?path, "no credential is left in the file: nobody can authenticate by it");
            }
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
                if state.failure == failure {
                    return;
                }
                state.failure = failure;
                let credentials = state.credentials;
                if state.gone.is_some() {
                    let seconds = self.means.grace.as_secs();
                    error!(
                        ?path,
                        %problem,
                        credentials,
                        seconds,
                        "the file is gone: its credentials stay in force for so many seconds, and \
                         are revoked then"
                    );
                } else {
                    warn!(?path, %problem, credentials, "not put in force: what was before stays so");
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

/// Whether nothing leads to the file any more, itself or a directory.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn is_blank<E>(read: &Read<E>) -> bool {
    read.as_ref().is_ok_and(|(content, _)| file::is_blank(content))
}

/// Opens a file without waiting: of a pipe, that would be for whoever writes to it.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
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
    use crate::credentials::watch::MEANS;

    /// The kind: of two who read at the same time, the one with the older file comes last, and what
    /// was revoked in between is in force again.
    #[test]
    fn of_two_readings_at_a_time_the_second_is_done_again() {
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
            let applied = std::sync::Arc::new(Mutex::new(String::new()));
            let log = applied.clone();
            let apply = move |content: Option<&[u8]>| -> Result<usize, String> {
                log.lock().unwrap().push_str(str::from_utf8(content.unwrap()).unwrap());
                Ok(1)
            };
            let source = Source::start(&path, Access::Public, MEANS, Box::new(apply)).unwrap();
            write("b");
            let older = source.read();
            write("c");
            let newer = source.read();
            let (first, second) = if newer_is_first { (newer, older) } else { (older, newer) };
            assert!(source.deal_with(first.0, first.1).is_some());
            assert!(source.deal_with(second.0, second.1).is_none());
            source.reload().unwrap();
            let expected = if newer_is_first { "ac" } else { "abc" };
            assert_eq!(*applied.lock().unwrap(), expected);
        }
    }

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
