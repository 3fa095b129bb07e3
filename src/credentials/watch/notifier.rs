//! What the operating system reports of changes, where it does.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Weak;
use std::sync::mpsc::SyncSender;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tracing::warn;

use super::file_version::Identity;

/// How often a file is followed that keeps moving. There will be another time.
const ATTEMPTS: u32 = 3;

/// Wakes who waits when something happens to a file.
///
/// The directory is watched, not the file: a file that is replaced by rename is another one, and
/// nothing happens to the new one. Where a link leads elsewhere, it is both directories; Kubernetes
/// replaces the second one.
pub(super) struct Notifier {
    wake: Weak<SyncSender<()>>,
    places: Vec<Place>,
    watcher: Option<RecommendedWatcher>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Place {
    pub(super) directory: PathBuf,
    identity: Identity,
}

impl Notifier {
    pub(super) fn new(wake: Weak<SyncSender<()>>) -> Self {
        Self { wake, places: Vec::new(), watcher: None }
    }

    /// Watches where the file is now, which may be somewhere else than before.
    pub(super) fn follow(&mut self, file: &Path) {
        let mut failure = None;
        // Until it is still there once it is watched.
        for _ in 0..ATTEMPTS {
            let places = places(file);
            if places == self.places {
                break;
            }
            // It panics where it gets no thread, and this one must go on.
            let watched = catch_unwind(AssertUnwindSafe(|| self.watch(&places)));
            failure = watched.unwrap_or_else(|_| Some("there is no thread for it".into()));
            self.places = places;
        }
        if let Some(error) = failure {
            warn!(path = ?file, error, "changes are not all reported: they take longer to be seen");
        }
    }

    /// Watches these places alone, and says why not, if it is not all of them.
    fn watch(&mut self, places: &[Place]) -> Option<String> {
        self.watcher = None;
        let wake = self.wake.clone();
        let watcher = notify::recommended_watcher(move |event| {
            if is_change(&event)
                && let Some(wake) = wake.upgrade()
            {
                // Where it is full, somebody is about to look.
                let _ = wake.try_send(());
            }
        });
        let mut failure = None;
        match watcher {
            Err(error) => failure = Some(error.to_string()),
            Ok(mut watcher) => {
                for place in places {
                    let watched = watcher.watch(&place.directory, RecursiveMode::NonRecursive);
                    failure = failure.or(watched.err().map(|error| error.to_string()));
                }
                self.watcher = Some(watcher);
            }
        }
        failure
    }
}

/// The directory that was named, and the one in which the file is.
pub(super) fn places(file: &Path) -> Vec<Place> {
    let real = file.canonicalize().ok();
    let mut places: Vec<Place> = Vec::new();
    for file in [Some(file), real.as_deref()].into_iter().flatten() {
        let Some(directory) = file.parent() else { continue };
        let Ok(metadata) = fs::metadata(directory) else { continue };
        let identity = Identity::of(&metadata);
        if places.iter().all(|place| place.identity != identity) {
            places.push(Place { directory: directory.into(), identity });
        }
    }
    places
}

/// Whether to look at the file. To look is to open it, which is reported as well.
fn is_change(event: &notify::Result<Event>) -> bool {
    match event {
        Ok(Event { kind: EventKind::Access(access), .. }) => {
            *access == AccessKind::Close(AccessMode::Write)
        }
        // An error may stand for anything.
        _ => true,
    }
}
