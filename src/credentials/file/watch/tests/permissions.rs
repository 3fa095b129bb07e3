//! Owner and mode of the file.
#![cfg(unix)]

use super::*;

#[test]
fn files_writable_by_others_are_rejected() {
    for access in [Access::Public, Access::Private] {
        for mode in [0o620, 0o602, 0o666, 0o660] {
            let scene = Scene::with("a");
            chmod(&scene, mode);
            let error = scene.start(access).unwrap_err();
            assert_eq!(error.kind(), CredentialFileErrorKind::Permissions);
            assert!(error.to_string().contains(&format!("mode {mode:o}")), "{error}");
            assert!(scene.applied().is_empty());
        }
        for mode in [0o600, 0o400, 0o700] {
            let scene = Scene::with("a");
            chmod(&scene, mode);
            scene.start(access).unwrap();
            assert_eq!(scene.active(), "a");
        }
    }
    // Other users may read files without secrets, and those that root provides.
    let is_root = rustix::process::geteuid().is_root();
    for mode in [0o644, 0o640, 0o440, 0o444] {
        let scene = Scene::with("a");
        chmod(&scene, mode);
        scene.start(Access::Public).unwrap();
        assert_eq!(scene.start(Access::Private).is_ok(), is_root, "{mode:o}");
    }
}

#[test]
fn files_of_another_user_are_rejected() {
    if !rustix::process::geteuid().is_root() {
        return; // such a file cannot be made; the unit tests of `permissions` have a table
    }
    let scene = Scene::with("a");
    std::os::unix::fs::chown(scene.path(), Some(4711), None).unwrap();
    for access in [Access::Public, Access::Private] {
        let error = scene.start(access).unwrap_err();
        assert_eq!(error.kind(), CredentialFileErrorKind::Permissions);
        assert!(error.to_string().contains("belongs to user 4711"), "{error}");
    }
}

#[test]
fn private_file_must_stay_private() {
    let scene = Scene::with("a");
    chmod(&scene, 0o600);
    let watcher = scene.start(Access::Private).unwrap();
    chmod(&scene, 0o666);
    scene.write("b");
    assert_eq!(watcher.reload().unwrap_err().kind(), CredentialFileErrorKind::Permissions);
    assert_eq!(scene.applied(), ["a"]);
    // Only the permissions change.
    chmod(&scene, 0o600);
    scene.until_active("b");
}
