//! Every way in which files are changed, seen by reports alone and by looking alone.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;

use super::*;

/// Nothing is found by looking again.
const REPORTED: Means = Means { notify: true, poll: LONG, grace: LONG, ..MEANS };
/// Nothing is reported.
const POLLED: Means =
    Means { notify: false, poll: Duration::from_millis(10), grace: LONG, ..MEANS };
const LONG: Duration = Duration::from_secs(3600);
/// What was applied where there was no content.
const GONE: &[u8] = b"gone";

/// A directory with a file in it, and what was made of the file's contents.
struct Scene {
    dir: TempDir,
    made: Arc<Mutex<Made>>,
}

#[derive(Default)]
struct Made {
    applied: Vec<String>,
    refused: Vec<String>,
}

impl Scene {
    /// With a file `users` that has this content.
    fn with(content: &str) -> Self {
        // Others may not write what is created, whatever this machine is used to.
        #[cfg(unix)]
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let scene = Self { dir: tempfile::tempdir().unwrap(), made: Arc::default() };
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

    /// What refuses contents that begin with `bad`, and panics at those that begin with `worse`. No
    /// content is `GONE`.
    fn apply(&self) -> impl Fn(Option<&[u8]>) -> Result<usize, String> + Send + Sync + use<> {
        let made = self.made.clone();
        move |content| {
            let content = String::from_utf8_lossy(content.unwrap_or(GONE)).into_owned();
            if content.starts_with("bad") {
                made.lock().unwrap().refused.push(content);
                return Err("line 1: it is bad".into());
            }
            if content.starts_with("worse") {
                made.lock().unwrap().refused.push(content);
                panic!("it is worse");
            }
            let credentials = content.lines().filter(|line| !line.starts_with('#')).count();
            made.lock().unwrap().applied.push(content);
            Ok(credentials)
        }
    }

    fn watch(&self, means: Means) -> Watched<String> {
        Watched::start_by(means, &self.path(), Access::Public, self.apply()).unwrap()
    }

    fn start(&self, access: Access) -> Result<Watched<String>, FileError<String>> {
        Watched::start(self.path(), access, self.apply())
    }

    fn source(&self) -> Source<String> {
        self.source_by(POLLED)
    }

    fn source_by(&self, means: Means) -> Source<String> {
        Source::start(&self.path(), Access::Public, means, Box::new(self.apply())).unwrap()
    }

    fn applied(&self) -> Vec<String> {
        self.made.lock().unwrap().applied.clone()
    }

    fn refused(&self) -> Vec<String> {
        self.made.lock().unwrap().refused.clone()
    }

    fn in_force(&self) -> String {
        self.applied().pop().unwrap()
    }

    #[track_caller]
    fn until_in_force(&self, content: &str) {
        until(&format!("{content:?} is in force"), || self.in_force() == content);
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

#[test]
fn a_file_that_is_written_in_place() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let _watched = scene.watch(means);
        assert_eq!(scene.applied(), ["a"], "before it returns");
        scene.write("b");
        scene.until_in_force("b");
        // And by somebody who keeps it open.
        let mut file = File::options().append(true).open(scene.path()).unwrap();
        file.write_all(b"c").unwrap();
        scene.until_in_force("bc");
    }
}

#[test]
fn a_file_that_is_replaced_by_rename() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let _watched = scene.watch(means);
        for content in ["b", "c", "d"] {
            scene.replace(content);
            scene.until_in_force(content);
        }
        assert_eq!(scene.applied(), ["a", "b", "c", "d"], "each once");
    }
}

