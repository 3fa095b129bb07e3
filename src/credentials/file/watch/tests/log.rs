//! What is logged.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use tracing_subscriber::filter::LevelFilter;

use super::*;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What this thread logs. The subscriber is global, as one of this thread alone may miss what other
/// threads log, too.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
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

    /// Returns the lines since the last call.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(LOG.take()).unwrap();
        text.lines().map(Into::into).collect()
    }

    #[track_caller]
    fn assert_one_line(&self, level: &str, path: &Path, text: &str) {
        let lines = self.lines();
        let is_expected = |line: &String| {
            line.contains(level) && line.contains(path.to_str().unwrap()) && line.contains(text)
        };
        assert!(lines.len() == 1 && is_expected(&lines[0]), "{text}: {lines:#?}");
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
    assert!(log.lines().is_empty(), "the file is valid");

    for failing in ["bad", "bad again"] {
        scene.write(failing);
        look();
        log.assert_one_line("WARN", path, "line 1: it is bad");
    }
    let _ = source.reload();
    assert!(log.lines().is_empty(), "it was logged before");
    scene.write("worse");
    look();
    log.assert_one_line("WARN", path, "panicked");
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the credential file is missing");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "credential file reloaded");
    // It is back for a moment, though as something else: the grace period begins again.
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the credential file is missing");
    fs::create_dir(path).unwrap();
    look();
    log.assert_one_line("WARN", path, "not a regular file");
    fs::remove_dir(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the credential file is missing");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "credential file valid again, unchanged");
    // The same failure after a success is another one.
    fs::remove_file(path).unwrap();
    look();
    log.assert_one_line("ERROR", path, "the credential file is missing");
    scene.write("b");
    look();
    log.assert_one_line("INFO", path, "credential file valid again, unchanged");
}

#[cfg(unix)]
#[test]
fn directory_writable_by_others_is_logged() {
    use std::os::unix::fs::PermissionsExt as _;

    let log = Log::start();
    let (scene, linked) = (Scene::with("a"), Scene::with(""));
    fs::remove_file(linked.path()).unwrap();
    std::os::unix::fs::symlink(scene.path(), linked.path()).unwrap();
    for (mode, is_logged) in [
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
            if is_logged {
                log.assert_one_line("WARN", &scene.path(), "may write to the directory");
            } else {
                assert!(log.lines().is_empty(), "{mode:o}");
            }
        }
    }
}

#[test]
fn policies_are_logged_as_policies() {
    let scene = Scene::with("a");
    let log = Log::start();
    let source = Source::start(&scene.path(), Access::Policy, Box::new(scene.apply())).unwrap();
    let _ = log.lines();
    let path = scene.path();
    scene.replace("b");
    source.look();
    log.assert_one_line("INFO", &path, "policy file reloaded");
    scene.replace("bad");
    source.look();
    log.assert_one_line("WARN", &path, "keeping the previous version");
    fs::remove_file(&path).unwrap();
    source.look();
    log.assert_one_line("ERROR", &path, "the previous policy stays active");
    scene.replace("b");
    source.look();
    log.assert_one_line("INFO", &path, "policy file valid again, unchanged");
}
