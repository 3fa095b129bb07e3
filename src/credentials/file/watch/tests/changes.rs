//! How programs change a file.

use std::fs::File;
use std::io::Write as _;

use super::*;

#[test]
fn file_written_in_place_is_reloaded() {
    let scene = Scene::with("a");
    let _watcher = scene.watch();
    assert_eq!(scene.applied(), ["a"], "before `start` returns");
    scene.write("b");
    scene.until_active("b");
    // By a program that keeps it open, too.
    let mut file = File::options().append(true).open(scene.path()).unwrap();
    file.write_all(b"c").unwrap();
    scene.until_active("bc");
}

#[test]
fn file_replaced_by_rename_is_reloaded_once() {
    let scene = Scene::with("a");
    let _watcher = scene.watch();
    for content in ["b", "c", "d"] {
        scene.replace(content);
        scene.until_active(content);
    }
    assert_eq!(scene.applied(), ["a", "b", "c", "d"], "each once");
}

/// `users -> ..data/users`, `..data -> ..1`, where `..data` is replaced.
#[cfg(unix)]
#[test]
fn file_replaced_by_kubernetes_is_reloaded() {
    use std::os::unix::fs::symlink;

    fn publish(scene: &Scene, version: &str, content: &str) {
        fs::create_dir(scene.at(version)).unwrap();
        fs::write(scene.at(version).join("users"), content).unwrap();
        symlink(version, scene.at("..data_tmp")).unwrap();
        fs::rename(scene.at("..data_tmp"), scene.at("..data")).unwrap();
    }

    let scene = Scene::with("");
    fs::remove_file(scene.path()).unwrap();
    symlink("..data/users", scene.path()).unwrap();
    publish(&scene, "..1", "a");

    let _watcher = scene.watch();
    publish(&scene, "..2", "b");
    fs::remove_dir_all(scene.at("..1")).unwrap();
    scene.until_active("b");
    publish(&scene, "..3", "c");
    fs::remove_dir_all(scene.at("..2")).unwrap();
    scene.until_active("c");
    fs::write(scene.at("..3").join("users"), "d").unwrap();
    scene.until_active("d");
    assert_eq!(scene.applied(), ["a", "b", "c", "d"]);
}

#[cfg(unix)]
#[test]
fn link_and_its_target_may_change() {
    let (scene, elsewhere) = (Scene::with(""), Scene::with("a"));
    fs::remove_file(scene.path()).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), scene.path()).unwrap();
    let _watcher = scene.watch();
    elsewhere.write("b");
    scene.until_active("b");
    elsewhere.replace("c");
    scene.until_active("c");
    scene.replace("a file now");
    scene.until_active("a file now");
}

#[test]
fn directory_may_be_replaced() {
    let scene = Scene::with("");
    let path = scene.at("etc").join("users");
    let make = |content| {
        fs::create_dir(scene.at("etc")).unwrap();
        fs::write(&path, content).unwrap();
    };
    make("a");
    let _watcher = Watcher::start(&path, Access::Public, scene.apply()).unwrap();
    for (moved_to, content) in [("old", "b"), ("older", "c")] {
        fs::rename(scene.at("etc"), scene.at(moved_to)).unwrap();
        make(content);
        scene.until_active(content);
    }
    fs::write(&path, "d").unwrap();
    scene.until_active("d");
}

#[test]
fn change_with_the_same_length_and_time_is_seen() {
    let scene = Scene::with("aaaa");
    let time = fs::metadata(scene.path()).unwrap().modified().unwrap();
    let _watcher = scene.watch();
    scene.write("bbbb");
    File::options().write(true).open(scene.path()).unwrap().set_modified(time).unwrap();
    scene.until_active("bbbb");
}

#[test]
fn two_quick_changes_load_the_second() {
    let scene = Scene::with("a");
    let _watcher = scene.watch();
    scene.write("b");
    scene.write("c");
    scene.until_active("c");
    let applied = scene.applied();
    assert!(applied == ["a", "c"] || applied == ["a", "b", "c"], "{applied:?}");
}

/// Each piece would be valid by itself.
#[test]
fn file_written_in_pieces_is_loaded_whole() {
    loop {
        let scene = Scene::with("a");
        let _watcher = scene.watch();
        let mut longest = Duration::ZERO;
        let mut since = Instant::now();
        let mut file = File::create(scene.path()).unwrap();
        for piece in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] {
            file.write_all(piece.as_bytes()).unwrap();
            thread::sleep(Duration::from_millis(10));
            longest = longest.max(since.elapsed());
            since = Instant::now();
        }
        scene.until_active("0123456789");
        // On a busy machine, the writer may have paused for too long; then nothing is shown.
        if longest < Duration::from_millis(40) {
            assert_eq!(scene.applied(), ["a", "0123456789"]);
            return;
        }
    }
}

#[test]
fn file_written_all_the_time_is_loaded() {
    let scene = Scene::with("a");
    let _watcher = scene.watch();
    let mut file = File::create(scene.path()).unwrap();
    until("a part is active", || {
        (&file).write_all(b"b").unwrap();
        scene.applied().len() > 1
    });
    file.write_all(b"c").unwrap();
    until("all of it is active", || scene.active().ends_with('c'));
}

#[test]
fn active_content_is_not_applied_again() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    scene.write("a");
    assert_eq!(watcher.reload().unwrap(), Outcome::Unchanged);
    scene.replace("a");
    assert_eq!(watcher.reload().unwrap(), Outcome::Unchanged);
    scene.write("bad");
    assert_eq!(watcher.reload().unwrap_err().kind(), CredentialFileErrorKind::InvalidLine);
    scene.write("a");
    assert_eq!(watcher.reload().unwrap(), Outcome::Unchanged);
    scene.replace("b");
    scene.until_active("b");
    assert_eq!(scene.applied(), ["a", "b"]);
}