/// `users -> ..data/users`, `..data -> ..1`, where `..data` is replaced.
#[cfg(unix)]
#[test]
fn a_file_that_kubernetes_replaces() {
    use std::os::unix::fs::symlink;

    fn publish(scene: &Scene, version: &str, content: &str) {
        fs::create_dir(scene.at(version)).unwrap();
        fs::write(scene.at(version).join("users"), content).unwrap();
        symlink(version, scene.at("..data_tmp")).unwrap();
        fs::rename(scene.at("..data_tmp"), scene.at("..data")).unwrap();
    }

    for means in [REPORTED, POLLED] {
        let scene = Scene::with("");
        fs::remove_file(scene.path()).unwrap();
        symlink("..data/users", scene.path()).unwrap();
        publish(&scene, "..1", "a");

        let _watched = scene.watch(means);
        publish(&scene, "..2", "b");
        fs::remove_dir_all(scene.at("..1")).unwrap();
        scene.until_in_force("b");
        publish(&scene, "..3", "c");
        fs::remove_dir_all(scene.at("..2")).unwrap();
        scene.until_in_force("c");
        // The directory it is in now is watched as well.
        fs::write(scene.at("..3").join("users"), "d").unwrap();
        scene.until_in_force("d");
        assert_eq!(scene.applied(), ["a", "b", "c", "d"]);
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_elsewhere() {
    for means in [REPORTED, POLLED] {
        let (scene, elsewhere) = (Scene::with(""), Scene::with("a"));
        fs::remove_file(scene.path()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), scene.path()).unwrap();
        let _watched = scene.watch(means);
        elsewhere.write("b");
        scene.until_in_force("b");
        elsewhere.replace("c");
        scene.until_in_force("c");
        scene.replace("a file now");
        scene.until_in_force("a file now");
    }
}

#[test]
fn a_directory_that_is_replaced() {
    let scene = Scene::with("");
    let path = scene.at("etc").join("users");
    let make = |content| {
        fs::create_dir(scene.at("etc")).unwrap();
        fs::write(&path, content).unwrap();
    };
    make("a");
    let _watched = Watched::start_by(POLLED, &path, Access::Public, scene.apply()).unwrap();
    fs::rename(scene.at("etc"), scene.at("old")).unwrap();
    make("b");
    scene.until_in_force("b");

    // Reports follow it, too.
    let (wake, woken) = sync_channel(1);
    let wake = Arc::new(wake);
    let mut notifier = Notifier::new(Arc::downgrade(&wake));
    notifier.follow(&path);
    fs::rename(scene.at("etc"), scene.at("older")).unwrap();
    make("c");
    notifier.follow(&path);
    while woken.try_recv().is_ok() {}
    fs::write(&path, "d").unwrap();
    woken.recv_timeout(Duration::from_secs(30)).unwrap();
}

#[test]
fn what_is_only_read_wakes_nobody() {
    let scene = Scene::with("a");
    let (wake, woken) = sync_channel(1);
    let wake = Arc::new(wake);
    let mut notifier = Notifier::new(Arc::downgrade(&wake));
    notifier.follow(&scene.path());
    fs::read(scene.path()).unwrap();
    let quiet = woken.recv_timeout(Duration::from_millis(200));
    assert_eq!(quiet, Err(RecvTimeoutError::Timeout));
    scene.write("b");
    woken.recv_timeout(Duration::from_secs(30)).unwrap();
}

#[test]
fn a_file_that_vanishes_and_comes_back() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let watched = scene.watch(means);
        fs::remove_file(scene.path()).unwrap();
        let error = watched.reload().unwrap_err();
        assert!(matches!(error.problem, Problem::Io(_)), "{error}");
        assert!(error.to_string().starts_with(scene.path().to_str().unwrap()), "{error}");
        assert_eq!(scene.applied(), ["a"]);

        scene.write("b");
        scene.until_in_force("b");
    }
}

#[test]
fn a_file_that_becomes_a_directory() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let watched = scene.watch(means);
        fs::remove_file(scene.path()).unwrap();
        fs::create_dir(scene.path()).unwrap();
        assert!(matches!(watched.reload().unwrap_err().problem, Problem::NoFile));
        assert_eq!(scene.applied(), ["a"]);

        fs::remove_dir(scene.path()).unwrap();
        scene.write("b");
        scene.until_in_force("b");
    }
}

