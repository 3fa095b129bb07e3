//! Every way in which files are changed, and what is made of it.

mod changes;
mod concurrency;
mod failures;
mod log;
mod missing;
mod permissions;

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use tempfile::TempDir;

use super::*;

/// What is recorded when no content is applied.
const MISSING: &[u8] = b"missing";
const LONG: Duration = Duration::from_secs(3600);

/// A directory with a file, and a record of the contents that were applied.
struct Scene {
    dir: TempDir,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    applied: Vec<String>,
    rejected: Vec<String>,
}

impl Scene {
    /// Creates a file `users` with this content.
    fn with(content: &str) -> Self {
        // Other users may not write what is created, whatever the umask of this machine.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let scene = Self { dir: tempfile::tempdir().unwrap(), record: Arc::default() };
        fs::write(scene.path(), content).unwrap();
        scene
    }

    fn path(&self) -> PathBuf {
        self.at("users")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, content: &str) {
        fs::write(self.path(), content).unwrap();
    }

    fn replace(&self, content: &str) {
        fs::write(self.at("users.new"), content).unwrap();
        fs::rename(self.at("users.new"), self.path()).unwrap();
    }

    /// Returns a function that records contents. It rejects those that begin with `bad`, and panics at
    /// those that begin with `worse`.
    fn apply(
        &self,
    ) -> impl Fn(Option<&[u8]>) -> Result<usize, CredentialFileError> + Send + Sync + use<> {
        let record = self.record.clone();
        move |content| {
            let content = String::from_utf8_lossy(content.unwrap_or(MISSING)).into_owned();
            if content.starts_with("bad") {
                record.lock().unwrap().rejected.push(content);
                let kind = CredentialFileErrorKind::InvalidLine;
                return Err(CredentialFileError::new(kind, "it is bad").at_line(1));
            }
            if content.starts_with("worse") {
                record.lock().unwrap().rejected.push(content);
                panic!("it is worse");
            }
            let credentials = content.lines().filter(|line| !line.starts_with('#')).count();
            record.lock().unwrap().applied.push(content);
            Ok(credentials)
        }
    }

    fn watch(&self) -> Watcher {
        self.start(Access::Public).unwrap()
    }

    fn start(&self, access: Access) -> Result<Watcher, CredentialFileError> {
        Watcher::start(&self.path(), access, self.apply())
    }

    /// Returns the kind of the error with which watching the file does not start.
    fn start_error(&self) -> CredentialFileErrorKind {
        self.start(Access::Public).unwrap_err().kind()
    }

    /// Returns a source that looks at the file when the test says so.
    fn source(&self) -> Source {
        Source::start(&self.path(), Access::Public, Box::new(self.apply())).unwrap()
    }

    fn applied(&self) -> Vec<String> {
        self.record.lock().unwrap().applied.clone()
    }

    fn rejected(&self) -> Vec<String> {
        self.record.lock().unwrap().rejected.clone()
    }

    fn active(&self) -> String {
        self.applied().pop().unwrap()
    }

    #[track_caller]
    fn until_active(&self, content: &str) {
        until(&format!("{content:?} is active"), || self.active() == content);
    }
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
fn chmod(scene: &Scene, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
fn make_pipe(path: PathBuf) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}
