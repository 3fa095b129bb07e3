//! Threads: reloads during looks, file systems that block, and the end of watching.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use super::*;

/// The kind of fault: a look that blocks, with a lock that others need.
#[cfg(unix)]
#[test]
fn pipe_in_place_of_the_file_blocks_nothing() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    for content in ["b", "c", "d"] {
        make_pipe(scene.at("pipe"));
        fs::rename(scene.at("pipe"), scene.path()).unwrap();
        assert_eq!(watcher.reload().unwrap_err().kind(), CredentialFileErrorKind::NotRegularFile);
        scene.replace(content);
        scene.until_active(content);
    }
}

/// Another file may take the place of the one whose type was checked, before it is opened.
#[cfg(unix)]
#[test]
fn pipe_that_replaces_the_file_at_any_moment_blocks_no_reload() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    make_pipe(scene.at("pipe"));
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let reloading = scope.spawn(|| {
            while !has_ended.load(Relaxed) {
                let _ = watcher.reload();
            }
        });
        for _ in 0..5_000 {
            fs::hard_link(scene.at("pipe"), scene.at("next")).unwrap();
            fs::rename(scene.at("next"), scene.path()).unwrap();
            scene.replace("a");
        }
        has_ended.store(true, Relaxed);
        // A reload that had opened the pipe would wait for a writer until it is given up.
        until("no reload runs", || reloading.is_finished());
    });
    scene.replace("b");
    watcher.reload().unwrap();
    scene.until_active("b");
}

/// A reload hangs while a file server is unavailable.
#[test]
fn reload_that_hangs_is_given_up() {
    let scene = Scene::with("a");
    let (respond, responded) = sync_channel::<()>(0);
    let (responded, apply) = (Mutex::new(responded), scene.apply());
    let hanging = move |content: Option<&[u8]>| {
        if content == Some(b"hangs") {
            let _ = responded.lock().unwrap().recv();
        }
        apply(content)
    };
    let watcher = Watcher::start(&scene.path(), Access::Public, hanging).unwrap();
    let reload = || watcher.reload_within(Duration::from_millis(20));
    scene.replace("hangs");
    until("it hangs", || watcher.overdue.lock().unwrap().strong_count() > 0 || reload().is_err());
    for _ in 0..3 {
        assert_eq!(reload().unwrap_err().kind(), CredentialFileErrorKind::TimedOut);
    }
    assert_eq!(scene.applied(), ["a"]);
    let holders = Arc::strong_count(&watcher.source);
    assert_eq!(holders, 3, "the watcher, the thread that looks, and one that reloads, not three");

    drop(respond);
    scene.until_active("hangs");
    scene.replace("b");
    until("it is reloaded again", || reload().is_ok());
    scene.until_active("b");
}

#[test]
fn slow_look_is_logged_while_it_lasts() {
    let (done, looked) = sync_channel(1);
    // The look is done once it has been logged.
    wait(&looked, Duration::ZERO, || done.send(()).unwrap()).unwrap();
    let never = || panic!("the look is done");
    done.send(()).unwrap();
    wait(&looked, LONG, never).unwrap();
    drop(done);
    assert!(wait(&looked, LONG, never).is_err(), "the thread has ended");
}

/// Contents of many equal lines, which reveal a mixture, and numbered, which reveals their order.
#[test]
fn thousand_replacements_are_applied_in_order_and_whole() {
    let scene = Scene::with("");
    let content = |number: usize| format!("{number}\n").repeat(500);
    scene.write(&content(0));
    let applied = Arc::new(Mutex::new(Vec::new()));
    let log = applied.clone();
    let apply = move |content: Option<&[u8]>| {
        let text = str::from_utf8(content.unwrap()).unwrap();
        let numbers: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
        let is_whole = numbers.len() == 500 && numbers.iter().all(|number| *number == numbers[0]);
        log.lock().unwrap().push(numbers[0]);
        let mixture = || CredentialFileError::new(CredentialFileErrorKind::Internal, "a mixture");
        if is_whole { Ok(1) } else { Err(mixture()) }
    };
    let watcher = Watcher::start(&scene.path(), Access::Public, apply).unwrap();
    let is_active = |number| applied.lock().unwrap().last() == Some(&number);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                until("the last one is active", || {
                    watcher.reload().unwrap();
                    is_active(1000)
                });
            });
        }
        for number in 1..=1000 {
            scene.replace(&content(number));
            if number % 50 == 0 {
                until("it has caught up", || is_active(number));
            }
        }
    });
    let applied = applied.lock().unwrap();
    assert!(applied.is_sorted_by(|a, b| a < b), "an older content after a newer: {applied:?}");
}

#[test]
fn watching_ends_when_the_watcher_is_dropped() {
    let scene = Scene::with("a");
    let owned = Arc::new(());
    let alive: Weak<()> = Arc::downgrade(&owned);
    let apply = move |_: Option<&[u8]>| {
        let _ = &owned;
        Ok(1)
    };
    let watcher = Watcher::start(&scene.path(), Access::Public, apply).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert!(alive.upgrade().is_some(), "it does not end by itself");
    drop(watcher);
    until("the threads have ended", || alive.upgrade().is_none());
}

#[test]
fn debug_shows_only_the_path() {
    let scene = Scene::with("a");
    let watcher = scene.watch();
    assert_eq!(format!("{watcher:?}"), format!("Watcher({:?})", scene.path()));
}