#[test]
fn a_content_that_is_refused() {
    for means in [REPORTED, POLLED] {
        for bad in ["bad", "worse"] {
            let scene = Scene::with("a");
            let _watched = scene.watch(means);
            scene.write(bad);
            until("it was refused", || scene.refused().contains(&bad.into()));
            assert_eq!(scene.applied(), ["a"]);
            scene.write("b");
            scene.until_in_force("b");
        }
    }
}

#[test]
fn what_is_refused_is_tried_again() {
    let scene = Scene::with("a");
    let watched = scene.watch(POLLED);
    scene.write("bad");
    let tries = || scene.refused().iter().filter(|content| *content == "bad").count();
    until("it was tried three times", || tries() >= 3);
    let error = watched.reload().unwrap_err();
    assert_eq!(error.to_string(), format!("{}: line 1: it is bad", scene.path().display()));
}

#[test]
fn what_is_in_force_is_not_applied_again() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let watched = scene.watch(means);
        scene.write("a");
        assert_eq!(watched.reload().unwrap(), Outcome::Unchanged);
        scene.replace("a");
        assert_eq!(watched.reload().unwrap(), Outcome::Unchanged);
        scene.write("bad");
        assert!(matches!(watched.reload().unwrap_err().problem, Problem::Refused(_)));
        scene.write("a");
        assert_eq!(watched.reload().unwrap(), Outcome::Unchanged);
        scene.replace("b");
        scene.until_in_force("b");
        assert_eq!(scene.applied(), ["a", "b"]);
    }
}

/// Who panicked may have put anything in force.
#[test]
fn what_was_in_force_before_a_panic_is_applied_again() {
    let scene = Scene::with("a");
    let source = scene.source();
    scene.write("worse");
    assert!(matches!(source.reload().unwrap_err().problem, Problem::Panicked));
    scene.write("a");
    assert_eq!(source.reload().unwrap(), Outcome::Applied);
    assert_eq!(source.reload().unwrap(), Outcome::Unchanged);
}

#[test]
fn the_same_length_and_time() {
    let scene = Scene::with("aaaa");
    let time = fs::metadata(scene.path()).unwrap().modified().unwrap();
    let _watched = scene.watch(POLLED);
    scene.write("bbbb");
    File::options().write(true).open(scene.path()).unwrap().set_modified(time).unwrap();
    scene.until_in_force("bbbb");
}

#[test]
fn two_quick_changes() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let _watched = scene.watch(means);
        scene.write("b");
        scene.write("c");
        scene.until_in_force("c");
        let applied = scene.applied();
        assert!(applied == ["a", "c"] || applied == ["a", "b", "c"], "{applied:?}");
    }
}

/// Each piece would do as a whole.
#[test]
fn a_file_that_is_written_in_pieces() {
    let mut means = [REPORTED, POLLED].into_iter().peekable();
    while let Some(now) = means.peek() {
        let scene = Scene::with("a");
        let _watched = scene.watch(*now);
        let mut longest = Duration::ZERO;
        let mut since = Instant::now();
        let mut file = File::create(scene.path()).unwrap();
        for piece in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {
            file.write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(10));
            longest = longest.max(since.elapsed());
            since = Instant::now();
        }
        scene.until_in_force("0123456789");
        // On a busy machine, the writer may have paused; then it says nothing.
        if longest < Duration::from_millis(40) {
            assert_eq!(scene.applied(), ["a", "0123456789"]);
            means.next();
        }
    }
}

#[test]
fn a_file_that_is_written_all_the_time() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let _watched = scene.watch(means);
        let mut file = File::create(scene.path()).unwrap();
        until("some of it is in force", || {
            (&file).write_all(b"b").unwrap();
            scene.applied().len() > 1
        });
        file.write_all(b"c").unwrap();
        until("all of it is in force", || scene.in_force().ends_with('c'));
    }
}

