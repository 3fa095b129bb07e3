//! Files that cannot be read, and contents that are rejected.

use std::fs::File;

use super::*;

#[test]
fn first_failure_is_returned() {
    let scene = Scene::with("bad");
    assert_eq!(scene.start_error(), CredentialFileErrorKind::InvalidLine);
    scene.write("worse");
    assert_eq!(scene.start_error(), CredentialFileErrorKind::Internal);
    fs::remove_file(scene.path()).unwrap();
    assert_eq!(scene.start_error(), CredentialFileErrorKind::Io);
    let nameless = Watcher::start(Path::new(""), Access::Public, scene.apply());
    assert_eq!(nameless.unwrap_err().kind(), CredentialFileErrorKind::Io);
    scene.write("a");
    scene.start(Access::Public).unwrap();
}

#[test]
fn rejected_content_keeps_the_previous_version() {
    for bad in ["bad", "worse"] {
        let scene = Scene::with("a");
        let _watcher = scene.watch();
        scene.write(bad);
        until("it is rejected", || scene.rejected().contains(&bad.into()));
        assert_eq!(scene.applied(), ["a"]);
        scene.write("b");
        scene.until_active("b");
    }
}

#[test]
fn rejected_content_is_tried_again() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    scene.write("bad");
    let tries = || scene.rejected().iter().filter(|content| *content == "bad").count();
    until("it has been tried three times", || tries() >= 3);
    let error = watcher.reload().unwrap_err();
    assert_eq!((error.path(), error.line()), (Some(&*scene.path()), Some(1)));
    assert_eq!(error.to_string(), format!("{}:1: it is bad", scene.path().display()));
}

/// The kind of fault: work that is repeated all the time for a file that has not changed.
#[test]
fn rejected_content_is_not_read_again_at_once() {
    for (bad, still_bad) in [("bad", "bad again"), ("worse", "worse again")] {
        let scene = Scene::with("a");
        let source = scene.source();
        scene.write(bad);
        source.look();
        source.retry_after(LONG);
        (0..2).for_each(|_| source.look());
        assert_eq!(scene.rejected().len(), 1, "{bad}");
        for tries in 2..4 {
            source.retry_after(Duration::ZERO);
            source.look();
            assert_eq!(scene.rejected().len(), tries, "{bad}");
        }
        source.retry_after(LONG);
        scene.write(still_bad);
        source.look();
        assert_eq!(scene.rejected().last().unwrap(), still_bad, "another content is read");
    }
}

/// The code that panicked may have activated anything.
#[test]
fn previous_content_is_applied_again_after_a_panic() {
    let scene = Scene::with("a");
    let source = scene.source();
    scene.write("worse");
    assert_eq!(source.reload().unwrap_err().kind(), CredentialFileErrorKind::Internal);
    scene.write("a");
    assert_eq!(source.reload().unwrap(), Outcome::Applied);
    assert_eq!(source.reload().unwrap(), Outcome::Unchanged);
}

#[test]
fn directory_in_place_of_the_file_is_rejected() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    fs::remove_file(scene.path()).unwrap();
    fs::create_dir(scene.path()).unwrap();
    assert_eq!(watcher.reload().unwrap_err().kind(), CredentialFileErrorKind::NotRegularFile);
    assert_eq!(scene.applied(), ["a"]);

    fs::remove_dir(scene.path()).unwrap();
    scene.write("b");
    scene.until_active("b");
}

/// Opening a pipe blocks, and a device has no end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_rejected() {
    let scene = Scene::with("");
    fs::remove_file(scene.path()).unwrap();
    make_pipe(scene.path());
    assert_eq!(scene.start_error(), CredentialFileErrorKind::NotRegularFile);
    let zero = Watcher::start(Path::new("/dev/zero"), Access::Public, scene.apply());
    assert_eq!(zero.unwrap_err().kind(), CredentialFileErrorKind::NotRegularFile);
}

#[test]
fn files_above_the_maximum_size_are_rejected() {
    let scene = Scene::with("");
    File::create(scene.path()).unwrap().set_len(16 << 20).unwrap();
    scene.start(Access::Public).unwrap();
    File::create(scene.path()).unwrap().set_len((16 << 20) + 1).unwrap();
    assert_eq!(scene.start_error(), CredentialFileErrorKind::TooLarge);
}
