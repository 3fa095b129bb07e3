//! By what a file is known to be unchanged without reading it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How coarse the times of a file may be: FAT counts in two seconds.
const COARSEST: Duration = Duration::from_secs(2);

/// What differs, sooner or later, between a file and the same file after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    identity: Identity,
    len: u64,
    modified: Option<SystemTime>,
    /// When anything changed, its permissions included. Nobody can set it back.
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            identity: Identity::of(file),
            len: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Whether nobody wrote in between. A file that was replaced by another is whole, though it
    /// changed: it has lost its name.
    pub(super) fn has_data_of(&self, later: &Self) -> bool {
        (&self.identity, self.len, self.modified) == (&later.identity, later.len, later.modified)
    }
}

/// Which file or directory it is, whatever its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
    /// A removed file's inode is soon another's. Not every system knows.
    created: Option<SystemTime>,
}

impl Identity {
    pub(super) fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            #[cfg(unix)]
            device_and_inode: (file.dev(), file.ino()),
            created: file.created().ok(),
        }
    }
}

/// A stamp, and what the file was read under it.
///
/// Two changes in quick succession may leave the same times behind. So a file is read again until
/// a reading began so long after the stamp was first seen that any later change has another one.
/// No clock is compared with the file's times: a file server has a clock of its own.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) stamp: Stamp,
    seen: Instant,
    begun: Instant,
}

impl Reading {
    /// A reading that begins now, of a file that has this stamp.
    pub(super) fn begin(stamp: Stamp) -> Self {
        let now = Instant::now();
        Self { stamp, seen: now, begun: now }
    }

    /// Takes over since when the stamp has been known.
    pub(super) fn after(mut self, earlier: Option<Self>) -> Self {
        if let Some(earlier) = earlier.filter(|earlier| earlier.stamp == self.stamp) {
            self.seen = earlier.seen;
        }
        self
    }

    /// Whether what was read is what the file has in it now.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|file| self.vouches_for(&Stamp::of(&file)))
    }

    fn vouches_for(&self, stamp: &Stamp) -> bool {
        self.stamp == *stamp && self.begun.duration_since(self.seen) >= COARSEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp::of(&tempfile::tempfile().unwrap().metadata().unwrap())
    }

    #[test]
    fn a_stamp_vouches_for_the_content_once_it_is_old_enough() {
        let stamp = stamp();
        let first = Reading::begin(stamp.clone());
        let at = first.seen;
        assert!(!first.vouches_for(&stamp), "it was seen for the first time");

        let early = Reading { begun: at + COARSEST - Duration::from_nanos(1), ..first };
        assert!(!early.vouches_for(&stamp));
        let late = Reading { begun: at + COARSEST, ..early };
        assert!(late.vouches_for(&stamp));
    }

    #[test]
    fn a_stamp_is_as_old_as_its_first_reading() {
        let stamp = stamp();
        let long_ago = Instant::now();
        let earlier = |stamp| Reading { stamp, seen: long_ago, begun: long_ago };
        let recent = || {
            let seen = long_ago + Duration::from_nanos(1);
            Reading { stamp: stamp.clone(), seen, begun: long_ago + COARSEST }
        };
        assert!(!recent().after(None).vouches_for(&stamp));
        assert!(recent().after(Some(earlier(stamp.clone()))).vouches_for(&stamp));
        let other = Stamp { len: stamp.len + 1, ..stamp.clone() };
        assert!(!recent().after(Some(earlier(other))).vouches_for(&stamp));
    }

    #[test]
    fn every_part_of_a_stamp_counts() {
        let stamp = stamp();
        let old = Reading::begin(stamp.clone());
        let old = Reading { begun: old.seen + COARSEST, ..old };
        let later = |time: Option<SystemTime>| match time {
            Some(time) => time + Duration::from_micros(1),
            None => SystemTime::now(),
        };
        let mut others = vec![stamp.clone(); 3];
        others[0].len += 1;
        others[1].modified = Some(later(stamp.modified));
        others[2].identity.created = Some(later(stamp.identity.created));
        #[cfg(unix)]
        {
            let at = others.len();
            others.extend(vec![stamp.clone(); 4]);
            others[at].identity.device_and_inode.0 += 1;
            others[at + 1].identity.device_and_inode.1 += 1;
            others[at + 2].changed.0 += 1;
            others[at + 3].changed.1 += 1;
        }
        assert!(old.vouches_for(&stamp));
        for other in others {
            assert!(!old.vouches_for(&other), "{other:?}");
        }
    }
}