#[cfg(unix)]
fn chmod(scene: &Scene, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(scene.path(), fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_write_is_refused() {
    for access in [Access::Public, Access::Private] {
        for mode in [0o620, 0o602, 0o666, 0o660] {
            let scene = Scene::with("a");
            chmod(&scene, mode);
            let error = scene.start(access).unwrap_err();
            assert!(error.to_string().contains(&format!("mode {mode:o}")), "{error}");
            assert!(scene.applied().is_empty());
        }
        for mode in [0o600, 0o400, 0o700] {
            let scene = Scene::with("a");
            chmod(&scene, mode);
            scene.start(access).unwrap();
            assert_eq!(scene.in_force(), "a");
        }
    }
    // Others may read what has no secrets, and what root provides.
    let is_root = rustix::process::geteuid().is_root();
    for mode in [0o644, 0o640, 0o440, 0o444] {
        let scene = Scene::with("a");
        chmod(&scene, mode);
        scene.start(Access::Public).unwrap();
        assert_eq!(scene.start(Access::Private).is_ok(), is_root, "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return; // it cannot be made; `permissions` has the table
    }
    let scene = Scene::with("a");
    std::os::unix::fs::chown(scene.path(), Some(4711), None).unwrap();
    for access in [Access::Public, Access::Private] {
        let error = scene.start(access).unwrap_err();
        assert!(error.to_string().contains("it belongs to user 4711"), "{error}");
    }
}

/// The kind: what fails open after the first load, and closed before.
#[test]
fn a_file_without_credentials_is_in_force_once_it_stays_so() {
    for means in [REPORTED, POLLED] {
        for nothing in ["", "# a comment\n\n", "\n \n#"] {
            let scene = Scene::with("a");
            let _watched = scene.watch(means);
            scene.replace(nothing);
            scene.until_in_force(nothing);
            scene.replace("b");
            scene.until_in_force("b");
        }
    }
}

#[test]
fn a_file_that_is_empty_for_a_moment_revokes_nothing() {
    let scene = Scene::with("a");
    let source = scene.source_by(Means { quiet_if_blank: LONG, ..POLLED });
    for nothing in ["", "# in a moment\n"] {
        scene.write(nothing);
        source.look();
        assert_eq!(scene.applied(), ["a"]);
    }
    scene.write("b");
    source.look();
    assert_eq!(scene.applied(), ["a", "b"]);
}

#[test]
fn reload_takes_a_file_without_credentials() {
    let scene = Scene::with("a");
    let watched = scene.watch(POLLED);
    scene.replace("# nobody");
    watched.reload().unwrap();
    assert_eq!(scene.in_force(), "# nobody");
}

/// The grace period has passed at once.
const NO_GRACE: Means = Means { grace: Duration::ZERO, ..POLLED };

#[test]
fn a_file_that_is_gone_for_the_grace_period_has_no_credentials() {
    let scene = Scene::with("a");
    let (none, long) = (scene.source_by(NO_GRACE), scene.source());
    fs::remove_file(scene.path()).unwrap();
    long.look();
    assert_eq!(scene.in_force(), "a", "within the grace period");
    none.look();
    none.look();
    assert_eq!(scene.applied(), ["a", "a", "gone"], "after it, and once");
    scene.write("a");
    none.look();
    assert_eq!(scene.in_force(), "a", "and it is back");
}

#[test]
fn a_file_whose_directory_is_gone_is_gone() {
    for is_a_file_now in [false, true] {
        let scene = Scene::with("");
        let path = scene.at("etc").join("users");
        fs::create_dir(scene.at("etc")).unwrap();
        fs::write(&path, "a").unwrap();
        let source = Source::start(&path, Access::Public, NO_GRACE, Box::new(scene.apply()));
        fs::remove_dir_all(scene.at("etc")).unwrap();
        if is_a_file_now {
            fs::write(scene.at("etc"), "").unwrap();
        }
        source.unwrap().look();
        assert_eq!(scene.in_force(), "gone");
    }
}

/// What is in force then is not known, which is no reason to keep it.
#[test]
fn a_file_that_is_gone_after_a_panic_has_no_credentials() {
    let scene = Scene::with("a");
    let source = scene.source_by(NO_GRACE);
    scene.write("worse");
    source.look();
    assert_eq!(scene.in_force(), "a");
    fs::remove_file(scene.path()).unwrap();
    source.look();
    assert_eq!(scene.in_force(), "gone");
}

/// The kind: a look that waits for somebody else, with a lock that others need.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_file_stops_nothing() {
    let scene = Scene::with("a");
    let watched = scene.watch(POLLED);
    for content in ["b", "c", "d"] {
        let pipe = scene.at("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::rename(&pipe, scene.path()).unwrap();
        assert!(matches!(watched.reload().unwrap_err().problem, Problem::NoFile));
        scene.replace(content);
        scene.until_in_force(content);
    }
}

/// As while a file server is away: whoever asks is answered all the same.
#[test]
fn a_reload_that_hangs_is_given_up() {
    let scene = Scene::with("a");
    let (answer, answered) = sync_channel::<()>(0);
    let (answered, apply) = (Mutex::new(answered), scene.apply());
    let hanging = move |content: Option<&[u8]>| {
        if content == Some(b"hangs") {
            let _ = answered.lock().unwrap().recv();
        }
        apply(content)
    };
    let means = Means { patience: Duration::from_millis(20), ..POLLED };
    let watched = Watched::start_by(means, &scene.path(), Access::Public, hanging).unwrap();
    scene.replace("hangs");
    until("it hangs", || {
        watched.late.lock().unwrap().strong_count() > 0 || watched.reload().is_err()
    });
    for _ in 0..3 {
        assert!(matches!(watched.reload().unwrap_err().problem, Problem::TooSlow));
    }
    assert_eq!(scene.applied(), ["a"]);
    let holders = Arc::strong_count(&watched.source);
    assert_eq!(holders, 3, "`watched`, the thread that looks, and one that reloads, not three");

    drop(answer);
    scene.until_in_force("hangs");
    scene.replace("b");
    until("it is reloaded again", || watched.reload().is_ok());
    scene.until_in_force("b");
}

#[test]
fn a_look_that_takes_long_is_reported_while_it_lasts() {
    let (tell, looked) = sync_channel(1);
    // It ends because it was reported.
    wait(&looked, Duration::ZERO, || tell.send(()).unwrap()).unwrap();
    let never = || panic!("it has ended");
    tell.send(()).unwrap();
    wait(&looked, LONG, never).unwrap();
    drop(tell);
    assert!(wait(&looked, LONG, never).is_err(), "nobody looks any more");
}

/// The kind: work that is done again and again for what has not changed.
#[test]
fn a_refused_content_is_not_read_again_at_once() {
    for (back_off, expected) in [(LONG, 1), (Duration::ZERO, 3)] {
        for (bad, still_bad) in [("bad", "bad again"), ("worse", "worse again")] {
            let scene = Scene::with("a");
            let source = scene.source_by(Means { back_off, ..POLLED });
            scene.write(bad);
            (0..3).for_each(|_| source.look());
            assert_eq!(scene.refused().len(), expected, "{bad}");
            scene.write(still_bad);
            source.look();
            assert_eq!(scene.refused().last().unwrap(), still_bad, "another content is read");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_private_file_must_stay_private() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        chmod(&scene, 0o600);
        let watched =
            Watched::start_by(means, &scene.path(), Access::Private, scene.apply()).unwrap();
        chmod(&scene, 0o666);
        scene.write("b");
        let error = watched.reload().unwrap_err();
        assert!(matches!(error.problem, Problem::Permission(_)), "{error}");
        assert_eq!(scene.applied(), ["a"]);
        // The permissions alone change.
        chmod(&scene, 0o600);
        scene.until_in_force("b");
    }
}

#[test]
fn a_file_of_the_largest_size() {
    let scene = Scene::with("");
    File::create(scene.path()).unwrap().set_len(16 << 20).unwrap();
    scene.start(Access::Public).unwrap();
    File::create(scene.path()).unwrap().set_len((16 << 20) + 1).unwrap();
    assert!(matches!(scene.start(Access::Public).unwrap_err().problem, Problem::TooLarge));
}

/// To open a pipe would be to wait, and a device has no end.
#[cfg(unix)]
#[test]
fn what_is_no_file() {
    let scene = Scene::with("");
    fs::remove_file(scene.path()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(scene.path()).status().unwrap();
    assert!(made.success());
    assert!(matches!(scene.start(Access::Public).unwrap_err().problem, Problem::NoFile));
    let zero = Watched::start("/dev/zero", Access::Public, scene.apply());
    assert!(matches!(zero.unwrap_err().problem, Problem::NoFile));
}

#[test]
fn the_first_failure_is_returned() {
    let scene = Scene::with("bad");
    assert!(matches!(scene.start(Access::Public).unwrap_err().problem, Problem::Refused(_)));
    scene.write("worse");
    assert!(matches!(scene.start(Access::Public).unwrap_err().problem, Problem::Panicked));
    fs::remove_file(scene.path()).unwrap();
    assert!(matches!(scene.start(Access::Public).unwrap_err().problem, Problem::Io(_)));
    let nameless = Watched::start("", Access::Public, scene.apply());
    assert!(matches!(nameless.unwrap_err().problem, Problem::Io(_)));
    scene.write("a");
    scene.start(Access::Public).unwrap();
}

/// Contents of many equal lines, so that a mixture shows, and counted, so that their order does.
#[test]
fn a_thousand_replacements_while_others_reload() {
    let scene = Scene::with("");
    let content = |number: usize| format!("{number}\n").repeat(500);
    scene.write(&content(0));
    let applied = Arc::new(Mutex::new(Vec::new()));
    let log = applied.clone();
    let apply = move |content: Option<&[u8]>| {
        let text = std::str::from_utf8(content.unwrap()).unwrap();
        let numbers: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        let whole = numbers.len() == 500 && numbers.iter().all(|number| *number == numbers[0]);
        log.lock().unwrap().push(numbers[0]);
        if whole { Ok(1) } else { Err("a mixture") }
    };
    let means = Means { notify: true, ..POLLED };
    let watched = Watched::start_by(means, &scene.path(), Access::Public, apply).unwrap();
    let is_in_force = |number| applied.lock().unwrap().last() == Some(&number);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                until("the last one is in force", || {
                    watched.reload().unwrap();
                    is_in_force(1000)
                });
            });
        }
        for number in 1..=1000 {
            scene.replace(&content(number));
            if number % 50 == 0 {
                until("it has caught up", || is_in_force(number));
            }
        }
    });
    let applied = applied.lock().unwrap();
    assert!(applied.is_sorted_by(|a, b| a < b), "an older one came after a newer: {applied:?}");
}

