//! Files that are missing or have no credentials.

use super::*;

#[test]
fn missing_file_keeps_its_credentials_until_it_is_back() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    fs::remove_file(scene.path()).unwrap();
    let error = watcher.reload().unwrap_err();
    assert_eq!(error.kind(), CredentialFileErrorKind::Io);
    assert_eq!(error.path(), Some(&*scene.path()));
    assert_eq!(scene.applied(), ["a"]);

    scene.write("b");
    scene.until_active("b");
}

#[test]
fn missing_file_is_revoked_once_after_the_grace_period() {
    let scene = Scene::with("a");
    let source = scene.source();
    fs::remove_file(scene.path()).unwrap();
    source.look();
    assert_eq!(scene.applied(), ["a"], "within the grace period");
    source.end_grace();
    source.look();
    source.look();
    assert_eq!(scene.applied(), ["a", "missing"], "after it, and once");
    scene.write("a");
    source.look();
    assert_eq!(scene.active(), "a", "the file is back");
    fs::remove_file(scene.path()).unwrap();
    source.look();
    assert_eq!(scene.active(), "a", "there is another grace period");
}

#[test]
fn missing_policy_stays_active_after_the_grace_period() {
    let scene = Scene::with("a");
    let source = Source::start(&scene.path(), Access::Policy, Box::new(scene.apply())).unwrap();
    fs::remove_file(scene.path()).unwrap();
    source.look();
    source.end_grace();
    source.look();
    assert_eq!(scene.applied(), ["a"]);
    scene.write("b");
    source.look();
    assert_eq!(scene.active(), "b", "the file is back");
}

#[test]
fn file_without_its_directory_is_missing() {
    for is_a_file_now in [false, true] {
        let scene = Scene::with("");
        let path = scene.at("etc").join("users");
        fs::create_dir(scene.at("etc")).unwrap();
        fs::write(&path, "a").unwrap();
        let source = Source::start(&path, Access::Public, Box::new(scene.apply())).unwrap();
        fs::remove_dir_all(scene.at("etc")).unwrap();
        if is_a_file_now {
            fs::write(scene.at("etc"), "").unwrap();
        }
        source.look();
        source.end_grace();
        source.look();
        assert_eq!(scene.active(), "missing");
    }
}

/// What is active after a panic is unknown, which is no reason to keep it.
#[test]
fn file_missing_after_a_panic_is_revoked() {
    let scene = Scene::with("a");
    let source = scene.source();
    scene.write("worse");
    source.look();
    assert_eq!(scene.active(), "a");
    fs::remove_file(scene.path()).unwrap();
    source.look();
    source.end_grace();
    source.look();
    assert_eq!(scene.active(), "missing");
}

/// The kind of fault: a file without credentials is rejected at first, and revokes nothing later.
#[test]
fn file_without_credentials_is_applied_once_unchanged() {
    for nothing in ["", "# a comment\n\n", "\n \n#"] {
        let scene = Scene::with("a");
        let _watcher = scene.watch();
        scene.replace(nothing);
        scene.until_active(nothing);
        scene.replace("b");
        scene.until_active("b");
    }
}

#[test]
fn file_empty_for_a_moment_revokes_nothing() {
    let scene = Scene::with("a");
    let source = scene.source();
    for nothing in ["", "# in a moment\n"] {
        scene.write(nothing);
        source.look_for(LONG);
        assert_eq!(scene.applied(), ["a"]);
    }
    scene.write("b");
    source.look();
    assert_eq!(scene.applied(), ["a", "b"]);
}

#[test]
fn reload_applies_a_file_without_credentials() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    scene.replace("# nothing");
    watcher.reload().unwrap();
    assert_eq!(scene.active(), "# nothing");
}