#[test]
fn watching_ends_when_it_is_dropped() {
    for means in [REPORTED, POLLED] {
        let scene = Scene::with("a");
        let owned = Arc::new(());
        let alive: Weak<()> = Arc::downgrade(&owned);
        let apply = move |_: Option<&[u8]>| -> Result<usize, String> {
            let _ = &owned;
            Ok(1)
        };
        let watched = Watched::start_by(means, &scene.path(), Access::Public, apply).unwrap();
        thread::sleep(Duration::from_millis(100));
        assert!(alive.upgrade().is_some(), "it does not end by itself");
        drop(watched);
        until("the thread has let go", || alive.upgrade().is_none());
    }
}

#[test]
fn reports_end_with_the_notifier() {
    let scene = Scene::with("a");
    let wake = Arc::new(sync_channel(1).0);
    let mut notifier = Notifier::new(Arc::downgrade(&wake));
    notifier.follow(&scene.path());
    assert_eq!(Arc::weak_count(&wake), 2, "its own, and its thread's");
    drop(notifier);
    until("both are gone", || Arc::weak_count(&wake) == 0);
}

#[test]
fn it_shows_its_path_alone() {
    let scene = Scene::with("a");
    let watched = scene.watch(POLLED);
    assert_eq!(format!("{watched:?}"), format!("Watched({:?})", scene.path()));
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What is logged on this thread. The subscriber is everybody's: one of this thread's alone may be
/// told nothing of what other threads log, too.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> Self {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::INFO)
            .with_ansi(false)
            .with_writer(|| Self)
            .finish();
        static ONCE: Once = Once::new();
        ONCE.call_once(|| tracing::subscriber::set_global_default(subscriber).unwrap());
        Self
    }

    /// Since the last look.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(LOG.take()).unwrap();
        text.lines().map(Into::into).collect()
    }

    #[track_caller]
    fn assert_one_line(&self, level: &str, path: &Path, text: &str) {
        let lines = self.lines();
        let is_it = |line: &String| {
            line.contains(level) && line.contains(path.to_str().unwrap()) && line.contains(text)
        };
        assert!(lines.len() == 1 && is_it(&lines[0]), "{text}: {lines:#?}");
    }
}

#[test]
fn each_failure_is_logged_once() {
    let scene = Scene::with("a");
    let path = &scene.path();
    let log = Log::start();
    let source = scene.source();
    let look = || (0..3).for_each(|_| source.look());
    look();
    assert!(log.lines().is_empty(), "all is well");

    for failing in ["bad", "bad again"] {
        scene.write(failing);
        look();
        log.assert_one_line("WARN", path, "line 1: it is bad");
    }
    let _ = source.reload();
    assert!(log.lines().is_empty(), "it was said before");
    scene.write("worse");
    look();
    log.assert_one_line("WARN", path, "panicked");
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the file is gone");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "in force");
    // It was back meanwhile, though as something else: the grace period begins anew.
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the file is gone");
    fs::create_dir(path).unwrap();
    look();
    log.assert_one_line("WARN", path, "it is no regular file");
    fs::remove_dir(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the file is gone");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "as before");
    // The same failure after things went well is another one.
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the file is gone");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "as before");
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_write_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;

    let log = Log::start();
    let (scene, linked) = (Scene::with("a"), Scene::with(""));
    fs::remove_file(linked.path()).unwrap();
    std::os::unix::fs::symlink(scene.path(), linked.path()).unwrap();
    for (mode, is_reported) in [
        (0o700, false),
        (0o755, false),
        (0o1777, false),
        (0o770, true),
        (0o777, true),
        (0o702, true),
    ] {
        fs::set_permissions(scene.dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        for scene in [&scene, &linked] {
            let source = scene.source();
            (0..3).for_each(|_| source.look());
            match is_reported {
                true => log.assert_one_line("WARN", &scene.path(), "may write to the directory"),
                false => assert!(log.lines().is_empty(), "{mode:o}"),
            }
        }
    }
}

/// Another file may take the place of the one whose type was looked at, before it is opened.
#[cfg(unix)]
#[test]
fn a_pipe_that_replaces_the_file_at_any_moment_stops_no_reload() {
    let scene = Scene::with("a");
    let watched = Arc::new(scene.watch(POLLED));
    let made = std::process::Command::new("mkfifo").arg(scene.at("pipe")).status().unwrap();
    assert!(made.success());
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            while !has_ended.load(Relaxed) {
                let _ = watched.reload();
            }
        });
        for _ in 0..5_000 {
            fs::hard_link(scene.at("pipe"), scene.at("next")).unwrap();
            fs::rename(scene.at("next"), scene.path()).unwrap();
            scene.replace("a");
        }
        has_ended.store(true, Relaxed);
        // A reload that had opened the pipe would wait for a writer until it is given up.
        until("a reload hangs", || reloading.is_finished());
    });
    scene.replace("b");
    watched.reload().unwrap();
    scene.until_in_force("b");
}
